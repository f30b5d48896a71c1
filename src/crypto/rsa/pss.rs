//! EMSA-PSS (RFC 8017, 9.1) for a modulus of whole bytes: EM = DB xor MGF1(H) | H | bc, its first
//! bit cleared, DB = 00 ... 00 | 01 | salt, H = Hash(eight zeros | digest | salt).
#![forbid(unsafe_code)]

use super::mgf1::{self, Hash};
use crate::error::{ErrorCode, Result};

/// The bytes of the salt of what is signed and verified: those of the digest, as usual (9.1, note 4).
pub(super) const SALT_LEN: usize = 32;

const TRAILER: u8 = 0xbc;

/// Fills the block.
pub(super) fn encode<const N: usize>(
    hash: Hash<N>,
    digest: &[u8; N],
    salt: &[u8],
    block: &mut [u8],
) -> Result<()> {
    let (trailer, rest) = block.split_last_mut().ok_or(ErrorCode::Internal)?;
    let (db, h) = rest.split_last_chunk_mut::<N>().ok_or(ErrorCode::Internal)?;
    let at = db.len().checked_sub(salt.len()).ok_or(ErrorCode::Internal)?;
    let (padding, place) = db.split_at_mut(at);
    let (one, string) = padding.split_last_mut().ok_or(ErrorCode::Internal)?;
    (*one, *trailer) = (1, TRAILER);
    string.fill(0);
    place.copy_from_slice(salt);
    *h = hash(&[&[0; 8], digest, salt]);
    mgf1::xor(hash, h, db);
    clear_first_bit(db);
    Ok(())
}

/// Whether the block encodes the digest with a salt of so many bytes. It is unmasked in place.
pub(super) fn is_encoded<const N: usize>(
    hash: Hash<N>,
    digest: &[u8; N],
    salt_len: usize,
    block: &mut [u8],
) -> bool {
    let Some((&mut TRAILER, rest)) = block.split_last_mut() else { return false };
    let Some((db, h)) = rest.split_last_chunk_mut::<N>() else { return false };
    if db.first().is_none_or(|first| first >> 7 != 0) {
        return false;
    }
    mgf1::xor(hash, h, db);
    clear_first_bit(db);
    let at = db.len().checked_sub(salt_len);
    let Some((padding, salt)) = at.and_then(|at| db.split_at_checked(at)) else { return false };
    let Some((1, string)) = padding.split_last() else { return false };
    string.iter().all(|byte| *byte == 0) && *h == hash(&[&[0; 8], digest, salt])
}

/// The block is a number below the modulus, whose first bit is set.
fn clear_first_bit(db: &mut [u8]) {
    db.iter_mut().take(1).for_each(|first| *first &= 0x7f);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::digest::sha256_parts;

    #[test]
    fn every_bit_counts() {
        let digest = [3; 32];
        let is_right = |salt_len, block: &[u8]| {
            is_encoded(sha256_parts, &digest, salt_len, &mut block.to_vec())
        };
        let mut block = [0xaa; 128];
        for salt_len in [0, 20, 32, 62] {
            encode(sha256_parts, &digest, &[9; 62][..salt_len], &mut block).unwrap();
            assert!(is_right(salt_len, &block));
            for bit in 0..block.len() * 8 {
                let mut damaged = block;
                damaged[bit / 8] ^= 1 << (bit % 8);
                assert!(!is_right(salt_len, &damaged), "{salt_len} {bit}");
            }
            assert!((0..140).filter(|len| *len != salt_len).all(|len| !is_right(len, &block)));
            assert!((0..128).all(|len| !is_right(salt_len, &block[..len])));
            assert!(!is_encoded(sha256_parts, &[4; 32], salt_len, &mut block));
        }
        assert!(encode(sha256_parts, &digest, &[9; 95], &mut block).is_err());
        assert!(
            (0..66).all(|len| encode(sha256_parts, &digest, &[9; 32], &mut block[..len]).is_err())
        );
    }
}
