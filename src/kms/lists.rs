//! Lists of keys: one for each value that ListKeys can filter by, in order of creation, with a
//! counter each.

use std::collections::BTreeMap;

use crate::error::{ErrorCode, Result};
use crate::keystore::Entry;
use crate::kms::{KeyRecord, Kms, places};
use crate::model::{KeyId, KeySpec, KeyState, KeyUsage, ProtectionLevel, Space};
use crate::octets::{Reader, Writer};

const VERSION: u8 = 1;

/// A list of keys of one space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum List {
    /// All keys.
    All,
    /// The keys in a state.
    State(KeyState),
    /// The keys of a spec.
    Spec(KeySpec),
    /// The keys for a usage.
    Usage(KeyUsage),
    /// The keys at a level.
    Level(ProtectionLevel),
    /// The keys whose material expires some day.
    Expiring,
}

/// Some of the keys of a selection, and how many there are in all.
#[derive(Debug, Default)]
pub struct Page {
    /// The keys of the page, in order of creation.
    pub keys: Vec<KeyId>,
    /// How many keys the selection has.
    pub total: u64,
}

impl List {
    /// The lists that a key is on.
    pub(super) fn memberships(record: &KeyRecord) -> Vec<Self> {
        let mut lists = vec![
            Self::All,
            Self::State(record.state),
            Self::Spec(record.spec),
            Self::Usage(record.usage),
            Self::Level(record.level),
        ];
        if record.material_expires.is_some() {
            lists.push(Self::Expiring);
        }
        lists
    }

    /// The list's kind and value in stored names.
    pub(super) const fn numbers(self) -> (u8, u8) {
        match self {
            Self::All => (1, 0),
            Self::State(state) => (2, state.number()),
            Self::Spec(spec) => (3, spec.number()),
            Self::Usage(usage) => (4, usage.number()),
            Self::Level(level) => (5, level.number()),
            Self::Expiring => (6, 0),
        }
    }
}

impl Kms {
    /// The keys of `space` that are on at least one list of each group: `limit` of them after the
    /// first `skip`. Without groups, all keys; the cost is then that of skipping. With groups it is
    /// that of the shortest group.
    pub(crate) fn select(
        &self,
        space: &Space,
        groups: &[Vec<List>],
        skip: u64,
        limit: usize,
    ) -> Result<Page> {
        let counters = self.read_counters(space)?;
        let size = |group: &Vec<List>| group.iter().map(|list| counters.of(*list)).sum::<u64>();
        let Some(shortest) = groups.iter().min_by_key(|group| size(group)) else {
            let keys = self.slice(space, List::All, skip, limit)?;
            self.vouch(space, &keys)?;
            return Ok(Page { keys, total: counters.of(List::All) });
        };
        let others: Vec<_> = groups.iter().filter(|group| *group != shortest).collect();
        let mut page = Page::default();
        for (seq, key) in self.walk(space, shortest)? {
            if self.is_on_all(space, &others, seq)? {
                if page.total >= skip && page.keys.len() < limit {
                    page.keys.push(key);
                }
                page.total += 1;
            }
        }
        self.vouch(space, &page.keys)?;
        Ok(page)
    }

    /// List entries are not sealed: what they name must be a key of the space.
    fn vouch(&self, space: &Space, keys: &[KeyId]) -> Result<()> {
        for id in keys {
            let key = self.find(id)?;
            if !key.is_some_and(|key| key.record().space == *space) {
                return Err(ErrorCode::StoreDamaged.into());
            }
        }
        Ok(())
    }

    /// The keys on any of `lists` by sequence number: the order of creation.
    pub(super) fn walk(&self, space: &Space, lists: &[List]) -> Result<BTreeMap<u64, KeyId>> {
        let mut found = BTreeMap::new();
        for list in lists {
            self.visit(space, *list, |seq, key| {
                found.insert(seq, key);
                true
            })?;
        }
        Ok(found)
    }

    /// `limit` keys of a list after the first `skip`.
    fn slice(&self, space: &Space, list: List, skip: u64, limit: usize) -> Result<Vec<KeyId>> {
        let (mut passed, mut keys) = (0, Vec::new());
        self.visit(space, list, |_, key| {
            if passed >= skip {
                keys.push(key);
            }
            passed += 1;
            keys.len() < limit
        })?;
        Ok(keys)
    }

    /// Shows the entries of a list to `see`, in order, until it answers false.
    fn visit(
        &self,
        space: &Space,
        list: List,
        mut see: impl FnMut(u64, KeyId) -> bool,
    ) -> Result<()> {
        let prefix = places::list(&*self.hsm.keyring()?, space, list)?;
        let mut after = Vec::new();
        loop {
            let some = self.store.scan(&prefix, &after, PIECE)?;
            for entry in &some {
                let (seq, key) = parse(&prefix, entry)?;
                if !see(seq, key) {
                    return Ok(());
                }
            }
            match some.last() {
                Some(last) if some.len() == PIECE => after.clone_from(&last.key),
                _ => return Ok(()),
            }
        }
    }

    fn is_on_all(&self, space: &Space, groups: &[&Vec<List>], seq: u64) -> Result<bool> {
        for group in groups {
            let mut keys = Vec::new();
            for list in group.iter() {
                let prefix = places::list(&*self.hsm.keyring()?, space, *list)?;
                keys.push(places::list_entry(&prefix, seq));
            }
            let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
            if self.store.get(&keys)?.iter().all(Option::is_none) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// How many list entries are read at a time.
const PIECE: usize = 500;

fn parse(prefix: &[u8], entry: &Entry) -> Result<(u64, KeyId)> {
    let seq = entry.key.get(prefix.len()..).ok_or(ErrorCode::StoreDamaged)?;
    let seq = Reader::new(seq).u64()?;
    let key = Reader::new(&entry.value).array()?;
    Ok((seq, KeyId::from_bytes(key)))
}

/// The body of a space's record: `01 | lp(account) | lp(region) | next seq u64 | count u32 | (kind
/// u8 | value u8 | count u64) ...`, lists in the order of their numbers.
pub(super) struct Counters {
    space: Space,
    next_seq: u64,
    counts: BTreeMap<(u8, u8), u64>,
}

impl Counters {
    pub(super) fn new(space: &Space) -> Self {
        Self { space: *space, next_seq: 1, counts: BTreeMap::new() }
    }

    pub(super) fn of(&self, list: List) -> u64 {
        self.counts.get(&list.numbers()).copied().unwrap_or(0)
    }

    pub(super) const fn take_seq(&mut self) -> u64 {
        let seq = self.next_seq;
        self.next_seq += 1;
        seq
    }

    pub(super) fn count(&mut self, list: List, up: bool) -> Result<()> {
        let count = self.counts.entry(list.numbers()).or_default();
        let next = if up { count.checked_add(1) } else { count.checked_sub(1) };
        *count = next.ok_or(ErrorCode::StoreDamaged)?;
        Ok(())
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.u8(VERSION).lp(self.space.account.as_bytes()).lp(self.space.region.as_bytes());
        writer.u64(self.next_seq).u32(self.counts.len() as u32);
        for ((kind, value), count) in &self.counts {
            writer.u8(*kind).u8(*value).u64(*count);
        }
        writer.finish()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(body);
        if reader.u8()? != VERSION {
            return Err(ErrorCode::StoreTooNew.into());
        }
        let space =
            Space::new(&reader.text()?, &reader.text()?).map_err(|_| ErrorCode::StoreDamaged)?;
        let next_seq = reader.u64()?;
        let mut counts = BTreeMap::new();
        for _ in 0..reader.u32()? {
            counts.insert((reader.u8()?, reader.u8()?), reader.u64()?);
        }
        reader.finish()?;
        Ok(Self { space, next_seq, counts })
    }
}
