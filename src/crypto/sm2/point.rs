//! Points of the curve y^2 = x^3 - 3 x + b, whose order is a prime, the group's order n: a point that
//! is not infinity has the order n, and y is never zero.

use subtle::{Choice, ConditionallySelectable};
use zeroize::DefaultIsZeroes;

use super::field::Field;
use super::scalar::Scalar;

const B: Field = Field::from_montgomery([
    0x90d23063_2bc0dd42,
    0x71cf379a_e9b537ab,
    0x52798150_5ea51c3c,
    0x240fe188_ba20e2c8,
]);

/// A point that is not infinity.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(super) struct Affine {
    pub(super) x: Field,
    pub(super) y: Field,
}

impl DefaultIsZeroes for Affine {}

impl Affine {
    /// The point x | y, if it is on the curve.
    pub(super) fn read(bytes: &[u8; 64]) -> Option<Self> {
        let (x, y) = bytes.split_first_chunk()?;
        let (x, y) = (Field::read(x)?, Field::read(y.first_chunk()?)?);
        (y.square() == Self::square_of_y(x)).then_some(Self { x, y })
    }

    /// The point with that x and an odd or even y, if there is one.
    pub(super) fn decompressed(x: &[u8; 32], is_odd: bool) -> Option<Self> {
        let x = Field::read(x)?;
        let y = Self::square_of_y(x).root()?;
        Some(Self { x, y: if y.is_odd() == is_odd { y } else { -y } })
    }

    /// x | y.
    pub(super) fn to_bytes(self) -> [u8; 64] {
        let mut bytes = [0; 64];
        let (x, y) = bytes.split_at_mut(32);
        x.copy_from_slice(&self.x.to_bytes());
        y.copy_from_slice(&self.y.to_bytes());
        bytes
    }

    fn square_of_y(x: Field) -> Field {
        (x.square() - Field::ONE.double() - Field::ONE) * x + B
    }

    /// The point, or its negative.
    #[inline]
    pub(super) fn negated(self, choice: Choice) -> Self {
        Self { x: self.x, y: Field::conditional_select(&self.y, &-self.y, choice) }
    }
}

/// The point (x / z^2, y / z^3); infinity if z is zero (Jacobian coordinates).
#[derive(Clone, Copy, Default)]
#[cfg_attr(test, derive(Debug))]
pub(super) struct Point {
    pub(super) x: Field,
    pub(super) y: Field,
    pub(super) z: Field,
}

impl DefaultIsZeroes for Point {}

impl Point {
    pub(super) const INFINITY: Self = Self { x: Field::ONE, y: Field::ONE, z: Field::ZERO };

    /// Twice the point: right for every one, as y is never zero.
    #[inline]
    pub(super) fn double(&self) -> Self {
        let Self { x, y, z } = *self;
        let zz = z.square();
        let twice_yy = y.square().double();
        let slope = (x - zz) * (x + zz);
        let slope = slope.double() + slope;
        let four_xyy = (x * twice_yy).double();
        let x = slope.square() - four_xyy.double();
        let eight_yyyy = twice_yy.square().double();
        Self { x, y: slope * (four_xyy - x) - eight_yyyy, z: (y * z).double() }
    }

    /// The sum with another point, neither of which is infinity or equal to the other. Of a point and
    /// its negative it is infinity.
    #[inline]
    pub(super) fn add_other(&self, other: &Self) -> Self {
        let (zz, other_zz) = (self.z.square(), other.z.square());
        let (x, y) = (self.x * other_zz, self.y * (other.z * other_zz));
        let (other_x, other_y) = (other.x * zz, other.y * (self.z * zz));
        Self::chord(x, y, self.z * other.z, other_x, other_y)
    }

    /// The same with a point whose z is 1.
    #[inline]
    pub(super) fn add_affine(&self, other: &Affine) -> Self {
        let zz = self.z.square();
        Self::chord(self.x, self.y, self.z, other.x * zz, other.y * (self.z * zz))
    }

    /// The sum of two points over one z.
    #[inline(always)]
    fn chord(x: Field, y: Field, z: Field, other_x: Field, other_y: Field) -> Self {
        let (run, rise) = (other_x - x, other_y - y);
        let square = run.square();
        let (cube, part) = (run * square, x * square);
        let x = rise.square() - cube - part.double();
        Self { x, y: rise * (part - x) - y * cube, z: z * run }
    }

    /// The sum of any two points. Which case it is may be learnt from the time.
    pub(super) fn add_public(&self, other: &Affine) -> Self {
        if bool::from(self.z.is_zero()) {
            return Self::from(*other);
        }
        let zz = self.z.square();
        if other.x * zz == self.x && other.y * (self.z * zz) == self.y {
            return self.double();
        }
        self.add_affine(other)
    }

    /// Whether x modulo n is this number: x / z^2 is, or that number and n together, which few x reach.
    /// Infinity has no x. All of it is public.
    pub(super) fn has_x(&self, number: Scalar) -> bool {
        let zz = self.z.square();
        let is = |bytes| Field::read(&bytes).is_some_and(|x| x * zz == self.x);
        zz != Field::ZERO && (is(number.to_bytes()) || number.plus_order().is_some_and(is))
    }

    /// The point with z = 1; it is not infinity.
    pub(super) fn to_affine(self) -> Affine {
        self.divided(self.z.invert())
    }

    /// The same, where 1 / z is known.
    pub(super) fn divided(self, inverse: Field) -> Affine {
        let square = inverse.square();
        Affine { x: self.x * square, y: self.y * (square * inverse) }
    }
}

impl From<Affine> for Point {
    fn from(Affine { x, y }: Affine) -> Self {
        Self { x, y, z: Field::ONE }
    }
}

impl ConditionallySelectable for Point {
    #[inline]
    fn conditional_select(a: &Self, b: &Self, choice: Choice) -> Self {
        let select = |a, b| Field::conditional_select(a, b, choice);
        Self { x: select(&a.x, &b.x), y: select(&a.y, &b.y), z: select(&a.z, &b.z) }
    }
}
