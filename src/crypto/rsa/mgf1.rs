//! MGF1 (RFC 8017, B.2.1), over any hash.
#![forbid(unsafe_code)]

use crate::secret::wipe;

/// A hash of `N` bytes over the concatenation of parts.
pub(super) type Hash<const N: usize> = fn(&[&[u8]]) -> [u8; N];

/// `target` xor H(seed | 0) | H(seed | 1) | ...
pub(super) fn xor<const N: usize>(hash: Hash<N>, seed: &[u8], target: &mut [u8]) {
    for (counter, chunk) in (0u32..).zip(target.chunks_mut(N)) {
        let mut mask = hash(&[seed, &counter.to_be_bytes()]);
        for (byte, mask) in chunk.iter_mut().zip(&mask) {
            *byte ^= mask;
        }
        wipe(&mut mask);
    }
}
