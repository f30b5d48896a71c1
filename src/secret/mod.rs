//! Bytes that must not outlive their use, comparing them, and what may be told of them.
#![deny(unsafe_code)]

#[cfg(feature = "testing")]
pub mod marks;

use std::hint::black_box;

use subtle::{Choice, ConstantTimeEq};

pub use zeroize::{Zeroize, Zeroizing};

/// Writes zeros that the compiler may not leave out, at the speed of memset (`zeroize` stores byte
/// by byte). Copies the compiler has made elsewhere remain.
pub fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    zeroize::optimization_barrier(bytes);
}

/// Whether both are equal, in time that depends on the lengths alone. That they are is public.
pub fn eq(a: &[u8], b: &[u8]) -> bool {
    // All differences are gathered in one byte, whole words at a time; only that byte is looked at.
    let differences = a.iter().zip(b).fold(0, |sum, (x, y)| sum | (x ^ y));
    a.len() == b.len() && verdict(black_box(differences).ct_eq(&0))
}

/// Whether a number is below another of as many bytes, both big-endian, in time that depends on the length
/// alone. That it is is public.
pub fn is_below(number: &[u8], limit: &[u8]) -> bool {
    // Subtracting the limit borrows at the end.
    let borrow = number.iter().zip(limit).rev().fold(0, |borrow, (byte, limit)| {
        u16::from(*byte).wrapping_sub(u16::from(*limit)).wrapping_sub(borrow) >> 15
    });
    number.len() == limit.len() && verdict(Choice::from(borrow as u8))
}

/// The one bit about secrets that the caller tells: branches may depend on it from here on.
pub fn verdict(right: Choice) -> bool {
    publish([right.unwrap_u8()]) != [0]
}

/// What has been computed from secrets and is public: branches and addresses may depend on it from
/// here on. To the proof of constant time it says so; otherwise it does nothing.
#[inline]
pub fn publish<const N: usize>(bytes: [u8; N]) -> [u8; N] {
    #[cfg(feature = "testing")]
    let bytes = marks::revealed(bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wiped_and_compared() {
        let mut bytes = [7u8; 33];
        assert!(eq(&bytes, &[7; 33]));
        assert!(!eq(&bytes, &[7; 32]));
        wipe(&mut bytes);
        assert!(eq(&bytes, &[0; 33]));
        assert!(eq(&[], &[]));
    }
}
