//! The algorithms themselves, without store, door and boundary, for benches that hold them against
//! those of others. In test builds alone.
#![forbid(unsafe_code)]

pub use crate::crypto::aead;
pub use crate::crypto::block::Cipher;
pub use crate::crypto::digest::sm3_parts;
pub use crate::crypto::ec::{Curve, PAIR_LEN, SIGNATURE_LEN, generate};
pub use crate::crypto::sm2::{Sm2Ciphertext, Sm2PrivateKey, Sm2PublicKey};
pub use crate::hsm::rng::fill as random;

use crate::crypto::ec;
use crate::error::Result;

/// Makes a pair as [`generate`] does, but tries nothing with it.
pub fn generate_untested(curve: Curve, pair: &mut [u8; PAIR_LEN]) -> Result<()> {
    ec::make_untested(curve, random, pair)
}
