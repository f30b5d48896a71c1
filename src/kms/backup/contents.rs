//! What goes into a backup: every record of the store, but wrapping pairs and keys that are left out, sealed
//! anew. A key comes first, then its versions and aliases, so that whoever reads never has to wait.

use crate::error::{ErrorCode, Result};
use crate::hsm::{Header, Keyring, Place};
use crate::keystore::{Entry, Snapshot};
use crate::kms::lists::List;
use crate::kms::room::with_room;
use crate::kms::stored::{key_place, opened_key, version_place};
use crate::kms::{KeyRecord, places};
use crate::model::Origin;
use crate::octets::Writer;

use super::Progress;
use super::file::Draft;
use super::manifest::Counts;
use super::read::RECORD;

/// How many records are read at a time: a segment of events may be long.
const PIECE: usize = 16;

/// How many aliases a key can have in a backup: none that is genuine comes near.
const MAX_ALIASES: usize = 1 << 20;

/// The records of a store on their way into a backup.
pub(super) struct Contents<'a> {
    pub(super) snapshot: &'a dyn Snapshot,
    /// The keys of the store, and those of the backup.
    pub(super) from: &'a Keyring,
    pub(super) to: &'a Keyring,
    pub(super) includes_imported: bool,
    /// What the store's header would say of the records that have been met.
    pub(super) met: Header,
    /// What the backup's header says of those that are in it.
    pub(super) own: Header,
    pub(super) counts: Counts,
    /// How many keys are left out.
    pub(super) left_out: u64,
    pub(super) out: &'a mut Draft,
    pub(super) total: u64,
    pub(super) progress: Progress<'a>,
}

impl Contents<'_> {
    /// Writes them all.
    pub(super) fn write(&mut self) -> Result<()> {
        for prefix in places::BEFORE_KEYS {
            self.each(&[*prefix], &mut Self::take)?;
        }
        self.each(places::KEYS, &mut Self::take_key)?;
        for prefix in places::BEHIND_KEYS {
            self.each(&[*prefix], &mut Self::take)?;
        }
        self.each(places::PAIRS, &mut |contents, entry| contents.meet(&entry.key, &entry.value))
    }

    fn each(
        &mut self,
        prefix: &[u8],
        see: &mut dyn FnMut(&mut Self, &Entry) -> Result<()>,
    ) -> Result<()> {
        let mut after = Vec::new();
        loop {
            let some = self.snapshot.scan(prefix, &after, PIECE)?;
            let Some(last) = some.last() else { return Ok(()) };
            after.clone_from(&last.key);
            for entry in &some {
                see(self, entry)?;
            }
        }
    }

    fn take_key(&mut self, entry: &Entry) -> Result<()> {
        let id = places::key_at(&entry.key).ok_or(ErrorCode::StoreDamaged)?;
        let mut key = opened_key(self.from, &id, &entry.key, &entry.value)?;
        let belongings = self.belongings(&key)?;
        self.meet(&entry.key, &entry.value)?;
        if key.origin == Origin::External && !self.includes_imported {
            self.left_out += 1;
            return belongings.iter().try_for_each(|entry| self.meet(&entry.key, &entry.value));
        }
        // Tokens that are under way are good for this store alone.
        key.wrapping_pairs.clear();
        let place = key_place(&id, &entry.key);
        let revision = Keyring::revision(&entry.value)?;
        self.put(&entry.key, self.to.seal(&place, revision, &key.encode())?)?;
        let immutables = key.immutables();
        let mut belongings = belongings.iter();
        for (version, entry) in key.versions.iter().zip(belongings.by_ref()) {
            self.copy(entry, &version_place(&version.id, &entry.key, &immutables))?;
        }
        belongings.try_for_each(|entry| self.take(entry))
    }

    /// The versions and the aliases of a key.
    fn belongings(&self, key: &KeyRecord) -> Result<Vec<Entry>> {
        let mut wanted: Vec<_> =
            key.versions.iter().map(|version| places::version(&version.id)).collect();
        if key.aliases > 0 {
            let list = places::list(self.from, &key.space, &List::AliasesOf(key.id))?;
            let entries = self.snapshot.scan(&list, &[], MAX_ALIASES)?;
            if entries.len() as u64 != u64::from(key.aliases) {
                return Err(ErrorCode::StoreDamaged.into());
            }
            for entry in entries {
                let id = entry.value.as_slice().try_into().map_err(|_| ErrorCode::StoreDamaged)?;
                wanted.push(places::alias_of_id(id));
            }
        }
        let wanted: Vec<_> = wanted.iter().map(Vec::as_slice).collect();
        let found = self.snapshot.get(&wanted)?;
        found.into_iter().map(|entry| entry.ok_or_else(|| ErrorCode::StoreDamaged.into())).collect()
    }

    fn take(&mut self, entry: &Entry) -> Result<()> {
        let found = places::record_at(&entry.key, self.from.store());
        let (kind, id) = found.ok_or(ErrorCode::StoreDamaged)?;
        self.copy(entry, &Place { kind, id: &id, storage_key: &entry.key, immutables: &[] })
    }

    fn copy(&mut self, entry: &Entry, place: &Place<'_>) -> Result<()> {
        let sealed = with_room(|| self.to.reseal(self.from, place, &entry.value))?;
        self.meet(&entry.key, &entry.value)?;
        self.put(&entry.key, sealed)
    }

    fn meet(&mut self, storage_key: &[u8], record: &[u8]) -> Result<()> {
        self.met.add(self.from.term(storage_key, record)?);
        (self.progress)(self.met.records, self.total);
        Ok(())
    }

    fn put(&mut self, storage_key: &[u8], sealed: Vec<u8>) -> Result<()> {
        self.own.add(self.to.term(storage_key, &sealed)?);
        self.counts.add(storage_key, self.to.store());
        self.out.write(&Writer::default().u8(RECORD).lp(storage_key).lp(&sealed).finish())
    }
}
