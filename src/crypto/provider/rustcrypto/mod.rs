//! The provider in pure Rust. Its RSA is not proven constant time (RUSTSEC-2023-0071), so the
//! default build never gives it a private key.
#![forbid(unsafe_code)]

mod cipher;
mod ec;
mod gcm;
mod hash;
mod rsa;

pub(crate) use cipher::{AesKey, aes_decrypt_blocks, gcm_open, gcm_seal};
pub(crate) use ec::{P256Private, P256Public, p256_point};
pub(crate) use hash::{Sha256, hmac_sha256, sha1, sha256};
pub(crate) use rsa::{RsaKey, RsaPublic};

use ::rsa::rand_core::{TryCryptoRng, TryRng};

use crate::crypto::Random;
use crate::crypto::provider::HeapRoutes;
use crate::error::{Error, Result};
use crate::secret::Zeroizing;

/// The crates allocate where the program does.
pub(crate) const fn route_heap(_: HeapRoutes) -> bool {
    false
}

/// Runs the work: here no heap is used up.
pub(crate) fn openly<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// A [`Random`] behind the traits of `rand_core`.
#[derive(Clone, Copy)]
pub(crate) struct Source(pub(crate) Random);

impl TryRng for Source {
    type Error = Error;

    fn try_next_u32(&mut self) -> Result<u32> {
        let mut bytes = Zeroizing::new([0; 4]);
        (self.0)(&mut *bytes)?;
        Ok(u32::from_le_bytes(*bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64> {
        let mut bytes = Zeroizing::new([0; 8]);
        (self.0)(&mut *bytes)?;
        Ok(u64::from_le_bytes(*bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<()> {
        (self.0)(out)
    }
}

impl TryCryptoRng for Source {}
