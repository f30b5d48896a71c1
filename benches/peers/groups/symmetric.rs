//! Encrypting, decrypting, digests, random bytes.

use kmshsm::primitives::Cipher;

use crate::figures::{
    C_ENCRYPT, GCRYPT, GETRANDOM, OPEN_CACHED, OPEN_FRESH, RAW, RAW_ENVELOPE, RAW_OPEN, RAW_SEAL,
    SEAL_FRESH, SM4,
};
use crate::libgcrypt::{self, Job};
use crate::openssl::{self, Mode};
use crate::results::Run;
use crate::rustcrypto::{self, Gcm};
use crate::softhsm::SoftHsm;
use crate::store::Session;
use crate::symmetric::Key;
use crate::{aws_lc, door, raw, symmetric, system};

/// Messages, in bytes. Through the ABI they go up to the API's limit.
const SIZES: [usize; 7] = [32, 256, 1024, 4096, 6144, 65_536, 1 << 20];
const MOST: usize = 6144;
/// Where two threads are held against one, and SoftHSM2 takes part.
const CHOSEN: [usize; 2] = [32, 4096];

pub fn aes(run: &mut Run, session: Session, softhsm: &SoftHsm) {
    let key = Key::new(session, "Aliyun_AES_256");
    for len in SIZES {
        let [in_c, is_chosen] = [len <= MOST, CHOSEN.contains(&len)];
        run.group("AES-256 encrypt", Some(len), || {
            let job = Gcm { encrypts: true, fresh_key: true, len };
            let mode = Mode { algorithm: "AES-256-GCM", encrypts: true, fresh_key: true };
            let mut all = vec![
                aws_lc::seal_fresh(SEAL_FRESH, len).in_pairs(is_chosen),
                raw::seal(RAW_SEAL, Cipher::Aes256, len),
                aws_lc::seal_cached("aws-lc-rs, cached key", len),
                rustcrypto::aes_gcm("RustCrypto, fresh key", job),
                openssl::cipher("OpenSSL, fresh key", mode, len),
            ];
            all.extend(in_c.then(|| key.encrypt("kmshsm_encrypt", len).in_pairs(is_chosen)));
            all.extend(is_chosen.then(|| softhsm.encrypt(C_ENCRYPT, len).in_pairs(true)));
            all
        });
        run.group("AES-256 decrypt", Some(len), || {
            let job = Gcm { encrypts: false, fresh_key: true, len };
            let mode = Mode { algorithm: "AES-256-GCM", encrypts: false, fresh_key: true };
            let mut all = vec![
                aws_lc::open_fresh(OPEN_FRESH, len).in_pairs(is_chosen),
                raw::open(RAW_OPEN, Cipher::Aes256, len),
                aws_lc::open_cached(OPEN_CACHED, len),
                rustcrypto::aes_gcm("RustCrypto, key set up each time", job),
                openssl::cipher("OpenSSL, key set up each time", mode, len),
            ];
            all.extend(in_c.then(|| key.decrypt("kmshsm_decrypt", len).in_pairs(is_chosen)));
            all.extend(is_chosen.then(|| softhsm.decrypt("SoftHSM2 C_Decrypt", len)));
            all
        });
    }
}

pub fn sm4(run: &mut Run, session: Session) {
    let key = Key::new(session, "Aliyun_SM4");
    for len in SIZES {
        let [in_c, is_chosen] = [len <= MOST, CHOSEN.contains(&len)];
        let gcrypt = Job { mode: libgcrypt::Mode::Gcm, encrypts: true, fresh_key: true };
        let openssl = Mode { algorithm: "SM4-GCM", encrypts: true, fresh_key: true };
        run.group("SM4-GCM encrypt", Some(len), || {
            let job = Gcm { encrypts: true, fresh_key: true, len };
            let mut all = vec![
                raw::seal(RAW_SEAL, Cipher::Sm4, len).in_pairs(is_chosen),
                rustcrypto::sm4_gcm(SM4, job),
                libgcrypt::sm4(GCRYPT, gcrypt, len),
                libgcrypt::sm4("libgcrypt, cached key", Job { fresh_key: false, ..gcrypt }, len),
                openssl::cipher("OpenSSL, fresh key", openssl, len),
            ];
            all.extend(in_c.then(|| key.encrypt("kmshsm_encrypt", len).in_pairs(is_chosen)));
            all
        });
        let gcrypt = Job { encrypts: false, ..gcrypt };
        let openssl = Mode { encrypts: false, ..openssl };
        run.group("SM4-GCM decrypt", Some(len), || {
            let job = Gcm { encrypts: false, fresh_key: true, len };
            let mut all = vec![
                raw::open(RAW_OPEN, Cipher::Sm4, len),
                rustcrypto::sm4_gcm("RustCrypto, key set up each time", job),
                libgcrypt::sm4("libgcrypt, key set up each time", gcrypt, len),
                libgcrypt::sm4("libgcrypt, cached key", Job { fresh_key: false, ..gcrypt }, len),
                openssl::cipher("OpenSSL, key set up each time", openssl, len),
            ];
            all.extend(in_c.then(|| key.decrypt("kmshsm_decrypt", len).in_pairs(is_chosen)));
            all
        });
    }
    sm4_modes(run);
}

/// Modes that authenticate nothing, with one key for all messages.
fn sm4_modes(run: &mut Run) {
    for len in SIZES.into_iter().filter(|len| *len != MOST) {
        let gcrypt = Job { mode: libgcrypt::Mode::Ctr, encrypts: true, fresh_key: false };
        let openssl = Mode { algorithm: "SM4-CTR", encrypts: true, fresh_key: false };
        run.group("SM4-CTR", Some(len), || {
            vec![
                rustcrypto::sm4_ctr("RustCrypto", len),
                raw::sm4_ctr(RAW, len),
                libgcrypt::sm4("libgcrypt", gcrypt, len),
                openssl::cipher("OpenSSL", openssl, len),
            ]
        });
        let gcrypt = Job { mode: libgcrypt::Mode::Cbc, encrypts: false, ..gcrypt };
        let openssl = Mode { algorithm: "SM4-CBC", encrypts: false, ..openssl };
        run.group("SM4-CBC decrypt", Some(len), || {
            vec![
                rustcrypto::sm4_cbc("RustCrypto", len),
                raw::sm4_cbc("libkmshsm raw, key set up each time", len),
                libgcrypt::sm4("libgcrypt", gcrypt, len),
                openssl::cipher("OpenSSL", openssl, len),
            ]
        });
    }
}

pub fn sm3(run: &mut Run) {
    for len in SIZES.into_iter().filter(|len| *len != MOST) {
        run.group("SM3", Some(len), || {
            vec![
                rustcrypto::sm3("RustCrypto", len),
                raw::sm3(RAW, len),
                libgcrypt::sm3("libgcrypt", len),
                openssl::digest("OpenSSL", "SM3", len),
            ]
        });
    }
}

/// What a service that encrypts by envelopes asks for.
pub fn data_key(run: &mut Run, session: Session) {
    let key = Key::new(session, "Aliyun_AES_256");
    run.group("data key decrypt", Some(32), || {
        vec![
            aws_lc::open_cached(OPEN_CACHED, 32).in_pairs(true),
            key.decrypt("kmshsm_decrypt", 32).in_pairs(true),
        ]
    });
    run.group("data key generate", Some(32), || {
        vec![
            aws_lc::seal_fresh(SEAL_FRESH, 32).in_pairs(true),
            key.data_key("kmshsm_generate_data_key").in_pairs(true),
        ]
    });
}

pub fn door(run: &mut Run, session: Session) {
    let key = Key::new(session, "Aliyun_AES_256");
    run.group("the door", Some(door::LEN), || {
        vec![door::raw_envelope(RAW_ENVELOPE), key.encrypt("kmshsm_encrypt", door::LEN)]
    });
}

pub fn random(run: &mut Run, session: Session, softhsm: &SoftHsm) {
    for len in [32, 1024] {
        run.group("random", Some(len), || {
            vec![
                system::random(GETRANDOM, len).in_pairs(true),
                symmetric::random("kmshsm_random", session, len).in_pairs(true),
                aws_lc::random("aws-lc-rs", len),
                openssl::random("OpenSSL RAND_bytes", len),
                softhsm.random("SoftHSM2 C_GenerateRandom", len),
            ]
        });
    }
}
