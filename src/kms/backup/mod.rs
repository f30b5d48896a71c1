//! Backups of a store: one file with everything in it, sealed under a key of its own that recipients or a
//! quorum of custodians can recover, and signed by the store (ARCHITECTURE.md, Formats: Backup).
#![forbid(unsafe_code)]

mod contents;
mod file;
mod head;
mod keys;
mod manifest;
mod read;
mod restore;
#[cfg(test)]
mod tests;
mod verify;
mod write;

use serde::Serialize;

use crate::error::{Error, ErrorCode};
use crate::model::KeyId;

pub use manifest::{Counts, Manifest};
pub use verify::VerifiedBackup;

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
