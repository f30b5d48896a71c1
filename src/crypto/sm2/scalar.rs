//! Numbers modulo the group's order n (GB/T 32918.5).

use std::ops::{Add, Mul, Neg, Sub};

use subtle::{Choice, ConditionallySelectable};
use zeroize::DefaultIsZeroes;

use super::inversion::Modulus;
use super::limbs::{self, Limbs};
use crate::secret::verdict;

const N: Limbs =
    [0x53bbf409_39d54123, 0x7203df6b_21c6052b, 0xffffffff_ffffffff, 0xfffffffe_ffffffff];
/// -1 / n modulo 2^64.
const FACTOR: u64 = 0x327f9e88_72350975;
/// 2^512 modulo n.
const SQUARE_OF_R: Limbs =
    [0x901192af_7c114f20, 0x3464504a_de6fa2fa, 0x620fc84c_3affe0d4, 0x1eb5e412_a22b3d3b];
/// (n - 1) / 2.
const HALF: Limbs =
    [0xa9ddfa04_9ceaa091, 0xb901efb5_90e30295, 0xffffffff_ffffffff, 0x7fffffff_7fffffff];

/// A number less than n, as it is.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(super) struct Scalar(Limbs);

impl DefaultIsZeroes for Scalar {}

impl Scalar {
    pub(super) const ZERO: Self = Self([0; 4]);
    pub(super) const ONE: Self = Self([1, 0, 0, 0]);

    /// The number in these bytes, if 0 < number < n: whether it is so is public.
    pub(super) fn read(bytes: &[u8; 32]) -> Option<Self> {
        let number = Self(limbs::read(bytes));
        let (_, is_less) = limbs::difference(number.0, N);
        let is_fit = Choice::from(is_less as u8) & !number.is_zero();
        verdict(is_fit).then_some(number)
    }

    /// The number in these bytes modulo n, which is more than half of all that they can hold.
    pub(super) fn reduced(bytes: &[u8; 32]) -> Self {
        Self(limbs::difference_modulo(limbs::read(bytes), N, &N))
    }

    pub(super) fn to_bytes(self) -> [u8; 32] {
        limbs::written(self.0)
    }

    pub(super) fn is_zero(self) -> Choice {
        limbs::is_zero(self.0)
    }

    /// The number plus n, if that is less than 2^256.
    pub(super) fn plus_order(self) -> Option<[u8; 32]> {
        let (sum, carry) = limbs::sum(self.0, N);
        (carry == 0).then(|| limbs::written(sum))
    }

    /// The inverse, and 0 of 0.
    pub(super) fn invert(self) -> Self {
        static ORDER: Modulus = Modulus::new(N);
        Self(ORDER.inverse_of(self.0))
    }

    /// The smaller one of k and n - k, at most (n - 1) / 2, and whether it is n - k.
    pub(super) fn halved(self) -> (Self, Choice) {
        let (_, is_larger) = limbs::difference(HALF, self.0);
        let is_larger = Choice::from(is_larger as u8);
        (Self::conditional_select(&self, &-self, is_larger), is_larger)
    }

    /// 64 bits from there on.
    #[inline]
    fn bits(&self, from: usize) -> u64 {
        let limb = |at: usize| self.0.get(at).copied().unwrap_or_default();
        let (at, shift) = (from / 64, from % 64);
        limb(at) >> shift | limb(at.wrapping_add(1)) << 1 << (63 - shift)
    }

    /// A digit of the number, which has 255 bits at most, in base 2^WIDTH, from minus one half of that
    /// to one half: the highest bit of the digit below carries over.
    #[inline]
    pub(super) fn digit<const WIDTH: usize>(&self, at: usize) -> Digit {
        let bits = match at.wrapping_mul(WIDTH).checked_sub(1) {
            Some(from) => self.bits(from),
            None => self.bits(0) << 1,
        };
        let bits = bits & ((2 << WIDTH) - 1);
        let is_negative = bits >> WIDTH;
        let size = bits.wrapping_add(1) >> 1;
        // 2^WIDTH less that, if it is negative.
        let size = (size ^ is_negative.wrapping_neg()).wrapping_add(is_negative);
        let size = size & ((1 << WIDTH) - 1);
        Digit { size, is_negative: Choice::from(is_negative as u8) }
    }
}

/// A signed digit.
pub(super) struct Digit {
    pub(super) size: u64,
    pub(super) is_negative: Choice,
}

impl Add for Scalar {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(limbs::sum_modulo(self.0, other.0, &N))
    }
}

impl Sub for Scalar {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(limbs::difference_modulo(self.0, other.0, &N))
    }
}

impl Neg for Scalar {
    type Output = Self;

    fn neg(self) -> Self {
        Self::ZERO - self
    }
}

impl Mul for Scalar {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self(montgomery(montgomery(self.0, SQUARE_OF_R), other.0))
    }
}

impl ConditionallySelectable for Scalar {
    fn conditional_select(a: &Self, b: &Self, choice: Choice) -> Self {
        Self(limbs::select(a.0, b.0, choice))
    }
}

/// a b / 2^256 modulo n.
fn montgomery(a: Limbs, b: Limbs) -> Limbs {
    reduced(limbs::product(a, b))
}

/// A product, less than 2^256 n, divided by 2^256 modulo n.
fn reduced((low, high): (Limbs, Limbs)) -> Limbs {
    limbs::sum_modulo(high, (0..4).fold(low, |low, _| divided(low)), &N)
}

/// (number + m n) / 2^64 with the m that makes the lowest limb zero.
const fn divided(number: Limbs) -> Limbs {
    let [lowest, ..] = number;
    limbs::row(number, lowest.wrapping_mul(FACTOR), N).1
}
