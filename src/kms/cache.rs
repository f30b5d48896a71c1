//! Keys that have been read, with their material ready for use. What another process changes is
//! dropped before the next call: every call asks the store first.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, Weak};

use crate::error::{ErrorCode, Result};
use crate::fork::PerProcess;
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

/// Every open store of this process: they share the arena.
static OPEN: PerProcess<Mutex<Vec<Weak<Kms>>>> = PerProcess::new();

/// Runs `f` again, with room made, if it found the arena full.
pub(super) fn with_room<R>(mut f: impl FnMut() -> Result<R>) -> Result<R> {
    match f() {
        Err(error) if error.code() == ErrorCode::MemoryExhausted => {
            make_room()?;
            f()
        }
        outcome => outcome,
    }
}

/// Drops every cached key, of every store, that no call uses at this moment.
pub(super) fn make_room() -> Result<()> {
    let open: Vec<_> = {
        let mut open = OPEN.get(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|kms| kms.strong_count() > 0);
        open.iter().filter_map(Weak::upgrade).collect()
    };
    open.iter().try_for_each(|kms| kms.forget_keys())
}

pub(super) struct Cache {
    /// Tells the caches of a process apart.
    number: u64,
    keys: RwLock<IdMap<KeyId, Arc<Key>>>,
    owners: RwLock<IdMap<KeyVersionId, KeyId>>,
    cursor: SharedCursor,
    /// Counts the times that keys were dropped: what was read before may be stale.
    drops: AtomicU64,
}

impl Default for Cache {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            keys: RwLock::default(),
            owners: RwLock::default(),
            cursor: SharedCursor::default(),
            drops: AtomicU64::new(0),
        }
    }
}

/// What a thread used last: threads that stay with a key share nothing that is written to but the
/// key's own count of uses. Keeps no key alive.
struct Last {
    cache: u64,
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
    /// Lets [`with_room`] find this store.
    pub(super) fn enroll(self: &Arc<Self>) {
        let open = OPEN.get(Mutex::default).lock();
        open.unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(self));
    }

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
                // First, so that a poisoned lock leaves nothing that passes for fresh.
                self.cache.drops.fetch_add(1, Ordering::AcqRel);
                let mut keys = self.cache.keys.write().map_err(|_| ErrorCode::ErrorState)?;
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
        self.cache.drops.fetch_add(1, Ordering::AcqRel);
        let mut keys = self.cache.keys.write().map_err(|_| ErrorCode::ErrorState)?;
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
            let (cache, key) = (self.cache.number, Arc::downgrade(key));
            LAST.set(Last { cache, drops, id: *id, key });
        }
        Ok(found)
    }

    /// The key that this thread used last, if it is this one and nothing has been dropped since.
    fn recall(&self, id: &KeyId, drops: u64) -> Option<Arc<Key>> {
        LAST.with_borrow(|last| {
            let is_same = last.id == *id && last.cache == self.cache.number && last.drops == drops;
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
        let material = with_room(|| self.unseal(key, version))?;
        key.counters.count(at);
        Ok(slot.get_or_init(|| material))
    }

    fn unseal(&self, key: &Key, version: KeyVersionId) -> Result<KeyMaterial> {
        let body = self.read_version(&key.record, &version)?;
        KeyMaterial::from_version_body(key.record.spec, &body)
    }
}
