//! RSA (RFC 8017): encryption, decryption, and signatures over SHA-256. The padding is here, once for both
//! providers, which give m^e and c^d only.
#![forbid(unsafe_code)]

mod mgf1;
mod oaep;
mod pkcs1;
mod private;
mod pss;
mod public;
#[cfg(test)]
mod tests;

pub use oaep::{OaepHash, oaep_max};
pub use private::RsaPrivateKey;
#[cfg(all(feature = "testing", feature = "awslc"))]
pub(crate) use private::{unpad, unpad_oaep};
pub use public::RsaPublicKey;

use super::Random;
use super::digest::sha256_parts;
use crate::error::Result;

/// How a message of known length was padded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// RSAES-PKCS1-v1_5.
    Pkcs1V15,
    /// RSAES-OAEP with MGF1 over the same hash, empty label.
    Oaep(OaepHash),
}

/// How a digest is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// RSASSA-PSS with SHA-256, MGF1-SHA-256 and a salt of 32 bytes.
    PssSha256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Pkcs1Sha256,
}

/// The lengths of modulus that are made and read.
const BITS: [usize; 3] = [2048, 3072, 4096];
/// The bytes of the longest modulus.
const MAX_MODULUS: usize = 512;
/// Room for any private key in PKCS #8: n and d take the modulus' length each, the five numbers of
/// the remainder theorem half of it each.
pub const MAX_PKCS8: usize = MAX_MODULUS * 5 + 256;

impl Scheme {
    /// Encodes the digest into a block of the modulus' length.
    pub(in crate::crypto) fn encode(
        self,
        digest: &[u8; 32],
        random: Random,
        block: &mut [u8],
    ) -> Result<()> {
        match self {
            Self::PssSha256 => {
                let mut salt = [0; pss::SALT_LEN];
                random(&mut salt)?;
                pss::encode(sha256_parts, digest, &salt, block)
            }
            Self::Pkcs1Sha256 => pkcs1::encode(digest, block),
        }
    }

    /// Whether the block encodes the digest. It is changed.
    pub(in crate::crypto) fn is_encoded(self, digest: &[u8; 32], block: &mut [u8]) -> bool {
        match self {
            Self::PssSha256 => pss::is_encoded(sha256_parts, digest, pss::SALT_LEN, block),
            Self::Pkcs1Sha256 => pkcs1::is_encoded(digest, block),
        }
    }
}
