//! What a process holds of a store besides SQLite's connections: its byte of `guard`, the writer
//! lock, the epoch, and the proof of its presence.
#![forbid(unsafe_code)]

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError as TryMutexError};

use crate::error::{Error, ErrorCode, Result};

use super::database::{self, Use};
use super::epoch::Epoch;
use super::fork::{Pass, ProcessFile};
use super::place::{self, Place, failed};
use super::system::{self, Bytes, Hold};

/// A process's hold on a store. It has descriptors of SQLite's files, so it must outlive every
/// connection of the process to them, and is dropped under the registry's lock.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) place: Place,
    pub(super) epoch: Epoch,
    /// Whether this process can change the store.
    pub(super) is_writable: bool,
    guard: ProcessFile,
    lock: ProcessFile,
    database: ProcessFile,
    shared_memory: OnceLock<ProcessFile>,
    writers: Mutex<()>,
}

/// What is wrong with a directory that has no `guard`: nobody has claimed it, so its database may be
/// looked at.
fn strange(place: &Place) -> Option<Error> {
    let file = place.open(place::DATABASE, false).ok()?;
    match file.metadata().ok()?.len() {
        0 => Some(ErrorCode::NotAStore.into()),
        _ => check(place, &file).err(),
    }
}

/// Checks the database's header, and the length of its file unless there is a log. For while somebody
/// reads, SQLite writes back only a part of it: the header may be newer than the end of the file.
fn check(place: &Place, file: &File) -> Result<()> {
    let length = file.metadata().map_err(|error| failed("stat", &error))?.len();
    let mut header = Vec::with_capacity(database::HEADER_SIZE);
    header.resize(database::HEADER_SIZE.min(usize::try_from(length).unwrap_or(usize::MAX)), 0);
    file.read_exact_at(&mut header, 0).map_err(|error| failed("Reading the database", &error))?;
    let has_log = fs::metadata(place.file(place::LOG)).is_ok_and(|log| log.len() > 0);
    database::check_header(&header, (!has_log).then_some(length))
}

impl Claim {
    /// [`ErrorCode::StoreInUse`] if another copy of this library has claimed the store for this
    /// process. That must come first: merely closing a descriptor of `store.db` here would drop that
    /// copy's locks.
    pub(super) fn stake(place: &Place) -> Result<Arc<Self>> {
        let pass = Pass::enter();
        let file = |name, writable| ProcessFile::new(place.open(name, writable)?, &pass);
        let is_writable = place.is_writable();
        let guard = file(place::GUARD, is_writable);
        let guard = guard.map_err(|error| strange(place).unwrap_or(error))?;
        // What is open for reading only can be held against writers only.
        let hold = if is_writable { Hold::Exclusive } else { Hold::Shared };
        match system::try_hold_bytes(&guard, own_byte(), hold) {
            Ok(true) => {}
            Ok(false) => return Err(ErrorCode::StoreInUse.into()),
            Err(error) => return Err(unlockable("guard", &error)),
        }
        Ok(Arc::new(Self {
            epoch: Epoch::map(&place.open(place::EPOCH, is_writable)?, is_writable)?,
            is_writable,
            guard,
            lock: file(place::LOCK, is_writable)?,
            database: file(place::DATABASE, false)?,
            shared_memory: OnceLock::new(),
            writers: Mutex::new(()),
            place: place.clone(),
        }))
    }

    /// Waits for its turn to write: first among the threads, then among the processes. SQLite would
    /// poll, and starve the unlucky.
    pub(super) fn turn(&self) -> Result<Turn<'_>> {
        let thread = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match self.lock.lock() {
                Ok(()) => return Ok(Turn { claim: self, _thread: thread }),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unlockable("lock", &error)),
            }
        }
    }

    /// A turn, if nobody else has it.
    pub(super) fn turn_if_free(&self) -> Option<Turn<'_>> {
        let thread = match self.writers.try_lock() {
            Ok(thread) => thread,
            Err(TryMutexError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryMutexError::WouldBlock) => return None,
        };
        match self.lock.try_lock() {
            Ok(()) => Some(Turn { claim: self, _thread: thread }),
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => None,
        }
    }

    /// How to read now.
    pub(super) fn reading(&self) -> Result<Use> {
        if self.is_writable { Ok(Use::Read) } else { self.place.reading() }
    }

    /// Whether no process has the store open by SQLite's own rule. For the holder of the turn, before it
    /// opens the database itself.
    pub(super) fn is_first(&self, _pass: &Pass) -> Result<bool> {
        // Closing a descriptor of the file drops the locks of all this process's connections to it.
        if self.shared_memory.get().is_some() || !self.place.file(place::SHARED_MEMORY).exists() {
            return Ok(self.shared_memory.get().is_none());
        }
        let file = self.place.open(place::SHARED_MEMORY, true)?;
        let is_free = system::try_hold_bytes(&file, DEAD_MANS_SWITCH, Hold::Exclusive);
        is_free.map_err(|error| unlockable(place::SHARED_MEMORY, &error))
    }

    /// Whether all is in the database.
    pub(super) fn log_is_empty(&self) -> bool {
        fs::metadata(self.place.file(place::LOG)).is_ok_and(|log| log.len() == 0)
    }

    /// Checks the database's header against its file. For the holder of the turn, as checkpoints
    /// move both.
    pub(super) fn check_database(&self) -> Result<()> {
        check(&self.place, &self.database)
    }

    /// Holds shared, for as long as this process has the store, the bytes by which SQLite tells
    /// whether somebody is there: the SHARED range of the database and the "dead man's switch" of
    /// its shared memory. SQLite holds them too, except in a forked child: there its inherited
    /// tables say that they are held, while the locks stayed with the parent. Without this, once
    /// the parent is gone, the next process to open the store would wipe the shared memory under
    /// the child.
    ///
    /// To be called after SQLite has opened both: what a power failure left in the shared memory is
    /// only wiped while nobody is there. Not where the store cannot be written: there SQLite takes part
    /// in that memory only if somebody else looks after it.
    pub(super) fn be_present(&self, pass: &Pass) -> Result<()> {
        if !self.is_writable || self.shared_memory.get().is_some() {
            return Ok(());
        }
        let file = ProcessFile::new(self.place.open(place::SHARED_MEMORY, true)?, pass)?;
        // Kept before anything can fail, as closing it would drop SQLite's own locks.
        let file = self.shared_memory.get_or_init(|| file);
        system::hold_bytes(file, DEAD_MANS_SWITCH, Hold::Shared)
            .and_then(|()| system::hold_bytes(&self.database, SHARED_RANGE, Hold::Shared))
            .map_err(|error| failed("Locking the database", &error))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Closing releases it too, unless a child made by a bare clone(2) still has a copy.
        let _ = system::try_hold_bytes(&self.guard, own_byte(), Hold::Released);
    }
}

/// The right to write, until dropped.
pub(super) struct Turn<'a> {
    claim: &'a Claim,
    _thread: MutexGuard<'a, ()>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // It fails only for a bad descriptor, and this one is open.
        let _ = self.claim.lock.unlock();
    }
}

/// [`ErrorCode::UnsupportedFilesystem`] where there are no locks at all.
fn unlockable(name: &str, error: &io::Error) -> Error {
    match error.raw_os_error() {
        Some(libc::ENOLCK | libc::ENOSYS | libc::EOPNOTSUPP | libc::EINVAL) => {
            Error::new(ErrorCode::UnsupportedFilesystem)
                .because(format!("It keeps no locks: locking \"{name}\" failed: {error}."))
        }
        _ => failed(&format!("Locking \"{name}\""), error),
    }
}

/// The byte of `guard` that is this process's: containers may share a store and have equal process
/// ids, so the namespace counts too. The bits are mixed (splitmix64) to keep the bytes apart.
pub(super) fn own_byte() -> Bytes {
    let namespace = fs::metadata("/proc/self/ns/pid").map_or(0, |metadata| metadata.ino());
    let mut mixed = (namespace << 32) ^ u64::from(std::process::id());
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    Bytes { start: i64::try_from((mixed ^ (mixed >> 31)) >> 2).unwrap_or(0), length: 1 }
}

/// SHARED_FIRST and SHARED_SIZE of SQLite's os.h: part of its file format.
const SHARED_RANGE: Bytes = Bytes { start: 0x4000_0002, length: 510 };

/// UNIX_SHM_DMS of SQLite's os_unix.c: behind the eight lock bytes at 120; part of the WAL format.
pub(super) const DEAD_MANS_SWITCH: Bytes = Bytes { start: 128, length: 1 };
