//! Points and scalars of the curves' crates, as bytes.
//!
//! The crates multiply by secret scalars in constant time (signed windows of four bits, tables read
//! as a whole, complete formulas); what has `vartime` in its name is for public numbers.

use std::sync::atomic::{AtomicBool, Ordering};

use k256::elliptic_curve::consts::U32;
use k256::elliptic_curve::ff::{Field, PrimeField};
use k256::elliptic_curve::group::Group as _;
use k256::elliptic_curve::ops::Reduce;
use k256::elliptic_curve::point::AffineCoordinates;
use k256::elliptic_curve::sec1::{FromSec1Point, Sec1Point};
use k256::elliptic_curve::subtle::{ConditionallySelectable, CtOption};
use k256::elliptic_curve::{CurveArithmetic, FieldBytes, NonZeroScalar, PublicKey};

use crate::error::{ErrorCode, Result};
use crate::fork::Pass;
use crate::secret::{Zeroizing, verdict};

/// A curve of prime order whose numbers have 32 bytes.
pub(crate) trait Group:
    CurveArithmetic<FieldBytesSize = U32, AffinePoint: FromSec1Point<Self>>
{
    /// Whether the crate has made its table of the generator's multiples.
    fn has_table() -> &'static AtomicBool;
}

/// A number modulo the group's order.
pub(crate) type Scalar<C> = <C as CurveArithmetic>::Scalar;
/// A point with coordinates x and y.
pub(crate) type Affine<C> = <C as CurveArithmetic>::AffinePoint;
/// A point that is calculated with.
pub(crate) type Projective<C> = <C as CurveArithmetic>::ProjectivePoint;

/// The secret scalar in these bytes; [`ErrorCode::InvalidKeyMaterial`] unless 0 < d < n.
pub(crate) fn secret<C: Group>(d: &[u8; 32]) -> Result<Zeroizing<NonZeroScalar<C>>> {
    Ok(Zeroizing::new(nonzero(d).ok_or(ErrorCode::InvalidKeyMaterial)?))
}

/// The secret scalar in these bytes, if 0 < d < n: whether it is so is public.
pub(crate) fn nonzero<C: Group>(d: &[u8; 32]) -> Option<NonZeroScalar<C>> {
    let d = Zeroizing::new(FieldBytes::<C>::from(*d));
    told(NonZeroScalar::from_repr(*d), NonZeroScalar::new(Scalar::<C>::ONE).into_option()?)
}

/// The secret in the option; whether there is one is public. Taken out without a branch on it.
pub(crate) fn told<T: ConditionallySelectable>(option: CtOption<T>, otherwise: T) -> Option<T> {
    let is_some = option.is_some();
    let value = option.unwrap_or(otherwise);
    verdict(is_some).then_some(value)
}

/// The two scalars of a signature, if 0 < r, s < n.
pub(crate) fn signature<C: Group>(
    bytes: &[u8; 64],
) -> Option<(NonZeroScalar<C>, NonZeroScalar<C>)> {
    let ([r, s], []) = bytes.as_chunks::<32>() else { return None };
    let read = |bytes: &[u8; 32]| NonZeroScalar::from_repr((*bytes).into()).into_option();
    Some((read(r)?, read(s)?))
}

/// A digest, or a coordinate, modulo the order.
pub(crate) fn reduced<C: Group>(bytes: &FieldBytes<C>) -> Scalar<C> {
    Scalar::<C>::reduce(bytes)
}

/// k times the generator, in constant time.
pub(crate) fn base<C: Group>(k: &Scalar<C>) -> Projective<C> {
    let has_table = C::has_table();
    if !has_table.load(Ordering::Acquire) {
        // The crate makes it under a lock, which a child of a fork could find held for good.
        let _pass = Pass::enter();
        let _ = Projective::<C>::mul_by_generator(k);
        has_table.store(true, Ordering::Release);
    }
    Projective::<C>::mul_by_generator(k)
}

/// The point in SEC 1, 2.3.3, compressed or not, if it is on the curve and not infinity.
pub(crate) fn read<C: Group>(sec1: &[u8]) -> Option<Affine<C>> {
    let encoded = Sec1Point::<C>::from_bytes(sec1).ok()?;
    let point = Affine::<C>::from_sec1_point(&encoded).into_option()?;
    PublicKey::<C>::from_affine(point).ok().map(|key| *key.as_affine())
}

/// The point x | y; [`ErrorCode::InvalidKeyMaterial`] if it is not on the curve.
pub(crate) fn point<C: Group>(point: &[u8; 64]) -> Result<Affine<C>> {
    let ([x, y], []) = point.as_chunks::<32>() else { return Err(ErrorCode::Internal.into()) };
    let point = Affine::<C>::from_coordinates(&(*x).into(), &(*y).into());
    Ok(point.into_option().ok_or(ErrorCode::InvalidKeyMaterial)?)
}

/// x | y.
pub(crate) fn coordinates<C: Group>(point: &Affine<C>) -> [u8; 64] {
    let mut out = [0; 64];
    let (x, y) = (point.x(), point.y());
    out.iter_mut().zip(x.iter().chain(y.iter())).for_each(|(out, byte)| *out = *byte);
    out
}

/// r | s.
pub(crate) fn joined<C: Group>(r: &Scalar<C>, s: &Scalar<C>) -> [u8; 64] {
    let mut out = [0; 64];
    let (r, s) = (r.to_repr(), s.to_repr());
    out.iter_mut().zip(r.iter().chain(s.iter())).for_each(|(out, byte)| *out = *byte);
    out
}
