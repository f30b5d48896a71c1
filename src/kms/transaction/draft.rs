//! What is to be written and is not yet: of one change, or of a group of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::keystore::Batch;

/// Entries to put and to delete. Some changes have 10^5 of them: whether one is there is asked for each.
#[derive(Default)]
pub(super) struct Draft {
    puts: BTreeMap<Vec<u8>, Vec<u8>>,
    deletes: BTreeSet<Vec<u8>>,
    touched: Vec<Vec<u8>>,
}

/// What a draft says of a storage key.
pub(super) enum Drafted<'a> {
    /// This will be there.
    Put(&'a [u8]),
    /// Nothing will be there.
    Deleted,
    /// It leaves what is there.
    Untouched,
}

impl Draft {
    pub(super) fn put(&mut self, storage_key: Vec<u8>, value: Vec<u8>) {
        self.puts.insert(storage_key, value);
    }

    pub(super) fn delete(&mut self, storage_key: Vec<u8>) {
        self.puts.remove(&storage_key);
        self.deletes.insert(storage_key);
    }

    /// Has every process drop what it knows of a storage key.
    pub(super) fn touch(&mut self, storage_key: Vec<u8>) {
        self.touched.push(storage_key);
    }

    pub(super) fn find(&self, storage_key: &[u8]) -> Drafted<'_> {
        match self.puts.get(storage_key) {
            Some(value) => Drafted::Put(value),
            None if self.deletes.contains(storage_key) => Drafted::Deleted,
            None => Drafted::Untouched,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.puts.is_empty() && self.deletes.is_empty()
    }

    /// How much there is to put, in bytes.
    pub(super) fn size(&self) -> usize {
        self.puts.iter().map(|(key, value)| key.len() + value.len()).sum()
    }

    /// Takes over what comes after it.
    pub(super) fn append(&mut self, later: Self) {
        if self.is_empty() && self.touched.is_empty() {
            *self = later;
            return;
        }
        for key in later.deletes {
            self.delete(key);
        }
        self.puts.extend(later.puts);
        self.touched.extend(later.touched);
    }

    /// All of it, as the store takes it.
    pub(super) fn into_batch(self) -> Batch {
        Batch {
            expects: Vec::new(),
            puts: self.puts.into_iter().collect(),
            deletes: self.deletes.into_iter().collect(),
            touched: self.touched,
        }
    }
}
