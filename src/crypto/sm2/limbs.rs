//! Numbers of 256 bits in four limbs, the lowest first. No branch and no address depends on one.
//!
//! Everything wraps on purpose: what is carried or borrowed comes back beside the result.

use std::hint::black_box;

use subtle::{Choice, ConstantTimeEq};

pub(super) type Limbs = [u64; 4];

/// From 32 bytes, the highest first.
pub(super) fn read(bytes: &[u8; 32]) -> Limbs {
    let mut limbs = [0; 4];
    let (words, _) = bytes.as_chunks();
    limbs.iter_mut().rev().zip(words).for_each(|(limb, word)| *limb = u64::from_be_bytes(*word));
    limbs
}

/// Into 32 bytes, the highest first.
pub(super) fn written(limbs: Limbs) -> [u8; 32] {
    let mut bytes = [0; 32];
    let (words, _) = bytes.as_chunks_mut();
    words.iter_mut().zip(limbs.iter().rev()).for_each(|(word, limb)| *word = limb.to_be_bytes());
    bytes
}

/// Whether all bits are zero.
#[inline]
pub(super) fn is_zero([a, b, c, d]: Limbs) -> Choice {
    (a | b | c | d).ct_eq(&0)
}

/// `a`, or `b` if that is chosen.
#[inline]
pub(super) fn select(a: Limbs, b: Limbs, choice: Choice) -> Limbs {
    let mask = black_box(u64::from(choice.unwrap_u8()).wrapping_neg());
    let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (a, b);
    let select = |a: u64, b| a ^ (mask & (a ^ b));
    [select(a0, b0), select(a1, b1), select(a2, b2), select(a3, b3)]
}

/// a + b + carry, and the next carry.
#[inline(always)]
const fn add(a: u64, b: u64, carry: u64) -> (u64, u64) {
    let (sum, first) = a.overflowing_add(b);
    let (sum, second) = sum.overflowing_add(carry);
    (sum, (first | second) as u64)
}

/// a - b - borrow, and the next borrow.
#[inline(always)]
const fn sub(a: u64, b: u64, borrow: u64) -> (u64, u64) {
    let (difference, first) = a.overflowing_sub(b);
    let (difference, second) = difference.overflowing_sub(borrow);
    (difference, (first | second) as u64)
}

/// a + b, and the carry.
#[inline(always)]
pub(super) const fn sum(a: Limbs, b: Limbs) -> (Limbs, u64) {
    let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (a, b);
    let (r0, carry) = add(a0, b0, 0);
    let (r1, carry) = add(a1, b1, carry);
    let (r2, carry) = add(a2, b2, carry);
    let (r3, carry) = add(a3, b3, carry);
    ([r0, r1, r2, r3], carry)
}

/// a - b, and the borrow.
#[inline(always)]
pub(super) const fn difference(a: Limbs, b: Limbs) -> (Limbs, u64) {
    let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (a, b);
    let (r0, borrow) = sub(a0, b0, 0);
    let (r1, borrow) = sub(a1, b1, borrow);
    let (r2, borrow) = sub(a2, b2, borrow);
    let (r3, borrow) = sub(a3, b3, borrow);
    ([r0, r1, r2, r3], borrow)
}

/// The number if `bit` is 1, 0 if it is 0. Knew the compiler that the mask is all or nothing, it would
/// branch on it.
#[inline(always)]
fn masked(number: Limbs, bit: u64) -> Limbs {
    let ([a, b, c, d], mask) = (number, black_box(bit.wrapping_neg()));
    [a & mask, b & mask, c & mask, d & mask]
}

/// a + b modulo the modulus, both smaller: a - (modulus - b). The modulus is kept from the compiler,
/// which otherwise takes the chains of carries through its limbs apart, and a third longer.
#[inline(always)]
pub(super) fn sum_modulo(a: Limbs, b: Limbs, modulus: &'static Limbs) -> Limbs {
    let modulus = black_box(modulus);
    difference_of(a, difference(*modulus, b).0, modulus)
}

/// a - b modulo the modulus, both smaller.
#[inline(always)]
pub(super) fn difference_modulo(a: Limbs, b: Limbs, modulus: &'static Limbs) -> Limbs {
    difference_of(a, b, black_box(modulus))
}

#[inline(always)]
fn difference_of(a: Limbs, b: Limbs, modulus: &Limbs) -> Limbs {
    let (difference, borrow) = difference(a, b);
    sum(difference, masked(*modulus, borrow)).0
}

/// a b: its low limb, and its high one.
#[inline(always)]
const fn multiply(a: u64, b: u64) -> (u64, u64) {
    let product = (a as u128).wrapping_mul(b as u128);
    (product as u64, (product >> 64) as u64)
}

/// above + a b, of which above is less than 2^256.
#[inline(always)]
pub(super) const fn row(above: Limbs, a: u64, b: Limbs) -> (u64, Limbs) {
    let [b0, b1, b2, b3] = b;
    let ((l0, h0), (l1, h1)) = (multiply(a, b0), multiply(a, b1));
    let ((l2, h2), (l3, h3)) = (multiply(a, b2), multiply(a, b3));
    let ([r0, r1, r2, r3], carry) = sum(above, [l0, l1, l2, l3]);
    let (rest, _) = sum([r1, r2, r3, carry], [h0, h1, h2, h3]);
    (r0, rest)
}

/// a b: its low half, and its high one.
#[inline(always)]
pub(super) const fn product(a: Limbs, b: Limbs) -> (Limbs, Limbs) {
    let [a0, a1, a2, a3] = a;
    let (r0, above) = row([0; 4], a0, b);
    let (r1, above) = row(above, a1, b);
    let (r2, above) = row(above, a2, b);
    let (r3, above) = row(above, a3, b);
    ([r0, r1, r2, r3], above)
}

/// The square: the products of two different limbs once, doubled, and the squares of the limbs.
#[inline(always)]
pub(super) const fn square(a: Limbs) -> (Limbs, Limbs) {
    let [a0, a1, a2, a3] = a;
    let (r1, h1) = multiply(a0, a1);
    let ((l2, h2), (l3, h3)) = (multiply(a0, a2), multiply(a0, a3));
    let (r2, carry) = add(l2, h1, 0);
    let (r3, carry) = add(l3, h2, carry);
    let (r4, _) = add(h3, 0, carry);
    let ((l3, h3), (l4, h4)) = (multiply(a1, a2), multiply(a1, a3));
    let (r3, carry) = add(r3, l3, 0);
    let (r4, carry) = add(r4, h3, carry);
    let (r5, _) = add(h4, 0, carry);
    let (r4, carry) = add(r4, l4, 0);
    let (l5, h5) = multiply(a2, a3);
    let (r5, carry) = add(r5, l5, carry);
    let (r6, _) = add(h5, 0, carry);
    let ((r0, h0), (l1, h1)) = (multiply(a0, a0), multiply(a1, a1));
    let ((l2, h2), (l3, h3)) = (multiply(a2, a2), multiply(a3, a3));
    let twice = [r1 << 1, r2 << 1 | r1 >> 63, r3 << 1 | r2 >> 63, r4 << 1 | r3 >> 63];
    let above = [r5 << 1 | r4 >> 63, r6 << 1 | r5 >> 63, r6 >> 63];
    let ([r1, r2, r3, r4], carry) = sum(twice, [h0, l1, h1, l2]);
    let [r5, r6, r7] = above;
    let (r5, carry) = add(r5, h2, carry);
    let (r6, carry) = add(r6, l3, carry);
    let (r7, _) = add(r7, h3, carry);
    ([r0, r1, r2, r3], [r4, r5, r6, r7])
}
