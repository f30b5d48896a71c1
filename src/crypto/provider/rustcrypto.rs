//! The provider in pure Rust. Its RSA is not proven constant time (RUSTSEC-2023-0071), so the
//! default build never gives it a private key.
#![forbid(unsafe_code)]

use aes::cipher::array::Array;
use aes::{Aes128, Aes128Enc, Aes192, Aes192Enc, Aes256, Aes256Enc};
use hmac::{Hmac, KeyInit, Mac};
use rsa::hazmat::rsa_decrypt_and_check;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey};
use rsa::rand_core::{TryCryptoRng, TryRng, UnwrapErr};
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, Oaep, RsaPrivateKey};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use sm4::cipher::BlockCipherEncrypt;

use crate::crypto::provider::HeapRoutes;
use crate::crypto::{Random, gcm};
use crate::error::{Error, ErrorCode, Result};
use crate::secret::{Zeroizing, wipe};

/// An expanded AES encryption key, wiped when dropped by the crate.
pub(crate) enum AesKey {
    Aes128(Aes128Enc),
    Aes192(Aes192Enc),
    Aes256(Aes256Enc),
}

impl AesKey {
    /// Expands a key of 16, 24 or 32 bytes.
    pub(crate) fn new(key: &[u8]) -> Result<Self> {
        Aes128Enc::new_from_slice(key)
            .map(Self::Aes128)
            .or_else(|_| Aes192Enc::new_from_slice(key).map(Self::Aes192))
            .or_else(|_| Aes256Enc::new_from_slice(key).map(Self::Aes256))
            .map_err(|_| ErrorCode::Internal.into())
    }

    /// Expands another key in the same place.
    pub(crate) fn rekey(&mut self, key: &[u8]) -> Result<()> {
        *self = Self::new(key)?;
        Ok(())
    }

    /// Writes E(first) | E(first + 1) | ..., counting modulo 2^128.
    pub(crate) fn keystream(&self, first: u128, blocks: &mut [[u8; 16]]) {
        for (i, block) in (0u128..).zip(&mut *blocks) {
            *block = first.wrapping_add(i).to_be_bytes();
        }
        self.encrypt_blocks(blocks);
    }

    /// Encrypts every block in place.
    pub(crate) fn encrypt_blocks(&self, blocks: &mut [[u8; 16]]) {
        let blocks = Array::cast_slice_from_core_mut(blocks);
        match self {
            Self::Aes128(key) => key.encrypt_blocks(blocks),
            Self::Aes192(key) => key.encrypt_blocks(blocks),
            Self::Aes256(key) => key.encrypt_blocks(blocks),
        }
    }
}

/// The crates allocate where the program does.
pub(crate) const fn route_heap(_: HeapRoutes) -> bool {
    false
}

/// AES-GCM under a key of 16, 24 or 32 bytes; both texts have the same length.
pub(crate) fn gcm_seal(
    key: &[u8],
    iv: &[u8; 12],
    aad: &[u8],
    plaintext: &[u8],
    ciphertext: &mut [u8],
    tag: &mut [u8; 16],
) -> Result<()> {
    match key.len() {
        16 => gcm::seal::<Aes128>(key, iv, aad, plaintext, ciphertext, tag),
        24 => gcm::seal::<Aes192>(key, iv, aad, plaintext, ciphertext, tag),
        _ => gcm::seal::<Aes256>(key, iv, aad, plaintext, ciphertext, tag),
    }
}

/// The reverse of [`gcm_seal`].
pub(crate) fn gcm_open(
    key: &[u8],
    iv: &[u8; 12],
    aad: &[u8],
    ciphertext: &[u8],
    tag: &[u8; 16],
    plaintext: &mut [u8],
) -> Result<()> {
    match key.len() {
        16 => gcm::open::<Aes128>(key, iv, aad, ciphertext, tag, plaintext),
        24 => gcm::open::<Aes192>(key, iv, aad, ciphertext, tag, plaintext),
        _ => gcm::open::<Aes256>(key, iv, aad, ciphertext, tag, plaintext),
    }
}

/// SHA-1 of a message given in parts.
pub(crate) fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    parts.iter().fold(Sha1::new(), Digest::chain_update).finalize().into()
}

/// SHA-256 of a message given in parts.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    parts.iter().fold(Sha256::new(), Digest::chain_update).finalize().into()
}

/// HMAC-SHA-256 under a key of any length.
pub(crate) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // RFC 2104: a key longer than a block is hashed, a shorter one padded with zeros.
    let digest = Zeroizing::new(sha256(&[key]));
    let short = if key.len() > 64 { &digest[..] } else { key };
    let mut block = Zeroizing::new([0; 64]);
    block.iter_mut().zip(short).for_each(|(out, byte)| *out = *byte);
    let mut mac = Hmac::<Sha256>::new(&(*block).into());
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// A [`Random`] behind the traits of `rand_core`.
#[derive(Clone, Copy)]
struct Source(Random);

impl TryRng for Source {
    type Error = Error;

    fn try_next_u32(&mut self) -> Result<u32> {
        let mut bytes = Zeroizing::new([0; 4]);
        (self.0)(&mut *bytes)?;
        Ok(u32::from_le_bytes(*bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64> {
        let mut bytes = Zeroizing::new([0; 8]);
        (self.0)(&mut *bytes)?;
        Ok(u64::from_le_bytes(*bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<()> {
        (self.0)(out)
    }
}

impl TryCryptoRng for Source {}

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
