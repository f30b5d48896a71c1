//! Products by integer multiplications, whose carries fall into holes.
#![forbid(unsafe_code)]

/// Every fourth bit, beginning with the lowest.
const COMB: u64 = 0x1111_1111_1111_1111;

/// The sum after these blocks under the last of the powers. The reductions are a small part here.
pub(super) fn sum(powers: &[[u8; 16]], sum: u128, blocks: &[[u8; 16]]) -> u128 {
    let key = u128::from_le_bytes(powers.last().copied().unwrap_or_default());
    blocks.iter().fold(sum, |sum, block| dot(sum ^ u128::from_be_bytes(*block), key))
}

/// a b / x^128.
fn dot(a: u128, b: u128) -> u128 {
    let ((a1, a0), (b1, b0)) = (halves(a), halves(b));
    // Karatsuba: three products instead of four.
    let (low, high) = (product(a0, b0), product(a1, b1));
    let middle = product(a0 ^ a1, b0 ^ b1) ^ low ^ high;
    let (low, high) = (low ^ (middle << 64), high ^ (middle >> 64));
    high ^ divided(divided(low))
}

/// a / x^64: the low half, times the modulus, is taken away from below.
fn divided(a: u128) -> u128 {
    let (high, low) = halves(a);
    let low = u128::from(low);
    u128::from(high) ^ (low << 64) ^ (low << 63) ^ (low << 62) ^ (low << 57)
}

fn halves(a: u128) -> (u64, u64) {
    ((a >> 64) as u64, a as u64)
}

/// The product of polynomials. In a number of 60 bits, 15 are in a comb, so a digit of a product is
/// 15 at most and keeps out of the next one, three holes further on. Its four highest bits are
/// multiplied one by one.
fn product(a: u64, b: u64) -> u128 {
    let [a0, a1, a2, a3] = [0, 1, 2, 3].map(|i| u128::from(a & (COMB >> 4 << i)));
    let [b0, b1, b2, b3] = [0, 1, 2, 3].map(|i| u128::from(b & (COMB << i)));
    let times = u128::wrapping_mul;
    let wide = u128::from(COMB) << 64 | u128::from(COMB);
    let sums = [
        times(a0, b0) ^ times(a1, b3) ^ times(a2, b2) ^ times(a3, b1),
        times(a0, b1) ^ times(a1, b0) ^ times(a2, b3) ^ times(a3, b2),
        times(a0, b2) ^ times(a1, b1) ^ times(a2, b0) ^ times(a3, b3),
        times(a0, b3) ^ times(a1, b2) ^ times(a2, b1) ^ times(a3, b0),
    ];
    let [s0, s1, s2, s3] = sums;
    let combed = (s0 & wide) | (s1 & (wide << 1)) | (s2 & (wide << 2)) | (s3 & (wide << 3));
    (60..64).fold(combed, |sum, i| {
        sum ^ ((u128::from(b) << i) & 0u128.wrapping_sub(u128::from(a >> i & 1)))
    })
}
