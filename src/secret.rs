//! Bytes that must not outlive their use, and comparing them.
#![forbid(unsafe_code)]

use std::hint::black_box;

use subtle::ConstantTimeEq;

pub use zeroize::{Zeroize, Zeroizing};

/// Writes zeros that the compiler may not leave out, at the speed of memset (`zeroize` stores byte
/// by byte). Copies the compiler has made elsewhere remain.
pub fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    zeroize::optimization_barrier(bytes);
}

/// Whether both are equal, in time that depends on the lengths alone.
pub fn eq(a: &[u8], b: &[u8]) -> bool {
    // All differences are gathered in one byte, whole words at a time; only that byte is looked at.
    let differences = a.iter().zip(b).fold(0, |sum, (x, y)| sum | (x ^ y));
    a.len() == b.len() && black_box(differences).ct_eq(&0).into()
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
