//! To whom secrets of the operator's are sealed: the public keys of custodians. What is sealed is the
//! plain ciphertext, so that others open it, too (`openssl pkeyutl -decrypt`).
#![forbid(unsafe_code)]

use der::pem;

use crate::crypto::digest::sha256;
use crate::crypto::ec::{self, Curve};
use crate::crypto::rsa::{MAX_PKCS8, RsaPublicKey};
use crate::crypto::sm2::Sm2Ciphertext;
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::arena::{SecretBytes, secluded, secluded_at_length};
use crate::hsm::material::{RawMaterial, imported};
use crate::hsm::pair::{Ciphertext, KeyPair, Permitted, PublicKey};
use crate::hsm::selftest;
use crate::hsm::unlock::room;
use crate::model::{EncryptionAlgorithm, KeySpec, Timestamp};
use crate::secret::Zeroizing;

/// The keys that may be a recipient's.
const SPECS: [KeySpec; 4] =
    [KeySpec::Rsa2048, KeySpec::Rsa3072, KeySpec::Rsa4096, KeySpec::EcSm2];

/// A public key to seal to: of RSA with 2048, 3072 or 4096 bits (RSAES-OAEP with SHA-256, RFC 8017, and
/// an empty label), or of SM2 (GB/T 32918.4, in DER as GM/T 0009 has it).
pub struct Recipient(PublicKey);

/// The private key that opens what was sealed to it. Its numbers lie where those of private keys do.
pub struct RecipientKey(KeyPair);

impl Recipient {
    /// Reads SubjectPublicKeyInfo (RFC 5280), in DER or PEM. Other things, and other keys, are
    /// [`ErrorCode::InvalidParameter`] (`Recipient`).
    pub fn read(given: &[u8]) -> Result<Self> {
        selftest::ready_for_pairs()?;
        let der = without_pem(given, "PUBLIC KEY", "Recipient")?;
        let key = RsaPublicKey::from_spki(&der).map(PublicKey::Rsa).or_else(|_| {
            PublicKey::on_curve(Curve::Sm2, ec::point_from_spki(Curve::Sm2, &der)?)
        });
        key.map(Self).map_err(|error| match error.code() {
            ErrorCode::InvalidKeyMaterial => Error::invalid(
                "Recipient",
                "It must be a public key of RSA (2048, 3072 or 4096 bits) or SM2.",
            ),
            _ => error,
        })
    }

    /// SHA-256 of the key as SubjectPublicKeyInfo: tells recipients apart.
    pub fn fingerprint(&self) -> [u8; 32] {
        sha256(&self.0.spki())
    }

    /// Encrypts a secret of 1 byte to [`max_secret`](Self::max_secret).
    pub fn seal(&self, secret: &[u8]) -> Result<Vec<u8>> {
        if !(1..=self.max_secret()).contains(&secret.len()) {
            return Err(ErrorCode::Internal.into());
        }
        let algorithm = algorithm_of(&self.0);
        let len = match &self.0 {
            PublicKey::Rsa(key) => key.modulus_len(),
            _ => algorithm.ciphertext_len(KeySpec::EcSm2, secret.len()),
        };
        let mut sealed = vec![0; len];
        self.0.encrypt(algorithm, secret, &mut sealed)?;
        match &self.0 {
            PublicKey::Rsa(_) => Ok(sealed),
            _ => Sm2Ciphertext::parse(&sealed)?.to_der(),
        }
    }
}
