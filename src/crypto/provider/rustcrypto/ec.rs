//! P-256: points, and ECDSA (FIPS 186-5).

use std::sync::atomic::AtomicBool;

use p256::NistP256;

use crate::crypto::ec::group::{self, Group};
use crate::crypto::ecdsa::generic::{Ecdsa, Private, Public};
use crate::error::{ErrorCode, Result};

impl Group for NistP256 {
    fn has_table() -> &'static AtomicBool {
        static TABLE: AtomicBool = AtomicBool::new(false);
        &TABLE
    }
}

impl Ecdsa for NistP256 {
    const LOW_S: bool = false;
}

/// A private key, wiped when dropped.
pub(crate) type P256Private = Private<NistP256>;

/// A public key.
pub(crate) type P256Public = Public<NistP256>;

/// The point x | y in SEC 1, 2.3.3, compressed or not; [`ErrorCode::InvalidKeyMaterial`] if it is not
/// on the curve.
pub(crate) fn p256_point(sec1: &[u8]) -> Result<[u8; 64]> {
    let point = group::read::<NistP256>(sec1).ok_or(ErrorCode::InvalidKeyMaterial)?;
    Ok(group::coordinates::<NistP256>(&point))
}
