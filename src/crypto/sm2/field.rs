//! The field of the curve: numbers modulo p = 2^256 - 2^224 - 2^96 + 2^64 - 1 (GB/T 32918.5).

use std::ops::{Add, Mul, Neg, Sub};

use subtle::{Choice, ConditionallySelectable};
use zeroize::DefaultIsZeroes;

use super::inversion::Modulus;
use super::limbs::{self, Limbs};

const P: Limbs =
    [0xffffffff_ffffffff, 0xffffffff_00000000, 0xffffffff_ffffffff, 0xfffffffe_ffffffff];
/// 2^512 modulo p.
const SQUARE_OF_R: Limbs =
    [0x00000002_00000003, 0x00000002_ffffffff, 0x00000001_00000001, 0x00000004_00000002];

/// A number less than p, times R = 2^256 modulo p (Montgomery's form).
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(super) struct Field(Limbs);

impl DefaultIsZeroes for Field {}

impl Field {
    pub(super) const ZERO: Self = Self([0; 4]);
    pub(super) const ONE: Self =
        Self([0x00000000_00000001, 0x00000000_ffffffff, 0, 0x00000001_00000000]);

    /// From limbs in Montgomery's form.
    pub(super) const fn from_montgomery(limbs: Limbs) -> Self {
        Self(limbs)
    }

    /// The same, each limb in bytes, the lowest first.
    pub(super) const fn stored([a, b, c, d]: [[u8; 8]; 4]) -> Self {
        let (a, b) = (u64::from_le_bytes(a), u64::from_le_bytes(b));
        Self([a, b, u64::from_le_bytes(c), u64::from_le_bytes(d)])
    }

    /// The number in these bytes, if it is less than p: whether it is so is public.
    pub(super) fn read(bytes: &[u8; 32]) -> Option<Self> {
        let number = limbs::read(bytes);
        let (_, is_less) = limbs::difference(number, P);
        (is_less == 1).then(|| Self(number) * Self(SQUARE_OF_R))
    }

    pub(super) fn to_bytes(self) -> [u8; 32] {
        limbs::written(reduced((self.0, [0; 4])))
    }

    #[inline]
    pub(super) fn double(self) -> Self {
        self + self
    }

    #[inline]
    pub(super) fn square(self) -> Self {
        Self(reduced(limbs::square(self.0)))
    }

    /// Squared so many times.
    fn squares(self, count: u32) -> Self {
        (0..count).fold(self, |power, _| power.square())
    }

    /// Takes the number in if all bits of the mask are set, and nothing if none is.
    #[inline(always)]
    pub(super) fn gather(&mut self, number: Self, mask: u64) {
        self.0.iter_mut().zip(number.0).for_each(|(limb, other)| *limb |= other & mask);
    }

    #[inline]
    pub(super) fn is_zero(self) -> Choice {
        limbs::is_zero(self.0)
    }

    /// Whether the number itself is odd.
    pub(super) fn is_odd(self) -> bool {
        let [lowest, ..] = reduced((self.0, [0; 4]));
        lowest & 1 == 1
    }

    /// The inverse, and 0 of 0.
    pub(super) fn invert(self) -> Self {
        static PRIME: Modulus = Modulus::new(P);
        // Of the number times R; then times R^2, for which each of these stands with R once more.
        Self(PRIME.inverse_of(self.0)) * Self(SQUARE_OF_R) * Self(SQUARE_OF_R)
    }

    /// The number to the power (p + 1) / 4: a square root if there is one. The power is 31 ones, a zero,
    /// 128 ones, 31 zeros, a one and 62 zeros.
    pub(super) fn root(self) -> Option<Self> {
        let ones_2 = self.square() * self;
        let ones_3 = ones_2.square() * self;
        let ones_6 = ones_3.squares(3) * ones_3;
        let ones_12 = ones_6.squares(6) * ones_6;
        let ones_15 = ones_12.squares(3) * ones_3;
        let ones_30 = ones_15.squares(15) * ones_15;
        let ones_31 = ones_30.square() * self;
        let ones_32 = ones_31.square() * self;
        let ones_64 = ones_32.squares(32) * ones_32;
        let high = (ones_31.squares(65) * ones_64).squares(64) * ones_64;
        let root = (high.squares(32) * self).squares(62);
        (root.square() == self).then_some(root)
    }
}

impl Add for Field {
    type Output = Self;

    #[inline]
    fn add(self, other: Self) -> Self {
        Self(limbs::sum_modulo(self.0, other.0, &P))
    }
}

impl Sub for Field {
    type Output = Self;

    #[inline]
    fn sub(self, other: Self) -> Self {
        Self(limbs::difference_modulo(self.0, other.0, &P))
    }
}

impl Neg for Field {
    type Output = Self;

    #[inline]
    fn neg(self) -> Self {
        Self::ZERO - self
    }
}

impl Mul for Field {
    type Output = Self;

    #[inline]
    fn mul(self, other: Self) -> Self {
        Self(reduced(limbs::product(self.0, other.0)))
    }
}

impl ConditionallySelectable for Field {
    #[inline]
    fn conditional_select(a: &Self, b: &Self, choice: Choice) -> Self {
        Self(limbs::select(a.0, b.0, choice))
    }
}

/// A product, less than 2^256 p, divided by 2^256 modulo p.
#[inline(always)]
fn reduced((low, high): (Limbs, Limbs)) -> Limbs {
    limbs::sum_modulo(high, divided(divided(divided(divided(low)))), &P)
}

/// (number + m p) / 2^64, where m is the lowest limb. Since p is -1 modulo 2^64, m itself makes that
/// limb zero, and (m p + m) / 2^64 = m (2^192 - 2^160 - 2^32 + 1) takes no multiplication.
#[inline(always)]
const fn divided([m, a, b, c]: Limbs) -> Limbs {
    let (low, high) = (m << 32, m >> 32);
    let (multiple, _) = limbs::difference([m, 0, 0, m], [low, high, low, high]);
    limbs::sum([a, b, c, 0], multiple).0
}

#[cfg(test)]
impl Field {
    /// What [`Self::stored`] reads.
    pub(super) fn to_stored(self) -> Vec<u8> {
        self.0.map(u64::to_le_bytes).concat()
    }
}
