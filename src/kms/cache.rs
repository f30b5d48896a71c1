//! Keys that have been read, with their material ready for use. What another process changes is
//! dropped before the next call: every call asks the store first.

use std::cell::RefCell;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::claims::{self, Hidden, Revocable};
use crate::error::{ErrorCode, Result};
use crate::hsm::{KeyMaterial, Keyring};
use crate::keystore::{Changes, Cursor};
use crate::kms::metering::{Counter, Meter};
use crate::kms::room::with_room;
use crate::kms::stored::one;
use crate::kms::{KeyRecord, Kms, Version, places};
use crate::model::{CallClass, IdMap, KeyId, KeyVersionId, Timestamp};
use crate::policy::KeyPolicy;

/// How many keys are kept; beyond that the cache starts over.
const MAX_KEYS: usize = 16_384;

/// A key as it was when last read. Material of it is in memory only while the key is in the cache.
pub struct Key {
    record: KeyRecord,
    /// When something about it falls due.
    due: Option<Timestamp>,
    materials: Vec<Revocable<KeyMaterial>>,
    /// Whether material has been used since room was last made.
    is_used: AtomicBool,
    calls: Arc<Counter>,
    policy: Option<KeyPolicy>,
}

impl Key {
    fn new(record: KeyRecord, meter: &Meter) -> Result<Self> {
        let materials = record.versions.iter().map(|_| Revocable::new()).collect();
        let calls = meter.counter(&record.space, CallClass::of(record.spec));
        let due = record.due();
        let policy = record.key_policy()?;
        Ok(Self { record, due, materials, is_used: AtomicBool::new(false), calls, policy })
    }

    /// What is stored of it.
    pub const fn record(&self) -> &KeyRecord {
        &self.record
    }

    /// Its own policy, if it has been given one.
    pub(crate) const fn policy(&self) -> Option<&KeyPolicy> {
        self.policy.as_ref()
    }

    /// When something about it falls due.
    pub(super) const fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// The version of that id, if the key has it.
    pub fn version(&self, id: KeyVersionId) -> Option<Version> {
        self.record.versions.iter().copied().find(|version| version.id == id)
    }

    /// Remembers for the next sweep that it is in use. Mostly that is known already, and nothing
    /// that threads share is written to.
    fn mark(&self) {
        if !self.is_used.load(Ordering::Relaxed) {
            self.is_used.store(true, Ordering::Relaxed);
        }
    }

    /// Hides the material; the next use unseals it anew.
    fn hide(&self) -> impl Iterator<Item = Hidden<KeyMaterial>> {
        self.materials.iter().filter_map(Revocable::hide)
    }

    /// The same of a key that leaves the cache: who has found it before keeps no material in it.
    fn retire(&self) -> impl Iterator<Item = Hidden<KeyMaterial>> {
        self.materials.iter().filter_map(Revocable::hide_for_good)
    }
}

/// Wipes the material of keys that have left the cache as soon as no call uses it.
fn retire<'k>(keys: impl IntoIterator<Item = &'k Arc<Key>>) {
    claims::end(keys.into_iter().flat_map(|key| key.retire()));
}

/// A key for the length of a call. Threads that stay with a key share nothing that is written to, not
/// even a count of its users.
#[derive(Clone)]
pub(crate) struct Held(Rc<Remembered>);

struct Remembered {
    cache: u64,
    drops: u64,
    key: Arc<Key>,
}

impl Held {
    /// How often anything had been dropped when it was found.
    pub(super) fn drops(&self) -> u64 {
        self.0.drops
    }
}

impl Deref for Held {
    type Target = Key;

    fn deref(&self) -> &Key {
        &self.0.key
    }
}

thread_local! {
    /// What this thread used last.
    static LAST: RefCell<Option<Held>> = const { RefCell::new(None) };
}

/// Whether work with a key's material is a call that is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Meters {
    /// It is.
    Call,
    /// Only its public half is read.
    Not,
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
                // First, so that a poisoned lock leaves nothing that passes for fresh.
                self.cache.drops.fetch_add(1, Ordering::AcqRel);
                let mut keys = self.cache.keys.write().map_err(|_| ErrorCode::ErrorState)?;
                let ids = touched.iter().filter_map(|key| places::key_at(key));
                let gone: Vec<_> = ids.filter_map(|id| keys.remove(&id)).collect();
                drop(keys);
                retire(&gone);
                if touched.iter().any(|key| places::is_alias(key)) {
                    self.names.forget();
                }
                if touched.iter().any(|key| places::is_of_principals(key)) {
                    self.principals.forget();
                }
                // Again: who has looked meanwhile may have found what was about to go.
                self.cache.drops.fetch_add(1, Ordering::AcqRel);
            }
            Changes::Everything => self.forget_keys(),
        }
        cursor.epoch.store(following.epoch, Ordering::Release);
        Ok(())
    }

    /// Drops every key, and all material as soon as no call uses it.
    pub(super) fn forget_keys(&self) {
        self.cache.drops.fetch_add(1, Ordering::AcqRel);
        // Also after a panic: the map is emptied, whatever it holds.
        let mut keys = self.cache.keys.write().unwrap_or_else(PoisonError::into_inner);
        let gone = std::mem::take(&mut *keys);
        drop(keys);
        retire(gone.values());
        self.names.forget();
        self.principals.forget();
        self.cache.drops.fetch_add(1, Ordering::AcqRel);
    }

    /// How often anything has been dropped: what was read before may be stale.
    pub(super) fn drops(&self) -> u64 {
        self.cache.drops.load(Ordering::Acquire)
    }

    /// Wipes the material of the keys that have not been used since the last sweep, or of all. Says
    /// how much there was.
    pub(super) fn clear_materials(&self, all: bool) -> usize {
        let keys = self.cache.keys.read().unwrap_or_else(PoisonError::into_inner);
        let is_idle = |key: &&Arc<Key>| all || !key.is_used.swap(false, Ordering::Relaxed);
        let hidden: Vec<_> = keys.values().filter(is_idle).flat_map(|key| key.hide()).collect();
        drop(keys);
        claims::end(hidden)
    }

    /// The key of that id, whatever its space.
    pub(super) fn find(&self, id: &KeyId) -> Result<Option<Held>> {
        let drops = self.cache.drops.load(Ordering::Acquire);
        if let Some(held) = self.recall(drops, |key| key.record.id == *id) {
            return Ok(Some(held));
        }
        Ok(self.find_shared(id)?.map(|key| self.remember(drops, key)))
    }

    /// The key that this thread used last, if it is the one and nothing has been dropped since.
    #[inline]
    fn recall(&self, drops: u64, is_it: impl FnOnce(&Key) -> bool) -> Option<Held> {
        let recalled = LAST.try_with(|last| {
            let last = last.borrow();
            let held = last.as_ref()?;
            let is_fresh = held.0.cache == self.cache.number && held.0.drops == drops;
            (is_fresh && is_it(held)).then(|| held.clone())
        });
        recalled.ok().flatten()
    }

    #[cold]
    fn remember(&self, drops: u64, key: Arc<Key>) -> Held {
        let held = Held(Rc::new(Remembered { cache: self.cache.number, drops, key }));
        // A thread that is ending remembers nothing. What it knew before is dropped out here.
        let _before = LAST.try_with(|last| last.replace(Some(held.clone())));
        held
    }

    fn find_shared(&self, id: &KeyId) -> Result<Option<Arc<Key>>> {
        if let Some(key) = self.cache.keys.read().map_err(|_| ErrorCode::ErrorState)?.get(id) {
            return Ok(Some(Arc::clone(key)));
        }
        let drops = self.cache.drops.load(Ordering::Acquire);
        let Some(record) = self.read_key(id)? else { return Ok(None) };
        let key = Arc::new(Key::new(record, &self.meter)?);
        let mut keys = self.cache.keys.write().map_err(|_| ErrorCode::ErrorState)?;
        // What was dropped meanwhile may have been this key, changed after it was read. Then it
        // serves this call alone.
        if self.cache.drops.load(Ordering::Acquire) != drops {
            retire([&key]);
            return Ok(Some(key));
        }
        let mut gone = IdMap::default();
        if keys.len() >= MAX_KEYS {
            self.cache.drops.fetch_add(1, Ordering::AcqRel);
            gone = std::mem::take(&mut *keys);
        }
        // Another thread may have read it, too.
        let key = Arc::clone(keys.entry(*id).or_insert(key));
        drop(keys);
        retire(gone.values());
        Ok(Some(key))
    }

    /// The key that has this version.
    pub(super) fn find_by_version(&self, version: KeyVersionId) -> Result<Option<Held>> {
        let drops = self.cache.drops.load(Ordering::Acquire);
        if let Some(held) = self.recall(drops, |key| key.version(version).is_some()) {
            return Ok(Some(held));
        }
        let owners = self.cache.owners.read().map_err(|_| ErrorCode::ErrorState)?;
        let known = owners.get(&version).copied();
        drop(owners);
        let owner = match known {
            Some(owner) => owner,
            None => {
                let index = places::version_index(&*self.hsm.keyring()?, &version)?;
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

    /// Runs `f` with the material of a version, unsealed at its first use, and again with room made
    /// if it finds the arena full. `f` must be short: who takes the material away waits for its end.
    #[inline]
    pub(super) fn with_material<R>(
        &self,
        key: &Key,
        version: KeyVersionId,
        meters: Meters,
        mut f: impl FnMut(&KeyMaterial) -> Result<R>,
    ) -> Result<R> {
        let at = key.record.versions.iter().position(|known| known.id == version);
        let at = at.ok_or(ErrorCode::KeyVersionNotFound)?;
        let place = key.materials.get(at).ok_or(ErrorCode::KeyVersionNotFound)?;
        let mut calls = (meters == Meters::Call).then_some(&key.calls);
        let mut f = |material: &KeyMaterial| {
            if let Some(calls) = calls.take() {
                calls.count();
                self.wake_recorder();
            }
            f(material)
        };
        with_room(|| {
            key.mark();
            match place.read(&mut f) {
                Some(outcome) => outcome,
                None => self.with_unsealed(key, version, place, &mut f),
            }
        })
    }

    /// Runs `f` with material that is not there yet, or will never be again: then it serves this
    /// call alone.
    #[cold]
    fn with_unsealed<R>(
        &self,
        key: &Key,
        version: KeyVersionId,
        place: &Revocable<KeyMaterial>,
        f: impl FnOnce(&KeyMaterial) -> Result<R>,
    ) -> Result<R> {
        // Held to the end: closing waits for it, and so for the material.
        let keyring = self.hsm.keyring()?;
        let material = self.unseal(&keyring, key, version)?;
        let outcome = f(&material);
        drop(place.set_if_absent(material));
        outcome
    }

    fn unseal(&self, keyring: &Keyring, key: &Key, version: KeyVersionId) -> Result<KeyMaterial> {
        let body = self.read_version(keyring, &key.record, &version)?;
        KeyMaterial::from_version_body(key.record.spec, &body)
    }
}
