//! SM2 signatures (GB/T 32918.2) of digests e = SM3(Z_A | M).

use k256::elliptic_curve::NonZeroScalar;
use k256::elliptic_curve::group::Group as _;
use k256::elliptic_curve::ops::MulByGeneratorVartime;
use k256::elliptic_curve::point::AffineCoordinates;
use sm2::{ProjectivePoint, Scalar, Sm2};

use super::{Sm2PrivateKey, Sm2PublicKey};
use crate::crypto::Random;
use crate::crypto::ec::nonce::Nonces;
use crate::crypto::ec::{SIGNATURE_LEN, group, signature};
use crate::error::{ErrorCode, Result};
use crate::secret::{Zeroizing, publish, verdict};

impl Sm2PrivateKey {
    /// Signs the digest: writes SEQUENCE { r, s } in DER to the front of `out`, answers its length.
    pub fn sign(
        &self,
        digest: &[u8; 32],
        random: Random,
        out: &mut [u8; SIGNATURE_LEN],
    ) -> Result<usize> {
        let (d, e) = (self.0.as_ref(), group::reduced::<Sm2>(&(*digest).into()));
        let mut nonces = Nonces::new::<Sm2>(d, &e, random)?;
        let inverse = group::told((*d + Scalar::ONE).invert(), Scalar::ONE);
        let inverse = Zeroizing::new(inverse.ok_or(ErrorCode::InvalidKeyMaterial)?);
        loop {
            if let Some(signature) = self.sign_with(&inverse, &nonces.next(), &e) {
                return signature::write(&publish(signature), out);
            }
        }
    }

    /// r | s with this nonce, unless it must not be used: r = e + x of k times the generator,
    /// s = (1 + d)^-1 (k - r d) (6.1, steps A4 to A7).
    fn sign_with(&self, inverse: &Scalar, k: &NonZeroScalar<Sm2>, e: &Scalar) -> Option<[u8; 64]> {
        let (d, k) = (self.0.as_ref(), k.as_ref());
        let r = *e + group::reduced::<Sm2>(&group::base::<Sm2>(k).to_affine().x());
        let s = *inverse * (*k - r * d);
        let usable = verdict(!(r.is_zero() | (r + k).is_zero() | s.is_zero()));
        usable.then(|| group::joined::<Sm2>(&r, &s))
    }
}

impl Sm2PublicKey {
    /// Whether this is the key's signature of the digest, in strict DER (7.1). All of it is public.
    pub fn verify(&self, digest: &[u8; 32], signature: &[u8]) -> bool {
        let scalars = signature::read(signature).and_then(|raw| group::signature::<Sm2>(&raw));
        let Some((r, s)) = scalars else { return false };
        let t = *r.as_ref() + s.as_ref();
        let point = ProjectivePoint::from(self.0);
        let sum = ProjectivePoint::mul_by_generator_and_mul_add_vartime(&s, &t, &point);
        let x = group::reduced::<Sm2>(&sum.to_affine().x());
        let right = group::reduced::<Sm2>(&(*digest).into()) + x == *r.as_ref();
        !bool::from(t.is_zero() | sum.is_identity()) && right
    }
}

#[cfg(test)]
impl Sm2PrivateKey {
    /// r | s with a nonce that a vector gives.
    pub(super) fn signed_with(&self, k: &[u8; 32], digest: &[u8; 32]) -> [u8; 64] {
        let inverse = (*self.0.as_ref() + Scalar::ONE).invert().unwrap();
        let e = group::reduced::<Sm2>(&(*digest).into());
        self.sign_with(&inverse, &group::secret(k).unwrap(), &e).unwrap()
    }
}
