//! What falls due by itself: the destruction of keys, the expiry of imported material and of wrapping
//! pairs, automatic rotation. Done when a key is next asked for, before keys are listed, and by
//! [`Kms::tick`]; in a change like any other, so it is done once, whichever process comes first.

use std::sync::atomic::Ordering;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::hsm::{RawMaterial, random};
use crate::kms::trail::Deed;
use crate::kms::{KeyRecord, Kms, Transaction, Version};
use crate::model::{KeyId, KeyState, KeyVersionId, Making, Timestamp};

/// How many hours may pass before it is written down that nothing is left in them.
const HOURS_UNTIL_WRITTEN: u64 = 24;

/// What has been done because it was due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tick {
    /// Keys destroyed at the end of their waiting period.
    pub deleted: u64,
    /// Versions made by automatic rotation.
    pub rotated: u64,
    /// Keys whose imported material expired and was destroyed.
    pub expired: u64,
}

impl Tick {
    const fn add(&mut self, more: Self) {
        self.deleted += more.deleted;
        self.rotated += more.rotated;
        self.expired += more.expired;
    }
}

impl KeyRecord {
    /// The first moment at which something about the key falls due.
    pub fn due(&self) -> Option<Timestamp> {
        let rotation = self.next_rotation().filter(|_| self.state == KeyState::Enabled);
        let pairs = self.wrapping_pairs.iter().map(|(_, not_after)| not_after.plus(1));
        let others = [self.delete_date, self.material_expires, rotation];
        others.into_iter().flatten().chain(pairs).min()
    }

    /// Whether something can be done about the key now. A new version can only be made if keys of
    /// this level are `admitted` to this process's memory.
    pub(super) fn is_due(&self, now: Timestamp, admitted: impl FnOnce() -> bool) -> bool {
        let others = Self { rotation_interval: None, ..self.clone() };
        others.due().is_some_and(|due| now >= due) || (self.rotates_at(now) && admitted())
    }

    /// Whether the waiting period before the key's destruction is over.
    pub fn is_gone(&self, now: Timestamp) -> bool {
        self.delete_date.is_some_and(|date| now >= date)
    }

    /// Whether imported material has passed its expiry and is still there.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.material_expires.is_some_and(|expires| now >= expires)
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
    /// The key brought up to the present; `None` if that destroys it. Destroys what has expired, and
    /// makes the version that is due.
    pub(super) fn settle(&mut self, old: &KeyRecord) -> Result<Option<KeyRecord>> {
        let now = self.now();
        if old.is_gone(now) {
            self.destroy(old)?;
            return Ok(None);
        }
        let mut key = old.clone();
        if key.has_expired(now) {
            self.destroy_material(&mut key)?;
            self.record_deed(Deed::ExpireKeyMaterial, &key)?;
        }
        for (id, _) in key.wrapping_pairs.extract_if(.., |(_, not_after)| *not_after < now) {
            self.destroy_pair(&id)?;
        }
        if key.rotates_at(now) && self.admits(&key) {
            let permit = key.space.profile.permit(key.level, key.spec, Making)?;
            let material = RawMaterial::generate(permit)?;
            self.add_version(&mut key, &material)?;
            self.record_deed(Deed::RotateKey, &key)?;
        }
        Ok(Some(key))
    }

    /// Gives a key a new version, which is the primary one of a symmetric key.
    pub(crate) fn add_version(
        &mut self,
        key: &mut KeyRecord,
        material: &RawMaterial,
    ) -> Result<Version> {
        let version = Version { id: KeyVersionId::from_random(random()?), created: self.now() };
        self.put_version(key, version, &material.version_body(version.created)?)?;
        key.versions.push(version);
        Ok(version)
    }

    /// Writes down what has been brought up to the present, and says what that was.
    fn put_settled(&mut self, old: &KeyRecord) -> Result<Tick> {
        let new = self.settle(old)?;
        let Some(new) = new else { return Ok(Tick { deleted: 1, ..Tick::default() }) };
        if new != *old {
            self.put_key(Some(old), &new)?;
        }
        Ok(Tick {
            deleted: 0,
            rotated: new.versions.len().saturating_sub(old.versions.len()) as u64,
            expired: u64::from(old.has_material && !new.has_material),
        })
    }
}

impl Kms {
    /// Does all that is due in the whole store: destroys keys and material, makes new versions; and writes
    /// down the calls and events that wait in this process. Any number of processes may do so at once. Call it now and then, or leave it to
    /// [`Options::keeper`](crate::kms::Options::keeper): what a caller sees is true without it, but a
    /// key that nobody asks for is destroyed only then.
    ///
    /// [`StoreDamaged`](crate::error::ErrorCode::StoreDamaged) if a key cannot be read or changed; with the others it
    /// is done by then.
    pub fn tick(&self) -> Result<Tick> {
        let _draws = self.hsm().draws();
        self.check()?;
        self.admit_changes()?;
        let (done, damage) = self.sweep()?;
        self.flush()?;
        self.tend_domain_keys()?;
        damage.map_or(Ok(done), Err)
    }

    /// The same; damage to single keys, if there is any, is no error: whoever asks for them hears of it.
    pub(super) fn sweep(&self) -> Result<(Tick, Option<Error>)> {
        self.check()?;
        self.refresh()?;
        // What cannot be done is seen as if it were, but for lists.
        if self.admit_changes().is_err() {
            return Ok((Tick::default(), None));
        }
        let (_, header) = self.header()?;
        self.latest.fetch_max(header.time.0, Ordering::Relaxed);
        let (first, now) = (header.due, self.now());
        let (mut done, mut damage) = (Tick::default(), None);
        self.visit_due(first, now.hour(), |keys| {
            self.tick_keys(keys, now, &mut done, &mut damage)
        })?;
        if now.hour().saturating_sub(first) >= HOURS_UNTIL_WRITTEN {
            self.change(|transaction| transaction.pass_hours(now))?;
        }
        Ok((done, damage))
    }

    fn tick_keys(
        &self,
        keys: &[KeyId],
        now: Timestamp,
        done: &mut Tick,
        damage: &mut Option<Error>,
    ) -> Result<()> {
        // Who closes the store waits for the keeper.
        self.check()?;
        let mut due = Vec::new();
        for id in keys {
            let Some(key) = undamaged(self.find(id), damage)?.flatten() else { continue };
            let record = key.record();
            if record.is_due(now, || self.hsm.admit(record.level, record.spec).is_ok()) {
                due.push(*id);
            }
        }
        if due.is_empty() {
            return Ok(());
        }
        match self.settle_keys(&due) {
            // One of them is damaged: the others by themselves.
            Err(error) if error.is_damage() => {
                for id in &due {
                    let settled = self.settle_keys(std::slice::from_ref(id));
                    done.add(undamaged(settled, damage)?.unwrap_or_default());
                }
            }
            settled => done.add(settled?),
        }
        self.refresh()
    }

    /// Does what is due for these keys, in one change.
    pub(super) fn settle_keys(&self, ids: &[KeyId]) -> Result<Tick> {
        self.change(|transaction| {
            let mut done = Tick::default();
            for id in ids {
                if let Some(old) = transaction.key(id)? {
                    done.add(transaction.put_settled(&old)?);
                }
            }
            Ok(done)
        })
    }
}

/// What came out, or nothing where the store is damaged. The first damage is remembered.
fn undamaged<T>(outcome: Result<T>, damage: &mut Option<Error>) -> Result<Option<T>> {
    match outcome {
        Err(error) if error.is_damage() => {
            damage.get_or_insert(error);
            Ok(None)
        }
        outcome => outcome.map(Some),
    }
}
