//! SM4 (GB/T 32907-2016, ISO/IEC 18033-3): its schedule, blocks alone and in counter mode.
#![forbid(unsafe_code)]

use sm4::Sm4;
use sm4::cipher::array::Array;
use sm4::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};

/// An expanded key, wiped when dropped. Its bytes are of fixed size, so it may lie in any memory.
pub(crate) struct Sm4Key(Sm4);

impl Sm4Key {
    /// Expands a key.
    pub(crate) fn new(key: &[u8; 16]) -> Self {
        Self(Sm4::new(key.into()))
    }

    /// Encrypts every block in place, each on its own (ECB).
    pub(crate) fn encrypt_blocks(&self, blocks: &mut [[u8; 16]]) {
        self.0.encrypt_blocks(Array::cast_slice_from_core_mut(blocks));
    }

    /// The reverse of [`Self::encrypt_blocks`].
    pub(crate) fn decrypt_blocks(&self, blocks: &mut [[u8; 16]]) {
        self.0.decrypt_blocks(Array::cast_slice_from_core_mut(blocks));
    }
}
