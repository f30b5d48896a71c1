//! A store in the memory of one process, for tests and for keys that must not outlive it.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, VecDeque, btree_map};
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use crate::error::{ErrorCode, Result};

use super::range::KeyRange;
use super::{
    Batch, Changes, Cursor, Entry, Keystore, LOG_REVISIONS, MOST_CHANGES, Reservation, Revision,
    Snapshot,
};

#[cfg(test)]
thread_local! {
    /// How many entries this thread has been given by scans.
    pub(crate) static READ: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// A store that is gone when it is dropped.
#[derive(Debug)]
pub struct MemoryStore {
    /// Moves with every commit that touches something; never 0, which no cursor is level with.
    epoch: AtomicU64,
    state: RwLock<State>,
    /// Whoever commits has it.
    turn: Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    revision: u64,
    entries: Entries,
    /// Touched keys with the commits that touched them, oldest first.
    log: VecDeque<(u64, Vec<u8>)>,
    /// The log holds every key touched by a commit after this one.
    pruned: u64,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self { epoch: AtomicU64::new(1), state: RwLock::default(), turn: Mutex::default() }
    }

    // No code that can panic runs while a batch is half applied, so a poisoned state is whole.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Keystore for MemoryStore {
    fn get(&self, keys: &[&[u8]]) -> Result<Vec<Option<Entry>>> {
        Ok(get(&self.read().entries, keys))
    }

    fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Entry>> {
        let entries = scan(&self.read().entries, prefix, after, limit);
        #[cfg(test)]
        READ.set(READ.get() + entries.len());
        Ok(entries)
    }

    fn count(&self, prefix: &[u8]) -> Result<u64> {
        Ok(range(&self.read().entries, KeyRange::page(prefix, &[])).count() as u64)
    }

    fn nth(&self, prefix: &[u8], skip: u64) -> Result<Option<Vec<u8>>> {
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let state = self.read();
        let found = range(&state.entries, KeyRange::page(prefix, &[])).nth(skip);
        Ok(found.map(|(key, _)| key.clone()))
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>> {
        Ok(Box::new(MemorySnapshot(self.read().entries.clone())))
    }

    fn commit(&self, batch: Batch) -> Result<Revision> {
        self.reserve()?.commit(batch)
    }

    fn reserve(&self) -> Result<Box<dyn Reservation + '_>> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Box::new(Turn { store: self, _turn: turn }))
    }

    fn purge(&self) -> Result<()> {
        Ok(())
    }

    fn sync(&self, since: &mut Cursor) -> Result<Changes> {
        if self.epoch.load(Ordering::Acquire) == since.epoch {
            return Ok(Changes::None);
        }
        let state = self.read();
        let changes = state.changes(since.revision);
        // Writers move both under the lock, so they belong together.
        since.epoch = self.epoch.load(Ordering::Acquire);
        since.revision = state.revision;
        Ok(changes)
    }
}

/// The right to commit.
struct Turn<'a> {
    store: &'a MemoryStore,
    _turn: MutexGuard<'a, ()>,
}

impl Reservation for Turn<'_> {
    fn commit(self: Box<Self>, batch: Batch) -> Result<Revision> {
        batch.check()?;
        let store = self.store;
        let mut state = store.state.write().unwrap_or_else(PoisonError::into_inner);
        for (key, expected) in &batch.expects {
            if state.entries.get(key).map(|(_, revision)| *revision) != *expected {
                return Err(ErrorCode::Conflict.into());
            }
        }
        state.revision += 1;
        let now = state.revision;
        for key in &batch.deletes {
            state.entries.remove(key);
        }
        for (key, value) in batch.puts {
            state.entries.insert(key, (value, Revision(now)));
        }
        if !batch.touched.is_empty() {
            state.log.extend(batch.touched.into_iter().map(|key| (now, key)));
            state.prune();
            store.epoch.fetch_add(1, Ordering::Release);
        }
        Ok(Revision(now))
    }
}

/// A copy of everything.
struct MemorySnapshot(Entries);

impl Snapshot for MemorySnapshot {
    fn get(&self, keys: &[&[u8]]) -> Result<Vec<Option<Entry>>> {
        Ok(get(&self.0, keys))
    }

    fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Entry>> {
        Ok(scan(&self.0, prefix, after, limit))
    }
}

type Entries = BTreeMap<Vec<u8>, Kept>;

fn get(entries: &Entries, keys: &[&[u8]]) -> Vec<Option<Entry>> {
    keys.iter().map(|key| entries.get_key_value(*key).map(entry)).collect()
}

fn scan(entries: &Entries, prefix: &[u8], after: &[u8], limit: usize) -> Vec<Entry> {
    let page = KeyRange::page(prefix, after);
    match page.is_empty() {
        true => Vec::new(),
        false => range(entries, page).take(limit).map(entry).collect(),
    }
}

fn range(entries: &Entries, range: KeyRange) -> btree_map::Range<'_, Vec<u8>, Kept> {
    let until = range.until.map_or(Bound::Unbounded, Bound::Excluded);
    entries.range((Bound::Included(range.from), until))
}

/// What is kept under a key.
type Kept = (Vec<u8>, Revision);

impl State {
    fn prune(&mut self) {
        self.pruned = self.revision.saturating_sub(LOG_REVISIONS);
        while self.log.front().is_some_and(|(revision, _)| *revision <= self.pruned) {
            self.log.pop_front();
        }
    }

    fn changes(&self, since: u64) -> Changes {
        if since < self.pruned || since > self.revision {
            return Changes::Everything;
        }
        let first = self.log.partition_point(|(revision, _)| *revision <= since);
        let keys: Vec<_> = self.log.range(first..).map(|(_, key)| key.clone()).collect();
        match keys.len() {
            0 => Changes::None,
            n if n > MOST_CHANGES => Changes::Everything,
            _ => Changes::Keys(keys),
        }
    }
}

fn entry((key, (value, revision)): (&Vec<u8>, &(Vec<u8>, Revision))) -> Entry {
    Entry { key: key.clone(), value: value.clone(), revision: *revision }
}

#[cfg(test)]
mod tests {
    use super::super::contract;
    use super::*;

    #[test]
    fn keeps_the_contract() {
        contract::check_all(&|| Box::new(MemoryStore::new()));
    }
}
