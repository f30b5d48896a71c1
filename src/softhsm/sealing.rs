//! How a token seals: its key under the PIN, and the bytes of private objects under its key.
#![forbid(unsafe_code)]

use crate::crypto::cbc;
use crate::crypto::digest::sha256_parts;
use crate::secret::{self, Zeroizing};

/// How often a PIN is hashed, before the salt's last byte is added.
const ITERATIONS: u32 = 1500;

/// What is before the token's key, to tell the right PIN by.
const MAGIC: &[u8] = b"RJR";

/// "RJR", the key, and the padding.
const SEALED: usize = 48;

/// Writes the token's key, if the PIN is right.
pub(super) fn unlock(sealed: &[u8], pin: &[u8], key: &mut [u8; 32]) -> Option<()> {
    let (salt, sealed) = sealed.split_first_chunk::<8>()?;
    let [.., last] = *salt;
    let mut hash = Zeroizing::new(sha256_parts(&[salt, pin]));
    for _ in 1..ITERATIONS + u32::from(last) {
        *hash = sha256_parts(&[&*hash]);
    }
    let mut opened = Zeroizing::new([0; SEALED]);
    let len = open(sealed, &hash, &mut *opened)?;
    let (magic, found) = opened.get(..len)?.split_at_checked(MAGIC.len())?;
    let found: &[u8; 32] = found.try_into().ok()?;
    if !secret::eq(magic, MAGIC) {
        return None;
    }
    key.copy_from_slice(found);
    Some(())
}

/// Opens bytes into the front of `out`, if they fit, and answers how many there are.
pub(super) fn open(sealed: &[u8], key: &[u8; 32], out: &mut [u8]) -> Option<usize> {
    let (iv, ciphertext) = sealed.split_first_chunk::<16>()?;
    cbc::decrypt_padded(key, iv, ciphertext, out).ok()
}
