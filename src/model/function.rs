//! Security functions: algorithms, each in one use (FIPS 140-3 and GB/T 37092 judge services by them).

use serde::Serialize;

use super::{EncryptionAlgorithm, KeySpec, Profile, SigningAlgorithm, WrappingAlgorithm};

/// The table of functions: what each is, the standards it follows, and the profile that approves of it.
macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident, $profile:ident, $text:literal, $standard:literal;)+) => {
        /// An algorithm in one use.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Function { $($(#[$doc])* $name,)+ }

        impl Function {
            /// Every function.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// What it is, for people.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The standards that it follows.
            pub const fn standard(self) -> &'static str {
                match self { $(Self::$name => $standard,)+ }
            }

            /// The one profile that approves of it, if any does.
            pub const fn approved_by(self) -> Profile {
                match self { $(Self::$name => Profile::$profile,)+ }
            }
        }
    };
}

functions! {
    /// Customer ciphertexts under AES, and data keys in them. The FIPS profile approves of it by its
    /// parts: the message key is derived in counter mode with CMAC (SP 800-108r1, 4.1), and AES-GCM
    /// has a random IV of 96 bits (SP 800-38D, 8.2.2). No laboratory has looked at the whole.
    AesEnvelope, Fips, "AES-GCM envelope", "SP 800-38D, SP 800-108r1";
    /// The same with SM4. The GM profile approves of the cipher, the mode and the MAC that derives; a
    /// standard that derives keys so there is none.
    Sm4Envelope, Gm, "SM4-GCM envelope", "GB/T 32907, GB/T 36624, GB/T 15852.1";
    /// RSASSA-PSS with SHA-256, of 2048 bits or more.
    RsaPss, Fips, "RSA-PSS signature, SHA-256", "FIPS 186-5, 5.4";
    /// RSASSA-PKCS1-v1_5 with SHA-256, of 2048 bits or more.
    RsaPkcs1, Fips, "RSA PKCS#1 v1.5 signature, SHA-256", "FIPS 186-5, 5.4";
    /// ECDSA on P-256.
    EcdsaP256, Fips, "ECDSA P-256 signature, SHA-256", "FIPS 186-5, 6";
    /// ECDSA on secp256k1, which FIPS 186-5 does not take.
    EcdsaSecp256k1, None, "ECDSA secp256k1 signature, SHA-256", "SEC 1, SEC 2";
    /// SM2 signatures.
    Sm2Signature, Gm, "SM2 signature", "GB/T 32918.2";
    /// RSAES-OAEP with SHA-256, as key transport.
    OaepSha256, Fips, "RSA-OAEP, SHA-256", "SP 800-56B rev. 2, 7.2.2";
    /// RSAES-OAEP with SHA-1, which is a mask and a label here, not a signature.
    OaepSha1, Fips, "RSA-OAEP, SHA-1", "SP 800-56B rev. 2, 7.2.2";
    /// SM2 public-key encryption.
    Sm2Encryption, Gm, "SM2 encryption", "GB/T 32918.4";
    /// Symmetric keys that come in under RSAES-PKCS1-v1_5, which SP 800-131A rev. 2 no longer takes.
    Pkcs1Transport, None, "RSA PKCS#1 v1.5 key transport", "RFC 8017, 7.2";
    /// Private keys that come in under AES-256 in ECB, which SP 800-38F does not take, and RSA-OAEP.
    AesHybrid, None, "RSA-OAEP and AES-256-ECB key transport", "RFC 8017, 7.1; SP 800-38A, 6.1";
    /// Private keys of SM2 that come in under SM4 in ECB and SM2.
    Sm2Hybrid, Gm, "SM2 and SM4-ECB key transport", "GB/T 35276, 7.4";
    /// Making AES keys.
    AesKeys, Fips, "AES key generation", "SP 800-133 rev. 2, 6.1";
    /// Making SM4 keys. GM/T 0105 makes random numbers with SM3 or SM4; those here are AES's.
    Sm4Keys, None, "SM4 key generation", "GB/T 32907, SP 800-90A rev. 1";
    /// Making RSA key pairs.
    RsaKeys, Fips, "RSA key generation", "FIPS 186-5, A.1";
    /// Making key pairs on P-256.
    P256Keys, Fips, "P-256 key generation", "FIPS 186-5, A.2";
    /// Making key pairs on secp256k1.
    Secp256k1Keys, None, "secp256k1 key generation", "SEC 1, 3.2.1";
    /// Making key pairs of SM2, from the same random numbers as keys of SM4.
    Sm2Keys, None, "SM2 key generation", "GB/T 32918.1, SP 800-90A rev. 1";
    /// Random numbers for callers.
    Random, Fips, "random numbers, CTR_DRBG AES-256", "SP 800-90A rev. 1";
    /// Digests of messages to be signed.
    Sha256, Fips, "SHA-256 digest", "FIPS 180-4";
    /// The same for SM2.
    Sm3, Gm, "SM3 digest", "GB/T 32905";
}

impl Function {
    /// Whether it exists only at level HSM in regions of the GM class.
    pub const fn is_gm_only(self) -> bool {
        matches!(
            self,
            Self::Sm4Envelope
                | Self::Sm2Signature
                | Self::Sm2Encryption
                | Self::Sm2Hybrid
                | Self::Sm4Keys
                | Self::Sm2Keys
                | Self::Sm3
        )
    }
}

impl Serialize for Function {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What a permit can be for: with a key of some spec, it is one function.
pub trait Algorithm: Copy {
    /// The function that it is with keys of `spec`; `None` if it is not for such keys.
    fn function(self, spec: KeySpec) -> Option<Function>;
}

/// Sealing and opening customer ciphertexts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealing;

impl Algorithm for Sealing {
    fn function(self, spec: KeySpec) -> Option<Function> {
        match spec {
            KeySpec::Sm4 => Some(Function::Sm4Envelope),
            spec if spec.is_symmetric() => Some(Function::AesEnvelope),
            _ => None,
        }
    }
}

impl Algorithm for SigningAlgorithm {
    fn function(self, spec: KeySpec) -> Option<Function> {
        let function = match (self, spec) {
            (Self::RsaPssSha256, _) => Function::RsaPss,
            (Self::RsaPkcs1Sha256, _) => Function::RsaPkcs1,
            (Self::EcdsaSha256, KeySpec::EcP256k) => Function::EcdsaSecp256k1,
            (Self::EcdsaSha256, _) => Function::EcdsaP256,
            (Self::Sm2Dsa, _) => Function::Sm2Signature,
        };
        self.fits(spec).then_some(function)
    }
}

impl Algorithm for EncryptionAlgorithm {
    fn function(self, spec: KeySpec) -> Option<Function> {
        let function = match self {
            Self::OaepSha256 => Function::OaepSha256,
            Self::OaepSha1 => Function::OaepSha1,
            Self::Sm2Pke => Function::Sm2Encryption,
        };
        self.fits(spec).then_some(function)
    }
}

impl Algorithm for WrappingAlgorithm {
    fn function(self, spec: KeySpec) -> Option<Function> {
        let function = match self {
            Self::Pkcs1V15 => Function::Pkcs1Transport,
            Self::OaepSha1 => Function::OaepSha1,
            Self::OaepSha256 => Function::OaepSha256,
            Self::Sm2Pke => Function::Sm2Encryption,
            Self::OaepSha256Aes256Ecb => Function::AesHybrid,
            Self::Sm2PkeSm4Ecb => Function::Sm2Hybrid,
        };
        self.fits(spec).then_some(function)
    }
}

/// Making keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Making;

impl Making {
    /// The function that it is with keys of `spec`.
    pub const fn of(spec: KeySpec) -> Function {
        match spec {
            KeySpec::Aes256 | KeySpec::Aes192 | KeySpec::Aes128 => Function::AesKeys,
            KeySpec::Sm4 => Function::Sm4Keys,
            KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => Function::RsaKeys,
            KeySpec::EcP256 => Function::P256Keys,
            KeySpec::EcP256k => Function::Secp256k1Keys,
            KeySpec::EcSm2 => Function::Sm2Keys,
        }
    }
}

impl Algorithm for Making {
    fn function(self, spec: KeySpec) -> Option<Function> {
        Some(Self::of(spec))
    }
}

/// Drawing random bytes for a caller, data keys among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawing;

impl Algorithm for Drawing {
    fn function(self, _: KeySpec) -> Option<Function> {
        Some(Function::Random)
    }
}

/// Hashing messages that key pairs sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hashing;

impl Algorithm for Hashing {
    fn function(self, spec: KeySpec) -> Option<Function> {
        match spec {
            KeySpec::EcSm2 => Some(Function::Sm3),
            spec if spec.is_symmetric() => None,
            _ => Some(Function::Sha256),
        }
    }
}
