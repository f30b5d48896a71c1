//! Changes: read the header, change records, write all of it at once. The header is part of every
//! change, so changes of two processes that overlap conflict and the later one starts over.

mod draft;
mod group;

use std::sync::Arc;

use crate::error::{ErrorCode, Result};
use crate::hsm::arena::SecretBytes;
use crate::hsm::{Header, Keyring, Place, WrappingPair};
use crate::kms::stored::{back, key_place, one, opened_key, pair_place, version_place};
use crate::kms::trail::Texts;
use crate::kms::{KeyRecord, Kms, Quotas, Version, places};
use crate::model::{KeyId, Timestamp};
use draft::{Draft, Drafted};
use group::Group;
pub(super) use group::{ATTEMPTS, Writing};

/// A change in the making.
pub(crate) struct Transaction<'k> {
    kms: &'k Kms,
    /// What others leave behind that are committed with this one, before it.
    group: &'k Group,
    pub(super) header: Header,
    draft: Draft,
    /// What is recorded in the audit trail, before it what has waited for that, and the keys that are new.
    pub(super) events: Texts,
    pub(super) waited: Option<Arc<[Texts]>>,
    created: Vec<KeyId>,
    now: Timestamp,
    /// Whether the header has changed by itself.
    writes_header: bool,
    /// Whether it has looked at what others of the group may have changed.
    must_be_first: bool,
}

impl<'k> Transaction<'k> {
    fn on(kms: &'k Kms, group: &'k Group) -> Self {
        Self {
            kms,
            group,
            header: group.header.clone(),
            draft: Draft::default(),
            events: Texts::default(),
            waited: None,
            created: Vec::new(),
            now: kms.now(),
            writes_header: false,
            must_be_first: false,
        }
    }

    /// The store as it is without this change, to be looked through. That must be the first of its group,
    /// for what is not written yet is not found there: it fails, and runs again in time, if it is not.
    pub(super) fn stored(&mut self) -> Result<&'k Kms> {
        self.must_be_first = !self.group.is_empty();
        if self.must_be_first { Err(ErrorCode::Conflict.into()) } else { Ok(self.kms) }
    }

    /// The limits of the store.
    pub(super) const fn quotas(&self) -> &'k Quotas {
        self.kms.quotas()
    }

    /// Whether keys of this level may be made in this process's memory.
    pub(super) fn admits(&self, key: &KeyRecord) -> bool {
        self.kms.hsm.admit(key.level, key.spec).is_ok()
    }

    /// The moment of the change.
    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }

    /// The key as this change leaves it so far.
    pub(crate) fn key(&self, id: &KeyId) -> Result<Option<KeyRecord>> {
        let storage_key = places::key(id);
        let Some(record) = self.current(&storage_key)? else { return Ok(None) };
        match self.current(&places::tombstone(id))? {
            None => opened_key(self.keyring(), id, &storage_key, &record).map(Some),
            Some(_) => Err(back()),
        }
    }

    /// Writes a key's record, the first time or in place of `old`, and keeps the lists up.
    pub(crate) fn put_key(&mut self, old: Option<&KeyRecord>, new: &KeyRecord) -> Result<()> {
        let storage_key = places::key(&new.id);
        self.put(&key_place(&new.id, &storage_key), Body::Clear(&new.encode()))?;
        match old {
            Some(_) => self.touch(storage_key),
            None => self.created.push(new.id),
        }
        self.relist(&new.space, old, Some(new))
    }

    /// Removes a key's record, its versions and pairs, and itself from all lists. Aliases go before.
    pub(super) fn remove_key(&mut self, key: &KeyRecord) -> Result<()> {
        if key.has_material {
            self.header.destroyed();
        }
        for version in &key.versions {
            let index = places::version_index(self.keyring(), &version.id)?;
            self.delete(index);
            let storage_key = places::version(&version.id);
            let immutables = key.immutables();
            self.discard(&version_place(&version.id, &storage_key, &immutables))?;
        }
        for (pair, _) in &key.wrapping_pairs {
            self.destroy_pair(pair)?;
        }
        let storage_key = places::key(&key.id);
        self.remove(&key_place(&key.id, &storage_key))?;
        self.touch(storage_key);
        self.relist(&key.space, Some(key), None)
    }

    /// The keys that this change has made.
    pub(super) fn created(&self) -> &[KeyId] {
        &self.created
    }

    /// Writes the material of a version.
    pub(crate) fn put_version(
        &mut self,
        key: &KeyRecord,
        version: Version,
        body: &SecretBytes,
    ) -> Result<()> {
        let index = places::version_index(self.keyring(), &version.id)?;
        self.enter(index, key.id.as_bytes().to_vec());
        let storage_key = places::version(&version.id);
        let immutables = key.immutables();
        let place = version_place(&version.id, &storage_key, &immutables);
        self.put(&place, Body::Secret(body))
    }

    /// Writes a version without material: one that still waits for it, or whose material is
    /// destroyed by this.
    pub(crate) fn put_empty_version(&mut self, key: &KeyRecord, version: Version) -> Result<()> {
        // Whoever has the material cached must drop it, even if the key's record stays the same.
        self.touch(places::key(&key.id));
        if key.has_material {
            self.header.destroyed();
        }
        let index = places::version_index(self.keyring(), &version.id)?;
        self.enter(index, key.id.as_bytes().to_vec());
        let storage_key = places::version(&version.id);
        let immutables = key.immutables();
        let place = version_place(&version.id, &storage_key, &immutables);
        self.put(&place, Body::Clear(&crate::hsm::destroyed_version_body(version.created)))
    }

    /// A wrapping pair, if it exists.
    pub(crate) fn pair(&self, id: &[u8; 16]) -> Result<Option<WrappingPair>> {
        let storage_key = places::pair(id);
        let Some(record) = self.current(&storage_key)? else { return Ok(None) };
        let body = self.keyring().open_secret(&pair_place(id, &storage_key), &record)?;
        WrappingPair::from_body(*id, &body).map(Some)
    }

    /// Writes a wrapping pair, whose `body` has been made beforehand.
    pub(crate) fn put_pair(&mut self, id: &[u8; 16], body: &SecretBytes) -> Result<()> {
        let storage_key = places::pair(id);
        self.put(&pair_place(id, &storage_key), Body::Secret(body))
    }

    /// Destroys a wrapping pair; an absent one is not an error.
    pub(super) fn destroy_pair(&mut self, id: &[u8; 16]) -> Result<()> {
        let storage_key = places::pair(id);
        self.discard(&pair_place(id, &storage_key))
    }

    /// Writes an entry that is not sealed: one of a list or an index.
    pub(super) fn enter(&mut self, storage_key: Vec<u8>, value: Vec<u8>) {
        self.draft.put(storage_key, value);
    }

    /// Removes an entry that is not sealed.
    pub(super) fn delete(&mut self, storage_key: Vec<u8>) {
        self.draft.delete(storage_key);
    }

    /// Has every process drop what it knows of a storage key.
    pub(super) fn touch(&mut self, storage_key: Vec<u8>) {
        self.draft.touch(storage_key);
    }

    /// The sealed record at a storage key, as this change leaves it so far.
    pub(super) fn current(&self, storage_key: &[u8]) -> Result<Option<Vec<u8>>> {
        for draft in [&self.draft, &self.group.draft] {
            match draft.find(storage_key) {
                Drafted::Put(record) => return Ok(Some(record.to_vec())),
                Drafted::Deleted => return Ok(None),
                Drafted::Untouched => {}
            }
        }
        Ok(one(&*self.kms.store, storage_key)?.map(|(_, record)| record))
    }

    /// Removes a record, and its term from the header; an absent one is not an error.
    pub(super) fn remove(&mut self, place: &Place<'_>) -> Result<()> {
        if let Some(record) = self.current(place.storage_key)? {
            self.vouch(place, &record)?;
            self.header.remove(self.keyring().term(place.storage_key, &record)?)?;
            self.delete(place.storage_key.to_vec());
        }
        Ok(())
    }

    /// The same for what must go in any case. One that is not genuine goes, too; its term stays in the
    /// header's sum, where whoever walks the store finds it.
    fn discard(&mut self, place: &Place<'_>) -> Result<()> {
        match self.remove(place) {
            Err(error) if error.is_damage() => {
                self.delete(place.storage_key.to_vec());
                Ok(())
            }
            outcome => outcome,
        }
    }

    /// What is replaced or removed must be genuine: its term leaves the header's sum.
    fn vouch(&self, place: &Place<'_>, record: &[u8]) -> Result<()> {
        match place.kind.is_secret() {
            true => self.keyring().open_secret(place, record).map(drop),
            false => self.keyring().open_record(place, record).map(drop),
        }
    }

    /// Seals a record and keeps the header's account of it. Written twice in one change, the last
    /// one counts.
    pub(super) fn put(&mut self, place: &Place<'_>, body: Body<'_>) -> Result<()> {
        let storage_key = place.storage_key;
        let is_again = matches!(self.draft.find(storage_key), Drafted::Put(_));
        let revision = match &self.current(storage_key)? {
            Some(record) => {
                self.vouch(place, record)?;
                self.header.remove(self.keyring().term(storage_key, record)?)?;
                // One step for each change, however often it writes.
                let step = u64::from(!is_again);
                Keyring::revision(record)?.checked_add(step).ok_or(ErrorCode::StoreDamaged)?
            }
            None => 1,
        };
        let numbers = (self.group.domain, revision);
        let record = match body {
            Body::Clear(body) => self.keyring().seal(place, numbers, body)?,
            Body::Secret(body) => self.keyring().seal_secret(place, numbers, body)?,
        };
        self.header.add(self.keyring().term(storage_key, &record)?);
        self.draft.put(storage_key.to_vec(), record);
        Ok(())
    }

    /// Has the header written, whether or not anything else is.
    pub(super) fn write_header(&mut self) {
        self.writes_header = true;
    }

    /// Records what it has done, and counts it.
    fn complete(&mut self) -> Result<()> {
        self.put_events()?;
        let generation = self.header.generation.checked_add(1);
        self.header.generation = generation.ok_or(ErrorCode::LimitExceeded)?;
        self.header.time = self.header.time.max(self.now);
        Ok(())
    }

    /// What it comes to, if it writes anything: the header, and the records.
    fn finish(self) -> Option<(Header, Draft)> {
        let is_empty = self.draft.is_empty() && !self.writes_header;
        (!is_empty).then_some((self.header, self.draft))
    }

    /// The keys that seal the store, beside this change.
    pub(super) fn shared_keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.group.keyring)
    }

    /// The keys that seal the store.
    pub(crate) fn keyring(&self) -> &Keyring {
        &self.group.keyring
    }
}

/// What a record is to hold.
pub(super) enum Body<'a> {
    /// No key material.
    Clear(&'a [u8]),
    /// Key material, which stays in secret memory until it is sealed.
    Secret(&'a SecretBytes),
}
