//! Keeping lists and counters up with what changes.

use crate::error::Result;
use crate::hsm::{Place, RecordKind};
use crate::kms::lists::{Count, Counters, List};
use crate::kms::stored::one;
use crate::kms::transaction::Body;
use crate::kms::{KeyRecord, Kms, Transaction, places};
use crate::model::Space;

impl Transaction<'_> {
    /// Takes the next sequence number of a space.
    pub(crate) fn next_seq(&mut self, space: &Space) -> Result<u64> {
        let mut counters = self.counters(space)?;
        let seq = counters.take_seq()?;
        self.put_counters(space, &counters)?;
        Ok(seq)
    }

    /// Moves a key between lists as its record demands, counts and meters.
    pub(in crate::kms) fn relist(
        &mut self,
        space: &Space,
        old: Option<&KeyRecord>,
        new: Option<&KeyRecord>,
    ) -> Result<()> {
        self.reschedule(old, new)?;
        self.meter_versions(space, old, new)?;
        let before = old.map(List::memberships).unwrap_or_default();
        let after = new.map(List::memberships).unwrap_or_default();
        let versions = |key: Option<&KeyRecord>| key.map_or(0, |key| key.versions.len() as u64);
        if before == after && versions(old) == versions(new) {
            return Ok(());
        }
        let mut counters = self.counters(space)?;
        counters.count(Count::Versions, versions(new), versions(old))?;
        if let Some(key) = old {
            for list in before.difference(&after) {
                self.unlist(&mut counters, space, list, key.seq)?;
            }
        }
        if let Some(key) = new {
            for list in after.difference(&before) {
                self.list(&mut counters, space, list, key.seq, key.id.as_bytes())?;
            }
        }
        self.put_counters(space, &counters)
    }

    /// Adds an item to a list.
    pub(in crate::kms) fn list(
        &mut self,
        counters: &mut Counters,
        space: &Space,
        list: &List,
        seq: u64,
        id: &[u8; 16],
    ) -> Result<()> {
        let prefix = places::list(self.keyring(), space, list)?;
        self.enter(places::list_entry(&prefix, seq), id.to_vec());
        list.counter().map_or(Ok(()), |count| counters.count(count, 1, 0))
    }

    /// Takes an item off a list.
    pub(in crate::kms) fn unlist(
        &mut self,
        counters: &mut Counters,
        space: &Space,
        list: &List,
        seq: u64,
    ) -> Result<()> {
        let prefix = places::list(self.keyring(), space, list)?;
        self.delete(places::list_entry(&prefix, seq));
        list.counter().map_or(Ok(()), |count| counters.count(count, 0, 1))
    }

    /// Has a space go on numbering where the record with this body ended, whatever it counts.
    pub(in crate::kms) fn continue_numbering(&mut self, body: &[u8]) -> Result<()> {
        let before = Counters::decode(body)?;
        let mut counters = self.counters(before.space())?;
        counters.continue_from(&before);
        self.put_counters(before.space(), &counters)
    }

    /// The counters of a space, as this change leaves them so far.
    pub(in crate::kms) fn counters(&self, space: &Space) -> Result<Counters> {
        let (id, storage_key) = places::space(self.keyring(), space)?;
        match self.current(&storage_key)? {
            Some(record) => {
                let place = space_place(&id, &storage_key);
                Counters::decode(&self.keyring().open_record(&place, &record)?)
            }
            None => Ok(Counters::new(space)),
        }
    }

    pub(in crate::kms) fn put_counters(
        &mut self,
        space: &Space,
        counters: &Counters,
    ) -> Result<()> {
        let (id, storage_key) = places::space(self.keyring(), space)?;
        self.put(&space_place(&id, &storage_key), Body::Clear(&counters.encode()))
    }
}

impl Kms {
    /// The counters of a space.
    pub(in crate::kms) fn read_counters(&self, space: &Space) -> Result<Counters> {
        let keyring = self.hsm.keyring()?;
        let (id, storage_key) = places::space(&keyring, space)?;
        self.look(|| {
            let Some((_, record)) = one(&*self.store, &storage_key)? else {
                return Ok(Counters::new(space));
            };
            let place = space_place(&id, &storage_key);
            Counters::decode(&keyring.open_record(&place, &record)?)
        })
    }
}

const fn space_place<'a>(id: &'a [u8; 16], storage_key: &'a [u8]) -> Place<'a> {
    Place { kind: RecordKind::Space, id, storage_key, immutables: &[] }
}
