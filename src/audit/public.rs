//! The public half of a store's identity key.

use der::pem::{self, LineEnding};

use crate::crypto::digest::{sha256, sm3_parts};
use crate::crypto::ec::{self, Curve};
use crate::crypto::ecdsa::EcdsaPublicKey;
use crate::crypto::sm2::{DEFAULT_USER_ID, Sm2PublicKey, za};
use crate::error::{Error, ErrorCode, Result};
use crate::model::SigningAlgorithm;

const PEM_LABEL: &str = "PUBLIC KEY";

/// A key that verifies checkpoints: of P-256 by ECDSA with SHA-256, of SM2 with SM3.
pub struct PublicKey {
    key: Key,
    point: [u8; 64],
}

enum Key {
    P256(EcdsaPublicKey),
    Sm2(Sm2PublicKey),
}

impl PublicKey {
    /// The key in a SubjectPublicKeyInfo (RFC 5280);
    /// [`InvalidParameter`](ErrorCode::InvalidParameter) (`PublicKey`) unless it is of P-256 or SM2.
    pub fn from_spki(der: &[u8]) -> Result<Self> {
        let on = |curve| Self::on_curve(curve, ec::point_from_spki(curve, der)?);
        on(Curve::P256).or_else(|_| on(Curve::Sm2)).map_err(|_| {
            Error::invalid("PublicKey", "It must be the SubjectPublicKeyInfo of P-256 or SM2.")
        })
    }

    /// The same in PEM (RFC 7468), as [`pem`](Self::pem) writes it.
    pub fn from_pem(text: &str) -> Result<Self> {
        let strange = || Error::invalid("PublicKey", "It must be a PUBLIC KEY in PEM.");
        match pem::decode_vec(text.trim().as_bytes()) {
            Ok((PEM_LABEL, der)) => Self::from_spki(&der),
            _ => Err(strange()),
        }
    }

    fn on_curve(curve: Curve, point: [u8; 64]) -> Result<Self> {
        let key = match curve {
            Curve::Sm2 => Key::Sm2(Sm2PublicKey::new(&point)?),
            curve => Key::P256(EcdsaPublicKey::new(curve, &point)?),
        };
        Ok(Self { key, point })
    }

    /// The key as SubjectPublicKeyInfo, its point uncompressed.
    pub fn spki(&self) -> Vec<u8> {
        ec::spki(self.curve(), &self.point)
    }

    /// The key in PEM, with a line feed at the end of each line.
    pub fn pem(&self) -> Result<String> {
        let text = pem::encode_string(PEM_LABEL, LineEnding::LF, &self.spki());
        text.map_err(|_| ErrorCode::Internal.into())
    }

    /// SHA-256 of the SubjectPublicKeyInfo.
    pub fn fingerprint(&self) -> [u8; 32] {
        sha256(&self.spki())
    }

    /// How the key signs.
    pub const fn algorithm(&self) -> SigningAlgorithm {
        match self.key {
            Key::P256(_) => SigningAlgorithm::EcdsaSha256,
            Key::Sm2(_) => SigningAlgorithm::Sm2Dsa,
        }
    }

    const fn curve(&self) -> Curve {
        match self.key {
            Key::P256(_) => Curve::P256,
            Key::Sm2(_) => Curve::Sm2,
        }
    }

    /// Whether `signature`, in DER, is the key's signature of the message.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.key {
            Key::P256(key) => key.verify(&sha256(message), signature),
            Key::Sm2(key) => za(DEFAULT_USER_ID, &self.point)
                .is_ok_and(|za| key.verify(&sm3_parts(&[&za, message]), signature)),
        }
    }
}
