//! The algorithms themselves, without store, door and boundary, for benches that hold them against
//! those of others. In test builds alone.
#![forbid(unsafe_code)]

pub use crate::crypto::aead;
pub use crate::crypto::block::Cipher;
pub use crate::crypto::digest::sm3_parts;
pub use crate::crypto::ec::{Curve, PAIR_LEN, SIGNATURE_LEN, generate};
pub use crate::crypto::sm2::{Sm2Ciphertext, Sm2PrivateKey, Sm2PublicKey};
pub use crate::hsm::rng::fill as random;

use crate::crypto::sm4::Sm4Key;
use crate::crypto::{cbc, ec};
use crate::error::Result;

/// SM4 with one key for many messages.
pub struct Sm4(Sm4Key);

impl Sm4 {
    /// Expands a key.
    pub fn new(key: &[u8; 16]) -> Self {
        Self(Sm4Key::new(key))
    }

    /// XORs a message of any length with the key stream from this counter on.
    pub fn ctr(&self, counter: &[u8; 16], input: &[u8], output: &mut [u8]) {
        self.0.ctr(counter, input, output);
    }
}

/// Decrypts whole blocks of SM4-CBC into as many others, the key set up each time.
pub fn sm4_cbc_decrypt(
    key: &[u8; 16],
    iv: &[u8; 16],
    blocks: &[[u8; 16]],
    out: &mut [[u8; 16]],
) -> Result<()> {
    cbc::decrypt(Cipher::Sm4, key, iv, blocks, out)
}

/// Makes a pair as [`generate`] does, but tries nothing with it.
pub fn generate_untested(curve: Curve, pair: &mut [u8; PAIR_LEN]) -> Result<()> {
    ec::make_untested(curve, random, pair)
}
