//! RSA private keys: made, read, written and applied without padding.

use rsa::hazmat::rsa_decrypt_and_check;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey};
use rsa::rand_core::UnwrapErr;
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, Oaep, RsaPrivateKey};
use sha1::Sha1;

use super::Source;
use crate::crypto::Random;
use crate::error::{ErrorCode, Result};
use crate::secret::{Zeroizing, wipe};

/// A private key on the heap, wiped when dropped by the crate; and what blinds it.
pub(crate) struct RsaKey(RsaPrivateKey, Source);

impl RsaKey {
    /// Makes a key with e = 65537.
    pub(crate) fn generate(bits: usize, random: Random) -> Result<Self> {
        let key = RsaPrivateKey::new(&mut UnwrapErr(Source(random)), bits);
        Ok(Self(key.map_err(|_| ErrorCode::Internal)?, Source(random)))
    }

    /// Reads PKCS #8 (RFC 5208), all of it, and checks that the numbers belong together.
    pub(crate) fn from_pkcs8(der: &[u8], random: Random) -> Result<Self> {
        let key = RsaPrivateKey::from_pkcs8_der(der).map_err(|_| ErrorCode::InvalidKeyMaterial)?;
        key.validate().map_err(|_| ErrorCode::InvalidKeyMaterial)?;
        Ok(Self(key, Source(random)))
    }

    /// Writes PKCS #8 (RFC 5208) to the front of `out` and answers its length.
    pub(crate) fn write_pkcs8(&self, out: &mut [u8]) -> Result<usize> {
        let der = self.0.to_pkcs8_der().map_err(|_| ErrorCode::Internal)?;
        let der = der.as_bytes();
        out.get_mut(..der.len()).ok_or(ErrorCode::Internal)?.copy_from_slice(der);
        Ok(der.len())
    }

    /// Writes the public half as SubjectPublicKeyInfo (RFC 5280).
    pub(crate) fn public_spki(&self) -> Result<Vec<u8>> {
        let der = self.0.to_public_key().to_public_key_der().map_err(|_| ErrorCode::Internal)?;
        Ok(der.into_vec())
    }

    /// The length of the modulus in bytes.
    pub(crate) fn modulus_len(&self) -> usize {
        self.0.size()
    }

    /// c^d mod n, blinded, by the Chinese remainder theorem, the result checked with e. Both have
    /// the modulus' length; everything from n on is refused.
    pub(crate) fn decrypt_raw(&self, ciphertext: &[u8], out: &mut [u8]) -> Result<()> {
        if ciphertext.len() != self.modulus_len() || out.len() != self.modulus_len() {
            return Err(ErrorCode::InvalidKeyMaterial.into());
        }
        let precision = self.0.n().as_ref().bits_precision();
        let ciphertext = BoxedUint::from_be_slice(ciphertext, precision)
            .map_err(|_| ErrorCode::InvalidKeyMaterial)?;
        let message = rsa_decrypt_and_check(&self.0, Some(&mut { self.1 }), &ciphertext)
            .map(Zeroizing::new)
            .map_err(|_| ErrorCode::InvalidKeyMaterial)?;
        let mut bytes = message.to_be_bytes();
        if let Some(low) = bytes.len().checked_sub(out.len()).and_then(|at| bytes.get(at..)) {
            out.copy_from_slice(low);
        }
        wipe(&mut bytes);
        Ok(())
    }

    /// RSAES-OAEP (RFC 8017) with SHA-1, padded by the crate: for the pairwise check.
    pub(crate) fn encrypt_oaep_sha1(&self, message: &[u8], out: &mut [u8]) -> Result<()> {
        let ciphertext = self
            .0
            .to_public_key()
            .encrypt(&mut UnwrapErr(self.1), Oaep::<Sha1>::new(), message)
            .map_err(|_| ErrorCode::Internal)?;
        if ciphertext.len() != out.len() {
            return Err(ErrorCode::Internal.into());
        }
        out.copy_from_slice(&ciphertext);
        Ok(())
    }
}
