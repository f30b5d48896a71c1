//! The algorithms themselves, without store, door and boundary, for benches and tests that
//! hold them against those of others. In test builds alone.
#![forbid(unsafe_code)]

pub use crate::crypto::aead;
pub use crate::crypto::block::Cipher;
pub use crate::crypto::digest::sm3_parts;
pub use crate::crypto::ec::{Curve, PAIR_LEN, SIGNATURE_LEN, from_scalar, generate};
pub use crate::crypto::sm2::{DEFAULT_USER_ID, Sm2Ciphertext, Sm2PrivateKey, Sm2PublicKey, za};
pub use crate::hsm::rng::fill as random;

use crate::crypto::sm4::{self, Sm4Key, gcm};
use crate::crypto::{cbc, ec, ghash};
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

    /// Encrypts every block in place, each on its own.
    pub fn encrypt_blocks(&self, blocks: &mut [[u8; 16]]) {
        self.0.encrypt_blocks(blocks);
    }

    /// The reverse.
    pub fn decrypt_blocks(&self, blocks: &mut [[u8; 16]]) {
        self.0.decrypt_blocks(blocks);
    }
}

/// The instructions that SM4 is made with; what chooses none takes the best.
#[derive(Clone, Copy, Debug)]
pub struct Sm4Path(sm4::Path);

impl Sm4Path {
    /// All that this processor has.
    pub fn all() -> impl Iterator<Item = Self> {
        sm4::Path::all().map(Self)
    }

    /// Expands a key.
    pub fn key(self, key: &[u8; 16]) -> Sm4 {
        Sm4(Sm4Key::on(self.0, key))
    }

    /// Seals with SM4-GCM: the ciphertext, as long as the message, and the tag.
    pub fn seal(
        self,
        key: &[u8; 16],
        iv: &[u8; 12],
        aad: &[u8],
        message: &[u8],
    ) -> (Vec<u8>, [u8; 16]) {
        let (mut ciphertext, mut tag) = (vec![0; message.len()], [0; 16]);
        gcm::seal_on(self.0, key, iv, aad, message, &mut ciphertext, &mut tag);
        (ciphertext, tag)
    }

    /// The reverse.
    pub fn open(
        self,
        key: &[u8; 16],
        iv: &[u8; 12],
        aad: &[u8],
        ciphertext: &[u8],
        tag: &[u8; 16],
    ) -> Result<Vec<u8>> {
        let mut message = vec![0; ciphertext.len()];
        gcm::open_on(self.0, key, iv, aad, ciphertext, tag, &mut message)?;
        Ok(message)
    }
}

/// GHASH of additional data and ciphertext with every set of instructions that this processor has.
pub fn ghash_on_all_paths(key: &[u8; 16], aad: &[u8], ciphertext: &[u8]) -> Vec<[u8; 16]> {
    let on = |path| ghash::on(path, key, aad, ciphertext);
    ghash::Path::all().into_iter().map(on).collect()
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
