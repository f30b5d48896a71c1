//! EME-OAEP (RFC 8017, 7.1) with an empty label: EM = 00 | seed xor MGF1(DB) | DB xor MGF1(seed),
//! DB = H("") | 00 ... 00 | 01 | M.
//!
//! Decoding takes the same time for every block of a length: what depends on secrets is the value of
//! one bit and of one number, never a branch or an address. This ends Manger's attack, provided that
//! the caller treats all failures alike.
#![forbid(unsafe_code)]

use subtle::{Choice, ConstantTimeEq};

use super::mgf1::{self, Hash};
use crate::crypto::Random;
use crate::crypto::digest::{sha1_parts, sha256_parts};
use crate::error::{ErrorCode, Result};

/// The hash of OAEP, for the label and in MGF1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OaepHash {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl OaepHash {
    /// Its bytes, hLen of RFC 8017.
    const fn len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// [`encode`] with this hash.
    pub(in crate::crypto) fn encode(
        self,
        message: &[u8],
        random: Random,
        block: &mut [u8],
    ) -> Result<()> {
        match self {
            Self::Sha1 => encode(sha1_parts, message, random, block),
            Self::Sha256 => encode(sha256_parts, message, random, block),
        }
    }

    /// [`decode`] with this hash.
    pub(in crate::crypto) fn decode(self, block: &mut [u8]) -> (Choice, usize) {
        match self {
            Self::Sha1 => decode(sha1_parts, block),
            Self::Sha256 => decode(sha256_parts, block),
        }
    }
}

/// The bytes of the longest message under a modulus of so many bytes.
pub const fn oaep_max(modulus_len: usize, hash: OaepHash) -> usize {
    modulus_len.saturating_sub(2 * hash.len() + 2)
}

/// Fills the block. A message that is too long for it is [`ErrorCode::Internal`].
fn encode<const N: usize>(
    hash: Hash<N>,
    message: &[u8],
    random: Random,
    block: &mut [u8],
) -> Result<()> {
    let (zero, rest) = block.split_first_mut().ok_or(ErrorCode::Internal)?;
    let (seed, db) = rest.split_at_mut_checked(N).ok_or(ErrorCode::Internal)?;
    let (label, rest) = db.split_at_mut_checked(N).ok_or(ErrorCode::Internal)?;
    let at = rest.len().checked_sub(message.len()).ok_or(ErrorCode::Internal)?;
    let (padding, place) = rest.split_at_mut(at);
    let (one, string) = padding.split_last_mut().ok_or(ErrorCode::Internal)?;
    (*zero, *one) = (0, 1);
    label.copy_from_slice(&hash(&[]));
    string.fill(0);
    place.copy_from_slice(message);
    random(seed)?;
    mgf1::xor(hash, seed, db);
    mgf1::xor(hash, db, seed);
    Ok(())
}

/// Unmasks the block in place. Whether it is right, and how long the message at its end is: a number
/// that is secret, and means nothing, unless it is right.
fn decode<const N: usize>(hash: Hash<N>, block: &mut [u8]) -> (Choice, usize) {
    let wrong = || (Choice::from(0), 0);
    let Some((zero, rest)) = block.split_first_mut() else { return wrong() };
    let Some((seed, db)) = rest.split_at_mut_checked(N) else { return wrong() };
    mgf1::xor(hash, db, seed);
    mgf1::xor(hash, seed, db);
    let Some((label, rest)) = db.split_at_checked(N) else { return wrong() };
    let mut right = zero.ct_eq(&0) & label.ct_eq(&hash(&[]));
    let (mut before, mut message_len) = (Choice::from(1), rest.len());
    for byte in rest {
        let one = byte.ct_eq(&1);
        right &= !before | one | byte.ct_eq(&0);
        // It never wraps; a check for that would be a branch on a secret.
        message_len = message_len.wrapping_sub(before.unwrap_u8().into());
        before &= !one;
    }
    (right & !before, message_len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::drbg::reproducible as random;

    fn opened<const N: usize>(hash: Hash<N>, block: &[u8]) -> Option<Vec<u8>> {
        let mut block = block.to_vec();
        let (right, len) = decode(hash, &mut block);
        bool::from(right).then(|| block[block.len() - len..].to_vec())
    }

    fn every_bit<const N: usize>(hash: Hash<N>) {
        let most = 128 - 2 * N - 2;
        let mut block = [0xaa; 128];
        for len in [0, 1, 24, most - 1, most] {
            let message = vec![1; len];
            encode(hash, &message, random, &mut block).unwrap();
            assert_eq!(opened(hash, &block).unwrap(), message);
            for bit in 0..block.len() * 8 {
                let mut damaged = block;
                damaged[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(opened(hash, &damaged), None, "{len} {bit}");
            }
            for len in 0..block.len() {
                assert_eq!(opened(hash, &block[..len]), None, "{len}");
            }
        }
        assert!(encode(hash, &vec![0; most + 1], random, &mut block).is_err());
        for len in 0..2 * N + 2 {
            assert!(encode(hash, &[], random, &mut block[..len]).is_err());
        }
        assert!(encode(hash, &[], |_| Err(ErrorCode::Internal.into()), &mut block).is_err());
    }

    #[test]
    fn refuses_everything_else() {
        every_bit(sha1_parts);
        every_bit(sha256_parts);
    }

    /// Blocks that are right but for what is behind the label: no 01, or something before it.
    #[test]
    fn what_is_before_the_message() {
        let block = |string: &[u8]| {
            let mut seed = [0x5a; 20];
            let mut db = [&sha1_parts(&[])[..], string].concat();
            mgf1::xor(sha1_parts, &seed, &mut db);
            mgf1::xor(sha1_parts, &db, &mut seed);
            [&[0], &seed[..], &db].concat()
        };
        for (string, message) in [
            (&[0, 0, 0, 1, 7, 8][..], Some(&[7, 8][..])),
            (&[1, 1, 0, 1, 0], Some(&[1, 0, 1, 0])),
            (&[0, 0, 0, 0, 1], Some(&[])),
            (&[1], Some(&[])),
            (&[0, 0, 0, 0], None),
            (&[0, 2, 1, 7], None),
            (&[2, 0, 1, 7], None),
            (&[0xff; 9], None),
            (&[], None),
        ] {
            assert_eq!(opened(sha1_parts, &block(string)).as_deref(), message);
        }
    }

    #[test]
    fn longest_messages() {
        assert_eq!(oaep_max(256, OaepHash::Sha1), 214);
        assert_eq!(oaep_max(256, OaepHash::Sha256), 190);
        assert_eq!(oaep_max(384, OaepHash::Sha256), 318);
        assert_eq!(oaep_max(512, OaepHash::Sha256), 446);
    }
}
