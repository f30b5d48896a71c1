//! ECDSA over the curves' crates (FIPS 186-5, 6.4).

use k256::elliptic_curve::NonZeroScalar;
use k256::elliptic_curve::ff::{Field, PrimeField};
use k256::elliptic_curve::group::{Curve as _, Group as _};
use k256::elliptic_curve::ops::{Invert, MulByGeneratorVartime};
use k256::elliptic_curve::point::AffineCoordinates;
use k256::elliptic_curve::scalar::IsHigh;
use k256::elliptic_curve::subtle::{Choice, ConditionallySelectable};

use crate::crypto::Random;
use crate::crypto::ec::group::{self, Group, Projective, Scalar};
use crate::crypto::ec::nonce::Nonces;
use crate::error::Result;
use crate::secret::{Zeroizing, verdict};

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
        let e = group::reduced::<C>(&(*digest).into());
        let d = Zeroizing::new(self.0.to_repr().into());
        let mut nonces = Nonces::new(&d, &e.to_repr().into(), random)?;
        loop {
            if let Some(signature) = self.sign_with(&nonces.next(group::nonzero::<C>), &e) {
                return Ok(signature);
            }
        }
    }

    /// r | s with this nonce, unless one of them is zero (6.4.1, steps 4 to 11).
    fn sign_with(&self, k: &NonZeroScalar<C>, e: &Scalar<C>) -> Option<[u8; 64]> {
        let r = group::reduced::<C>(&group::base::<C>(k).to_affine().x());
        let inverse = Zeroizing::new(group::told(Field::invert(k.as_ref()), Scalar::<C>::ONE)?);
        let s = *inverse * (*e + r * self.0.as_ref());
        let is_high = s.is_high() & Choice::from(u8::from(C::LOW_S));
        let s = Scalar::<C>::conditional_select(&s, &-s, is_high);
        let usable = verdict(!(r.is_zero() | s.is_zero()));
        usable.then(|| group::joined::<C>(&r, &s))
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

#[cfg(test)]
impl<C: Ecdsa> Private<C> {
    /// r | s with a nonce that a vector gives.
    pub(crate) fn signed_with(&self, k: &[u8; 32], digest: &[u8; 32]) -> [u8; 64] {
        let e = group::reduced::<C>(&(*digest).into());
        self.sign_with(&group::secret(k).unwrap(), &e).unwrap()
    }
}
