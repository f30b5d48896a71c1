//! The figures to reach, each a ratio of two contestants of one group.

use crate::results::Row;

/// A figure, and who reaches it against whom.
pub struct Figure {
    pub figure: &'static str,
    pub group: &'static str,
    pub size: Option<usize>,
    pub threads: usize,
    pub of: &'static str,
    pub to: &'static str,
    pub bound: Bound,
    pub goal: f64,
}

/// What a figure limits.
#[derive(Clone, Copy)]
pub enum Bound {
    /// How fast `of` is, as a part of the speed of `to`.
    AtLeast,
    /// How long `of` takes, in the times of `to`.
    AtMost,
    /// How many nanoseconds longer `of` takes than `to`.
    Longer,
}

/// What a run has reached.
pub struct Reached {
    pub ratio: f64,
    /// For two threads, what arithmetic alone had meanwhile.
    pub to_be_had: Option<f64>,
}

impl Bound {
    pub const fn name(self) -> &'static str {
        match self {
            Self::AtLeast => "at least",
            Self::AtMost | Self::Longer => "at most",
        }
    }

    pub fn holds(self, reached: f64, goal: f64) -> bool {
        match self {
            Self::AtLeast => reached >= goal,
            Self::AtMost | Self::Longer => reached <= goal,
        }
    }
}

/// The names of contestants that others are held against.
pub const SEAL_FRESH: &str = "aws-lc-rs, fresh key";
pub const OPEN_FRESH: &str = "aws-lc-rs, key set up each time";
pub const OPEN_CACHED: &str = "aws-lc-rs, cached key";
pub const RAW_SEAL: &str = "libkmshsm raw, fresh key";
pub const RAW_OPEN: &str = "libkmshsm raw, key set up each time";
pub const RAW: &str = "libkmshsm raw";
pub const RAW_ENVELOPE: &str = "an envelope raw, by aws-lc-rs";
pub const AWS_LC: &str = "aws-lc-rs";
pub const P256_SIGN: &str = "aws-lc-rs, P-256";
pub const SM2: &str = "RustCrypto sm2";
pub const SM4: &str = "RustCrypto, fresh key";
pub const GCRYPT: &str = "libgcrypt, fresh key";
pub const C_ENCRYPT: &str = "SoftHSM2 C_Encrypt";
pub const C_SIGN: &str = "SoftHSM2 C_Sign";
pub const GETRANDOM: &str = "getrandom";
const ONE_THREAD: &str = "the same on one thread";

/// All of them, in the order of the goals.
pub fn figures() -> Vec<Figure> {
    let [encrypt, decrypt, sign] = ["kmshsm_encrypt", "kmshsm_decrypt", "kmshsm_sign"];
    let figure = |figure, goal, group, size, of, to| {
        let size = (size > 0).then_some(size);
        Figure { figure, group, size, threads: 1, of, to, bound: Bound::AtLeast, goal }
    };
    let pair = |name, group, size, of| Figure {
        threads: 2,
        ..figure(name, 1.9, group, size, of, ONE_THREAD)
    };
    let most = |name, goal, group, size, of, to| Figure {
        bound: Bound::AtMost,
        ..figure(name, goal, group, size, of, to)
    };
    let beside_gcrypt = if has_avx512() { 1.2 } else { 1.0 };
    vec![
        figure(
            "AES-256 Encrypt through C, 6 KiB",
            0.88,
            "AES-256 encrypt",
            6144,
            encrypt,
            SEAL_FRESH,
        ),
        figure(
            "AES-256 Encrypt through C, 4 KiB",
            0.88,
            "AES-256 encrypt",
            4096,
            encrypt,
            SEAL_FRESH,
        ),
        figure("AES-256 Encrypt through C, 32 B", 0.6, "AES-256 encrypt", 32, encrypt, SEAL_FRESH),
        figure(
            "AES-256 Decrypt through C, 6 KiB",
            0.88,
            "AES-256 decrypt",
            6144,
            decrypt,
            OPEN_FRESH,
        ),
        figure(
            "AES-256 Decrypt through C, 4 KiB",
            0.88,
            "AES-256 decrypt",
            4096,
            decrypt,
            OPEN_FRESH,
        ),
        figure("AES-256 Decrypt through C, 32 B", 0.6, "AES-256 decrypt", 32, decrypt, OPEN_FRESH),
        figure(
            "AES-256 Encrypt beside SoftHSM2, 4 KiB",
            12.0,
            "AES-256 encrypt",
            4096,
            encrypt,
            C_ENCRYPT,
        ),
        figure("SM4-GCM raw beside RustCrypto, 4 KiB", 9.0, "SM4-GCM encrypt", 4096, RAW_SEAL, SM4),
        figure(
            "SM4-GCM raw beside libgcrypt, 4 KiB",
            beside_gcrypt,
            "SM4-GCM encrypt",
            4096,
            RAW_SEAL,
            GCRYPT,
        ),
        figure(
            "SM4 Encrypt through C beside raw, 4 KiB",
            0.9,
            "SM4-GCM encrypt",
            4096,
            encrypt,
            RAW_SEAL,
        ),
        figure("SM2 sign raw", 4.0, "SM2 sign", 0, RAW, SM2),
        figure("SM2 sign through C", 4.0, "SM2 sign", 0, sign, SM2),
        figure("SM2 verify raw", 3.0, "SM2 verify", 0, RAW, SM2),
        figure("SM2 verify through C", 3.0, "SM2 verify", 0, "kmshsm_verify", SM2),
        figure("SM2 decrypt raw", 4.5, "SM2 decrypt", 0, RAW, SM2),
        figure("SM2 decrypt through C", 4.5, "SM2 decrypt", 0, "kmshsm_asymmetric_decrypt", SM2),
        figure("SM2 key pair raw, before its test", 4.0, "SM2 key pair", 0, RAW, SM2),
        figure("SM2 sign raw beside P-256", 0.6, "SM2 sign", 0, RAW, P256_SIGN),
        figure("RSA-2048 sign through C", 0.98, "RSA-2048 sign PKCS#1", 0, sign, AWS_LC),
        figure(
            "RSA-2048 decrypt through C",
            0.98,
            "RSA-2048 decrypt OAEP",
            0,
            "kmshsm_asymmetric_decrypt",
            AWS_LC,
        ),
        figure("P-256 sign through C", 0.98, "P-256 sign", 0, sign, AWS_LC),
        figure("RSA-2048 sign beside SoftHSM2", 2.5, "RSA-2048 sign PKCS#1", 0, sign, C_SIGN),
        figure("P-256 sign beside SoftHSM2", 4.0, "P-256 sign", 0, sign, C_SIGN),
        figure("random through C, 32 B", 3.0, "random", 32, "kmshsm_random", GETRANDOM),
        pair("2 threads: AES-256 Encrypt, 32 B", "AES-256 encrypt", 32, encrypt),
        pair("2 threads: AES-256 Encrypt, 4 KiB", "AES-256 encrypt", 4096, encrypt),
        pair("2 threads: AES-256 Decrypt, 4 KiB", "AES-256 decrypt", 4096, decrypt),
        pair("2 threads: SM4 Encrypt, 4 KiB", "SM4-GCM encrypt", 4096, encrypt),
        pair("2 threads: SM2 sign", "SM2 sign", 0, sign),
        pair("2 threads: SM2 verify", "SM2 verify", 0, "kmshsm_verify"),
        pair("2 threads: SM2 decrypt", "SM2 decrypt", 0, "kmshsm_asymmetric_decrypt"),
        pair("2 threads: RSA-2048 sign", "RSA-2048 sign PKCS#1", 0, sign),
        pair("2 threads: P-256 sign", "P-256 sign", 0, sign),
        pair("2 threads: random, 32 B", "random", 32, "kmshsm_random"),
        pair("2 threads: data key Decrypt", "data key decrypt", 32, decrypt),
        most("data key Decrypt through C, 32 B", 4.0, "data key decrypt", 32, decrypt, OPEN_CACHED),
        Figure {
            bound: Bound::Longer,
            ..figure("handle check and door, in ns", 60.0, "the door", 32, encrypt, RAW_ENVELOPE)
        },
    ]
}

impl Figure {
    /// What a run has reached, or why nothing is known.
    pub fn reached(&self, rows: &[Row]) -> Result<Reached, String> {
        let times = |contestant: &str| {
            let of = |row: &&Row| {
                (&*row.group, row.size, row.contestant) == (self.group, self.size, contestant)
            };
            let row = rows.iter().find(of).ok_or(format!("{contestant} did not run"))?;
            row.times.as_ref().map_err(|why| format!("{contestant}: {why}"))
        };
        let of = times(self.of)?;
        if self.threads == 2 {
            let pair = of.pair.as_ref().ok_or("measured on one thread alone")?;
            return Ok(Reached { ratio: pair.scaling, to_be_had: Some(pair.to_be_had) });
        }
        let (of, to) = (of.alone[1], times(self.to)?.alone[1]);
        let ratio = match self.bound {
            Bound::AtLeast => to / of,
            Bound::AtMost => of / to,
            Bound::Longer => of - to,
        };
        Ok(Reached { ratio, to_be_had: None })
    }
}

/// Whether SM4 has the wide path here, which has a goal of its own.
fn has_avx512() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::is_x86_feature_detected!("avx512bw");
    #[cfg(not(target_arch = "x86_64"))]
    false
}
