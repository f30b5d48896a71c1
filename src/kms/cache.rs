//! Keys that have been read, with their material ready for use. What another process changes is
//! dropped before the next call: every call asks the store first.

use std::cell::RefCell;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, RwLock, Weak};

use crate::error::{ErrorCode, Result};
use crate::hsm::KeyMaterial;
use crate::keystore::{Changes, Cursor};
use crate::kms::meter::{Counters, Meter};
use crate::kms::transaction::one;
use crate::kms::{KeyRecord, Kms, Version, places};
use crate::model::{IdMap, KeyId, KeyVersionId};

/// How many keys are kept; beyond that the cache starts over.
const MAX_KEYS: usize = 16_384;

/// A key as it was when last read.
pub struct Key {
    record: KeyRecord,
    materials: Vec<OnceLock<KeyMaterial>>,
    counters: Arc<Counters>,
}

impl Key {
    fn new(record: KeyRecord, meter: &Arc<Meter>) -> Self {
        let materials = record.versions.iter().map(|_| OnceLock::new()).collect();
        let counters = meter.start(record.versions.iter().map(|version| version.id));
        Self { record, materials, counters }
    }

    /// What is stored of it.
    pub const fn record(&self) -> &KeyRecord {
        &self.record
    }

    /// The version of that id, if the key has it.
    pub fn version(&self, id: KeyVersionId) -> Option<Version> {
        self.record.versions.iter().copied().find(|version| version.id == id)
    }
}

#[derive(Default)]
pub(super) struct Cache {
    keys: RwLock<IdMap<KeyId, Arc<Key>>>,
    owners: RwLock<IdMap<KeyVersionId, KeyId>>,
    cursor: SharedCursor,
    /// Counts the times that keys were dropped: what was read before may be stale.
    drops: AtomicU64,
}

/// What a thread used last: threads that stay with a key share nothing that is written to but the
/// key's own count of uses. Keeps no key alive. A store at the address of an earlier one has keys of
/// other ids.
struct Last {
    cache: usize,
    drops: u64,
    id: KeyId,
    key: Weak<Key>,
}

thread_local! {
    static LAST: RefCell<Last> = const {
        RefCell::new(Last { cache: 0, drops: 0, id: KeyId::from_bytes([0; 16]), key: Weak::new() })
    };
}

/// How far the cache has followed the store.
#[derive(Default)]
struct SharedCursor {
    epoch: AtomicU64,
    following: Mutex<Cursor>,
}

impl Kms {
    /// Drops what has changed. One atomic load when nothing has.
    pub(super) fn refresh(&self) -> Result<()> {
        let cursor = &self.cache.cursor;
        let epoch = cursor.epoch.load(Ordering::Acquire);
        // A look at a copy of the cursor, so that threads share nothing that is written to.
        let mut glance = Cursor { epoch, revision: u64::MAX };
        if self.store.sync(&mut glance)? == Changes::None {
            return Ok(());
        }
        let mut following = cursor.following.lock().map_err(|_| ErrorCode::ErrorState)?;
        match self.store.sync(&mut following)? {
            Changes::None => {}
            Changes::Keys(touched) => {
                let mut keys = self.cache.keys.write().map_err(|_| ErrorCode::ErrorState)?;
                self.cache.drops.fetch_add(1, Ordering::AcqRel);
                for id in touched.iter().filter_map(|key| places::key_at(key)) {
                    keys.remove(&id);
                }
            }
            Changes::Everything => self.forget_keys()?,
        }
        cursor.epoch.store(following.epoch, Ordering::Release);
        Ok(())
    }

    /// Drops every key. Material leaves the arena as soon as no call uses it.
    pub(super) fn forget_keys(&self) -> Result<()> {
        let mut keys = self.cache.keys.write().map_err(|_| ErrorCode::ErrorState)?;
        self.cache.drops.fetch_add(1, Ordering::AcqRel);
        keys.clear();
        Ok(())
    }

    /// The key of that id, whatever its space.
    pub(super) fn find(&self, id: &KeyId) -> Result<Option<Arc<Key>>> {
        let drops = self.cache.drops.load(Ordering::Acquire);
        if let Some(key) = self.recall(id, drops) {
            return Ok(Some(key));
        }
        let found = self.find_shared(id)?;
        if let Some(key) = &found {
            let weak = Arc::downgrade(key);
            LAST.set(Last { cache: ptr::from_ref(&self.cache).addr(), drops, id: *id, key: weak });
        }
        Ok(found)
    }

    /// The key that this thread used last, if it is this one and nothing has been dropped since.
    fn recall(&self, id: &KeyId, drops: u64) -> Option<Arc<Key>> {
        LAST.with_borrow(|last| {
            let cache = ptr::from_ref(&self.cache).addr();
            let is_same = last.id == *id && last.cache == cache && last.drops == drops;
            if is_same { last.key.upgrade() } else { None }
        })
    }

    fn find_shared(&self, id: &KeyId) -> Result<Option<Arc<Key>>> {
        if let Some(key) = self.cache.keys.read().map_err(|_| ErrorCode::ErrorState)?.get(id) {
            return Ok(Some(Arc::clone(key)));
        }
        let drops = self.cache.drops.load(Ordering::Acquire);
        let Some(record) = self.read_key(id)? else { return Ok(None) };
        let key = Arc::new(Key::new(record, &self.meter));
        let mut keys = self.cache.keys.write().map_err(|_| ErrorCode::ErrorState)?;
        // What was dropped meanwhile may have been this key, changed after it was read.
        if self.cache.drops.load(Ordering::Acquire) == drops {
            if keys.len() >= MAX_KEYS {
                keys.clear();
            }
            keys.insert(*id, Arc::clone(&key));
        }
        Ok(Some(key))
    }

    /// The key that has this version.
    pub(super) fn find_by_version(&self, version: KeyVersionId) -> Result<Option<Arc<Key>>> {
        let drops = self.cache.drops.load(Ordering::Acquire);
        let last = LAST.with_borrow(|last| last.id);
        if let Some(key) = self.recall(&last, drops).filter(|key| key.version(version).is_some()) {
            return Ok(Some(key));
        }
        let owners = self.cache.owners.read().map_err(|_| ErrorCode::ErrorState)?;
        let known = owners.get(&version).copied();
        drop(owners);
        let owner = match known {
            Some(owner) => owner,
            None => {
                let index = places::version_index(self.hsm.keyring(), &version)?;
                let Some((_, id)) = one(&*self.store, &index)? else { return Ok(None) };
                KeyId::from_bytes(id.try_into().map_err(|_| ErrorCode::StoreDamaged)?)
            }
        };
        let key = self.find(&owner)?.filter(|key| key.version(version).is_some());
        if key.is_some() && known.is_none() {
            let mut owners = self.cache.owners.write().map_err(|_| ErrorCode::ErrorState)?;
            if owners.len() >= MAX_KEYS {
                owners.clear();
            }
            owners.insert(version, owner);
        }
        Ok(key)
    }

    /// The material of a version, unsealed at its first use. Counts a call.
    pub(super) fn material<'k>(
        &self,
        key: &'k Key,
        version: KeyVersionId,
    ) -> Result<&'k KeyMaterial> {
        let at = key.record.versions.iter().position(|known| known.id == version);
        let at = at.ok_or(ErrorCode::KeyVersionNotFound)?;
        let slot = key.materials.get(at).ok_or(ErrorCode::KeyVersionNotFound)?;
        if let Some(material) = slot.get() {
            key.counters.count(at);
            return Ok(material);
        }
        let material = match self.unseal(key, version) {
            Err(error) if error.code() == ErrorCode::MemoryExhausted => {
                self.forget_keys()?;
                self.unseal(key, version)?
            }
            outcome => outcome?,
        };
        key.counters.count(at);
        Ok(slot.get_or_init(|| material))
    }

    fn unseal(&self, key: &Key, version: KeyVersionId) -> Result<KeyMaterial> {
        let body = self.read_version(&key.record, &version)?;
        KeyMaterial::from_version_body(key.record.spec, &body)
    }
}
