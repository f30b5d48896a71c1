//! Digests of messages as AsymmetricSign and AsymmetricVerify take them: a convenience of this
//! library, which knows the public key that goes into SM2's.

use serde::Serialize;

use crate::error::Result;
use crate::hsm::MessageDigest;
use crate::kms::{Access, Action, Aliases, Door, Plane, Purpose, Rule};
use crate::model::{Hashing, KeyRef, SigningAlgorithm, VersionRef};

/// Begins the digest of a message that a key signs or has signed.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DigestMessage<'a> {
    /// A key id, an alias, or the ARN of a key.
    pub key_id: KeyRef<'a>,
    /// The version that signs.
    pub key_version_id: VersionRef,
    /// How it signs: the digest is SHA-256, for SM2DSA SM3(Z_A | message).
    pub algorithm: SigningAlgorithm,
    /// The signer's name in Z_A, of SM2DSA only: 1 to 8191 bytes. Default: `1234567812345678`.
    #[serde(skip)]
    pub user_id: Option<&'a [u8]>,
}

/// The answer of [`DigestMessage`].
#[derive(Serialize)]
pub struct DigestBegun {
    /// Takes the message in pieces.
    #[serde(skip)]
    pub digest: MessageDigest,
    /// The length in bytes of the longest signature of the key.
    #[serde(skip)]
    pub max_signature: usize,
}

impl Action for DigestMessage<'_> {
    const NAME: &'static str = "DigestMessage";
    const ACCESS: Access = Access::Read;
    const PLANE: Plane = Plane::Data;
    type Answer = DigestBegun;

    fn run(&mut self, door: &Door<'_>) -> Result<DigestBegun> {
        // Whoever may sign or verify may hash for it; it tells no more than the public key.
        let door = door.under(&["AsymmetricSign", "AsymmetricVerify", "GetPublicKey"]);
        let rule = Rule::Use(Purpose::Signature(self.algorithm));
        let (key, version) =
            door.key_version(&self.key_id, self.key_version_id, Aliases::Taken, rule)?;
        let permit = door.admit_use(key.record().level, key.record().spec, Hashing)?;
        let digest = door.with_public_half(&key, version.id, |material| {
            material.pair(permit)?.digest(self.algorithm, self.user_id)
        })?;
        let max_signature = SigningAlgorithm::max_signature(key.record().spec);
        Ok(DigestBegun { digest, max_signature })
    }
}
