//! RSA keys: made, read, written and applied without padding.

use rsa::hazmat::{rsa_decrypt_and_check, rsa_encrypt};
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey};
use rsa::rand_core::UnwrapErr;
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, RsaPrivateKey, RsaPublicKey};

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
    /// the modulus' length; everything from n on is [`ErrorCode::InvalidCiphertext`].
    pub(crate) fn apply(&self, input: &[u8], out: &mut [u8]) -> Result<()> {
        raw(&self.0, input, out, |input| {
            rsa_decrypt_and_check(&self.0, Some(&mut { self.1 }), input)
        })
    }
}

/// A public key on the heap.
pub(crate) struct RsaPublic(RsaPublicKey);

impl RsaPublic {
    /// From n and e, odd both of them, big-endian.
    pub(crate) fn new(modulus: &[u8], exponent: &[u8]) -> Result<Self> {
        let number = |bytes: &[u8]| {
            let bits = u32::try_from(bytes.len() * 8).map_err(|_| ErrorCode::Internal)?;
            BoxedUint::from_be_slice(bytes, bits).map_err(|_| ErrorCode::Internal)
        };
        let key = RsaPublicKey::new(number(modulus)?, number(exponent)?);
        Ok(Self(key.map_err(|_| ErrorCode::InvalidKeyMaterial)?))
    }

    /// The length of the modulus in bytes.
    pub(crate) fn modulus_len(&self) -> usize {
        self.0.size()
    }

    /// m^e mod n. Both have the modulus' length; everything from n on is
    /// [`ErrorCode::InvalidCiphertext`].
    pub(crate) fn apply(&self, input: &[u8], out: &mut [u8]) -> Result<()> {
        raw(&self.0, input, out, |input| rsa_encrypt(&self.0, input))
    }

    /// The same for an m that is secret; the crate's copies of it are wiped or lie on the heap.
    pub(crate) fn apply_to_secret(&self, input: &[u8], out: &mut [u8]) -> Result<()> {
        self.apply(input, out)
    }
}

/// One of the crate's operations on numbers below the modulus.
fn raw(
    key: &impl PublicKeyParts,
    input: &[u8],
    out: &mut [u8],
    operation: impl FnOnce(&BoxedUint) -> rsa::Result<BoxedUint>,
) -> Result<()> {
    let refused = ErrorCode::InvalidCiphertext;
    if input.len() != key.size() {
        return Err(refused.into());
    }
    if out.len() != key.size() {
        return Err(ErrorCode::Internal.into());
    }
    let precision = key.n().as_ref().bits_precision();
    let input = BoxedUint::from_be_slice(input, precision).map(Zeroizing::new);
    let input = input.map_err(|_| refused)?;
    if *input >= **key.n() {
        return Err(refused.into());
    }
    let output = operation(&input).map(Zeroizing::new).map_err(|_| refused)?;
    let mut bytes = output.to_be_bytes();
    if let Some(low) = bytes.len().checked_sub(out.len()).and_then(|at| bytes.get(at..)) {
        out.copy_from_slice(low);
    }
    wipe(&mut bytes);
    Ok(())
}
