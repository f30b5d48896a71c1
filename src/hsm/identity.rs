//! A store's own key pair, which signs the checkpoints of its audit trail: made with the store, never
//! changed, and unsealed for each signature. It is no customer's key, and under no region's profile.
#![forbid(unsafe_code)]

use crate::error::Result;
use crate::hsm::arena::SecretBytes;
use crate::hsm::pair::{KeyPair, Permitted};
use crate::hsm::{MessageDigest, RawMaterial};
use crate::model::{
    IdentitySpec, KeySpec, Making, Profile, ProtectionLevel, SigningAlgorithm, Timestamp,
};

/// The key pair that signs for a store.
pub struct Identity {
    pair: KeyPair,
    algorithm: SigningAlgorithm,
}

impl Identity {
    /// The body of the record of a fresh pair: that of a version record (ARCHITECTURE.md, Formats).
    pub fn found(spec: IdentitySpec, now: Timestamp) -> Result<SecretBytes> {
        let permit = Profile::Gm.permit(ProtectionLevel::Hsm, spec.key_spec(), Making)?;
        RawMaterial::generate(permit)?.version_body(now)
    }

    /// The pair in the body of its record.
    pub fn from_body(spec: IdentitySpec, body: &SecretBytes) -> Result<Self> {
        Ok(Self { pair: KeyPair::new(spec.key_spec(), body)?, algorithm: spec.algorithm() })
    }

    /// The public half, as SubjectPublicKeyInfo (RFC 5280).
    pub fn spki(&self) -> Vec<u8> {
        self.pair.public().spki()
    }

    /// Signs a message: ECDSA with SHA-256, or SM2 with SM3 and the usual user id, in DER.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let mut digest = MessageDigest::new(self.pair.public(), self.algorithm, None)?;
        digest.update(message);
        let mut signature = vec![0; SigningAlgorithm::max_signature(KeySpec::EcP256)];
        let pair = Permitted::new(&self.pair, self.algorithm);
        let len = pair.sign(&digest.finish(), &mut signature)?;
        signature.truncate(len);
        Ok(signature)
    }
}
