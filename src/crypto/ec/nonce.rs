//! Nonces: RFC 6979 with HMAC-SHA-256, and fresh random bytes as its additional data (3.6).
//!
//! Two signatures with one nonce give the key away. A generator that repeats itself does not lead to
//! that, since key and digest go in; nor does a message that is signed twice, once with a fault, since
//! the generator's bytes do. It takes about a twentieth of a signature's time. The hash is SHA-256
//! for SM2, too: the standard wants random numbers there, whatever makes them.

use k256::elliptic_curve::FieldBytes;
use k256::elliptic_curve::NonZeroScalar;
use k256::elliptic_curve::ff::PrimeField;

use super::group::{self, Group, Scalar};
use crate::crypto::Random;
use crate::crypto::mac::hmac_sha256;
use crate::error::Result;
use crate::secret::Zeroizing;

/// How many random bytes go into a nonce: as many as it has itself.
const FRESH: usize = 32;

/// The state of HMAC_DRBG for one signature.
pub(crate) struct Nonces {
    key: Zeroizing<[u8; 32]>,
    value: Zeroizing<[u8; 32]>,
}

impl Nonces {
    /// For the signature of the digest `e`, modulo the order, by the key `d`.
    pub(crate) fn new<C: Group>(d: &Scalar<C>, e: &Scalar<C>, random: Random) -> Result<Self> {
        let mut fresh = Zeroizing::new([0; FRESH]);
        random(&mut *fresh)?;
        Ok(Self::with::<C>(d, e, &*fresh))
    }

    /// RFC 6979, 3.2, steps b to g.
    pub(super) fn with<C: Group>(d: &Scalar<C>, e: &Scalar<C>, additional: &[u8]) -> Self {
        let (d, e) = (Zeroizing::new(d.to_repr()), e.to_repr());
        let mut state = Self { key: Zeroizing::new([0; 32]), value: Zeroizing::new([1; 32]) };
        state.update(&[&[0], &d, &e, additional]);
        state.update(&[&[1], &d, &e, additional]);
        state
    }

    /// K = HMAC_K(V | data); V = HMAC_K(V).
    fn update(&mut self, data: &[&[u8]; 4]) {
        let [domain, d, e, additional] = data;
        let parts = [&self.value[..], domain, d, e, additional];
        *self.key = hmac_sha256(&*self.key, &parts);
        *self.value = hmac_sha256(&*self.key, &[&*self.value]);
    }

    /// The next one, 0 < k < n (step h).
    pub(crate) fn next<C: Group>(&mut self) -> Zeroizing<NonZeroScalar<C>> {
        loop {
            *self.value = hmac_sha256(&*self.key, &[&*self.value]);
            let candidate = Zeroizing::new(FieldBytes::<C>::from(*self.value));
            if let Some(k) = group::nonzero(&candidate) {
                return Zeroizing::new(k);
            }
            self.update(&[&[0], &[], &[], &[]]);
        }
    }
}
