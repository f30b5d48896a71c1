//! ECDSA (FIPS 186-5) over P-256, by the provider, and over secp256k1, by the crate `k256` in every
//! build: AWS-LC has no code of its own for that curve and takes several times as long.
//!
//! Signatures over secp256k1 have the smaller s of the two that fit, as Bitcoin and its successors
//! ask; verification takes either, as the standard says.
#![forbid(unsafe_code)]

pub(crate) mod generic;
#[cfg(test)]
mod tests;

use std::sync::atomic::AtomicBool;

use k256::Secp256k1;

use super::Random;
use super::ec::group::Group;
use super::ec::{self, Curve, PAIR_LEN, SIGNATURE_LEN, signature};
use super::provider::{P256Private, P256Public};
use crate::error::{ErrorCode, Result};
use crate::secret::publish;

impl Group for Secp256k1 {
    fn has_table() -> &'static AtomicBool {
        static TABLE: AtomicBool = AtomicBool::new(false);
        &TABLE
    }
}

impl generic::Ecdsa for Secp256k1 {
    const LOW_S: bool = true;
}

/// A private key of P-256 or secp256k1.
pub struct EcdsaPrivateKey(Private);

enum Private {
    P256(P256Private),
    Secp256k1(generic::Private<Secp256k1>),
}

impl EcdsaPrivateKey {
    /// The private half of d | x | y; [`ErrorCode::InvalidKeyMaterial`] unless 0 < d < n and the
    /// point is on the curve. Whether they belong together is not asked.
    pub fn new(curve: Curve, pair: &[u8; PAIR_LEN]) -> Result<Self> {
        let (d, point) = ec::halves(pair)?;
        EcdsaPublicKey::new(curve, point)?;
        Ok(Self(match curve {
            Curve::P256 => Private::P256(P256Private::new(d)?),
            Curve::Secp256k1 => Private::Secp256k1(generic::Private::new(d)?),
            Curve::Sm2 => return Err(ErrorCode::Internal.into()),
        }))
    }

    /// Signs a digest: writes SEQUENCE { r, s } in DER to the front of `out`, answers its length.
    pub fn sign(
        &self,
        digest: &[u8; 32],
        random: Random,
        out: &mut [u8; SIGNATURE_LEN],
    ) -> Result<usize> {
        let signature = match &self.0 {
            Private::P256(key) => key.sign(digest, random)?,
            Private::Secp256k1(key) => key.sign(digest, random)?,
        };
        signature::write(&publish(signature), out)
    }
}

/// A public key of P-256 or secp256k1.
pub struct EcdsaPublicKey(Public);

enum Public {
    P256(P256Public),
    Secp256k1(generic::Public<Secp256k1>),
}

impl EcdsaPublicKey {
    /// The point x | y; [`ErrorCode::InvalidKeyMaterial`] if it is not on the curve.
    pub fn new(curve: Curve, point: &[u8; 64]) -> Result<Self> {
        Ok(Self(match curve {
            Curve::P256 => Public::P256(P256Public::new(point)?),
            Curve::Secp256k1 => Public::Secp256k1(generic::Public::new(point)?),
            Curve::Sm2 => return Err(ErrorCode::Internal.into()),
        }))
    }

    /// Whether this is the key's signature of the digest, in strict DER.
    pub fn verify(&self, digest: &[u8; 32], signature: &[u8]) -> bool {
        signature::read(signature).is_some_and(|signature| self.verify_raw(digest, &signature))
    }

    /// The same for r | s.
    pub(super) fn verify_raw(&self, digest: &[u8; 32], signature: &[u8; 64]) -> bool {
        match &self.0 {
            Public::P256(key) => key.verify(digest, signature),
            Public::Secp256k1(key) => key.verify(digest, signature),
        }
    }
}
