//! What a walk has opened, in stretches of storage keys, and the same as a note: a later walk opens again
//! only what has changed since.

use std::collections::BTreeMap;

use super::source::Piece;
use super::sum::Sum;
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::{Keyring, Note};
use crate::kms::places;
use crate::octets::{Reader, Writer};

const VERSION: u8 = 1;

/// How many records a stretch has.
const RECORDS: u64 = 4096;

/// What has been added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) records: u64,
    pub(super) keys: u64,
    pub(super) events: u64,
    /// As the header's set hash.
    pub(super) set: Sum,
    /// What is owed less what is there.
    pub(super) books: Sum,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.keys += other.keys;
        self.events += other.events;
        self.set.add(&other.set);
        self.books.add(&other.books);
    }
}

/// Sealed records next to each other that were all as they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    /// The storage key before it; empty for the first of its kind.
    pub(super) from: Vec<u8>,
    /// Its last storage key.
    pub(super) to: Vec<u8>,
    pub(super) tally: Tally,
}

impl Stretch {
    /// What its storage keys begin with.
    pub(super) fn kind(&self) -> u8 {
        self.to.first().copied().unwrap_or_default()
    }
}

/// Stretches as pieces are finished, in whatever order.
#[derive(Default)]
pub(super) struct Progress {
    pub(super) tally: Tally,
    stretches: Vec<Stretch>,
    waiting: BTreeMap<u64, Option<Stretch>>,
    last: u64,
}

impl Progress {
    /// These need not be looked at again.
    pub(super) fn starting_with(stretches: Vec<Stretch>) -> Self {
        let mut progress = Self::default();
        stretches.iter().for_each(|stretch| progress.tally.add(&stretch.tally));
        progress.stretches = stretches;
        progress
    }

    /// A piece has been looked at; nothing was wrong with it if it `is_whole`.
    pub(super) fn finish(&mut self, piece: Piece, tally: Tally, is_whole: bool) {
        self.tally.add(&tally);
        let is_kept = is_whole && places::record_kind(piece.kind).is_some();
        let Piece { number, from, to, .. } = piece;
        self.waiting.insert(number, is_kept.then_some(Stretch { from, to, tally }));
        while let Some(next) = self.waiting.remove(&(self.last + 1)) {
            self.last += 1;
            let Some(next) = next else { continue };
            match self.stretches.last_mut() {
                Some(open)
                    if open.to == next.from
                        && open.tally.records + next.tally.records <= RECORDS =>
                {
                    open.to = next.to;
                    open.tally.add(&next.tally);
                }
                _ => self.stretches.push(next),
            }
        }
    }

    /// The note: `01 | lineage (16) | the walk's secret (32) | u32 n | n * (lp(from) | lp(to) | records u64 |
    /// keys u64 | events u64 | set (32) | books (32))`.
    pub(super) fn seal(
        mut self,
        keyring: &Keyring,
        lineage: &[u8; 16],
        secret: &[u8; 32],
    ) -> Result<Vec<u8>> {
        self.stretches.sort_by(|a, b| a.to.cmp(&b.to));
        let mut writer = Writer::default();
        writer.u8(VERSION).raw(lineage).raw(secret).u32(self.stretches.len() as u32);
        for Stretch { from, to, tally } in &self.stretches {
            writer.lp(from).lp(to).u64(tally.records).u64(tally.keys).u64(tally.events);
            writer.raw(&tally.set.bytes()).raw(&tally.books.bytes());
        }
        keyring.seal_note(Note::Walk, &[], &writer.finish())
    }
}

/// What an earlier walk has left.
pub(super) struct State {
    pub(super) secret: [u8; 32],
    pub(super) stretches: Vec<Stretch>,
}

impl State {
    /// [`ErrorCode::InvalidParameter`] (`Resume`) unless it is of this store and line of changes.
    pub(super) fn open(keyring: &Keyring, lineage: &[u8; 16], note: &[u8]) -> Result<Self> {
        let read = || {
            let body = keyring.open_note(Note::Walk, &[], note)?;
            let mut reader = Reader::new(&body);
            let is_known = reader.u8()? == VERSION && reader.array()? == *lineage;
            if !is_known {
                return Err(ErrorCode::StoreDamaged.into());
            }
            let secret = reader.array()?;
            let mut stretches = Vec::new();
            for _ in 0..reader.u32()? {
                let (from, to) = (reader.lp()?.to_vec(), reader.lp()?.to_vec());
                let (records, keys, events) = (reader.u64()?, reader.u64()?, reader.u64()?);
                let set = Sum::from_bytes(&reader.array()?);
                let books = Sum::from_bytes(&reader.array()?);
                let tally = Tally { records, keys, events, set, books };
                stretches.push(Stretch { from, to, tally });
            }
            reader.finish()?;
            Ok(Self { secret, stretches })
        };
        read().map_err(|error: Error| match error.is_damage() {
            true => Error::invalid("Resume", "It is not what a walk through this store has left."),
            false => error,
        })
    }
}
