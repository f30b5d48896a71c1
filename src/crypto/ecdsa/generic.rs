//! ECDSA over the curves' crates (FIPS 186-5, 6.4).

use k256::elliptic_curve::NonZeroScalar;
use k256::elliptic_curve::ff::Field;
use k256::elliptic_curve::group::{Curve as _, Group as _};
use k256::elliptic_curve::ops::{Invert, MulByGeneratorVartime};
use k256::elliptic_curve::point::AffineCoordinates;
use k256::elliptic_curve::scalar::IsHigh;
use k256::elliptic_curve::subtle::ConditionallySelectable;

use crate::crypto::Random;
use crate::crypto::ec::group::{self, Group, Projective, Scalar};
use crate::crypto::ec::nonce::Nonces;
use crate::error::Result;
use crate::secret::Zeroizing;

/// A curve that ECDSA is done over.
pub(crate) trait Ecdsa: Group {
    /// Whether s is replaced by n - s if that is smaller.
    const LOW_S: bool;
}

/// A private key, wiped when dropped.
pub(crate) struct Private<C: Group>(Zeroizing<NonZeroScalar<C>>);

impl<C: Group> Private<C> {
    /// The key d; [`ErrorCode::InvalidKeyMaterial`](crate::error::ErrorCode) unless 0 < d < n.
    pub(crate) fn new(d: &[u8; 32]) -> Result<Self> {
        Ok(Self(group::secret(d)?))
    }

    /// The public half, d times the generator.
    pub(crate) fn point(&self) -> Result<[u8; 64]> {
        Ok(group::coordinates::<C>(&group::base::<C>(&self.0).to_affine()))
    }
}

impl<C: Ecdsa> Private<C> {
    /// r | s.
    pub(crate) fn sign(&self, digest: &[u8; 32], random: Random) -> Result<[u8; 64]> {
        let (d, e) = (self.0.as_ref(), group::reduced::<C>(&(*digest).into()));
        let mut nonces = Nonces::new::<C>(d, &e, random)?;
        loop {
            let k = nonces.next::<C>();
            let r = group::reduced::<C>(&group::base::<C>(&k).to_affine().x());
            let inverse = Zeroizing::new(k.invert());
            let s = *inverse.as_ref() * (e + r * d);
            let is_high = C::LOW_S && bool::from(s.is_high());
            let s = Scalar::<C>::conditional_select(&s, &-s, u8::from(is_high).into());
            if !bool::from(r.is_zero() | s.is_zero()) {
                return Ok(group::joined::<C>(&r, &s));
            }
        }
    }
}

/// A public key.
pub(crate) struct Public<C: Group>(Projective<C>);

impl<C: Ecdsa> Public<C> {
    /// The point x | y; [`ErrorCode::InvalidKeyMaterial`](crate::error::ErrorCode) if it is not on
    /// the curve.
    pub(crate) fn new(point: &[u8; 64]) -> Result<Self> {
        Ok(Self(group::point::<C>(point)?.into()))
    }

    /// Whether r | s is this key's signature of the digest. All of it is public.
    pub(crate) fn verify(&self, digest: &[u8; 32], signature: &[u8; 64]) -> bool {
        let Some((r, s)) = group::signature::<C>(signature) else { return false };
        let inverse = s.invert_vartime();
        let u1 = group::reduced::<C>(&(*digest).into()) * inverse.as_ref();
        let u2 = *r.as_ref() * inverse.as_ref();
        let sum = Projective::<C>::mul_by_generator_and_mul_add_vartime(&u1, &u2, &self.0);
        !bool::from(sum.is_identity()) && group::reduced::<C>(&sum.to_affine().x()) == *r.as_ref()
    }
}
