//! Lists of keys and of aliases of a space, in order of creation, kept as entries of the store, so
//! that no question needs a look at every key.

mod counters;
mod selection;
mod upkeep;
mod walk;

use std::collections::BTreeSet;

use crate::kms::KeyRecord;
use crate::model::{KeyId, KeySpec, KeyState, KeyUsage, ProtectionLevel};

pub(super) use counters::{Count, Counters};
pub(crate) use selection::{Page, Selection};
pub(super) use walk::Union;

/// A list of keys, or of aliases, of one space.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum List {
    /// All keys.
    All,
    /// The keys of one kind. Every key is on just one of these.
    Kind(Kind),
    /// The keys that have tags.
    Tagged,
    /// The keys with a tag of this key.
    TagKey(String),
    /// The keys with a tag of this value.
    TagValue(String),
    /// The keys with a tag of this key and value.
    Tag(String, String),
    /// All aliases.
    Aliases,
    /// The aliases of a key.
    AliasesOf(KeyId),
}

/// What ListKeys tells keys apart by, all at once: any choice among them is a union of kinds, whose
/// counters add up to its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Kind {
    pub(super) state: KeyState,
    pub(super) spec: KeySpec,
    pub(super) usage: KeyUsage,
    pub(super) level: ProtectionLevel,
}

impl Kind {
    pub(super) const fn of(record: &KeyRecord) -> Self {
        Self { state: record.state, spec: record.spec, usage: record.usage, level: record.level }
    }

    /// The kind in stored names.
    pub(super) const fn numbers(self) -> [u8; 4] {
        [self.state.number(), self.spec.number(), self.usage.number(), self.level.number()]
    }
}

impl List {
    /// The lists that a key is on.
    pub(super) fn memberships(record: &KeyRecord) -> BTreeSet<Self> {
        let mut lists = BTreeSet::from([Self::All, Self::Kind(Kind::of(record))]);
        for (key, value) in &record.tags {
            lists.insert(Self::Tagged);
            lists.insert(Self::TagKey(key.clone()));
            lists.insert(Self::TagValue(value.clone()));
            lists.insert(Self::Tag(key.clone(), value.clone()));
        }
        lists
    }

    /// Runs `f` with the fields of the list's name; the first is the number of its kind, for ever.
    pub(super) fn with_name<R>(&self, f: impl FnOnce(&[&[u8]]) -> R) -> R {
        match self {
            Self::All => f(&[&[1]]),
            Self::Kind(kind) => f(&[&[2], &kind.numbers()]),
            Self::Tagged => f(&[&[3]]),
            Self::TagKey(key) => f(&[&[4], key.as_bytes()]),
            Self::TagValue(value) => f(&[&[5], value.as_bytes()]),
            Self::Tag(key, value) => f(&[&[6], key.as_bytes(), value.as_bytes()]),
            Self::Aliases => f(&[&[7]]),
            Self::AliasesOf(key) => f(&[&[8], key.as_bytes()]),
        }
    }

    /// The counter of the list, if it has one.
    pub(super) const fn counter(&self) -> Option<Count> {
        match self {
            Self::All => Some(Count::Keys),
            Self::Kind(kind) => Some(Count::Kind(*kind)),
            Self::Aliases => Some(Count::Aliases),
            _ => None,
        }
    }
}
