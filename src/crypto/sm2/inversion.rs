//! Inverses modulo an odd number of 256 bits, in constant time: D. J. Bernstein and B.-Y. Yang, Fast
//! constant-time gcd computation and modular inversion (2019), in P. Wuille's variant, whose delta
//! begins at one half and of which 590 steps are enough for 256 bits (libsecp256k1, safegcd).
//!
//! A step replaces (f, g), of which f is odd, by one of
//!
//! ```text
//! (g, (g - f) / 2)   if g is odd and delta positive, which becomes 1 - delta
//! (f, (g + f) / 2)   if g is odd otherwise, and
//! (f, g / 2)         if g is even: delta becomes delta + 1
//! ```
//!
//! From (modulus, number) on it comes to (1, 0) or (-1, 0). d and e, with d number = f and e number = g
//! modulo the modulus all the time, come from (0, 1) to the inverse, or its negative. What the next
//! steps will be depends on the lowest bits alone, so a round of them is made of one limb of each, as a
//! matrix, which is then applied to all limbs at once.
//!
//! Everything wraps on purpose, and comes to less than the type holds.

use std::hint::black_box;

use super::limbs::Limbs;

/// The bits of a limb here, which has a sign.
const BITS: u32 = 62;
const MASK: i64 = (1 << BITS) - 1;
/// As many steps as a round has, and as many rounds.
const STEPS: u32 = 59;
const ROUNDS: usize = 10;

/// A number with a sign: the limbs but the last are from 0 to 2^62 - 1.
type Signed = [i64; 5];

/// An odd number of 256 bits.
pub(super) struct Modulus {
    limbs: Signed,
    /// Its inverse modulo 2^62, and more than that modulo 2^64.
    inverse: i64,
}

impl Modulus {
    pub(super) const fn new(modulus: Limbs) -> Self {
        let [lowest, ..] = modulus;
        // Right in three bits; with each turn in twice as many (Newton).
        let mut inverse = lowest;
        let mut turns = 0;
        while turns < 5 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(lowest.wrapping_mul(inverse)));
            turns += 1;
        }
        Self { limbs: signed(modulus), inverse: inverse as i64 }
    }

    /// The inverse of a smaller number; 0 of 0.
    pub(super) fn inverse_of(&self, number: Limbs) -> Limbs {
        let (mut f, mut g) = (self.limbs, signed(number));
        let (mut d, mut e) = ([0; 5], [1, 0, 0, 0, 0]);
        let mut turn = -1;
        for _ in 0..ROUNDS {
            let round = Round::new(&mut turn, lowest(f), lowest(g));
            (f, g) = round.of(f, g);
            (d, e) = round.modulo(self, d, e);
        }
        let inverse = self.raised(d);
        unsigned(self.raised(negated_if(inverse, sign(f))))
    }

    /// The number, plus the modulus if it is negative.
    fn raised(&self, number: Signed) -> Signed {
        let (mut sum, mask) = (number, sign(number));
        let limbs = sum.iter_mut().zip(self.limbs);
        limbs.for_each(|(limb, other)| *limb = limb.wrapping_add(other & mask));
        carried(sum)
    }
}

/// What a round of steps makes of f and g: (u f + v g, q f + r g) / 2^62, where |u| + |v| and
/// |q| + |r| are at most 2^62.
struct Round {
    u: i64,
    v: i64,
    q: i64,
    r: i64,
}

impl Round {
    /// From the lowest bits of f and g, and from `turn`, -1/2 - delta.
    #[inline(always)]
    fn new(turn: &mut i64, mut f: i64, mut g: i64) -> Self {
        // Knew the compiler that a mask is all or nothing, it might branch on it.
        let nothing = black_box(0);
        const ONE: i64 = 1 << (BITS - STEPS);
        let (mut u, mut v, mut q, mut r) = (ONE, 0i64, 0i64, ONE);
        for _ in 0..STEPS {
            let is_turned = *turn >> 63 ^ nothing;
            let is_odd = (g & 1).wrapping_neg() ^ nothing;
            let part = |number: i64| (number ^ is_turned).wrapping_sub(is_turned) & is_odd;
            (g, q, r) = (g.wrapping_add(part(f)), q.wrapping_add(part(u)), r.wrapping_add(part(v)));
            // f + (g - f) is the g of before.
            let swaps = is_turned & is_odd;
            *turn = (*turn ^ swaps).wrapping_sub(1);
            f = f.wrapping_add(g & swaps);
            (u, v) = (u.wrapping_add(q & swaps) << 1, v.wrapping_add(r & swaps) << 1);
            g >>= 1;
        }
        Self { u, v, q, r }
    }

    /// Of f and g themselves: the sums are multiples of 2^62.
    #[inline(always)]
    fn of(&self, f: Signed, g: Signed) -> (Signed, Signed) {
        let none = (0, [0; 5]);
        (divided((self.u, f), (self.v, g), none), divided((self.q, f), (self.r, g), none))
    }

    /// Modulo the modulus: from numbers greater than -2 times it and less than it to such numbers.
    #[inline(always)]
    fn modulo(&self, modulus: &Modulus, d: Signed, e: Signed) -> (Signed, Signed) {
        let row = |a: i64, b: i64| {
            // As if the modulus had been added to those that are negative; then as many of it are
            // taken away as make the sum a multiple of 2^62, less than 2^62 of them.
            let added = (a & sign(d)).wrapping_add(b & sign(e));
            let sum = a.wrapping_mul(lowest(d)).wrapping_add(b.wrapping_mul(lowest(e)));
            let taken = sum.wrapping_mul(modulus.inverse).wrapping_add(added) & MASK;
            divided((a, d), (b, e), (added.wrapping_sub(taken), modulus.limbs))
        };
        (row(self.u, self.v), row(self.q, self.r))
    }
}

/// (a x + b y + c z) / 2^62, where a, b and all limbs are from -2^62 to 2^62 and c is within 2^63.
#[inline(always)]
fn divided((a, x): (i64, Signed), (b, y): (i64, Signed), (c, z): (i64, Signed)) -> Signed {
    let product = |a: i64, b: i64| i128::from(a).wrapping_mul(i128::from(b));
    let sum = |carry: i128, x, y, z| {
        carry.wrapping_add(product(a, x)).wrapping_add(product(b, y)).wrapping_add(product(c, z))
    };
    let ([x0, x1, x2, x3, x4], [y0, y1, y2, y3, y4], [z0, z1, z2, z3, z4]) = (x, y, z);
    let sum0 = sum(0, x0, y0, z0);
    let sum1 = sum(sum0 >> BITS, x1, y1, z1);
    let sum2 = sum(sum1 >> BITS, x2, y2, z2);
    let sum3 = sum(sum2 >> BITS, x3, y3, z3);
    let sum4 = sum(sum3 >> BITS, x4, y4, z4);
    let [p, q, r, s] = [sum1 as i64, sum2 as i64, sum3 as i64, sum4 as i64];
    [p & MASK, q & MASK, r & MASK, s & MASK, (sum4 >> BITS) as i64]
}

const fn lowest([lowest, ..]: Signed) -> i64 {
    lowest
}

/// All ones if the number is negative, zero if it is not.
fn sign([.., highest]: Signed) -> i64 {
    black_box(highest >> 63)
}

/// The number, or its negative if the mask is all ones.
fn negated_if(number: Signed, mask: i64) -> Signed {
    carried(number.map(|limb| (limb ^ mask).wrapping_sub(mask)))
}

/// The same number, where limbs may have become too large, or negative.
const fn carried([a, b, c, d, e]: Signed) -> Signed {
    let b = b.wrapping_add(a >> BITS);
    let c = c.wrapping_add(b >> BITS);
    let d = d.wrapping_add(c >> BITS);
    let e = e.wrapping_add(d >> BITS);
    [a & MASK, b & MASK, c & MASK, d & MASK, e]
}

const fn signed([a, b, c, d]: Limbs) -> Signed {
    let [p, q, r, s] = [a, a >> 62 | b << 2, b >> 60 | c << 4, c >> 58 | d << 6];
    [p as i64 & MASK, q as i64 & MASK, r as i64 & MASK, s as i64 & MASK, (d >> 56) as i64]
}

const fn unsigned([a, b, c, d, e]: Signed) -> Limbs {
    let [a, b, c, d, e] = [a as u64, b as u64, c as u64, d as u64, e as u64];
    [a | b << 62, b >> 2 | c << 60, c >> 4 | d << 58, d >> 6 | e << 56]
}
