//! Keys, with all that belongs to them: versions, wrapping pairs, entries, counters, meters.

use std::collections::{HashMap, HashSet};

use super::books::{About, Side, Thing};
use super::finding::What;
use super::page::Page;
use crate::error::Result;
use crate::hsm::{RecordKind, WrappingPair, version_outline};
use crate::keystore::Entry;
use crate::kms::lists::{Count, List};
use crate::kms::metering::hosted;
use crate::kms::stored::{pair_place, version_place};
use crate::kms::{KeyRecord, Version, places};
use crate::model::{KeyId, Space, Timestamp};

/// The records that go with the keys of a piece, by storage key.
type Parts = HashMap<Vec<u8>, Entry>;

impl Page<'_, '_> {
    pub(super) fn keys(&mut self, entries: &[Entry]) -> Result<()> {
        let mut keys = Vec::new();
        for entry in entries {
            let Some(id) = places::key_at(&entry.key) else { continue };
            let key = self.opened(RecordKind::Key, entry, |body| KeyRecord::decode(id, body))?;
            keys.extend(key);
        }
        self.tally.keys += keys.len() as u64;
        let parts = self.parts(&keys)?;
        for key in &keys {
            self.key(key, &parts)?;
        }
        if self.books.is_first() {
            self.find_revived(entries)?;
        }
        Ok(())
    }

    /// What goes with the keys, in one look.
    fn parts(&self, keys: &[KeyRecord]) -> Result<Parts> {
        let versions = keys.iter().flat_map(|key| &key.versions);
        let pairs = keys.iter().flat_map(|key| &key.wrapping_pairs);
        let places: Vec<_> = versions
            .map(|version| places::version(&version.id))
            .chain(pairs.map(|(id, _)| places::pair(id)))
            .collect();
        let found = self.walk.get(&places.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
        Ok(found.into_iter().flatten().map(|entry| (entry.key.clone(), entry)).collect())
    }

    fn key(&mut self, key: &KeyRecord, parts: &Parts) -> Result<()> {
        let storage_key = places::key(&key.id);
        if key.versions.is_empty() {
            self.find(What::VersionMissing, &storage_key, Some(key.id));
        }
        let immutables = key.immutables();
        for version in &key.versions {
            self.owe_entry(
                key,
                places::version_index(self.keyring, &version.id)?,
                key.id.as_bytes(),
            );
            self.version(key, version, &immutables, parts)?;
        }
        for pair in &key.wrapping_pairs {
            self.pair(key, pair, parts)?;
        }
        for list in List::memberships(key) {
            let entry = places::list_entry(&self.list(&key.space, &list)?, key.seq);
            self.owe_entry(key, entry, key.id.as_bytes());
            if let Some(count) = list.counter() {
                self.count_in(&key.space, count, 1);
            }
        }
        self.count_in(&key.space, Count::Versions, key.versions.len() as u64);
        if let Some((class, versions)) = hosted(key) {
            *self.hosted.entry((key.space, class as u8)).or_default() += versions;
        }
        if let Some(due) = key.due() {
            if due.hour() < self.walk.header.due {
                self.find(What::DueEarly, &storage_key, Some(key.id));
            }
            let hour = places::due(self.keyring, due.hour())?;
            self.owe_entry(key, places::due_entry(&hour, &key.id), &[]);
        }
        self.sequence(&key.space, key.seq, &storage_key, Some(key.id))?;
        let alias = alias_of(&key.id, &key.space);
        self.enter((Thing::Alias, Side::Owed), &alias, key.aliases.into(), || About {
            what: What::AliasCount,
            place: storage_key,
            key: Some(key.id),
        });
        Ok(())
    }

    fn version(
        &mut self,
        key: &KeyRecord,
        version: &Version,
        immutables: &[u8],
        parts: &Parts,
    ) -> Result<()> {
        let storage_key = places::version(&version.id);
        let Some(entry) = parts.get(&storage_key) else {
            self.find(What::VersionMissing, &storage_key, Some(key.id));
            return Ok(());
        };
        self.owe_part(key, entry)?;
        if !self.books.is_first() {
            return Ok(());
        }
        let place = version_place(&version.id, &storage_key, immutables);
        let outline = self.opened_secret(&place, &entry.value, Some(key.id), version_outline)?;
        let Some((created, len)) = outline else { return Ok(()) };
        if created != version.created || key.has_material != (len > 0) {
            self.find(What::Material, &storage_key, Some(key.id));
        }
        Ok(())
    }

    fn pair(
        &mut self,
        key: &KeyRecord,
        (id, not_after): &([u8; 16], Timestamp),
        parts: &Parts,
    ) -> Result<()> {
        let storage_key = places::pair(id);
        let Some(entry) = parts.get(&storage_key) else {
            self.find(What::PairMissing, &storage_key, Some(key.id));
            return Ok(());
        };
        self.owe_part(key, entry)?;
        if !self.books.is_first() {
            return Ok(());
        }
        let decode = |body: &_| WrappingPair::from_body(*id, body);
        let place = pair_place(id, &storage_key);
        let pair = self.opened_secret(&place, &entry.value, Some(key.id), decode)?;
        if pair.is_some_and(|pair| pair.purpose() != (key.id, *not_after)) {
            self.find(What::PairOfAnother, &storage_key, Some(key.id));
        }
        Ok(())
    }

    /// A version or a wrapping pair, as it is met by itself.
    pub(super) fn part(&mut self, entry: &Entry) -> Result<()> {
        self.enter_part(entry, Side::There, What::Orphan, None)
    }

    fn owe_part(&mut self, key: &KeyRecord, entry: &Entry) -> Result<()> {
        self.enter_part(entry, Side::Owed, What::VersionTwice, Some(key.id))
    }

    fn enter_part(
        &mut self,
        entry: &Entry,
        side: Side,
        what: What,
        key: Option<KeyId>,
    ) -> Result<()> {
        // One that is too short to have a term is found when its key is looked at.
        let Ok(term) = self.keyring.term(&entry.key, &entry.value) else { return Ok(()) };
        self.enter((Thing::Part, side), &[&entry.key, term.bytes()], 1, || About {
            what,
            place: entry.key.clone(),
            key,
        });
        Ok(())
    }

    /// An entry that a record demands.
    fn owe_entry(&mut self, key: &KeyRecord, storage_key: Vec<u8>, value: &[u8]) {
        self.enter((Thing::Entry, Side::Owed), &[&storage_key, value], 1, || About {
            what: What::EntryMissing,
            place: storage_key.clone(),
            key: Some(key.id),
        });
    }

    /// What the storage keys of a list's entries begin with.
    pub(super) fn list(&mut self, space: &Space, list: &List) -> Result<Vec<u8>> {
        if list.counter().is_none() {
            return places::list(self.keyring, space, list);
        }
        if let Some(known) = self.lists.get(&(*space, list.clone())) {
            return Ok(known.clone());
        }
        let prefix = places::list(self.keyring, space, list)?;
        self.lists.insert((*space, list.clone()), prefix.clone());
        Ok(prefix)
    }

    pub(super) fn count_in(&mut self, space: &Space, count: Count, more: u64) {
        *self.counted.entry((*space, count.name())).or_default() += more;
    }

    /// No place in the order of creation is taken before it is given out.
    pub(super) fn sequence(
        &mut self,
        space: &Space,
        seq: u64,
        storage_key: &[u8],
        key: Option<KeyId>,
    ) -> Result<()> {
        let next = match self.nexts.get(space) {
            Some(next) => *next,
            None => {
                let next = self.next_of(space)?;
                self.nexts.insert(*space, next);
                next
            }
        };
        if seq >= next {
            self.find(What::BeyondSequence, storage_key, key);
        }
        Ok(())
    }

    /// Keys beside their tombstones, which are in the same order.
    fn find_revived(&mut self, keys: &[Entry]) -> Result<()> {
        let ids: HashSet<_> = keys.iter().filter_map(|key| key.key.last_chunk::<16>()).collect();
        let ends = keys.first().zip(keys.last()).and_then(|(first, last)| {
            Some((*first.key.last_chunk::<16>()?, *last.key.last_chunk::<16>()?))
        });
        let Some((first, last)) = ends else { return Ok(()) };
        let before = u128::from_be_bytes(first).checked_sub(1);
        let after = before.map(|id| places::tombstone(&KeyId::from_bytes(id.to_be_bytes())));
        let mut after = after.unwrap_or_default();
        loop {
            let tombstones = self.walk.scan(places::TOMBSTONES, &after, keys.len())?;
            let Some(end) = tombstones.last() else { return Ok(()) };
            after.clone_from(&end.key);
            let beyond = places::tombstone(&KeyId::from_bytes(last));
            for tombstone in tombstones {
                let Some(id) = tombstone.key.last_chunk::<16>() else { continue };
                if ids.contains(id) {
                    let id = KeyId::from_bytes(*id);
                    self.find(What::Revived, &places::key(&id), Some(id));
                }
            }
            if after >= beyond {
                return Ok(());
            }
        }
    }
}

/// The name of a key's aliases in the books.
pub(super) fn alias_of<'a>(key: &'a KeyId, space: &'a Space) -> [&'a [u8]; 3] {
    [key.as_bytes(), space.account.as_bytes(), space.region.as_bytes()]
}
