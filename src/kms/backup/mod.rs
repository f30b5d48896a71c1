//! Backups of a store: one file with everything in it, sealed under a key of its own that recipients or a
//! quorum of custodians can recover, and signed by the store (ARCHITECTURE.md, Formats: Backup).
#![forbid(unsafe_code)]

mod contents;
mod file;
mod head;
mod items;
mod keys;
mod manifest;
mod read;
mod restore;
#[cfg(test)]
mod tests;
mod verify;
mod write;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode};
use crate::hsm::{Recipient, RecipientKey, Share};
use crate::model::KeyId;

pub use manifest::{Counts, Manifest, Wrapped};
pub use restore::{Restoration, restore};
pub use verify::{VerifiedBackup, verify_backup};

/// Who can recover the key of a new backup, and what goes into it.
#[derive(Default)]
pub struct BackupRequest<'a> {
    /// Public keys, each of which the backup key is encrypted to.
    pub recipients: &'a [Recipient],
    /// How the backup key is split, if it is.
    pub shares: Option<Quorum>,
    /// Whether keys of origin EXTERNAL go into it: their owners were promised that what is destroyed is
    /// destroyed, and have the material themselves.
    pub include_imported: bool,
}

/// So many of so many shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Quorum {
    /// How many recover the key: 2 or more.
    pub threshold: u8,
    /// How many there are: 16 at most.
    pub count: u8,
}

/// What opens a backup.
pub enum Secret<'a> {
    /// Shares of the backup key, as many as are needed.
    Shares(&'a [Share]),
    /// The private key of a recipient.
    PrivateKey(&'a RecipientKey),
    /// The backup key itself, recovered outside.
    BackupKey(&'a [u8; 32]),
}

/// A backup that has been made.
pub struct Created {
    /// What it says of itself.
    pub manifest: Manifest,
    /// The shares of its key, if it was split. They are nowhere else.
    pub shares: Vec<Share>,
}

/// Tells whoever waits how many records are done, and of how many.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// What has been restored.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Restored {
    /// What was taken.
    pub taken: Counts,
    /// What was not, and why.
    pub left_out: Vec<LeftOut>,
}

/// Something in a backup that has not been restored, or not as it was.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LeftOut {
    /// The key.
    pub key_id: KeyId,
    /// Its alias, if it is about that alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Why.
    pub reason: Reason,
}

/// Why something has not been restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Reason {
    /// The key has been destroyed since: its tombstone wins.
    Destroyed,
    /// The key is there, and stays as it is.
    Exists,
    /// A version of the key is there that belongs to no such key.
    VersionExists,
    /// The alias is another key's by now.
    AliasTaken,
    /// The key was asked for, and is not in the backup.
    NotInBackup,
    /// The key is there without the fingerprint of its imported material, which only the store has that the
    /// backup was made of: any material can be imported into it.
    FingerprintUnknown,
}

/// What is wrong with the sealed part of a backup is damage to the backup, not to a store.
fn of_backup(error: Error) -> Error {
    match error.code() {
        ErrorCode::StoreDamaged => damaged("A record in it does not open, or is not its own."),
        _ => error,
    }
}

fn damaged(detail: &'static str) -> Error {
    Error::new(ErrorCode::BackupDamaged).because(detail)
}
