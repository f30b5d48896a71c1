//! What falls due by itself: the expiry of imported material and of wrapping pairs, and automatic
//! rotation. Done when a key is next asked for, so that no thread of ours runs in the host's process.

use crate::error::{ErrorCode, Result};
use crate::hsm::{RawMaterial, random};
use crate::kms::{KeyRecord, Kms, List, Transaction, Version};
use crate::model::{KeyId, KeyState, KeyVersionId, Space, Timestamp};

impl KeyRecord {
    /// Whether anything about the key is due. Looks at the clock only if something can be; a new
    /// version can only be if keys of this level are `admitted` to this process's memory.
    pub(super) fn is_due(
        &self,
        now: impl FnOnce() -> Timestamp,
        admitted: impl FnOnce() -> bool,
    ) -> bool {
        let can_rotate = self.rotation_interval.is_some() && admitted();
        if self.material_expires.is_none() && !can_rotate && self.wrapping_pairs.is_empty() {
            return false;
        }
        let now = now();
        self.has_expired(now)
            || (can_rotate && self.rotates_at(now))
            || self.wrapping_pairs.iter().any(|(_, not_after)| *not_after < now)
    }

    /// When the key is next rotated, if it is ever.
    pub fn next_rotation(&self) -> Option<Timestamp> {
        let last = self.versions.last()?.created;
        self.rotation_interval.map(|interval| last.plus(interval))
    }

    fn rotates_at(&self, now: Timestamp) -> bool {
        self.state == KeyState::Enabled && self.next_rotation().is_some_and(|due| now >= due)
    }
}

impl Transaction<'_> {
    /// Brings a record up to the present: destroys material and wrapping pairs that have expired,
    /// makes the version that is due.
    pub(super) fn settle(&mut self, key: &mut KeyRecord) -> Result<()> {
        let now = self.now();
        if key.has_expired(now) {
            self.destroy_material(key)?;
        }
        for (id, _) in key.wrapping_pairs.extract_if(.., |(_, not_after)| *not_after < now) {
            self.delete_pair(&id)?;
        }
        if key.rotates_at(now) && self.admits(key) {
            let version = Version { id: KeyVersionId::from_random(random()?), created: now };
            let body = RawMaterial::generate(key.spec)?.version_body(version.created)?;
            self.put_version(key, version, &body)?;
            key.versions.push(version);
        }
        Ok(())
    }

    /// Destroys imported material. The key waits for the same material again, unless it awaits its
    /// deletion.
    pub(crate) fn destroy_material(&mut self, key: &mut KeyRecord) -> Result<()> {
        let version = key.primary()?;
        self.put_empty_version(key, version)?;
        key.material_expires = None;
        if key.state != KeyState::PendingDeletion {
            key.state = KeyState::PendingImport;
        }
        Ok(())
    }
}

impl Kms {
    /// Does what is due for one key.
    pub(super) fn settle_key(&self, id: &KeyId) -> Result<()> {
        self.change(|transaction| {
            let old = transaction.key(id)?.ok_or(ErrorCode::KeyNotFound)?;
            let mut new = old.clone();
            transaction.settle(&mut new)?;
            if new != old {
                transaction.put_key(Some(&old), &new)?;
            }
            Ok(())
        })
    }

    /// Does what is due for the keys of a space whose material expires, so that lists by state are
    /// true.
    pub(super) fn settle_space(&self, space: &Space) -> Result<()> {
        self.refresh()?;
        for id in self.walk(space, &[List::Expiring])?.values() {
            let due = self.find(id)?.is_some_and(|key| key.record().has_expired(self.now()));
            if due {
                self.settle_key(id)?;
            }
        }
        Ok(())
    }
}
