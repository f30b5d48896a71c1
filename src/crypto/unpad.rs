//! Taking RSA's encryption padding off in constant time (RFC 8017, 7.1.2 and 7.2.2).
//!
//! The message's length is known beforehand and public, so every position is: what depends on
//! secrets is the value of one bit and of the bytes under it, never a branch or an address. This
//! is what ends Bleichenbacher's and Manger's attacks, provided that the caller treats all failures
//! alike.
#![forbid(unsafe_code)]

use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::secret::wipe;

/// Copies the message out if the padding is right; otherwise `out` keeps its bytes.
fn release(right: Choice, message: &[u8], out: &mut [u8]) -> Choice {
    let right = right & message.len().ct_eq(&out.len());
    for (out, byte) in out.iter_mut().zip(message) {
        out.conditional_assign(byte, right);
    }
    right
}

/// EM = 00 | 02 | PS, at least 8 bytes without a zero | 00 | M, with M as long as `out`.
pub(crate) fn pkcs1v15(block: &[u8], out: &mut [u8]) -> Choice {
    let Some((padding, message)) =
        block.len().checked_sub(out.len()).and_then(|at| block.split_at_checked(at))
    else {
        return Choice::from(0);
    };
    let [zero, two, string @ .., end] = padding else { return Choice::from(0) };
    if string.len() < 8 {
        return Choice::from(0);
    }
    let mut right = zero.ct_eq(&0) & two.ct_eq(&2) & end.ct_eq(&0);
    for byte in string {
        right &= !byte.ct_eq(&0);
    }
    release(right, message, out)
}

/// EM = 00 | seed xor MGF1(DB) | DB xor MGF1(seed), DB = H("") | 00 ... 00 | 01 | M, with M as long
/// as `out`, for the hash H of `N` bytes in both places. The block is unmasked in place.
pub(crate) fn oaep<const N: usize>(
    hash: fn(&[&[u8]]) -> [u8; N],
    block: &mut [u8],
    out: &mut [u8],
) -> Choice {
    let Some((zero, rest)) = block.split_first_mut() else { return Choice::from(0) };
    let Some((seed, db)) = rest.split_at_mut_checked(N) else { return Choice::from(0) };
    mgf1_xor(hash, db, seed);
    mgf1_xor(hash, seed, db);
    let Some((label, rest)) = db.split_at_checked(N) else { return Choice::from(0) };
    let Some((padding, message)) =
        rest.len().checked_sub(out.len()).and_then(|at| rest.split_at_checked(at))
    else {
        return Choice::from(0);
    };
    let Some((one, string)) = padding.split_last() else { return Choice::from(0) };
    let mut right = zero.ct_eq(&0) & label.ct_eq(&hash(&[])) & one.ct_eq(&1);
    for byte in string {
        right &= byte.ct_eq(&0);
    }
    release(right, message, out)
}

/// `target` xor H(seed | 0) | H(seed | 1) | ... (RFC 8017, B.2.1).
fn mgf1_xor<const N: usize>(hash: fn(&[&[u8]]) -> [u8; N], seed: &[u8], target: &mut [u8]) {
    for (counter, chunk) in (0u32..).zip(target.chunks_mut(N)) {
        let mut mask = hash(&[seed, &counter.to_be_bytes()]);
        for (byte, mask) in chunk.iter_mut().zip(&mask) {
            *byte ^= mask;
        }
        wipe(&mut mask);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::digest::{sha1_parts, sha256_parts};

    /// A right block for the message: the standard's encoding, written down once more.
    fn oaep_block<const N: usize>(
        hash: fn(&[&[u8]]) -> [u8; N],
        len: usize,
        message: &[u8],
    ) -> Vec<u8> {
        let mut seed = [0x5a; N];
        let mut db = hash(&[]).to_vec();
        db.resize(len - 1 - N - 1 - message.len(), 0);
        db.push(1);
        db.extend_from_slice(message);
        mgf1_xor(hash, &seed, &mut db);
        mgf1_xor(hash, &db, &mut seed);
        [&[0], &seed[..], &db].concat()
    }

    fn every_oaep_bit<const N: usize>(hash: fn(&[&[u8]]) -> [u8; N]) {
        let message = [7; 24];
        let block = oaep_block(hash, 128, &message);
        let mut out = [0; 24];
        assert!(bool::from(oaep(hash, &mut block.clone(), &mut out)));
        assert_eq!(out, message);
        for bit in 0..block.len() * 8 {
            let mut damaged = block.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let mut out = [0xaa; 24];
            assert!(!bool::from(oaep(hash, &mut damaged, &mut out)), "{bit}");
            assert_eq!(out, [0xaa; 24]);
        }
        for len in (0..140).filter(|len| *len != 24) {
            assert!(!bool::from(oaep(hash, &mut block.clone(), &mut [0; 140][..len])), "{len}");
        }
        for len in 0..block.len() {
            assert!(!bool::from(oaep(hash, &mut block.clone()[..len], &mut out)), "{len}");
        }
        let full = vec![9; 128 - 2 - 2 * N];
        let mut out = vec![0; full.len()];
        assert!(bool::from(oaep(hash, &mut oaep_block(hash, 128, &full), &mut out)));
        assert_eq!(out, full);
    }

    #[test]
    fn oaep_refuses_everything_else() {
        every_oaep_bit(sha1_parts);
        every_oaep_bit(sha256_parts);
    }

    #[test]
    fn pkcs1_refuses_everything_else() {
        let message = [7; 16];
        let block = [&[0, 2][..], &[0xff; 45], &[0], &message].concat();
        let mut out = [0; 16];
        assert!(bool::from(pkcs1v15(&block, &mut out)));
        assert_eq!(out, message);
        for at in 0..48 {
            for value in (0..=255).filter(|value| *value != block[at]) {
                let mut changed = block.clone();
                changed[at] = value;
                let mut out = [0xaa; 16];
                let right = bool::from(pkcs1v15(&changed, &mut out));
                assert_eq!(right, (2..47).contains(&at) && value != 0, "{at} {value}");
                assert_eq!(out, if right { message } else { [0xaa; 16] });
            }
        }
        for len in (0..80).filter(|len| *len != 16) {
            assert!(!bool::from(pkcs1v15(&block, &mut [0; 80][..len])), "{len}");
        }
        // Seven bytes of padding are one too few.
        assert!(!bool::from(pkcs1v15(&[&[0, 2][..], &[1; 7], &[0], &message].concat(), &mut out)));
        assert!(bool::from(pkcs1v15(&[&[0, 2][..], &[1; 8], &[0], &message].concat(), &mut out)));
    }
}
