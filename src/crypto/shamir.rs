//! Shamir's secret sharing (Communications of the ACM 22, 1979): a polynomial over GF(256), the field of
//! AES (FIPS 197, 4), for each byte of a byte string. Without tables and in constant time: what is
//! multiplied are secrets.
#![forbid(unsafe_code)]

use crate::error::{ErrorCode, Result};

/// The polynomials at one place: a byte of each.
#[derive(Clone, Copy)]
pub struct Point<'a> {
    /// Where. Public.
    pub x: u8,
    /// What they are there.
    pub y: &'a [u8],
}

/// What the polynomials that go through these points are at `x`. A polynomial of degree M - 1 takes M
/// points; two at one place, or of another length than `out`, are [`ErrorCode::Internal`].
pub fn interpolate(points: &[Point<'_>], x: u8, out: &mut [u8]) -> Result<()> {
    out.fill(0);
    for (at, point) in points.iter().enumerate() {
        let others = points.iter().enumerate().filter(|(other, _)| *other != at);
        let (mut above, mut below) = (1, 1);
        for (_, other) in others {
            // Adding and subtracting are the same here.
            above = multiply(above, x ^ other.x);
            below = multiply(below, point.x ^ other.x);
        }
        if below == 0 || point.y.len() != out.len() {
            return Err(ErrorCode::Internal.into());
        }
        let weight = multiply(above, inverse(below));
        out.iter_mut().zip(point.y).for_each(|(sum, y)| *sum ^= multiply(weight, *y));
    }
    Ok(())
}

/// The product modulo x^8 + x^4 + x^3 + x + 1.
fn multiply(a: u8, b: u8) -> u8 {
    let (mut shifted, mut product) = (b, 0);
    for bit in 0..8 {
        product ^= shifted & (a >> bit & 1).wrapping_neg();
        shifted = (shifted << 1) ^ (0x1b & (shifted >> 7).wrapping_neg());
    }
    product
}

/// a^254: the inverse, and 0 of 0.
fn inverse(a: u8) -> u8 {
    let (mut power, mut product) = (a, 1);
    for _ in 0..7 {
        power = multiply(power, power);
        product = multiply(product, power);
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::drbg::reproducible as random;

    /// Powers of the generator x + 1, and their logarithms.
    fn tables() -> ([u8; 255], [usize; 256]) {
        let (mut powers, mut logarithms, mut power) = ([0; 255], [0; 256], 1u16);
        for (exponent, place) in powers.iter_mut().enumerate() {
            *place = power as u8;
            logarithms[usize::from(power)] = exponent;
            power ^= power << 1;
            power ^= if power > 0xff { 0x11b } else { 0 };
        }
        (powers, logarithms)
    }

    #[test]
    fn all_products_and_inverses() {
        let (powers, logarithms) = tables();
        for a in 0..=255 {
            for b in 0..=255 {
                let exponent = logarithms[usize::from(a)] + logarithms[usize::from(b)];
                let expected = if a == 0 || b == 0 { 0 } else { powers[exponent % 255] };
                assert_eq!(multiply(a, b), expected, "{a} {b}");
            }
        }
        assert_eq!(inverse(0), 0);
        for a in 1..=255 {
            let exponent = (255 - logarithms[usize::from(a)]) % 255;
            assert_eq!(inverse(a), powers[exponent], "{a}");
        }
    }

    /// f(x) = c0 + c1 x + c2 x^2 is found from any three of its points, at all places.
    #[test]
    fn a_parabola() {
        let (powers, logarithms) = tables();
        let mut coefficients = [[0; 9]; 3];
        random(coefficients.as_flattened_mut()).unwrap();
        let times = |a: u8, b: u8| match (a, b) {
            (0, _) | (_, 0) => 0,
            _ => powers[(logarithms[usize::from(a)] + logarithms[usize::from(b)]) % 255],
        };
        let f = |x: u8| {
            let square = times(x, x);
            let [c0, c1, c2] = &coefficients;
            std::array::from_fn(|at| c0[at] ^ times(c1[at], x) ^ times(c2[at], square))
        };
        let values: Vec<[u8; 9]> = (0..=255).map(f).collect();
        let point = |x: u8| Point { x, y: &values[usize::from(x)] };
        for xs in [[0, 1, 2], [255, 254, 0], [7, 100, 250]] {
            for x in 0..=255 {
                let mut out = [0xaa; 9];
                interpolate(&xs.map(point), x, &mut out).unwrap();
                assert_eq!(out, values[usize::from(x)], "{xs:?} {x}");
            }
        }
    }

    #[test]
    fn what_are_no_points() {
        let (x, y) = (1, &[1, 2][..]);
        let twice = interpolate(&[Point { x, y }, Point { x, y }], 3, &mut [0; 2]);
        let another_length = interpolate(&[Point { x, y }], 3, &mut [0; 3]);
        for refused in [twice, another_length] {
            assert_eq!(refused.unwrap_err().code(), ErrorCode::Internal);
        }
    }
}
