//! SHA-1, SHA-256 and HMAC.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::secret::Zeroizing;

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
