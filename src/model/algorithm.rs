//! What asymmetric keys do, and how material is wrapped for import (API reference, chapters 7.1 and
//! 12.6).

use std::ops::RangeInclusive;

use super::KeySpec;
use super::words::words;

words! {
    /// How a digest is signed.
    SigningAlgorithm {
        /// RSASSA-PSS with SHA-256, MGF1-SHA-256 and a salt of 32 bytes (RFC 8017, 8.1).
        RsaPssSha256 = 1, "RSA_PSS_SHA_256";
        /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, 8.2).
        RsaPkcs1Sha256 = 2, "RSA_PKCS1_SHA_256";
        /// ECDSA with SHA-256 (FIPS 186-5); signatures in DER.
        EcdsaSha256 = 3, "ECDSA_SHA_256";
        /// SM2 (GB/T 32918.2) of SM3(Z_A | message); signatures in DER.
        Sm2Dsa = 4, "SM2DSA";
    }
}

impl SigningAlgorithm {
    /// Whether keys of `spec` sign this way.
    pub const fn fits(self, spec: KeySpec) -> bool {
        match self {
            Self::RsaPssSha256 | Self::RsaPkcs1Sha256 => spec.is_rsa(),
            Self::EcdsaSha256 => matches!(spec, KeySpec::EcP256 | KeySpec::EcP256k),
            Self::Sm2Dsa => matches!(spec, KeySpec::EcSm2),
        }
    }

    /// The length in bytes of the longest signature of a key of `spec`: with RSA of every one,
    /// otherwise of DER SEQUENCE { r, s } with two numbers of 256 bits.
    pub const fn max_signature(spec: KeySpec) -> usize {
        match spec.modulus_bits() {
            Some(bits) => bits / 8,
            None => 72,
        }
    }
}

words! {
    /// The key pair that signs the checkpoints of a store's audit trail.
    IdentitySpec {
        /// ECDSA with P-256 and SHA-256.
        EcP256 = 8, "EC_P256";
        /// SM2 with SM3.
        EcSm2 = 10, "EC_SM2";
    }
}

// The macro of the words derives no default.
#[allow(clippy::derivable_impls)]
impl Default for IdentitySpec {
    fn default() -> Self {
        Self::EcP256
    }
}

impl IdentitySpec {
    /// The kind of the key.
    pub const fn key_spec(self) -> KeySpec {
        match self {
            Self::EcP256 => KeySpec::EcP256,
            Self::EcSm2 => KeySpec::EcSm2,
        }
    }

    /// How it signs.
    pub const fn algorithm(self) -> SigningAlgorithm {
        match self {
            Self::EcP256 => SigningAlgorithm::EcdsaSha256,
            Self::EcSm2 => SigningAlgorithm::Sm2Dsa,
        }
    }
}

words! {
    /// How a message is encrypted with a public key.
    EncryptionAlgorithm {
        /// RSAES-OAEP with SHA-256 and MGF1-SHA-256, empty label (RFC 8017, 7.1).
        OaepSha256 = 1, "RSAES_OAEP_SHA_256";
        /// RSAES-OAEP with SHA-1 and MGF1-SHA-1, empty label.
        OaepSha1 = 2, "RSAES_OAEP_SHA_1";
        /// SM2 (GB/T 32918.4): 04 | x | y | C3 | C2.
        Sm2Pke = 3, "SM2PKE";
    }
}

impl EncryptionAlgorithm {
    /// Whether keys of `spec` encrypt this way.
    pub const fn fits(self, spec: KeySpec) -> bool {
        match self {
            Self::OaepSha256 | Self::OaepSha1 => spec.is_rsa(),
            Self::Sm2Pke => matches!(spec, KeySpec::EcSm2),
        }
    }

    /// How many bytes a message may have that a key of `spec` encrypts this way. The scheme of SM2
    /// has no ciphertext of the empty one.
    pub const fn plaintext_len(self, spec: KeySpec) -> RangeInclusive<usize> {
        let modulus = match spec.modulus_bits() {
            Some(bits) => bits / 8,
            None => return 1..=6047,
        };
        match self {
            Self::OaepSha1 => 0..=modulus - 2 * 20 - 2,
            Self::OaepSha256 | Self::Sm2Pke => 0..=modulus - 2 * 32 - 2,
        }
    }

    /// The length of the ciphertext of so many bytes.
    pub const fn ciphertext_len(spec: KeySpec, plaintext_len: usize) -> usize {
        match spec.modulus_bits() {
            Some(bits) => bits / 8,
            None => 1 + 64 + 32 + plaintext_len,
        }
    }
}

words! {
    /// The kind of key pair that wraps material for import.
    WrappingKeySpec {
        /// RSA with 2048 bits.
        Rsa2048 = 1, "RSA_2048";
        /// SM2; level HSM in GM regions only.
        EcSm2 = 2, "EC_SM2";
    }
}

impl WrappingKeySpec {
    /// The spec of keys of this kind.
    pub const fn key_spec(self) -> KeySpec {
        match self {
            Self::Rsa2048 => KeySpec::Rsa2048,
            Self::EcSm2 => KeySpec::EcSm2,
        }
    }
}

words! {
    /// How material is wrapped for import.
    WrappingAlgorithm {
        /// PKCS#1 v1.5 encryption.
        Pkcs1V15 = 1, "RSAES_PKCS1_V1_5";
        /// OAEP with SHA-1 and MGF1-SHA-1.
        OaepSha1 = 2, "RSAES_OAEP_SHA_1";
        /// OAEP with SHA-256 and MGF1-SHA-256.
        OaepSha256 = 3, "RSAES_OAEP_SHA_256";
        /// SM2 public-key encryption.
        Sm2Pke = 4, "SM2PKE";
        /// A fresh key of AES-256 by OAEP with SHA-256, and the material under it: ECB, padded as PKCS #7
        /// does.
        OaepSha256Aes256Ecb = 5, "RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD";
        /// A fresh key of SM4 by SM2, and the material under it: ECB, not padded.
        Sm2PkeSm4Ecb = 6, "SM2PKE_SM4_ECB";
    }
}

impl WrappingAlgorithm {
    /// The kind of key pair that wraps so.
    pub const fn wrapping_key_spec(self) -> WrappingKeySpec {
        match self {
            Self::Pkcs1V15 | Self::OaepSha1 | Self::OaepSha256 | Self::OaepSha256Aes256Ecb => {
                WrappingKeySpec::Rsa2048
            }
            Self::Sm2Pke | Self::Sm2PkeSm4Ecb => WrappingKeySpec::EcSm2,
        }
    }

    /// Whether the material of a key of `spec` is wrapped so.
    pub const fn fits(self, spec: KeySpec) -> bool {
        match self {
            Self::Pkcs1V15 | Self::OaepSha1 | Self::OaepSha256 | Self::Sm2Pke => {
                spec.is_symmetric()
            }
            Self::OaepSha256Aes256Ecb => !spec.is_symmetric(),
            Self::Sm2PkeSm4Ecb => matches!(spec, KeySpec::EcSm2),
        }
    }
}
