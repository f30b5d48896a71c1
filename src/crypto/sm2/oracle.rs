//! The arithmetic against other people's: numbers against plain division by `crypto-bigint`, points
//! and both schemes against the crate `sm2`. `KMSHSM_CASES` is how many random cases there are.

use p256::elliptic_curve::bigint::{NonZero, Odd, U256};
use sm2::dsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use sm2::dsa::{Signature, SigningKey};
use sm2::elliptic_curve::Group;
use sm2::elliptic_curve::ff::PrimeField;
use sm2::elliptic_curve::point::AffineCoordinates;
use sm2::{ProjectivePoint, Scalar as TheirScalar};

use super::comb::{Generator, Passing};
use super::field::Field;
use super::point::Point;
use super::*;
use crate::crypto::drbg::reproducible as random;
use crate::crypto::ec::{SIGNATURE_LEN, signature};

const P: U256 =
    U256::from_be_hex("fffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff");
const N: U256 =
    U256::from_be_hex("fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123");

fn cases(otherwise: usize) -> usize {
    std::env::var("KMSHSM_CASES").map_or(otherwise, |text| text.parse().unwrap())
}

fn drawn() -> [u8; 32] {
    let mut bytes = [0; 32];
    random(&mut bytes).unwrap();
    bytes
}

fn bytes(number: U256) -> [u8; 32] {
    number.to_be_bytes().into()
}

/// The numbers around 0, the modulus and its half.
fn ends(modulus: U256) -> impl Iterator<Item = U256> {
    let half = modulus.shr_vartime(1);
    (0..9u64).map(U256::from).flat_map(move |small| {
        let below = [modulus.wrapping_sub(&small), half.wrapping_sub(&small)];
        below.into_iter().chain([half.wrapping_add(&small), small])
    })
}

/// Numbers whose limbs are at their ends, those around 0, the modulus, its half and every power of
/// two, and random ones: all less than the modulus.
fn numbers(modulus: U256) -> Vec<U256> {
    let mut numbers = Vec::new();
    let limbs = [0, 1, u64::MAX - 1, u64::MAX];
    for at in 0..256 {
        let limb = |shift: usize| limbs[at >> shift & 3];
        numbers.push(U256::from_words([limb(0), limb(2), limb(4), limb(6)]));
    }
    for at in 0..256u32 {
        let power = U256::ONE.shl_vartime(at);
        numbers.extend([power.wrapping_sub(&U256::ONE), power, power.wrapping_add(&U256::ONE)]);
    }
    numbers.extend(ends(modulus));
    numbers.extend((0..64).map(|_| U256::from_be_slice(&drawn())));
    numbers.retain(|number| *number < modulus);
    numbers
}

/// What two numbers come to, computed here and there.
fn compared<T: Copy>(
    modulus: U256,
    read: impl Fn(&[u8; 32]) -> T,
    written: impl Fn(T) -> [u8; 32],
    [sum, difference, product]: [fn(T, T) -> T; 3],
) {
    let (divisor, numbers) = (NonZero::new(modulus).unwrap(), numbers(modulus));
    let step = numbers.len() * numbers.len() / cases(20_000) + 1;
    let pairs = numbers.iter().flat_map(|a| numbers.iter().map(move |b| (a, b)));
    for (a, b) in pairs.step_by(step) {
        let (x, y) = (read(&bytes(*a)), read(&bytes(*b)));
        assert_eq!(written(x), bytes(*a));
        assert_eq!(written(sum(x, y)), bytes(a.add_mod(b, &divisor)), "{a} + {b}");
        assert_eq!(written(difference(x, y)), bytes(a.sub_mod(b, &divisor)), "{a} - {b}");
        assert_eq!(written(product(x, y)), bytes(a.mul_mod(b, &divisor)), "{a} * {b}");
    }
}

#[test]
fn the_field() {
    let read = |bytes: &[u8; 32]| Field::read(bytes).unwrap();
    compared(P, read, Field::to_bytes, [|a, b| a + b, |a, b| a - b, |a, b| a * b]);
    let (numbers, odd) = (numbers(P), Odd::new(P).unwrap());
    for number in numbers.iter().step_by(numbers.len() / 200) {
        let x = read(&bytes(*number));
        assert_eq!(x.square(), x * x);
        assert_eq!((-x) + x, Field::ZERO);
        assert_eq!(x.is_odd(), number.bit_vartime(0));
        let inverse = number.invert_odd_mod(&odd).into_option().unwrap_or(U256::ZERO);
        assert_eq!(x.invert().to_bytes(), bytes(inverse));
        assert!(x.square().root().is_some_and(|root| root == x || root == -x));
        // -1 is no square.
        assert!(x == Field::ZERO || (-x.square()).root().is_none());
    }
    for over in 0..9u64 {
        assert!(Field::read(&bytes(P.wrapping_add(&U256::from(over)))).is_none());
    }
    assert!(Field::read(&[0xff; 32]).is_none());
}

#[test]
fn scalars() {
    let read = |bytes: &[u8; 32]| match bytes {
        [0, rest @ ..] if *rest == [0; 31] => Scalar::ZERO,
        bytes => Scalar::read(bytes).unwrap(),
    };
    compared(N, read, Scalar::to_bytes, [|a, b| a + b, |a, b| a - b, |a, b| a * b]);
    let (numbers, odd) = (numbers(N), Odd::new(N).unwrap());
    for number in numbers.iter().step_by(numbers.len() / 200) {
        let inverse = number.invert_odd_mod(&odd).into_option().unwrap_or(U256::ZERO);
        assert_eq!(read(&bytes(*number)).invert().to_bytes(), bytes(inverse));
        assert_eq!(Scalar::reduced(&bytes(*number)).to_bytes(), bytes(*number));
        let sum = number.wrapping_add(&N);
        let is_less = sum > *number;
        assert_eq!(read(&bytes(*number)).plus_order(), is_less.then(|| bytes(sum)));
        if is_less {
            assert_eq!(Scalar::reduced(&bytes(sum)).to_bytes(), bytes(*number));
        }
    }
    for over in 0..9u64 {
        assert!(Scalar::read(&bytes(N.wrapping_add(&U256::from(over)))).is_none());
    }
    assert!(Scalar::read(&[0; 32]).is_none() && Scalar::read(&[0xff; 32]).is_none());
}

#[test]
fn inverses() {
    let one = Field::read(&bytes(U256::ONE)).unwrap();
    let inverse = |k: &[u8; 32]| Some(Scalar::read(k)? * Scalar::read(k)?.invert());
    for number in numbers(N).iter().map(|number| bytes(*number)).filter(|k| *k != [0; 32]) {
        assert_eq!(inverse(&number), Some(Scalar::ONE));
        let x = Field::read(&number).unwrap();
        assert_eq!(x * x.invert(), one);
    }
    for drawn in std::iter::repeat_with(drawn).take(cases(2_000)) {
        assert!(inverse(&drawn).is_none_or(|product| product == Scalar::ONE));
        assert!(Field::read(&drawn).is_none_or(|x| x * x.invert() == one));
    }
}

fn theirs(k: &[u8; 32]) -> TheirScalar {
    TheirScalar::from_repr((*k).into()).unwrap()
}

fn coordinates(point: ProjectivePoint) -> [u8; 64] {
    let point = point.to_affine();
    [point.x(), point.y()].concat().try_into().unwrap()
}

/// k times the point and the generator, in all ways there are.
fn multiplied(k: &[u8; 32], kept: &Kept, point: &Affine, their_point: ProjectivePoint) {
    let (scalar, their_scalar) = (Scalar::read(k).unwrap(), theirs(k));
    let base = coordinates(ProjectivePoint::mul_by_generator(&their_scalar));
    assert_eq!(point_of(k).unwrap(), base);
    let expected = coordinates(their_point * their_scalar);
    for point in [kept.times(&scalar), Passing::new(point).times(&scalar)] {
        assert_eq!(point.to_affine().to_bytes(), expected, "{}", hex::encode(k));
    }
    let public = kept.add_times(Point::INFINITY, &scalar);
    assert_eq!(public.to_affine().to_bytes(), expected);
    let public = GENERATOR.add_times(Point::INFINITY, &scalar);
    assert_eq!(public.to_affine().to_bytes(), base);
}

/// All scalars at whose digits something carries, or nothing is added.
#[test]
fn multiples_at_the_edges() {
    let their_point = ProjectivePoint::mul_by_generator(&theirs(&drawn()));
    let point = Affine::read(&coordinates(their_point)).unwrap();
    let kept = Kept::new(&point);
    let numbers = numbers(N);
    let step = numbers.len() / cases(100) + 1;
    for number in ends(N).chain(numbers.into_iter().step_by(step)) {
        if number != U256::ZERO && number < N {
            multiplied(&bytes(number), &kept, &point, their_point);
        }
    }
    // Nothing is added to a sum that is doubled sixty times.
    let sum = kept.add_times(point.into(), &Scalar::ZERO);
    let expected = their_point * theirs(&bytes(U256::ONE.shl_vartime(60)));
    assert_eq!(sum.to_affine().to_bytes(), coordinates(expected));
}

#[test]
fn points() {
    let (point, other) = (Affine::read(&point_of(&drawn()).unwrap()).unwrap(), point_of(&drawn()));
    let other = Affine::read(&other.unwrap()).unwrap();
    let negative = Affine { x: point.x, y: -point.y };
    let twice = Point::from(point).double();
    let same = |a: Point, b: Point| a.to_affine() == b.to_affine();
    assert!(same(Point::from(point).add_public(&point), twice));
    assert!(same(twice.add_public(&negative), point.into()));
    assert!(same(Point::INFINITY.add_public(&point), point.into()));
    for nothing in [
        Point::from(point).add_public(&negative),
        Point::from(point).add_affine(&negative),
        twice.add_other(&negative.into()).add_affine(&negative),
        Point::INFINITY,
        Point::INFINITY.double(),
    ] {
        assert_eq!(nothing.z, Field::ZERO);
        assert!(same(nothing.add_public(&other), other.into()));
        assert!(!nothing.has_x(Scalar::ZERO) && !nothing.has_x(Scalar::ONE));
    }
    let sum = twice.add_affine(&other);
    assert!(same(sum, Point::from(other).add_other(&twice)));
    assert!(same(sum, Point::from(point).add_public(&other).add_public(&point)));
    // The curve has no point with y = 0, and none that stands in this library for infinity.
    assert!(Affine::read(&[0; 64]).is_none());
}

/// x may be n or more: then x modulo n is less than p - n.
#[test]
fn coordinates_beyond_the_order() {
    let x = |above: u64| bytes(N.wrapping_add(&U256::from(above)));
    let (above, affine) = (0..)
        .find_map(|above| Some((above, Affine::decompressed(&x(above), above % 2 == 1)?)))
        .unwrap();
    let mut point = Point::from(affine).double().add_affine(&Affine { y: -affine.y, ..affine });
    assert_ne!(point.z, Field::ONE);
    assert_eq!(affine.y.is_odd(), above % 2 == 1);
    assert!(point.has_x(Scalar::reduced(&x(above))));
    assert!(!point.has_x(Scalar::reduced(&x(above + 1))));
    point = point.double();
    assert!(!point.has_x(Scalar::reduced(&x(above))));
}

/// The nonces that must not be used: r = 0, r + k = n, s = 0.
#[test]
fn nonces_that_do_not_fit() {
    let (d, k) = (drawn(), drawn());
    let pair: Vec<u8> = d.into_iter().chain(point_of(&d).unwrap()).collect();
    let private = Sm2PrivateKey::new(pair.as_slice().try_into().unwrap()).unwrap();
    let [d, k] = [d, k].map(|number| Scalar::read(&number).unwrap());
    let x = Scalar::reduced(point_of(&k.to_bytes()).unwrap().first_chunk().unwrap());
    let signed = |r: Scalar| private.sign_with(&k, r - x);
    assert!(signed(Scalar::ZERO).is_none());
    assert!(signed(-k).is_none());
    assert!(signed(k * d.invert()).is_none());
    for r in [Scalar::ONE, Scalar::ONE - k, k, -Scalar::ONE] {
        let raw = signed(r).unwrap();
        let mut out = [0; SIGNATURE_LEN];
        let len = signature::write(&raw, &mut out).unwrap();
        let public = Sm2PublicKey::new(pair.last_chunk().unwrap()).unwrap();
        assert!(public.verify(&(r - x).to_bytes(), &out[..len]));
    }
}

/// Signatures whose point is infinity, or whose r + s is n.
#[test]
fn signatures_of_nothing() {
    let d = drawn();
    let public = Sm2PublicKey::new(&point_of(&d).unwrap()).unwrap();
    let verified = |r: Scalar, s: Scalar| {
        let raw = [r.to_bytes(), s.to_bytes()].concat().try_into().unwrap();
        let mut out = [0; SIGNATURE_LEN];
        let len = signature::write(&raw, &mut out).unwrap();
        // The digest for which x would be 0, and the one that is r.
        public.verify(&r.to_bytes(), &out[..len]) || public.verify(&[0; 32], &out[..len])
    };
    let (d, t) = (Scalar::read(&d).unwrap(), Scalar::read(&drawn()).unwrap());
    let s = -(t * d);
    assert!(!verified(t - s, s));
    assert!(!verified(-s, s));
}

#[test]
fn random_cases() {
    for _ in 0..cases(30) {
        let [d, k, digest] = [drawn(), drawn(), drawn()];
        let point = point_of(&d).unwrap();
        let theirs = SigningKey::from_slice("", &d).unwrap();
        let their_point = ProjectivePoint::from(*theirs.verifying_key().as_affine());
        assert_eq!(coordinates(their_point), point);
        let affine = Affine::read(&point).unwrap();
        let sec1 = [&[2 + (point[63] & 1)], &point[..32]].concat();
        assert_eq!(point_from_sec1(&sec1), Some(point));
        let public = Sm2PublicKey::new(&point).unwrap();
        multiplied(&k, &public.multiples, &affine, their_point);
        let private = Sm2PrivateKey::new(&[&d[..], &point].concat().try_into().unwrap()).unwrap();
        let mut out = [0; SIGNATURE_LEN];
        let len = private.sign(&digest, random, &mut out).unwrap();
        let signed = Signature::from_slice(&signature::read(&out[..len]).unwrap()).unwrap();
        theirs.verifying_key().verify_prehash(&digest, &signed).unwrap();
        let signed: Signature = theirs.sign_prehash(&digest).unwrap();
        let len = signature::write(&signed.to_bytes().into(), &mut out).unwrap();
        assert!(public.verify(&digest, &out[..len]));
        assert!(!public.verify(&k, &out[..len]));
    }
}

/// The table is what it says; with `KMSHSM_BLESS` it is written.
#[test]
fn multiples_of_the_generator() {
    let generator = Affine::read(PARAMETERS.last_chunk().unwrap()).unwrap();
    let stored = Generator::new(&generator).stored();
    if std::env::var_os("KMSHSM_BLESS").is_some() {
        std::fs::write("src/crypto/sm2/generator.bin", &stored).unwrap();
    }
    assert!(stored == include_bytes!("generator.bin"));
}
