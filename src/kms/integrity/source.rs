//! The store as of one point in time, page by page in the order of storage keys.

use super::state::Stretch;
use crate::error::Result;
use crate::keystore::{Entry, Snapshot};
use crate::kms::places;

/// How many entries are read at a time: few of the trail, for a segment may be long.
const PIECE: usize = 256;
const PIECE_OF_TRAIL: usize = 32;

/// Entries whose storage keys begin with the same byte.
pub(super) struct Piece {
    pub(super) number: u64,
    pub(super) kind: u8,
    /// The storage key after which it begins, empty for the first.
    pub(super) from: Vec<u8>,
    pub(super) to: Vec<u8>,
    pub(super) entries: Vec<Entry>,
}

/// Reads one piece after the other, but for what need not be looked at again.
pub(super) struct Source<'s> {
    pub(super) snapshot: Box<dyn Snapshot + 's>,
    kind: Option<u8>,
    after: Vec<u8>,
    number: u64,
    skipped: std::vec::IntoIter<Stretch>,
}

impl<'s> Source<'s> {
    pub(super) fn new(snapshot: Box<dyn Snapshot + 's>) -> Self {
        let skipped = Vec::new().into_iter();
        Self { snapshot, kind: Some(0), after: Vec::new(), number: 0, skipped }
    }

    /// Begins at the front, and will leave out these stretches, which are in order.
    pub(super) fn rewind(&mut self, skipped: Vec<Stretch>) {
        (self.kind, self.number, self.skipped) = (Some(0), 0, skipped.into_iter());
        self.after.clear();
    }

    /// Where reading goes on.
    pub(super) fn position(&self) -> &[u8] {
        &self.after
    }

    pub(super) fn next(&mut self) -> Result<Option<Piece>> {
        while let Some(kind) = self.kind {
            let ahead = self.skipped.as_slice().first();
            let ahead = ahead.filter(|stretch| stretch.kind() == kind).cloned();
            if let Some(stretch) = &ahead
                && stretch.from == self.after
            {
                self.after.clone_from(&stretch.to);
                self.skipped.next();
                continue;
            }
            let limit = if places::is_of_trail(kind) { PIECE_OF_TRAIL } else { PIECE };
            let mut entries = self.snapshot.scan(&[kind], &self.after, limit)?;
            let mut to = entries.last().map(|entry| entry.key.clone());
            if let Some(stretch) = &ahead {
                let before = entries.partition_point(|entry| entry.key <= stretch.from);
                if before < entries.len() || entries.len() < limit {
                    entries.truncate(before);
                    to = Some(stretch.from.clone());
                }
            }
            let Some(to) = to else {
                self.kind = kind.checked_add(1);
                self.after.clear();
                continue;
            };
            let from = std::mem::replace(&mut self.after, to.clone());
            if !entries.is_empty() {
                self.number += 1;
                return Ok(Some(Piece { number: self.number, kind, from, to, entries }));
            }
        }
        Ok(None)
    }
}
