//! Points times scalars, by tables of a point's multiples: secret scalars in constant time, public
//! ones in less.
//!
//! The sums of points are right for all but infinity, which masks tell, and two equal points, which
//! do not meet. For k is replaced by the smaller one of k and n - k, so that a sum is known as a
//! number, not only modulo n: it is c_0 + c_1 B + c_2 B^2 + ... times the point, where B is by what
//! a row's multiples exceed those of the row before, and each c is made of the digits read of that
//! row, and less than B / 2 and a digit. It comes to hardly more than n / 2. The next digit d of row
//! j adds d B^j, so were that equal, or the negative, then as a number; hence all c would be zero but
//! c_j, and that would be d or -d. But c_j is a multiple of 2^WIDTH then, and d, which is not zero,
//! at most half of that.

use subtle::{ConditionallySelectable, ConstantTimeEq};

use super::field::Field;
use super::point::{Affine, Point};
use super::scalar::{Digit, Scalar};
use crate::secret::Zeroizing;

/// The multiples 1, 2, ... SIZE of a point times 2^(WIDTH STEPS row). A digit has WIDTH bits, SIZE is
/// half of 2^WIDTH, and there are ROWS times STEPS digits.
pub(super) struct Comb<const WIDTH: usize, const SIZE: usize, const ROWS: usize>(
    [[Affine; SIZE]; ROWS],
);

/// All digits in one step, without doublings: 88 KB.
pub(super) type Generator = Comb<6, 32, 43>;
/// For a key, which is used more than once: 2 KB, and 60 doublings.
pub(super) type Kept = Comb<4, 8, 4>;
/// For a point that is used once.
pub(super) type Passing = Comb<5, 16, 1>;

/// Computed once and for all: the coordinates as they lie in memory, the lowest byte first.
pub(super) static GENERATOR: Generator = Comb::read(include_bytes!("generator.bin"));

impl Generator {
    const fn read(bytes: &[u8; 43 * 32 * 64]) -> Self {
        let mut table = [[Affine { x: Field::ZERO, y: Field::ZERO }; 32]; 43];
        let (mut words, _) = bytes.as_chunks();
        let mut points = table.as_flattened_mut();
        while let (Some((point, others)), Some(([x0, x1, x2, x3, y0, y1, y2, y3], more))) =
            (points.split_first_mut(), words.split_first_chunk())
        {
            let (x, y) = ([*x0, *x1, *x2, *x3], [*y0, *y1, *y2, *y3]);
            *point = Affine { x: Field::stored(x), y: Field::stored(y) };
            (points, words) = (others, more);
        }
        Comb(table)
    }
}

impl<const WIDTH: usize, const SIZE: usize, const ROWS: usize> Comb<WIDTH, SIZE, ROWS> {
    const STEPS: usize = 256usize.div_ceil(WIDTH * ROWS);

    pub(super) fn new(point: &Affine) -> Self {
        let mut first = Point::from(*point);
        let multiples = std::array::from_fn(|row| {
            if row > 0 {
                first = (0..WIDTH * Self::STEPS).fold(first, |point, _| point.double());
            }
            let mut last = first;
            std::array::from_fn(|at| {
                last = match at {
                    0 => last,
                    1 => last.double(),
                    _ => last.add_other(&first),
                };
                last
            })
        });
        Self(normalized(&multiples))
    }

    /// k times the point, 0 < k < n.
    pub(super) fn times(&self, k: &Scalar) -> Zeroizing<Point> {
        let (half, is_other) = k.halved();
        let half = Zeroizing::new(half);
        let mut sum = Zeroizing::new(Point::INFINITY);
        for step in (0..Self::STEPS).rev() {
            if step + 1 < Self::STEPS {
                (0..WIDTH).for_each(|_| *sum = sum.double());
            }
            for (row, multiples) in self.0.iter().enumerate() {
                let digit = half.digit::<WIDTH>(row * Self::STEPS + step);
                let multiple =
                    gathered(multiples, digit.size).negated(digit.is_negative ^ is_other);
                let next = sum.add_affine(&multiple);
                let next = Point::conditional_select(&next, &multiple.into(), sum.z.is_zero());
                *sum = Point::conditional_select(&next, &sum, digit.size.ct_eq(&0));
            }
        }
        sum
    }

    /// k times the point, 0 <= k < n, added to a sum, which is doubled meanwhile if there is more than one
    /// step. All of it is public.
    pub(super) fn add_times(&self, mut sum: Point, k: &Scalar) -> Point {
        let (half, is_other) = k.halved();
        for step in (0..Self::STEPS).rev() {
            if step + 1 < Self::STEPS {
                (0..WIDTH).for_each(|_| sum = sum.double());
            }
            for (row, multiples) in self.0.iter().enumerate() {
                let Digit { size, is_negative } = half.digit::<WIDTH>(row * Self::STEPS + step);
                let multiple = (size as usize).checked_sub(1).and_then(|at| multiples.get(at));
                if let Some(multiple) = multiple {
                    sum = sum.add_public(&multiple.negated(is_negative ^ is_other));
                }
            }
        }
        sum
    }
}

/// The row's multiple of that number; none is (0, 0), for number 0. All of the row is read.
#[inline(always)]
fn gathered(row: &[Affine], number: u64) -> Affine {
    let mut multiple = Affine::default();
    for (candidate, at) in row.iter().zip(1..) {
        let mask = ((number ^ at).wrapping_sub(1) >> 63).wrapping_neg();
        multiple.x.gather(candidate.x, mask);
        multiple.y.gather(candidate.y, mask);
    }
    multiple
}

/// The points with z = 1, none of which is infinity, by one inversion (Montgomery's trick).
fn normalized<const SIZE: usize, const ROWS: usize>(
    points: &[[Point; SIZE]; ROWS],
) -> [[Affine; SIZE]; ROWS] {
    let mut products = [[Field::ONE; SIZE]; ROWS];
    let mut product = Field::ONE;
    for (before, point) in products.as_flattened_mut().iter_mut().zip(points.as_flattened()) {
        *before = product;
        product = product * point.z;
    }
    let mut inverse = product.invert();
    let mut all = [[Affine::default(); SIZE]; ROWS];
    let each = all.as_flattened_mut().iter_mut().zip(points.as_flattened());
    for ((affine, point), before) in each.zip(products.as_flattened()).rev() {
        *affine = point.divided(inverse * *before);
        inverse = inverse * point.z;
    }
    all
}

#[cfg(test)]
impl Generator {
    /// As it lies in the file.
    pub(super) fn stored(&self) -> Vec<u8> {
        self.0
            .as_flattened()
            .iter()
            .flat_map(|point| [point.x, point.y])
            .flat_map(Field::to_stored)
            .collect()
    }
}
