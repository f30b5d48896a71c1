//! The store itself: connections, turns and the trait.
#![forbid(unsafe_code)]

use std::mem;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use crate::error::{ErrorCode, Result};

use super::super::range::KeyRange;
use super::super::{
    Batch, Changes, Cursor, Entry, Keystore, Reservation, Revision, Snapshot, StoreState,
};
use super::claim::{Claim, Turn};
use super::database::{self, Use};
use super::fork::{self, Pass};
use super::frozen::Frozen;
use super::place::{self, Place};
use super::transaction::Failure;
use super::{create, epoch, registry, transaction};

/// A store in a directory, open. Handles of one directory in one process share what is behind them;
/// other processes may have it open too.
///
/// After fork(2) the child must open the store anew: until then it gets [`ErrorCode::Forked`].
#[derive(Debug)]
pub struct SqliteStore {
    pub(super) inner: Arc<Inner>,
}

impl SqliteStore {
    /// Makes a store, and opens it. Nothing is there before it is complete.
    ///
    /// Fails with [`ErrorCode::StoreExists`] if there is one, and takes no directory that holds
    /// anything else. A store that has no records yet is one whose maker did not get further.
    pub fn create(dir: &Path) -> Result<Self> {
        fork::watch()?;
        create::create(dir, |_| Ok(()))?;
        Self::open(dir)
    }

    /// Makes a store that has in it what `fill` puts there. Nothing is there before all of that is; if
    /// `fill` fails, nothing ever is. It must not keep the store.
    pub fn build<R>(dir: &Path, fill: impl FnOnce(Self) -> Result<R>) -> Result<R> {
        fork::watch()?;
        create::create(dir, |scaffold| fill(Self::open(scaffold)?))
    }

    /// Opens the store of a directory, which must be private (mode 0700) and on a local file system.
    ///
    /// [`ErrorCode::StoreInUse`] means that another copy of this library in this process has it.
    /// Where it cannot be written, it is opened for reading; see [`Keystore::state`].
    pub fn open(dir: &Path) -> Result<Self> {
        fork::watch()?;
        let place = Place::find(dir)?;
        // Declared before the lock, so dropped after: closing a store takes the lock.
        let shared;
        let mut open = registry::lock();
        open.retain(|_, shared| shared.claim.strong_count() > 0);
        let claim = match open.get(&place.id) {
            Some(found) => {
                shared = found.inner.upgrade();
                match shared {
                    Some(inner) if !inner.is_degraded() => return Ok(Self { inner }),
                    _ => found.claim.upgrade(),
                }
            }
            None => None,
        };
        let claim = match claim {
            Some(claim) => claim,
            None => Claim::stake(&place)?,
        };
        let inner = Arc::new(Inner::open(Arc::clone(&claim))?);
        let shared =
            registry::Shared { claim: Arc::downgrade(&claim), inner: Arc::downgrade(&inner) };
        open.insert(place.id, shared);
        Ok(Self { inner })
    }
}

impl Keystore for SqliteStore {
    fn get(&self, keys: &[&[u8]]) -> Result<Vec<Option<Entry>>> {
        self.inner.look(|connection| transaction::get(connection, keys))
    }

    fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Entry>> {
        self.inner.read(|connection| transaction::scan(connection, prefix, after, limit))
    }

    fn count(&self, prefix: &[u8]) -> Result<u64> {
        let range = KeyRange::page(prefix, &[]);
        self.inner.read(|connection| transaction::count(connection, &range))
    }

    fn nth(&self, prefix: &[u8], skip: u64) -> Result<Option<Vec<u8>>> {
        let range = KeyRange::page(prefix, &[]);
        self.inner.read(|connection| transaction::nth(connection, &range, skip))
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>> {
        Ok(Box::new(Frozen::take(&self.inner)?))
    }

    fn commit(&self, batch: Batch) -> Result<Revision> {
        self.reserve()?.commit(batch)
    }

    fn reserve(&self) -> Result<Box<dyn Reservation + '_>> {
        let live = self.inner.live()?;
        if live.writer.is_none() {
            return Err(ErrorCode::StoreReadOnly.into());
        }
        let turn = live.claim.turn()?;
        Ok(Box::new(Reserved { inner: &self.inner, turn }))
    }

    fn purge(&self) -> Result<()> {
        self.inner.purge()
    }

    fn state(&self) -> StoreState {
        match &self.inner.live {
            Some(live) if live.writer.is_none() => StoreState::ReadOnly,
            _ if self.inner.is_degraded() => StoreState::Degraded,
            _ => StoreState::Writable,
        }
    }

    fn sync(&self, since: &mut Cursor) -> Result<Changes> {
        let epoch = &self.inner.live()?.claim.epoch;
        let mut seen = epoch.load();
        if seen == since.epoch && epoch::is_settled(seen) {
            return Ok(Changes::None);
        }
        if !epoch::is_settled(seen) {
            self.inner.settle()?;
            seen = epoch.load();
        }
        let (revision, changes) =
            self.inner.read(|connection| transaction::changes(connection, since.revision))?;
        since.revision = revision;
        since.epoch = if epoch::is_settled(seen) { seen } else { 0 };
        Ok(changes)
    }
}

/// The turn of a writer.
struct Reserved<'a> {
    inner: &'a Inner,
    turn: Turn<'a>,
}

impl Reservation for Reserved<'_> {
    fn commit(self: Box<Self>, batch: Batch) -> Result<Revision> {
        batch.check()?;
        self.inner.commit(&batch, &self.turn)
    }
}

/// What the handles of one directory share.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) generation: u64,
    degraded: AtomicBool,
    /// Always there until the drop.
    live: Option<Live>,
}

/// What must be left alone in a forked child. The claim comes last: it outlives the connections.
#[derive(Debug)]
pub(super) struct Live {
    /// None where the store cannot be written.
    pub(super) writer: Option<Mutex<Connection>>,
    readers: Mutex<Vec<Reader>>,
    pub(super) claim: Arc<Claim>,
}

/// An idle connection.
#[derive(Debug)]
struct Reader {
    connection: Connection,
    purpose: Use,
}

impl Inner {
    fn open(claim: Arc<Claim>) -> Result<Self> {
        let mut degraded = false;
        let mut readers = Vec::new();
        let writer = {
            let turn = claim.turn()?;
            let pass = Pass::enter();
            claim.check_database()?;
            let purpose = if claim.is_writable { Use::Write } else { claim.reading()? };
            let is_first = claim.is_writable && claim.is_first(&pass)?;
            let connection = connect(&claim, purpose)?;
            transaction::probe(&connection).map_err(|error| database::failed(&error))?;
            claim.be_present(&pass)?;
            if claim.is_writable {
                claim.epoch.repair();
                degraded =
                    is_first && !claim.log_is_empty() && checkpoint(&connection, &turn).is_err();
                Some(Mutex::new(connection))
            } else {
                readers.push(Reader { connection, purpose });
                None
            }
        };
        Ok(Self {
            generation: fork::generation(),
            degraded: AtomicBool::new(degraded),
            live: Some(Live { writer, readers: Mutex::new(readers), claim }),
        })
    }

    /// What is open, unless it is the parent's.
    pub(super) fn live(&self) -> Result<&Live> {
        if fork::generation() != self.generation {
            return Err(ErrorCode::Forked.into());
        }
        self.live.as_ref().ok_or_else(|| ErrorCode::Closed.into())
    }

    fn is_degraded(&self) -> bool {
        self.degraded.load(Ordering::Acquire)
    }

    /// Reads a little, by the writer's connection unless it is in use: it still has the pages that it
    /// has written, while those that only read lose theirs with every change.
    fn look<T>(&self, ask: impl Fn(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let live = self.live()?;
        if let (Some(writer), false) = (&live.writer, self.is_degraded()) {
            let _pass = Pass::enter();
            if let Ok(writer) = writer.try_lock()
                && writer.is_autocommit()
            {
                return ask(&writer).map_err(|error| database::failed(&error));
            }
        }
        self.read(ask)
    }

    fn read<T>(&self, ask: impl Fn(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let live = self.live()?;
        let _pass = Pass::enter();
        loop {
            let purpose = live.claim.reading()?;
            let idle = lock(&live.readers).pop();
            let connection = match idle {
                Some(idle) if idle.purpose == purpose => idle.connection,
                _ => connect(&live.claim, purpose)?,
            };
            let answer = ask(&connection).map_err(|error| database::failed(&error));
            // A file that was thought not to change may have been read half changed.
            if live.claim.reading()? != purpose {
                continue;
            }
            if connection.is_autocommit() {
                let mut readers = lock(&live.readers);
                if readers.len() < MOST_IDLE_READERS {
                    readers.push(Reader { connection, purpose });
                }
            }
            return answer;
        }
    }

    fn commit(&self, batch: &Batch, _turn: &Turn<'_>) -> Result<Revision> {
        let live = self.live()?;
        let writer = live.writer.as_ref().ok_or(ErrorCode::StoreReadOnly)?;
        // Asked when the turn has come: the one before may have failed.
        if self.is_degraded() {
            return Err(ErrorCode::Degraded.into());
        }
        let _pass = Pass::enter();
        let mut writer = lock(writer);
        match transaction::commit(&mut writer, batch, &live.claim.epoch) {
            Ok(revision) => Ok(revision),
            Err(Failure::Refused(error)) => Err(error),
            Err(Failure::Sqlite(error)) => {
                if !database::is_passing(&error) || !writer.is_autocommit() {
                    self.degraded.store(true, Ordering::Release);
                }
                Err(database::failed(&error))
            }
        }
    }

    /// Empties the log. Deleted rows and freed pages are overwritten at once (`secure_delete`). Where
    /// somebody is reading, it is left to whoever writes or closes next.
    fn purge(&self) -> Result<()> {
        let live = self.live()?;
        if let (Some(writer), false) = (&live.writer, self.is_degraded()) {
            let turn = live.claim.turn()?;
            let _pass = Pass::enter();
            // Whatever failed, the log has everything.
            let _done = checkpoint(&lock(writer), &turn);
        }
        Ok(())
    }

    /// Repairs the epoch if the writer that left it odd is gone.
    fn settle(&self) -> Result<()> {
        let live = self.live()?;
        if let (true, Some(_turn)) = (live.claim.is_writable, live.claim.turn_if_free()) {
            live.claim.epoch.repair();
        }
        Ok(())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let live = self.live.take();
        if fork::generation() != self.generation {
            // Our parent's: closing it would tell SQLite, which would act on its parent's locks.
            mem::forget(live);
            return;
        }
        let _registry = registry::lock();
        let turn = live.as_ref().and_then(|live| live.claim.turn_if_free());
        let _pass = Pass::enter();
        let writer = live.as_ref().and_then(|live| live.writer.as_ref());
        if let (Some(writer), Some(turn), false) = (writer, &turn, self.is_degraded()) {
            // Whatever failed, the log has everything.
            let _done = checkpoint(&lock(writer), turn);
        }
        drop(turn);
        drop(live);
    }
}

/// Brings the log into the database, so that it is short when the store is next opened. If others
/// are reading, they or the next will.
///
/// Whoever finds a log and nobody else does so before the first commit, too: the last to write may have
/// failed to sync it. The system then has what was written, but will not write it once more (so on
/// Linux): what is appended would be lost with it at a power failure. Written into the database, it is
/// synced anew.
fn checkpoint(writer: &Connection, _turn: &Turn<'_>) -> rusqlite::Result<()> {
    writer.busy_timeout(Duration::ZERO)?;
    let done = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    writer.busy_timeout(database::PATIENCE)?;
    done
}

pub(super) fn connect(claim: &Claim, purpose: Use) -> Result<Connection> {
    database::connect(&claim.place.file(place::DATABASE), purpose)
        .map_err(|error| database::failed(&error))
}

// What is behind these locks is whole at every step: a transaction that panicked was rolled back.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// More connections than this are closed after use.
const MOST_IDLE_READERS: usize = 8;
