//! What ListKeys selects (API reference, chapter 6.3).

use std::collections::BTreeMap;

use crate::error::{ErrorCode, Result};
use crate::kms::lists::walk::Item;
use crate::kms::lists::{Count, Counters, Kind, List, Union};
use crate::kms::{KeyRecord, Kms};
use crate::model::{KeyId, KeySpec, KeyState, KeyUsage, ProtectionLevel, Space};

/// A choice among the keys of a space. What is `None` does not choose; an empty list selects nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// Keys in one of these states.
    pub states: Option<Vec<KeyState>>,
    /// Keys of one of these specs.
    pub specs: Option<Vec<KeySpec>>,
    /// Keys for one of these usages.
    pub usages: Option<Vec<KeyUsage>>,
    /// Keys at one of these levels.
    pub levels: Option<Vec<ProtectionLevel>>,
    /// Keys with a tag of one of these keys.
    pub tag_keys: Option<Vec<String>>,
    /// Keys with a tag of one of these values: of the same tag, if tag keys are given, too.
    pub tag_values: Option<Vec<String>>,
    /// Of these keys only.
    pub keys: Option<Vec<KeyId>>,
}

/// Some of the keys of a selection, and how many there are in all.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// The keys of the page, in order of creation.
    pub keys: Vec<KeyId>,
    /// How many keys the selection has.
    pub total: u64,
}

impl Page {
    /// Counts a key, and keeps it if it is among the `limit` after the first `skip`.
    fn add(&mut self, key: KeyId, skip: u64, limit: usize) {
        if self.total >= skip && self.keys.len() < limit {
            self.keys.push(key);
        }
        self.total += 1;
    }
}

impl Selection {
    fn takes_kind(&self, kind: Kind) -> bool {
        takes(&self.states, &kind.state)
            && takes(&self.specs, &kind.spec)
            && takes(&self.usages, &kind.usage)
            && takes(&self.levels, &kind.level)
    }

    fn takes(&self, record: &KeyRecord) -> bool {
        let has_tag = || {
            record
                .tags
                .iter()
                .any(|(key, value)| takes(&self.tag_keys, key) && takes(&self.tag_values, value))
        };
        let chooses_tags = self.tag_keys.is_some() || self.tag_values.is_some();
        self.takes_kind(Kind::of(record)) && (!chooses_tags || has_tag())
    }

    /// The kinds that it takes and that have keys; `None` if it does not choose by kind.
    fn kinds(&self, counters: &Counters) -> Option<Vec<Kind>> {
        let is_open = self.states.is_none()
            && self.specs.is_none()
            && self.usages.is_none()
            && self.levels.is_none();
        if is_open {
            return None;
        }
        let kinds = Kind::all().filter(|kind| self.takes_kind(*kind));
        Some(kinds.filter(|kind| counters.of(Count::Kind(*kind)) > 0).collect())
    }

    /// The lists of the tags that it takes, if it chooses by tag.
    fn tags(&self) -> Option<Vec<List>> {
        match (&self.tag_keys, &self.tag_values) {
            (None, None) => None,
            (Some(keys), None) => Some(keys.iter().cloned().map(List::TagKey).collect()),
            (None, Some(values)) => Some(values.iter().cloned().map(List::TagValue).collect()),
            (Some(keys), Some(values)) => {
                let of_key = |key: &String| {
                    let key = key.clone();
                    values.iter().map(move |value| List::Tag(key.clone(), value.clone()))
                };
                Some(keys.iter().flat_map(of_key).collect())
            }
        }
    }
}

fn takes<T: PartialEq>(choice: &Option<Vec<T>>, value: &T) -> bool {
    choice.as_ref().is_none_or(|choice| choice.contains(value))
}

impl Kind {
    /// Every kind that a key can be of.
    fn all() -> impl Iterator<Item = Self> {
        let levels = |spec, usage, level| {
            KeyState::ALL.iter().map(move |state| Self { state: *state, spec, usage, level })
        };
        let usages = move |spec: KeySpec, usage| {
            ProtectionLevel::ALL.iter().flat_map(move |level| levels(spec, usage, *level))
        };
        let specs = move |spec: &'static KeySpec| {
            spec.usages().iter().flat_map(move |usage| usages(*spec, *usage))
        };
        KeySpec::ALL.iter().flat_map(specs)
    }
}

impl Kms {
    /// The keys of `space` that `selection` takes: `limit` of them after the first `skip`.
    ///
    /// The cost is that of the page, and of skipping: by the store for one list, else entry by entry. By
    /// one tag it is also that of counting the keys so tagged, by tag and kind that of going through
    /// the shorter of the two, by key that of the keys named.
    pub(crate) fn select(
        &self,
        space: &Space,
        selection: &Selection,
        skip: u64,
        limit: usize,
    ) -> Result<Page> {
        match &selection.keys {
            Some(keys) => self.select_among(space, selection, keys, skip, limit),
            None => self.look(|| self.select_listed(space, selection, skip, limit)),
        }
    }

    fn select_listed(
        &self,
        space: &Space,
        selection: &Selection,
        skip: u64,
        limit: usize,
    ) -> Result<Page> {
        let counters = self.read_counters(space)?;
        let kinds = selection.kinds(&counters);
        let kinds_lists =
            |kinds: &[Kind]| kinds.iter().map(|kind| List::Kind(*kind)).collect::<Vec<_>>();
        let page = match (selection.tags(), kinds) {
            (None, None) => {
                let total = counters.of(Count::Keys);
                self.some_of(space, &[List::All], Some(total), skip, limit)?
            }
            (None, Some(kinds)) => {
                let total = kinds.iter().map(|kind| counters.of(Count::Kind(*kind))).sum();
                self.some_of(space, &kinds_lists(&kinds), Some(total), skip, limit)?
            }
            (Some(tags), None) => {
                let total = match tags.as_slice() {
                    [tag] => Some(self.count_list(space, tag)?),
                    _ => None,
                };
                self.some_of(space, &tags, total, skip, limit)?
            }
            (Some(tags), Some(kinds)) => {
                let mut tagged = Union::new(self, space, &tags)?;
                let mut of_kind = Union::new(self, space, &kinds_lists(&kinds))?;
                let mut page = Page::default();
                let mut at = 0;
                while let Some((seq, key)) = meet(&mut tagged, &mut of_kind, at)? {
                    page.add(KeyId::from_bytes(key), skip, limit);
                    at = seq + 1;
                }
                page
            }
        };
        self.vouch(space, &page.keys)?;
        Ok(page)
    }

    /// Shows `see` the keys with tags, or with one tag of any or of one value, from `seq` on in the
    /// order of creation, until it answers false.
    pub(crate) fn visit_tagged(
        &self,
        space: &Space,
        tag: Option<&(String, Option<String>)>,
        seq: u64,
        mut see: impl FnMut(&KeyRecord) -> bool,
    ) -> Result<()> {
        let list = match tag.cloned() {
            None => List::Tagged,
            Some((key, None)) => List::TagKey(key),
            Some((key, Some(value))) => List::Tag(key, value),
        };
        let before = self.header_revision()?;
        let mut tagged = Union::new(self, space, &[list])?;
        let mut at = seq;
        while let Some((seq, id)) = tagged.seek(at)? {
            at = seq + 1;
            let key = self.find(&KeyId::from_bytes(id))?;
            match key.filter(|key| key.record().space == *space && key.record().seq == seq) {
                Some(key) if see(key.record()) => {}
                Some(_) => break,
                // Destroyed since the walk began.
                None if self.header_revision()? != before => {}
                None => return Err(ErrorCode::StoreDamaged.into()),
            }
        }
        Ok(())
    }

    fn select_among(
        &self,
        space: &Space,
        selection: &Selection,
        keys: &[KeyId],
        skip: u64,
        limit: usize,
    ) -> Result<Page> {
        let mut found = BTreeMap::new();
        for id in keys {
            let key = self.find(id)?;
            let key = key.filter(|key| key.record().space == *space);
            if let Some(key) = key.filter(|key| selection.takes(key.record())) {
                found.insert(key.record().seq, *id);
            }
        }
        let mut page = Page::default();
        found.into_values().for_each(|key| page.add(key, skip, limit));
        Ok(page)
    }

    /// `limit` keys after the first `skip` on any of `lists`, of which there are `total`, or as many as
    /// are found.
    fn some_of(
        &self,
        space: &Space,
        lists: &[List],
        total: Option<u64>,
        skip: u64,
        limit: usize,
    ) -> Result<Page> {
        let mut page = Page::default();
        let mut union = Union::new(self, space, lists)?;
        let mut at = 0;
        if let ([list], Some(total)) = (lists, total) {
            // The store skips faster than we do.
            match self.nth_of_list(space, list, skip)? {
                Some(seq) => (page.total, at) = (skip, seq),
                None => return Ok(Page { total, ..page }),
            }
        }
        while (total.is_none() || page.keys.len() < limit)
            && let Some((seq, key)) = union.seek(at)?
        {
            page.add(KeyId::from_bytes(key), skip, limit);
            at = seq + 1;
        }
        Ok(Page { total: total.unwrap_or(page.total), ..page })
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
}

/// The first item at `at` or behind it that both have.
fn meet(one: &mut Union<'_>, other: &mut Union<'_>, mut at: u64) -> Result<Option<Item>> {
    loop {
        let Some((first, _)) = one.seek(at)? else { return Ok(None) };
        let Some((second, id)) = other.seek(first)? else { return Ok(None) };
        if second == first {
            return Ok(Some((second, id)));
        }
        at = second;
    }
}
