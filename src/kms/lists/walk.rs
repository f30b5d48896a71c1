//! Walking lists: entry after entry, or from one place on.

use std::collections::VecDeque;

use crate::error::{ErrorCode, Result};
use crate::keystore::Entry;
use crate::kms::lists::List;
use crate::kms::{Kms, places};
use crate::model::Space;
use crate::octets::Reader;

/// How many entries are read at a time: few first, for most pages are short.
const FIRST_PIECE: usize = 32;
const LARGEST_PIECE: usize = 1024;

/// The entry of a list: its place in the order of creation, and the id of a key or alias.
pub(in crate::kms) type Item = (u64, [u8; 16]);

/// What is on any of some lists, in order, each item once.
pub(in crate::kms) struct Union<'k> {
    walks: Vec<Walk<'k>>,
}

impl<'k> Union<'k> {
    pub(in crate::kms) fn new(kms: &'k Kms, space: &Space, lists: &[List]) -> Result<Self> {
        let walks: Result<_> = lists.iter().map(|list| Walk::new(kms, space, list)).collect();
        Ok(Self { walks: walks? })
    }

    /// The first item at `seq` or behind it. Places asked for never go back.
    pub(in crate::kms) fn seek(&mut self, seq: u64) -> Result<Option<Item>> {
        let mut first: Option<Item> = None;
        for walk in &mut self.walks {
            let item = walk.seek(seq)?;
            first = match (first, item) {
                (Some(known), Some(item)) if item.0 >= known.0 => Some(known),
                (known, item) => item.or(known),
            };
        }
        Ok(first)
    }
}

impl Kms {
    /// How many items a list has.
    pub(in crate::kms) fn count_list(&self, space: &Space, list: &List) -> Result<u64> {
        self.store.count(&places::list(&*self.hsm.keyring()?, space, list)?)
    }

    /// The place of the item behind the first `skip` of a list.
    pub(in crate::kms) fn nth_of_list(
        &self,
        space: &Space,
        list: &List,
        skip: u64,
    ) -> Result<Option<u64>> {
        let prefix = places::list(&*self.hsm.keyring()?, space, list)?;
        let key = self.store.nth(&prefix, skip)?;
        key.map(|key| seq_of(&prefix, &key)).transpose()
    }
}

/// One list, read in pieces.
struct Walk<'k> {
    kms: &'k Kms,
    prefix: Vec<u8>,
    piece: VecDeque<Item>,
    /// The storage key after which the next piece begins; empty at the front.
    after: Vec<u8>,
    size: usize,
    is_at_end: bool,
}

impl<'k> Walk<'k> {
    fn new(kms: &'k Kms, space: &Space, list: &List) -> Result<Self> {
        let prefix = places::list(&*kms.hsm.keyring()?, space, list)?;
        let (piece, after) = (VecDeque::new(), Vec::new());
        Ok(Self { kms, prefix, piece, after, size: FIRST_PIECE, is_at_end: false })
    }

    fn seek(&mut self, seq: u64) -> Result<Option<Item>> {
        loop {
            while self.piece.front().is_some_and(|item| item.0 < seq) {
                self.piece.pop_front();
            }
            if let Some(item) = self.piece.front() {
                return Ok(Some(*item));
            }
            if self.is_at_end {
                return Ok(None);
            }
            if let Some(before) = seq.checked_sub(1) {
                let before = places::list_entry(&self.prefix, before);
                if before > self.after {
                    self.after = before;
                }
            }
            self.read()?;
        }
    }

    fn read(&mut self) -> Result<()> {
        let some = self.kms.store.scan(&self.prefix, &self.after, self.size)?;
        self.is_at_end = some.len() < self.size;
        self.size = LARGEST_PIECE.min(self.size * 4);
        for entry in &some {
            self.piece.push_back(parse(&self.prefix, entry)?);
        }
        if let Some(last) = some.into_iter().next_back() {
            self.after = last.key;
        }
        Ok(())
    }
}

fn parse(prefix: &[u8], entry: &Entry) -> Result<Item> {
    let id = entry.value.as_slice().try_into().map_err(|_| ErrorCode::StoreDamaged)?;
    Ok((seq_of(prefix, &entry.key)?, id))
}

fn seq_of(prefix: &[u8], key: &[u8]) -> Result<u64> {
    let mut reader = Reader::new(key.get(prefix.len()..).ok_or(ErrorCode::StoreDamaged)?);
    let seq = reader.u64()?;
    reader.finish()?;
    // No space gets that far, and there would be nothing behind it.
    if seq == u64::MAX { Err(ErrorCode::StoreDamaged.into()) } else { Ok(seq) }
}
