//! SM2 signatures (GB/T 32918.2) of digests e = SM3(Z_A | M).

use super::comb::GENERATOR;
use super::point::Point;
use super::scalar::Scalar;
use super::{Sm2PrivateKey, Sm2PublicKey};
use crate::crypto::Random;
use crate::crypto::ec::nonce::Nonces;
use crate::crypto::ec::{SIGNATURE_LEN, signature};
use crate::error::Result;
use crate::secret::{Zeroizing, publish, verdict};

impl Sm2PrivateKey {
    /// Signs the digest: writes SEQUENCE { r, s } in DER to the front of `out`, answers its length.
    pub fn sign(
        &self,
        digest: &[u8; 32],
        random: Random,
        out: &mut [u8; SIGNATURE_LEN],
    ) -> Result<usize> {
        let (d, e) = (Zeroizing::new(self.0.d.to_bytes()), Scalar::reduced(digest));
        let mut nonces = Nonces::new(&d, &e.to_bytes(), random)?;
        loop {
            if let Some(signature) = self.sign_with(&nonces.next(Scalar::read), e) {
                return signature::write(&publish(signature), out);
            }
        }
    }

    /// r | s with this nonce, unless it must not be used: r = e + x of k times the generator,
    /// s = (k - r d) / (1 + d) = (k + r) / (1 + d) - r (6.1, steps A4 to A7).
    pub(super) fn sign_with(&self, k: &Scalar, e: Scalar) -> Option<[u8; 64]> {
        let r = e + Scalar::reduced(&GENERATOR.times(k).to_affine().x.to_bytes());
        let sum = Zeroizing::new(*k + r);
        let s = self.0.inverse * *sum - r;
        let usable = verdict(!(r.is_zero() | sum.is_zero() | s.is_zero()));
        usable.then(|| joined(r, s))
    }
}

impl Sm2PublicKey {
    /// Whether this is the key's signature of the digest, in strict DER (7.1). All of it is public.
    pub fn verify(&self, digest: &[u8; 32], signature: &[u8]) -> bool {
        self.verified(digest, signature).unwrap_or(false)
    }

    fn verified(&self, digest: &[u8; 32], signature: &[u8]) -> Option<bool> {
        let raw = signature::read(signature)?;
        let (r, s) = raw.split_first_chunk()?;
        let (r, s) = (Scalar::read(r)?, Scalar::read(s.first_chunk()?)?);
        let t = r + s;
        if t == Scalar::ZERO {
            return None;
        }
        let sum = self.multiples.add_times(Point::INFINITY, &t);
        let sum = GENERATOR.add_times(sum, &s);
        Some(sum.has_x(r - Scalar::reduced(digest)))
    }
}

fn joined(r: Scalar, s: Scalar) -> [u8; 64] {
    let mut out = [0; 64];
    let (first, second) = out.split_at_mut(32);
    first.copy_from_slice(&r.to_bytes());
    second.copy_from_slice(&s.to_bytes());
    out
}

#[cfg(test)]
impl Sm2PrivateKey {
    /// r | s with a nonce that a vector gives.
    pub(super) fn signed_with(&self, k: &[u8; 32], digest: &[u8; 32]) -> [u8; 64] {
        self.sign_with(&Scalar::read(k).unwrap(), Scalar::reduced(digest)).unwrap()
    }
}
