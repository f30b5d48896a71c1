//! Which keys fall due when: an entry of the store for each key, under the hour in which something about
//! it is due next. The store's file does not tell which hour that is. Entries are not sealed: what they
//! say is looked up in the key's record, and a key that is asked for needs none.

use crate::error::Result;
use crate::kms::{KeyRecord, Kms, Transaction, places};
use crate::model::{KeyId, Timestamp};

/// How many entries are read at a time.
const BATCH: usize = 64;

/// Looking at all entries is as good as looking at so many hours.
const FEW: usize = 1024;

/// Never as many hours as this one by one: a clock may have been moved by centuries.
const MANY_HOURS: u64 = 100_000;

impl Kms {
    /// Shows `see` the keys that are listed for the hours from `first` to `last`, and maybe others.
    pub(super) fn visit_due(
        &self,
        first: u64,
        last: u64,
        mut see: impl FnMut(&[KeyId]) -> Result<()>,
    ) -> Result<()> {
        if self.are_few_due(first, last)? {
            return self.visit_entries(places::AGENDA, &mut see);
        }
        for hour in first..=last {
            let hour = places::due(&*self.hsm.keyring()?, hour)?;
            self.visit_entries(&hour, &mut see)?;
        }
        Ok(())
    }

    fn are_few_due(&self, first: u64, last: u64) -> Result<bool> {
        let hours = last.saturating_sub(first);
        if hours > MANY_HOURS {
            return Ok(true);
        }
        let limit = FEW.min(hours as usize);
        Ok(self.store.scan(places::AGENDA, &[], limit)?.len() < limit)
    }

    fn visit_entries(
        &self,
        prefix: &[u8],
        see: &mut impl FnMut(&[KeyId]) -> Result<()>,
    ) -> Result<()> {
        let mut after = Vec::new();
        loop {
            let some = self.store.scan(prefix, &after, BATCH)?;
            let Some(last) = some.last() else { return Ok(()) };
            after.clone_from(&last.key);
            let keys: Vec<_> =
                some.iter().filter_map(|entry| places::key_due(&entry.key)).collect();
            see(&keys)?;
        }
    }
}

impl Transaction<'_> {
    /// Enters the hour in which a key is next due, in place of the one before.
    pub(super) fn reschedule(
        &mut self,
        old: Option<&KeyRecord>,
        new: Option<&KeyRecord>,
    ) -> Result<()> {
        let hour = |key: &KeyRecord| key.due().map(|due| (due.hour(), key.id));
        let (before, after) = (old.and_then(hour), new.and_then(hour));
        if before == after {
            return Ok(());
        }
        if let Some((hour, id)) = before {
            let prefix = places::due(self.keyring(), hour)?;
            self.delete(places::due_entry(&prefix, &id));
        }
        if let Some((hour, id)) = after {
            let prefix = places::due(self.keyring(), hour)?;
            self.enter(places::due_entry(&prefix, &id), Vec::new());
            self.header.due = self.header.due.min(hour);
        }
        Ok(())
    }

    /// Writes down that nothing is left to do in the hours before `now`, as far as that is so.
    pub(super) fn pass_hours(&mut self, now: Timestamp) -> Result<()> {
        let kms = self.stored()?;
        let (before, mut next) = (self.header.due, now.hour());
        kms.visit_due(before, now.hour(), |keys| {
            for id in keys {
                next = match self.key(id) {
                    Ok(key) => {
                        key.and_then(|key| key.due()).map_or(next, |due| next.min(due.hour()))
                    }
                    // Nobody knows when it is due.
                    Err(error) if error.is_damage() => before,
                    Err(error) => return Err(error),
                };
            }
            Ok(())
        })?;
        // What cannot be done yet would otherwise have every sweep write.
        if next != before {
            self.header.due = next;
            self.write_header();
        }
        Ok(())
    }
}
