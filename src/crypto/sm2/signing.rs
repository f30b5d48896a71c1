//! SM2 signatures (GB/T 32918.2) of digests e = SM3(Z_A | M).

use k256::elliptic_curve::group::Group as _;
use k256::elliptic_curve::ops::MulByGeneratorVartime;
use k256::elliptic_curve::point::AffineCoordinates;
use sm2::{ProjectivePoint, Scalar, Sm2};

use super::{Sm2PrivateKey, Sm2PublicKey};
use crate::crypto::Random;
use crate::crypto::ec::nonce::Nonces;
use crate::crypto::ec::{SIGNATURE_LEN, group, signature};
use crate::error::{ErrorCode, Result};
use crate::secret::Zeroizing;

impl Sm2PrivateKey {
    /// Signs the digest: writes SEQUENCE { r, s } in DER to the front of `out`, answers its length
    /// (6.1: s = (1 + d)^-1 (k - r d) with r = e + x of k times the generator).
    pub fn sign(
        &self,
        digest: &[u8; 32],
        random: Random,
        out: &mut [u8; SIGNATURE_LEN],
    ) -> Result<usize> {
        let (d, e) = (self.0.as_ref(), group::reduced::<Sm2>(&(*digest).into()));
        let mut nonces = Nonces::new::<Sm2>(d, &e, random)?;
        let inverse = (*d + Scalar::ONE).invert().into_option();
        let inverse = Zeroizing::new(inverse.ok_or(ErrorCode::InvalidKeyMaterial)?);
        loop {
            let k = nonces.next::<Sm2>();
            let r = e + group::reduced::<Sm2>(&group::base::<Sm2>(&k).to_affine().x());
            let s = *inverse * (*k.as_ref() - r * d);
            if !bool::from(r.is_zero() | (r + k.as_ref()).is_zero() | s.is_zero()) {
                return signature::write(&group::joined::<Sm2>(&r, &s), out);
            }
        }
    }
}

impl Sm2PublicKey {
    /// Whether this is the key's signature of the digest, in strict DER (7.1).
    pub fn verify(&self, digest: &[u8; 32], signature: &[u8]) -> bool {
        signature::read(signature).is_some_and(|signature| self.verify_raw(digest, &signature))
    }

    /// The same for r | s. All of it is public.
    fn verify_raw(&self, digest: &[u8; 32], signature: &[u8; 64]) -> bool {
        let Some((r, s)) = group::signature::<Sm2>(signature) else { return false };
        let t = *r.as_ref() + s.as_ref();
        let point = ProjectivePoint::from(self.0);
        let sum = ProjectivePoint::mul_by_generator_and_mul_add_vartime(&s, &t, &point);
        let x = group::reduced::<Sm2>(&sum.to_affine().x());
        let right = group::reduced::<Sm2>(&(*digest).into()) + x == *r.as_ref();
        !bool::from(t.is_zero() | sum.is_identity()) && right
    }
}
