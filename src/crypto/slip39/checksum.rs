//! RS1024: a Reed-Solomon code over GF(1024), which sees any three wrong words of a share.
#![forbid(unsafe_code)]

use subtle::ConstantTimeEq;

use crate::secret::verdict;

/// How many words it has.
pub(super) const LEN: usize = 3;

const GENERATOR: [u32; 10] = [
    0x0e0e040, 0x1c1c080, 0x3838100, 0x7070200, 0xe0e0009, 0x1c0c2412, 0x38086c24, 0x3090fc48,
    0x21b1f890, 0x3f3f120,
];

/// The checksum of words: those that make [`is_right`] true when they follow.
pub(super) fn of(purpose: &[u8], words: &[u16]) -> [u16; LEN] {
    let rest = remainder(purpose, words.iter().copied().chain([0; LEN])) ^ 1;
    [20, 10, 0].map(|shift| (rest >> shift & 0x3ff) as u16)
}

/// Whether the words end with their checksum.
pub(super) fn is_right(purpose: &[u8], words: &[u16]) -> bool {
    verdict(remainder(purpose, words.iter().copied()).ct_eq(&1))
}

fn remainder(purpose: &[u8], words: impl Iterator<Item = u16>) -> u32 {
    purpose.iter().map(|byte| u16::from(*byte)).chain(words).fold(1, |rest, word| {
        let top = rest >> 20;
        let rest = (rest & 0xfffff) << 10 ^ u32::from(word);
        (0..)
            .zip(GENERATOR)
            .fold(rest, |rest, (bit, term)| rest ^ (term & (top >> bit & 1).wrapping_neg()))
    })
}
