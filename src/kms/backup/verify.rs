//! Verifying a backup, without a store.

use std::path::Path;

use serde::Serialize;

use crate::audit::PublicKey;
use crate::error::Result;
use crate::hsm::selftest;
use crate::kms::room::with_room;

use super::items::Item;
use super::manifest::{Counts, hex};
use super::read::{Backup, Unlocked};
use super::{Manifest, Progress, Secret, damaged};

/// What has been verified.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct VerifiedBackup {
    /// What the backup says of itself.
    pub manifest: Manifest,
    /// SHA-256 of the public key that has signed it, as SubjectPublicKeyInfo, in hexadecimal: compare it,
    /// unless you gave a key that you trust.
    pub key_fingerprint: String,
    /// Whether every record was opened, not only the signature verified.
    pub opened: bool,
}

/// Verifies that a backup is as the store has signed it, to the last byte; with `trusted`, that this is the
/// store with that public key (the one that verifies its audit trail); with a secret, that all records open.
///
/// [`NotABackup`](crate::error::ErrorCode::NotABackup),
/// [`BackupDamaged`](crate::error::ErrorCode::BackupDamaged),
/// [`StoreTooNew`](crate::error::ErrorCode::StoreTooNew); for a secret
/// [`UnlockFailed`](crate::error::ErrorCode::UnlockFailed) and
/// [`InvalidShares`](crate::error::ErrorCode::InvalidShares).
pub fn verify_backup(
    path: &Path,
    trusted: Option<&PublicKey>,
    secret: Option<&Secret<'_>>,
    progress: Progress<'_>,
) -> Result<VerifiedBackup> {
    selftest::ready()?;
    let mut backup = Backup::open(path, trusted)?;
    let opened = secret.is_some();
    if let Some(secret) = secret {
        let unlocked = backup.unlock(secret)?;
        unlocked.open_all(progress)?;
        backup = unlocked.backup;
    }
    let key_fingerprint = hex(&backup.signer.fingerprint());
    Ok(VerifiedBackup { manifest: backup.manifest, key_fingerprint, opened })
}

impl Unlocked {
    fn open_all(&self, progress: Progress<'_>) -> Result<()> {
        let mut records = self.records()?;
        self.identity(&mut records)?;
        while let Some(item) = self.item(&mut records)? {
            match item {
                Item::Key(own) => with_room(|| {
                    own.versions(&self.keyring).try_for_each(|version| version.map(drop))
                })?,
                Item::Other(sealed) => {
                    self.with_place(&sealed, |place| match place.kind.is_secret() {
                        true => {
                            with_room(|| self.keyring.open_secret(place, &sealed.record)).map(drop)
                        }
                        false => self.keyring.open_record(place, &sealed.record).map(drop),
                    })?
                }
            }
            progress(records.done(), self.header.records);
        }
        let counts = Counts { events: self.header.events, ..records.counts() };
        match counts == self.backup.manifest.counts {
            true => Ok(()),
            false => Err(damaged("Its manifest counts other records.")),
        }
    }
}
