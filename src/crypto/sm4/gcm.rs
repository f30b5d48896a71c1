//! SM4-GCM (RFC 8998; NIST SP 800-38D): 96-bit IV, 128-bit tag, a key for one message.
#![forbid(unsafe_code)]

#[cfg(test)]
mod tests;

use super::Sm4Key;
use crate::crypto::ghash::ghash;
use crate::error::{ErrorCode, Result};
use crate::secret::{self, wipe};

/// So many blocks cost about as much as one: the key of GHASH, the mask of the tag, and what they
/// leave for the text.
const BATCH: usize = 16;
const AHEAD: usize = BATCH - 2;

/// A message's key at work, wiped when dropped.
struct Message {
    key: Sm4Key,
    /// E(0) | E(J0) | E(J0 + 1) | ..., as many as the text needs.
    first: [[u8; 16]; BATCH],
    /// The counter of the first block that is not among them.
    next: [u8; 16],
}

impl Message {
    fn new(key: &[u8; 16], iv: &[u8; 12], len: usize) -> Self {
        let key = Sm4Key::new(key);
        let mut first = [[0; 16]; BATCH];
        let counter = |n: u32| {
            let mut block = [0; 16];
            let (front, back) = block.split_at_mut(12);
            front.copy_from_slice(iv);
            back.copy_from_slice(&n.to_be_bytes());
            block
        };
        let needed = len.div_ceil(16).saturating_add(2);
        let (used, _) = first.split_at_mut(needed.min(BATCH));
        for (n, block) in (1..).zip(used.iter_mut().skip(1)) {
            *block = counter(n);
        }
        key.encrypt_blocks(used);
        Self { key, first, next: counter(BATCH as u32) }
    }

    /// XORs the text with the key stream.
    fn apply(&self, input: &[u8], output: &mut [u8]) {
        let [_, _, ahead @ ..] = &self.first;
        let ahead = ahead.as_flattened();
        let (begin, rest) = input.split_at(input.len().min(ahead.len()));
        let (to, output) = output.split_at_mut(begin.len());
        for ((to, from), mask) in to.iter_mut().zip(begin).zip(ahead) {
            *to = from ^ mask;
        }
        if !rest.is_empty() {
            self.key.ctr(&self.next, rest, output);
        }
    }

    /// The tag of the whole.
    fn tag(&self, aad: &[u8], ciphertext: &[u8]) -> [u8; 16] {
        let [hash_key, mask, ..] = &self.first;
        let (mut tag, sum) = (*mask, ghash(hash_key, aad, ciphertext));
        tag.iter_mut().zip(&*sum).for_each(|(byte, sum)| *byte ^= sum);
        tag
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        wipe(self.first.as_flattened_mut());
    }
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
    let message = Message::new(key, iv, plaintext.len());
    message.apply(plaintext, ciphertext);
    *tag = message.tag(aad, ciphertext);
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
    let message = Message::new(key, iv, ciphertext.len());
    if !secret::eq(&message.tag(aad, ciphertext), tag) {
        return Err(ErrorCode::InvalidCiphertext.into());
    }
    message.apply(ciphertext, plaintext);
    Ok(())
}
