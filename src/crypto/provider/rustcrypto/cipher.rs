//! AES and AES-GCM.

use aes::cipher::array::Array;
use aes::cipher::consts::U16;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt};
use aes::{
    Aes128, Aes128Dec, Aes128Enc, Aes192, Aes192Dec, Aes192Enc, Aes256, Aes256Dec, Aes256Enc,
};
use hmac::KeyInit;

use super::gcm;
use crate::error::{ErrorCode, Result};

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

/// Decrypts every block in place under a key of 16, 24 or 32 bytes.
pub(crate) fn aes_decrypt_blocks(key: &[u8], blocks: &mut [[u8; 16]]) -> Result<()> {
    fn apply<C: KeyInit + BlockCipherDecrypt<BlockSize = U16>>(
        key: &[u8],
        blocks: &mut [[u8; 16]],
    ) -> Result<()> {
        let key = C::new_from_slice(key).map_err(|_| ErrorCode::Internal)?;
        key.decrypt_blocks(Array::cast_slice_from_core_mut(blocks));
        Ok(())
    }
    match key.len() {
        16 => apply::<Aes128Dec>(key, blocks),
        24 => apply::<Aes192Dec>(key, blocks),
        _ => apply::<Aes256Dec>(key, blocks),
    }
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
