//! Nonces: RFC 6979 with HMAC-SHA-256, and fresh random bytes as its additional data (3.6).
//!
//! Two signatures with one nonce give the key away. A generator that repeats itself does not lead to
//! that, since key and digest go in; nor does a message that is signed twice, once with a fault, since
//! the generator's bytes do. It takes about a twentieth of a signature's time. The hash is SHA-256
//! for SM2, too: the standard wants random numbers there, whatever makes them.

use crate::crypto::Random;
use crate::crypto::mac::hmac_sha256;
use crate::error::Result;
use crate::secret::{Zeroize, Zeroizing};

/// How many random bytes go into a nonce: as many as it has itself.
const FRESH: usize = 32;

/// The state of HMAC_DRBG for one signature.
pub(crate) struct Nonces {
    key: Zeroizing<[u8; 32]>,
    value: Zeroizing<[u8; 32]>,
}

impl Nonces {
    /// For the signature of the digest `e`, modulo the order, by the key `d`.
    pub(crate) fn new(d: &[u8; 32], e: &[u8; 32], random: Random) -> Result<Self> {
        let mut fresh = Zeroizing::new([0; FRESH]);
        random(&mut *fresh)?;
        Ok(Self::with(d, e, &*fresh))
    }

    /// RFC 6979, 3.2, steps b to g.
    pub(super) fn with(d: &[u8; 32], e: &[u8; 32], additional: &[u8]) -> Self {
        let mut state = Self { key: Zeroizing::new([0; 32]), value: Zeroizing::new([1; 32]) };
        state.update(&[&[0], d, e, additional]);
        state.update(&[&[1], d, e, additional]);
        state
    }

    /// K = HMAC_K(V | data); V = HMAC_K(V).
    fn update(&mut self, data: &[&[u8]; 4]) {
        let [domain, d, e, additional] = data;
        let parts = [&self.value[..], domain, d, e, additional];
        *self.key = hmac_sha256(&*self.key, &parts);
        *self.value = hmac_sha256(&*self.key, &[&*self.value]);
    }

    /// The next one that `read` takes: 0 < k < n (step h).
    pub(crate) fn next<K: Zeroize>(
        &mut self,
        read: impl Fn(&[u8; 32]) -> Option<K>,
    ) -> Zeroizing<K> {
        loop {
            *self.value = hmac_sha256(&*self.key, &[&*self.value]);
            if let Some(k) = read(&self.value) {
                return Zeroizing::new(k);
            }
            self.update(&[&[0], &[], &[], &[]]);
        }
    }
}
