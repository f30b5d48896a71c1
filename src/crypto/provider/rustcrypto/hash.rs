//! SHA-1, SHA-256 and HMAC.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Digest;

use crate::secret::Zeroizing;

/// SHA-1 of a message given in parts.
pub(crate) fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    parts.iter().fold(Sha1::new(), Digest::chain_update).finalize().into()
}

/// SHA-256 of a message that comes in pieces.
#[derive(Clone)]
pub(crate) struct Sha256(sha2::Sha256);

impl Sha256 {
    pub(crate) fn new() -> Self {
        Self(sha2::Sha256::new())
    }

    pub(crate) fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// SHA-256 of a message given in parts.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    parts.iter().fold(sha2::Sha256::new(), Digest::chain_update).finalize().into()
}

/// HMAC-SHA-256 under a key of any length.
pub(crate) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // RFC 2104: a key longer than a block is hashed, a shorter one padded with zeros.
    let digest = Zeroizing::new(sha256(&[key]));
    let short = if key.len() > 64 { &digest[..] } else { key };
    let mut block = Zeroizing::new([0; 64]);
    block.iter_mut().zip(short).for_each(|(out, byte)| *out = *byte);
    let mut mac = Hmac::<sha2::Sha256>::new(&(*block).into());
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}
