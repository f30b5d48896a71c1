//! Restoring single keys into an open store: the one that was backed up, or another.

use std::collections::HashSet;
use std::path::Path;

use crate::audit::PublicKey;
use crate::error::Result;
use crate::hsm::RawMaterial;
use crate::kms::trail::Deed;
use crate::kms::{KeyRecord, Kms, Transaction, places};
use crate::model::{KeyId, Origin};

use super::items::{Belongings, Item};
use super::read::{Backup, Unlocked};
use super::restore::told;
use super::{LeftOut, Progress, Reason, Restored, Secret};

impl Kms {
    /// Restores keys of a backup into this store, with their versions, tags, policies and, where the names
    /// are free, their aliases; all keys if `wanted` is empty. Each is a change of its own, which the trail
    /// tells of. A key that has been destroyed here stays destroyed, one that is here stays as it is, and no
    /// quota applies.
    ///
    /// What [`verify_backup`](super::verify_backup) answers, and
    /// [`UnsupportedOperation`](crate::error::ErrorCode::UnsupportedOperation) of a store for tests.
    pub fn restore_keys(
        &self,
        path: &Path,
        trusted: Option<&PublicKey>,
        secret: &Secret<'_>,
        wanted: &[KeyId],
        progress: Progress<'_>,
    ) -> Result<Restored> {
        self.check()?;
        self.refuse_backups()?;
        let backup = Backup::open(path, trusted)?.unlock(secret)?;
        let told = told(&backup.backup.manifest)?;
        let mut wanted: Option<HashSet<_>> =
            (!wanted.is_empty()).then(|| wanted.iter().copied().collect());
        let mut restored = Restored::default();
        let mut records = backup.records()?;
        backup.identity(&mut records)?;
        while let Some(item) = backup.item(&mut records)? {
            progress(records.done(), backup.header.records);
            let Item::Key(own) = item else { continue };
            if wanted.as_mut().is_some_and(|wanted| !wanted.remove(&own.key.id)) {
                continue;
            }
            let taken = self.change(|change| change.take_key(&backup, &own, &told))?;
            restored.left_out.extend(taken.left_out);
            if let Some(key) = taken.key {
                restored.taken.keys += 1;
                restored.taken.versions += key.versions.len() as u64;
                restored.taken.aliases += u64::from(key.aliases);
                restored.taken.records += 1 + key.versions.len() as u64 + u64::from(key.aliases);
            }
        }
        let mut missing: Vec<_> = wanted.into_iter().flatten().collect();
        missing.sort_unstable_by_key(|id| *id.as_bytes());
        missing.into_iter().for_each(|id| restored.leave(id, Reason::NotInBackup));
        self.refresh()?;
        Ok(restored)
    }
}

/// What has become of a key.
#[derive(Default)]
struct Taken {
    key: Option<KeyRecord>,
    left_out: Vec<LeftOut>,
}

impl Taken {
    fn leave(&mut self, key_id: KeyId, alias: Option<String>, reason: Reason) {
        self.left_out.push(LeftOut { key_id, alias, reason });
    }
}

impl Transaction<'_> {
    fn take_key(&mut self, backup: &Unlocked, own: &Belongings, told: &[u8]) -> Result<Taken> {
        let (id, mut taken) = (own.key.id, Taken::default());
        if let Some(reason) = self.reason_against(&own.key)? {
            taken.leave(id, None, reason);
            return Ok(taken);
        }
        let mut key =
            KeyRecord { seq: self.next_seq(&own.key.space)?, aliases: 0, ..own.key.clone() };
        let is_elsewhere = !self.keyring().is_of_store_of(&backup.keyring)?;
        for version in own.versions(&backup.keyring) {
            let (version, body) = version?;
            if is_elsewhere && key.origin == Origin::External {
                // Fingerprints are a store's own.
                key.fingerprint = match key.has_material {
                    true => {
                        let material = RawMaterial::from_version_body(&body)?;
                        Some(material.fingerprint(self.keyring(), &id, key.spec)?)
                    }
                    false => None,
                };
            }
            self.put_version(&key, version, &body)?;
        }
        if own.key.fingerprint.is_some() && key.fingerprint.is_none() {
            taken.leave(id, None, Reason::FingerprintUnknown);
        }
        for alias in &own.aliases {
            match self.alias(&key.space, &alias.name)? {
                None => self.add_alias(&mut key, &alias.name)?,
                Some(_) => taken.leave(id, Some(alias.name.to_string()), Reason::AliasTaken),
            }
        }
        self.put_key(None, &key)?;
        // Whoever has looked for it has found nothing.
        self.touch(places::key(&id));
        self.record_backup(Deed::RestoreBackup, &[id], told)?;
        taken.key = Some(key);
        Ok(taken)
    }

    /// Why a key is not taken, if it is not.
    fn reason_against(&self, key: &KeyRecord) -> Result<Option<Reason>> {
        if self.current(&places::tombstone(&key.id))?.is_some() {
            return Ok(Some(Reason::Destroyed));
        }
        if self.current(&places::key(&key.id))?.is_some() {
            return Ok(Some(Reason::Exists));
        }
        for version in &key.versions {
            if self.current(&places::version(&version.id))?.is_some() {
                return Ok(Some(Reason::VersionExists));
            }
        }
        Ok(None)
    }
}
