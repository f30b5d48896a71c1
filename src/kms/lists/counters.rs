//! The counters of a space.

use std::collections::BTreeMap;

use crate::error::{ErrorCode, Result};
use crate::kms::lists::Kind;
use crate::model::Space;
use crate::octets::{Reader, Writer};

const VERSION: u8 = 1;

/// Something that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kms) enum Count {
    /// Keys.
    Keys,
    /// Keys of one kind.
    Kind(Kind),
    /// Aliases.
    Aliases,
    /// Versions of all keys.
    Versions,
}

impl Count {
    /// The counter's number and what it is of, for ever.
    pub(in crate::kms) const fn name(self) -> [u8; 5] {
        match self {
            Self::Keys => [1, 0, 0, 0, 0],
            Self::Kind(kind) => {
                let [state, spec, usage, level] = kind.numbers();
                [2, state, spec, usage, level]
            }
            Self::Aliases => [3, 0, 0, 0, 0],
            Self::Versions => [4, 0, 0, 0, 0],
        }
    }
}

/// The body of a space's record: `01 | lp(account) | lp(region) | next seq u64 | count u32 | (name
/// (5) | count u64) ...`, counters above zero in the order of their names.
#[derive(Clone)]
pub(in crate::kms) struct Counters {
    space: Space,
    next_seq: u64,
    counts: BTreeMap<[u8; 5], u64>,
}

impl Counters {
    pub(in crate::kms) fn new(space: &Space) -> Self {
        Self { space: *space, next_seq: 1, counts: BTreeMap::new() }
    }

    pub(in crate::kms) fn of(&self, count: Count) -> u64 {
        self.counts.get(&count.name()).copied().unwrap_or(0)
    }

    /// Whose they are.
    pub(in crate::kms) const fn space(&self) -> &Space {
        &self.space
    }

    /// The place in the order of creation that is given out next.
    pub(in crate::kms) const fn next_seq(&self) -> u64 {
        self.next_seq
    }

    #[cfg(test)]
    pub(in crate::kms) const fn skip_to(&mut self, seq: u64) {
        self.next_seq = seq;
    }

    /// Gives out a place. The last one is never: nothing could be behind it.
    pub(in crate::kms) fn take_seq(&mut self) -> Result<u64> {
        let seq = self.next_seq;
        self.next_seq = seq.checked_add(1).ok_or(ErrorCode::LimitExceeded)?;
        Ok(seq)
    }

    /// Goes on numbering where `before` ended.
    pub(in crate::kms) fn continue_from(&mut self, before: &Self) {
        self.next_seq = self.next_seq.max(before.next_seq);
    }

    /// Adds `more` and takes `less` away.
    pub(in crate::kms) fn count(&mut self, count: Count, more: u64, less: u64) -> Result<()> {
        let entry = self.counts.entry(count.name()).or_default();
        let next = entry.checked_add(more).and_then(|sum| sum.checked_sub(less));
        *entry = next.ok_or(ErrorCode::StoreDamaged)?;
        if *entry == 0 {
            self.counts.remove(&count.name());
        }
        Ok(())
    }

    /// All that is above zero.
    pub(in crate::kms) const fn counts(&self) -> &BTreeMap<[u8; 5], u64> {
        &self.counts
    }

    pub(in crate::kms) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.u8(VERSION).lp(self.space.account.as_bytes()).lp(self.space.region.as_bytes());
        writer.u64(self.next_seq).u32(self.counts.len() as u32);
        for (name, count) in &self.counts {
            writer.raw(name).u64(*count);
        }
        writer.finish()
    }

    pub(in crate::kms) fn decode(body: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(body);
        if reader.u8()? != VERSION {
            return Err(ErrorCode::StoreTooNew.into());
        }
        let space =
            Space::new(&reader.text()?, &reader.text()?).map_err(|_| ErrorCode::StoreDamaged)?;
        let next_seq = reader.u64()?;
        let mut counts = BTreeMap::new();
        for _ in 0..reader.u32()? {
            counts.insert(reader.array()?, reader.u64()?);
        }
        reader.finish()?;
        Ok(Self { space, next_seq, counts })
    }
}
