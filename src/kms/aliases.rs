//! Aliases: names that an owner gives to keys (API reference, chapter 9). An alias is a sealed record
//! whose place is a PRF of its name, so the store finds it at once and tells nobody what it says.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use crate::error::{ErrorCode, Result};
use crate::hsm::{Place, RecordKind};
use crate::kms::lists::{Count, Counters, List, Union};
use crate::kms::stored::one;
use crate::kms::transaction::Body;
use crate::kms::{KeyRecord, Kms, Transaction, places};
use crate::model::{AliasName, KeyId, Space};
use crate::octets::{Reader, Writer};

const VERSION: u8 = 1;

/// How many resolved aliases are remembered; beyond that the memory starts over.
const MAX_KNOWN: usize = 16_384;

/// How many records are read at a time.
const PIECE: usize = 256;

/// What is stored of an alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AliasRecord {
    /// The account and region it belongs to.
    pub space: Space,
    /// Its name, `alias/` included.
    pub name: AliasName,
    /// The key it stands for.
    pub key: KeyId,
    /// Its place in the order of creation of its space.
    pub seq: u64,
}

/// Some aliases of a list, and how many there are in all.
#[derive(Debug, Default)]
pub(crate) struct AliasPage {
    /// The aliases of the page, in order of creation.
    pub aliases: Vec<AliasRecord>,
    /// How many the list has.
    pub total: u64,
}

impl AliasRecord {
    /// The body of the alias's record: `01 | lp(account) | lp(region) | lp(name) | key id | seq u64`.
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.u8(VERSION).lp(self.space.account.as_bytes()).lp(self.space.region.as_bytes());
        writer.lp(self.name.as_str().as_bytes()).raw(self.key.as_bytes()).u64(self.seq);
        writer.finish()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(body);
        if reader.u8()? != VERSION {
            return Err(ErrorCode::StoreTooNew.into());
        }
        let damaged = |_| ErrorCode::StoreDamaged;
        let space = Space::new(&reader.text()?, &reader.text()?).map_err(damaged)?;
        let name = AliasName::parse(&reader.text()?).map_err(|_| ErrorCode::StoreDamaged)?;
        let (key, seq) = (KeyId::from_bytes(reader.array()?), reader.u64()?);
        reader.finish()?;
        Ok(Self { space, name, key, seq })
    }
}

impl Transaction<'_> {
    /// The alias of that name, as this change leaves it so far.
    pub(crate) fn alias(&self, space: &Space, name: &AliasName) -> Result<Option<AliasRecord>> {
        let (id, storage_key) = places::alias(self.keyring(), space, name.as_str())?;
        let Some(record) = self.current(&storage_key)? else { return Ok(None) };
        let body = self.keyring().open_record(&alias_place(&id, &storage_key), &record)?;
        AliasRecord::decode(&body).map(Some)
    }

    /// Gives `key` a further name.
    pub(crate) fn add_alias(&mut self, key: &mut KeyRecord, name: &AliasName) -> Result<()> {
        let seq = self.next_seq(&key.space)?;
        self.enter_alias(&AliasRecord { space: key.space, name: name.clone(), key: key.id, seq })?;
        key.aliases = key.aliases.checked_add(1).ok_or(ErrorCode::LimitExceeded)?;
        Ok(())
    }

    /// Writes a new alias, and lists it.
    pub(super) fn enter_alias(&mut self, alias: &AliasRecord) -> Result<()> {
        let id = self.put_alias(alias)?;
        let mut counters = self.counters(&alias.space)?;
        self.list(&mut counters, &alias.space, &List::Aliases, alias.seq, &id)?;
        self.list(&mut counters, &alias.space, &List::AliasesOf(alias.key), alias.seq, &id)?;
        self.put_counters(&alias.space, &counters)
    }

    /// Has an alias of `from` name `to` instead.
    pub(crate) fn move_alias(
        &mut self,
        alias: AliasRecord,
        from: &mut KeyRecord,
        to: &mut KeyRecord,
    ) -> Result<()> {
        let (space, seq) = (alias.space, alias.seq);
        let id = self.put_alias(&AliasRecord { key: to.id, ..alias })?;
        self.touch(places::alias_of_id(&id));
        let mut counters = self.counters(&space)?;
        self.unlist(&mut counters, &space, &List::AliasesOf(from.id), seq)?;
        self.list(&mut counters, &space, &List::AliasesOf(to.id), seq, &id)?;
        from.aliases = from.aliases.checked_sub(1).ok_or(ErrorCode::StoreDamaged)?;
        to.aliases = to.aliases.checked_add(1).ok_or(ErrorCode::LimitExceeded)?;
        Ok(())
    }

    /// Takes a name from `key`.
    pub(crate) fn remove_alias(&mut self, key: &mut KeyRecord, alias: &AliasRecord) -> Result<()> {
        let mut counters = self.counters(&alias.space)?;
        self.drop_alias(&mut counters, alias)?;
        self.put_counters(&alias.space, &counters)?;
        key.aliases = key.aliases.checked_sub(1).ok_or(ErrorCode::StoreDamaged)?;
        Ok(())
    }

    /// Takes all its names from a key that is destroyed.
    pub(super) fn remove_aliases(&mut self, key: &KeyRecord) -> Result<()> {
        let aliases = self.stored()?.every_alias_of(key)?;
        if aliases.is_empty() {
            return Ok(());
        }
        let mut counters = self.counters(&key.space)?;
        for alias in &aliases {
            self.drop_alias(&mut counters, alias)?;
        }
        self.put_counters(&key.space, &counters)
    }

    fn drop_alias(&mut self, counters: &mut Counters, alias: &AliasRecord) -> Result<()> {
        let space = &alias.space;
        let (id, storage_key) = places::alias(self.keyring(), space, alias.name.as_str())?;
        self.remove(&alias_place(&id, &storage_key))?;
        self.touch(storage_key);
        self.unlist(counters, space, &List::Aliases, alias.seq)?;
        self.unlist(counters, space, &List::AliasesOf(alias.key), alias.seq)
    }

    fn put_alias(&mut self, alias: &AliasRecord) -> Result<[u8; 16]> {
        let (id, storage_key) = places::alias(self.keyring(), &alias.space, alias.name.as_str())?;
        self.put(&alias_place(&id, &storage_key), Body::Clear(&alias.encode()))?;
        Ok(id)
    }
}

impl Kms {
    /// The key that `name` stands for.
    pub(super) fn resolve_alias(&self, space: &Space, name: &str) -> Result<Option<KeyId>> {
        if let Some(key) = self.names.recall(space, name) {
            return Ok(Some(key));
        }
        let seen = self.drops();
        let (id, storage_key) = places::alias(&*self.hsm.keyring()?, space, name)?;
        let Some(alias) = self.read_alias(&id, &storage_key)? else { return Ok(None) };
        self.names.remember(space, name, alias.key, || self.drops() == seen);
        Ok(Some(alias.key))
    }

    /// A page of the aliases of the space, or of one key.
    pub(crate) fn aliases(
        &self,
        space: &Space,
        of: Option<&KeyRecord>,
        skip: u64,
        limit: usize,
    ) -> Result<AliasPage> {
        let (list, total) = match of {
            Some(key) => (List::AliasesOf(key.id), u64::from(key.aliases)),
            None => (List::Aliases, self.read_counters(space)?.of(Count::Aliases)),
        };
        let aliases = self.look(|| self.aliases_on(space, &list, skip, limit))?;
        Ok(AliasPage { aliases, total })
    }

    fn aliases_on(
        &self,
        space: &Space,
        list: &List,
        skip: u64,
        limit: usize,
    ) -> Result<Vec<AliasRecord>> {
        let Some(mut at) = self.nth_of_list(space, list, skip)? else { return Ok(Vec::new()) };
        let mut walk = Union::new(self, space, std::slice::from_ref(list))?;
        let mut aliases = Vec::new();
        while aliases.len() < limit
            && let Some((seq, id)) = walk.seek(at)?
        {
            let alias = self.read_alias(&id, &places::alias_of_id(&id))?;
            let belongs = |alias: &AliasRecord| match list {
                List::AliasesOf(key) => alias.key == *key,
                _ => true,
            };
            // List entries are not sealed.
            let alias = alias.filter(|a| a.space == *space && a.seq == seq && belongs(a));
            aliases.push(alias.ok_or(ErrorCode::StoreDamaged)?);
            at = seq + 1;
        }
        Ok(aliases)
    }

    /// The aliases of a key. Where its list does not have as many as its record counts, all aliases of
    /// the store are looked at.
    fn every_alias_of(&self, key: &KeyRecord) -> Result<Vec<AliasRecord>> {
        match self.aliases_on(&key.space, &List::AliasesOf(key.id), 0, usize::MAX) {
            Ok(listed) if listed.len() as u64 == u64::from(key.aliases) => return Ok(listed),
            Err(error) if !error.is_damage() => return Err(error),
            _ => {}
        }
        let keyring = self.hsm.keyring()?;
        let (mut found, mut after) = (Vec::new(), Vec::new());
        loop {
            let some = self.store.scan(places::ALIASES, &after, PIECE)?;
            let Some(last) = some.last() else { return Ok(found) };
            after.clone_from(&last.key);
            for entry in &some {
                let Some(id) = entry.key.last_chunk() else { continue };
                let body = keyring.open_record(&alias_place(id, &entry.key), &entry.value);
                match body.and_then(|body| AliasRecord::decode(&body)) {
                    Ok(alias) if alias.key == key.id => found.push(alias),
                    Err(error) if !error.is_damage() => return Err(error),
                    _ => {}
                }
            }
        }
    }

    fn read_alias(&self, id: &[u8; 16], storage_key: &[u8]) -> Result<Option<AliasRecord>> {
        self.look(|| {
            let Some((_, record)) = one(&*self.store, storage_key)? else { return Ok(None) };
            let body = self.hsm.keyring()?.open_record(&alias_place(id, storage_key), &record)?;
            AliasRecord::decode(&body).map(Some)
        })
    }
}

pub(super) const fn alias_place<'a>(id: &'a [u8; 16], storage_key: &'a [u8]) -> Place<'a> {
    Place { kind: RecordKind::Alias, id, storage_key, immutables: &[] }
}

/// The keys that aliases were last found to stand for.
#[derive(Default)]
pub(super) struct Names(RwLock<HashMap<Box<str>, Bearers>>);

/// The keys of one name, one in each space.
type Bearers = Vec<(Space, KeyId)>;

impl Names {
    fn recall(&self, space: &Space, name: &str) -> Option<KeyId> {
        let names = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let found = names.get(name)?.iter().find(|(known, _)| known == space);
        found.map(|(_, key)| *key)
    }

    /// Remembers what was read, if it `is_fresh` still.
    fn remember(&self, space: &Space, name: &str, key: KeyId, is_fresh: impl FnOnce() -> bool) {
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if is_fresh() {
            if names.len() >= MAX_KNOWN {
                names.clear();
            }
            names.entry(name.into()).or_default().push((*space, key));
        }
    }

    /// Forgets them all. Whoever drops what it knows has counted that before.
    pub(super) fn forget(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
