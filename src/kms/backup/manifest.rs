//! What a backup says of itself in clear, signed by the store that it is of.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::audit::PublicKey;
use crate::error::{ErrorCode, Result};
use crate::hsm::{Header, Identity, RecordKind};
use crate::kms::places;
use crate::model::SigningAlgorithm;
use crate::octets::Writer;

use super::Quorum;
use super::head::Wraps;

/// What the signed message begins with.
const LABEL: &[u8] = b"kmshsm/v1/backup";

/// What is in a backup, and of which store and moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Manifest {
    /// The store's UUID.
    pub store: String,
    /// The line of changes that the store was in, in hexadecimal.
    pub lineage: String,
    /// How often the store had been changed.
    pub generation: u64,
    /// When: `YYYY-MM-DDThh:mm:ssZ`.
    pub time: String,
    /// What is in it.
    pub counts: Counts,
    /// Whether keys of origin EXTERNAL are in it.
    pub includes_imported: bool,
    /// How many keys of origin EXTERNAL the store has that are not.
    pub imported_left_out: u64,
    /// Whether all records were in the store that its header counts, and no others.
    pub complete: bool,
    /// Who can recover the backup key with a private key.
    pub recipients: Vec<Wrapped>,
    /// The shares into which the backup key has been split, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares: Option<Quorum>,
    /// SHA-256 of all that comes before the manifest, in hexadecimal.
    pub sha256: String,
    /// The public half of the key that signs, in PEM: that of the audit trail.
    pub public_key: String,
}

/// The backup key as a recipient gets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Wrapped {
    /// SHA-256 of the recipient's SubjectPublicKeyInfo, in hexadecimal.
    pub fingerprint: String,
    /// The key, encrypted to it, in Base64.
    pub ciphertext: String,
}

/// How many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Counts {
    /// Keys.
    pub keys: u64,
    /// Versions of keys.
    pub versions: u64,
    /// Aliases.
    pub aliases: u64,
    /// Tombstones of keys that have been destroyed.
    pub tombstones: u64,
    /// Users.
    pub users: u64,
    /// Policies of accounts.
    pub policies: u64,
    /// Access keys of users.
    pub access_keys: u64,
    /// Events of the audit trail.
    pub events: u64,
    /// Sealed records of all kinds.
    pub records: u64,
}

impl Wrapped {
    fn of((fingerprint, wrapped): &([u8; 32], Vec<u8>)) -> Self {
        Self { fingerprint: hex(fingerprint), ciphertext: STANDARD.encode(wrapped) }
    }
}

impl Counts {
    /// One more record.
    pub(super) fn add(&mut self, storage_key: &[u8], store: &[u8; 16]) {
        self.records += 1;
        let count = match places::record_at(storage_key, store).map(|(kind, _)| kind) {
            Some(RecordKind::Key) => &mut self.keys,
            Some(RecordKind::Version) => &mut self.versions,
            Some(RecordKind::Alias) => &mut self.aliases,
            Some(RecordKind::Tombstone) => &mut self.tombstones,
            Some(RecordKind::User) => &mut self.users,
            Some(RecordKind::Policy) => &mut self.policies,
            Some(RecordKind::AccessKey) => &mut self.access_keys,
            _ => return,
        };
        *count += 1;
    }
}

impl Manifest {
    pub(super) fn new(store: &[u8; 16], header: &Header, wraps: &Wraps, counts: Counts) -> Self {
        Self {
            store: uuid::Uuid::from_bytes(*store).to_string(),
            lineage: hex(&header.lineage),
            generation: header.generation,
            time: header.time.to_string(),
            counts,
            includes_imported: false,
            imported_left_out: 0,
            complete: false,
            recipients: wraps.recipients.iter().map(Wrapped::of).collect(),
            shares: wraps.shares,
            sha256: String::new(),
            public_key: String::new(),
        }
    }
}

/// A manifest as it is written, with its signature: `lp(JSON) | algorithm u8 | lp(signature, DER)`.
pub(super) struct Signed {
    pub(super) text: Vec<u8>,
    pub(super) algorithm: u8,
    pub(super) signature: Vec<u8>,
}

impl Signed {
    pub(super) fn sign(
        manifest: &Manifest,
        identity: &Identity,
        algorithm: SigningAlgorithm,
    ) -> Result<Self> {
        let text = serde_json::to_vec(manifest).map_err(|_| ErrorCode::Internal)?;
        let signature = identity.sign(&message(&text))?;
        Ok(Self { text, algorithm: algorithm.number(), signature })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        Writer::default().lp(&self.text).u8(self.algorithm).lp(&self.signature).finish()
    }

    /// The manifest, if it is signed by the key it names; and by `trusted`, if that is given.
    pub(super) fn verify(&self, trusted: Option<&PublicKey>) -> Result<(Manifest, PublicKey)> {
        let unread = || super::damaged("Its manifest cannot be read.");
        let manifest: Manifest = serde_json::from_slice(&self.text).map_err(|_| unread())?;
        let key = PublicKey::from_pem(&manifest.public_key).map_err(|_| unread())?;
        let is_signed = self.algorithm == key.algorithm().number()
            && key.verify(&message(&self.text), &self.signature);
        if !is_signed {
            return Err(super::damaged("Its manifest is not signed by the store."));
        }
        if trusted.is_some_and(|trusted| trusted.spki() != key.spki()) {
            return Err(super::damaged("It is signed by another store than the public key is of."));
        }
        Ok((manifest, key))
    }
}

/// What is signed: by ECDSA its SHA-256, by SM2 SM3(Z_A | message) with the user id 1234567812345678.
fn message(text: &[u8]) -> Vec<u8> {
    Writer::default().raw(LABEL).raw(text).finish()
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
