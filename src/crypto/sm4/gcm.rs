//! SM4-GCM (RFC 8998; NIST SP 800-38D): 96-bit IV, 128-bit tag, a key for one message.
#![forbid(unsafe_code)]

#[cfg(test)]
mod tests;

use super::{Path, Sm4Key};
use crate::crypto::ghash::ghash;
use crate::error::{ErrorCode, Result};
use crate::secret::{self, wipe};

/// So many blocks cost about as much as one: what every message needs, and a short text besides.
const BATCH: usize = 16;

/// What is computed under a message's key before anything else: E(0) | E(J0) | E(J0 + 1) | ...
struct Start([[u8; 16]; BATCH]);

impl Start {
    /// Of the key stream it has as much as a text of this length needs, or nothing.
    fn new(key: &Sm4Key, iv: &[u8; 12], len: usize) -> Self {
        let mut start = Self([[0; 16]; BATCH]);
        let needed = len.div_ceil(16).saturating_add(2);
        let (used, _) = start.0.split_at_mut(if needed > BATCH { 2 } else { needed });
        for (n, block) in (1..).zip(used.iter_mut().skip(1)) {
            *block = counter(iv, n);
        }
        key.encrypt_blocks(used);
        start
    }

    /// XORs the text with the key stream.
    fn apply(&self, key: &Sm4Key, iv: &[u8; 12], input: &[u8], output: &mut [u8]) {
        let [_, _, stream @ ..] = &self.0;
        let stream = stream.as_flattened();
        if input.len() > stream.len() {
            return key.ctr(&counter(iv, 2), input, output);
        }
        for ((to, from), mask) in output.iter_mut().zip(input).zip(stream) {
            *to = from ^ mask;
        }
    }

    /// The tag of the whole.
    fn tag(&self, aad: &[u8], ciphertext: &[u8]) -> [u8; 16] {
        let [hash_key, mask, ..] = &self.0;
        (u128::from_ne_bytes(ghash(hash_key, aad, ciphertext)) ^ u128::from_ne_bytes(*mask))
            .to_ne_bytes()
    }
}

impl Drop for Start {
    fn drop(&mut self) {
        wipe(self.0.as_flattened_mut());
    }
}

/// IV | n, in 32 bits (7.1, step 2).
fn counter(iv: &[u8; 12], n: u32) -> [u8; 16] {
    let ([a, b, c, d, e, f, g, h, i, j, k, l], [m, n, o, p]) = (*iv, n.to_be_bytes());
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
}

/// Encrypts into `ciphertext`, which is as long as `plaintext`.
pub(crate) fn seal(
    key: &[u8; 16],
    iv: &[u8; 12],
    aad: &[u8],
    plaintext: &[u8],
    ciphertext: &mut [u8],
    tag: &mut [u8; 16],
) {
    seal_on(Path::best(), key, iv, aad, plaintext, ciphertext, tag);
}

/// The same on a path that the caller chooses.
pub(crate) fn seal_on(
    path: Path,
    key: &[u8; 16],
    iv: &[u8; 12],
    aad: &[u8],
    plaintext: &[u8],
    ciphertext: &mut [u8],
    tag: &mut [u8; 16],
) {
    let key = Sm4Key::on(path, key);
    let start = Start::new(&key, iv, plaintext.len());
    start.apply(&key, iv, plaintext, ciphertext);
    *tag = start.tag(aad, ciphertext);
}

/// Checks the tag, then decrypts into `plaintext`, which is as long as `ciphertext`.
pub(crate) fn open(
    key: &[u8; 16],
    iv: &[u8; 12],
    aad: &[u8],
    ciphertext: &[u8],
    tag: &[u8; 16],
    plaintext: &mut [u8],
) -> Result<()> {
    open_on(Path::best(), key, iv, aad, ciphertext, tag, plaintext)
}

/// The same on a path that the caller chooses.
pub(crate) fn open_on(
    path: Path,
    key: &[u8; 16],
    iv: &[u8; 12],
    aad: &[u8],
    ciphertext: &[u8],
    tag: &[u8; 16],
    plaintext: &mut [u8],
) -> Result<()> {
    let key = Sm4Key::on(path, key);
    let start = Start::new(&key, iv, ciphertext.len());
    if !secret::eq(&start.tag(aad, ciphertext), tag) {
        return Err(ErrorCode::InvalidCiphertext.into());
    }
    start.apply(&key, iv, ciphertext, plaintext);
    Ok(())
}
