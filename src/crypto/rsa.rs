//! RSA decryption (RFC 8017) of messages whose length is known beforehand.
#![forbid(unsafe_code)]

use super::digest::{sha1_parts, sha256_parts};
use super::provider::RsaKey;
use super::{Random, unpad};
use crate::error::{ErrorCode, Result};
use crate::health;
use crate::secret::{self, Zeroizing};

/// How the message was padded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// RSAES-PKCS1-v1_5.
    Pkcs1V15,
    /// RSAES-OAEP with SHA-1 and MGF1-SHA-1, empty label.
    OaepSha1,
    /// RSAES-OAEP with SHA-256 and MGF1-SHA-256, empty label.
    OaepSha256,
}

/// The lengths of modulus that are made and read.
const BITS: [usize; 3] = [2048, 3072, 4096];
/// The bytes of the longest modulus.
const MAX_MODULUS: usize = 512;
/// Room for any private key in PKCS #8: n and d take the modulus' length each, the five numbers of
/// the remainder theorem half of it each.
pub const MAX_PKCS8: usize = MAX_MODULUS * 5 + 256;

/// A private key of 2048, 3072 or 4096 bits.
pub struct RsaPrivateKey(RsaKey);

impl RsaPrivateKey {
    /// Makes a key with e = 65537 and tries it once (pairwise consistency, FIPS 140-3 IG 10.3.A).
    pub fn generate(bits: usize, random: Random) -> Result<Self> {
        if !BITS.contains(&bits) {
            return Err(ErrorCode::Internal.into());
        }
        let key = Self(RsaKey::generate(bits, random)?);
        if key.is_pair(random)? {
            Ok(key)
        } else {
            Err(health::failed("The two halves of a fresh RSA key do not fit."))
        }
    }

    /// Whether the private half decrypts what the public one encrypts.
    pub(super) fn is_pair(&self, random: Random) -> Result<bool> {
        let (mut message, mut decrypted) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
        random(&mut *message)?;
        let mut ciphertext = vec![0; self.0.modulus_len()];
        let encrypted = self.0.encrypt_oaep_sha1(&*message, &mut ciphertext);
        message.iter_mut().take(1).for_each(|first| *first ^= health::flaw("rsa-pair"));
        let answer = self.decrypt(Padding::OaepSha1, &ciphertext, message.len(), &mut *decrypted);
        Ok(encrypted.is_ok() && answer.is_ok() && secret::eq(&*message, &*decrypted))
    }

    /// Reads PKCS #8 (RFC 5208) and checks that the numbers belong together. What cannot be read
    /// answers [`ErrorCode::InvalidKeyMaterial`].
    pub fn from_pkcs8(der: &[u8], random: Random) -> Result<Self> {
        let key = RsaKey::from_pkcs8(der, random)?;
        if BITS.contains(&(key.modulus_len() * 8)) {
            Ok(Self(key))
        } else {
            Err(ErrorCode::InvalidKeyMaterial.into())
        }
    }

    /// Writes PKCS #8 (RFC 5208), of [`MAX_PKCS8`] bytes at most, to the front of `out` and answers its
    /// length.
    pub fn write_pkcs8(&self, out: &mut [u8]) -> Result<usize> {
        self.0.write_pkcs8(out)
    }

    /// Writes the public half as SubjectPublicKeyInfo (RFC 5280).
    pub fn public_spki(&self) -> Result<Vec<u8>> {
        self.0.public_spki()
    }

    /// Decrypts a message of exactly `out_len` bytes into the beginning of `out`. Every failure is
    /// [`ErrorCode::InvalidKeyMaterial`] with nothing written; which one it was shows neither in
    /// the answer nor in time.
    pub fn decrypt(
        &self,
        padding: Padding,
        ciphertext: &[u8],
        out_len: usize,
        out: &mut [u8],
    ) -> Result<()> {
        let out = out.get_mut(..out_len).ok_or(ErrorCode::Internal)?;
        decrypt(&self.0, padding, ciphertext, out)
    }
}

/// The same for a modulus of any length.
fn decrypt(key: &RsaKey, padding: Padding, ciphertext: &[u8], out: &mut [u8]) -> Result<()> {
    let mut block = Zeroizing::new([0; MAX_MODULUS]);
    let block = block.get_mut(..key.modulus_len()).ok_or(ErrorCode::Internal)?;
    key.decrypt_raw(ciphertext, block).map_err(|_| ErrorCode::InvalidKeyMaterial)?;
    let right = match padding {
        Padding::Pkcs1V15 => unpad::pkcs1v15(block, out),
        Padding::OaepSha1 => unpad::oaep(sha1_parts, block, out),
        Padding::OaepSha256 => unpad::oaep(sha256_parts, block, out),
    };
    if secret::verdict(right) { Ok(()) } else { Err(ErrorCode::InvalidKeyMaterial.into()) }
}

#[cfg(test)]
mod tests;
