//! What comes out of wrapped material: a symmetric key as it is, or a private key that is read, tried
//! and stored in one form, whichever it came in (API reference, chapter 7.5).
#![forbid(unsafe_code)]

use super::import::WrappingPair;
use crate::crypto::ec::{self, Curve};
use crate::crypto::ecb;
use crate::crypto::rsa::{MAX_PKCS8, OaepHash, Padding, RsaPrivateKey};
use crate::crypto::sm2::{Sm2Ciphertext, Sm2PrivateKey};
use crate::error::{ErrorCode, Result};
use crate::hsm::arena::{SecretBytes, secluded_at_length};
use crate::hsm::material::{RawMaterial, ec_pair, imported};
use crate::hsm::pair::curve_of;
use crate::hsm::unlock::{key32, room};
use crate::hsm::{rng, selftest};
use crate::model::{KeySpec, Making, Permit, WrappingAlgorithm};

/// The bytes of the hybrid's first half under RSA-2048.
const RSA_LEN: usize = 256;

/// More than any private key takes in PKCS #8.
const MAX_BLOCKS: usize = 4096;

impl WrappingPair {
    /// The material inside `wrapped` for a key of the permit's spec, wrapped by the pair's algorithm.
    /// One error, [`ErrorCode::InvalidKeyMaterial`], for everything that is wrong inside: padding,
    /// label, digest, length, encoding, curve, numbers that do not belong together.
    pub fn unwrap(&self, permit: Permit<WrappingAlgorithm>, wrapped: &[u8]) -> Result<RawMaterial> {
        use WrappingAlgorithm::{
            OaepSha1, OaepSha256, OaepSha256Aes256Ecb, Pkcs1V15, Sm2Pke, Sm2PkeSm4Ecb,
        };
        if self.is_burnt() {
            return Err(ErrorCode::InvalidImportToken.into());
        }
        if permit.algorithm() != self.algorithm() {
            return Err(ErrorCode::Internal.into());
        }
        let spec = permit.spec();
        selftest::ready_for_pairs()?;
        secluded_at_length(|| match (self.algorithm(), spec.material_len()) {
            (Pkcs1V15, Some(len)) => self.by_rsa(Padding::Pkcs1V15, wrapped, len),
            (OaepSha1, Some(len)) => self.by_rsa(Padding::Oaep(OaepHash::Sha1), wrapped, len),
            (OaepSha256, Some(len)) => self.by_rsa(Padding::Oaep(OaepHash::Sha256), wrapped, len),
            (Sm2Pke, Some(len)) => self.by_sm2(wrapped, len),
            (OaepSha256Aes256Ecb, None) => self.pkcs8_under_aes(wrapped, spec),
            (Sm2PkeSm4Ecb, None) if spec == KeySpec::EcSm2 => self.scalar_under_sm4(wrapped),
            _ => Err(ErrorCode::Internal.into()),
        })
        .map(RawMaterial::unwrapped)
    }

    fn by_rsa(&self, padding: Padding, wrapped: &[u8], len: usize) -> Result<SecretBytes> {
        let mut message = room(len)?;
        self.private().read(|private| {
            let pair = RsaPrivateKey::from_pkcs8(private, rng::fill)?;
            message.write(|message| pair.decrypt(padding, wrapped, len, message))
        })?;
        Ok(message)
    }

    fn by_sm2(&self, wrapped: &[u8], len: usize) -> Result<SecretBytes> {
        let ciphertext = Sm2Ciphertext::parse(wrapped).ok();
        let ciphertext = ciphertext.filter(|found| found.plaintext_len() == len);
        let ciphertext = ciphertext.ok_or(ErrorCode::InvalidKeyMaterial)?;
        let mut message = room(len)?;
        let decrypted = self.private().read(|private| {
            let pair =
                Sm2PrivateKey::new(private.try_into().map_err(|_| ErrorCode::StoreDamaged)?)?;
            message.write(|message| pair.decrypt(&ciphertext, message))
        });
        decrypted.map_err(|error| match error.code() {
            ErrorCode::InvalidCiphertext => ErrorCode::InvalidKeyMaterial.into(),
            _ => error,
        })?;
        Ok(message)
    }

    /// An AES key by OAEP, then PKCS #8 under it.
    fn pkcs8_under_aes(&self, wrapped: &[u8], spec: KeySpec) -> Result<SecretBytes> {
        let parts = wrapped.split_at_checked(RSA_LEN);
        let (key, blocks) = parts
            .filter(|(_, blocks)| blocks.len() <= MAX_BLOCKS)
            .ok_or(ErrorCode::InvalidKeyMaterial)?;
        let key = self.by_rsa(Padding::Oaep(OaepHash::Sha256), key, 32)?;
        let mut der = copy(blocks)?;
        let len = der.write(|blocks| key.read(|key| ecb::decrypt_padded(key32(key)?, blocks)))?;
        der.read(|der| imported(spec, der.get(..len).ok_or(ErrorCode::Internal)?))
    }

    /// An SM4 key by SM2, then the private key d under it.
    fn scalar_under_sm4(&self, wrapped: &[u8]) -> Result<SecretBytes> {
        let (key, blocks) =
            wrapped.split_last_chunk::<32>().ok_or(ErrorCode::InvalidKeyMaterial)?;
        let key = self.by_sm2(key, 16)?;
        let mut d = copy(blocks)?;
        d.write(|blocks| {
            key.read(|key| {
                ecb::sm4_decrypt(key.try_into().map_err(|_| ErrorCode::Internal)?, blocks)
            })
        })?;
        d.read(|d| ec_pair(|pair| ec::from_scalar(Curve::Sm2, key32(d)?, rng::fill, pair)))
    }
}

impl RawMaterial {
    /// Material for a key of the permit's spec that comes from another module: `write` puts it to the
    /// front of a buffer in the arena and answers its length; of a symmetric key its bytes, of RSA PKCS #8, of
    /// a curve d. The same error as of [`WrappingPair::unwrap`] for everything that is wrong with it.
    pub fn taken(
        permit: Permit<Making>,
        write: impl FnOnce(&mut [u8]) -> Result<usize>,
    ) -> Result<Self> {
        let spec = permit.spec();
        selftest::ready_for_pairs()?;
        secluded_at_length(|| {
            let mut given = room(MAX_PKCS8)?;
            let len = given.write(write)?;
            given.read(|given| {
                let given = given.get(..len).ok_or(ErrorCode::Internal)?;
                match spec.material_len() {
                    Some(len) if len == given.len() => copy(given),
                    Some(_) => Err(ErrorCode::InvalidKeyMaterial.into()),
                    None if spec.is_rsa() => imported(spec, given),
                    None => {
                        let d = given.try_into().map_err(|_| ErrorCode::InvalidKeyMaterial)?;
                        let curve = curve_of(spec)?;
                        ec_pair(|pair| ec::from_scalar(curve, d, rng::fill, pair))
                    }
                }
            })
        })
        .map(Self::unwrapped)
    }
}

/// Bytes in the arena, a ciphertext to be decrypted there.
fn copy(blocks: &[u8]) -> Result<SecretBytes> {
    let mut kept = room(blocks.len())?;
    kept.write(|kept| {
        kept.copy_from_slice(blocks);
        Ok(())
    })?;
    Ok(kept)
}

#[cfg(test)]
mod tests;
