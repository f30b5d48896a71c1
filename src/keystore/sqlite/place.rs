//! The directory of a store: is it one, is it private, can it keep locks?
#![forbid(unsafe_code)]

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorCode, Result};

use super::database::Use;
use super::system;

/// A directory that may be opened as a store.
#[derive(Clone, Debug)]
pub(super) struct Place {
    dir: PathBuf,
    pub(super) id: PlaceId,
}

/// The same for every path to a directory: device and inode.
pub(super) type PlaceId = (u64, u64);

impl Place {
    /// Checks what can be known without opening a file of the store.
    pub(super) fn find(dir: &Path) -> Result<Self> {
        let dir = fs::canonicalize(dir).map_err(|error| missing(&error))?;
        let metadata = fs::metadata(&dir).map_err(|error| missing(&error))?;
        if !metadata.is_dir() {
            return Err(Error::new(ErrorCode::NotAStore).because("A store is a directory."));
        }
        let place = Self { id: (metadata.dev(), metadata.ino()), dir };
        match fs::symlink_metadata(place.file(DATABASE)) {
            Ok(database) if database.is_file() => {}
            Ok(_) => return Err(ErrorCode::NotAStore.into()),
            Err(error) => return Err(missing(&error)),
        }
        if metadata.mode() & 0o077 != 0 {
            return Err(Error::new(ErrorCode::StoreFailed).because(
                "Others may enter the directory of the store: make it private (chmod 700).",
            ));
        }
        check_filesystem(&place.dir)?;
        Ok(place)
    }

    /// The path of a file of the store.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Whether a process can change the store: a log and shared memory that are not there must be made.
    pub(super) fn is_writable(&self) -> bool {
        let are_there = [LOG, SHARED_MEMORY].iter().all(|name| self.file(name).exists());
        (are_there || system::may_write(&self.dir))
            && [DATABASE, LOG, SHARED_MEMORY, EPOCH, LOCK, GUARD]
                .iter()
                .map(|name| self.file(name))
                .all(|file| system::may_write(&file) || !file.exists())
    }

    /// How to read the store where it cannot be written. SQLite shares the log and the memory beside it
    /// with writers that come by another way; both are there before a writer changes anything, and
    /// stay. Without them the database is all there is.
    ///
    /// [`ErrorCode::StoreFailed`] if only the log is there, and is needed.
    pub(super) fn reading(&self) -> Result<Use> {
        let log = fs::metadata(self.file(LOG)).ok().map(|log| log.len());
        match (log, self.file(SHARED_MEMORY).exists()) {
            (Some(_), true) => Ok(Use::ReadOnly),
            (None | Some(0), _) => Ok(Use::Immutable),
            (Some(_), false) => Err(Error::new(ErrorCode::StoreFailed).because(
                "It cannot be written, and its log has not been brought into the database: open a copy.",
            )),
        }
    }

    /// Opens a file of the store. A symbolic link could lead out of the private directory.
    pub(super) fn open(&self, name: &str, writable: bool) -> Result<File> {
        let options = OpenOptions::new()
            .read(true)
            .write(writable)
            .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
            .open(self.file(name));
        options.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::new(ErrorCode::StoreDamaged)
                .because(format!("The file \"{name}\" of the store is missing.")),
            _ => failed(&format!("Opening \"{name}\""), &error),
        })
    }
}

/// Refuses file systems whose locks or mappings do not hold between machines.
pub(super) fn check_filesystem(dir: &Path) -> Result<()> {
    let magic = system::filesystem_magic(dir).map_err(|error| failed("statfs", &error))?;
    match NETWORK_FILESYSTEMS.iter().find(|(number, _)| *number == magic) {
        Some((_, name)) => Err(Error::new(ErrorCode::UnsupportedFilesystem)
            .because(format!("It is on {name}; a store must be on a local file system."))),
        None => Ok(()),
    }
}

/// [`ErrorCode::StoreFailed`] with what the system said.
pub(super) fn failed(what: &str, error: &io::Error) -> Error {
    Error::new(ErrorCode::StoreFailed).because(format!("{what}: {error}."))
}

fn missing(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ErrorCode::StoreNotFound.into(),
        _ => failed("Looking for the store", error),
    }
}

/// The database in the directory of a store.
pub(super) const DATABASE: &str = "store.db";
/// SQLite's write-ahead log.
pub(super) const LOG: &str = "store.db-wal";
/// SQLite's shared memory.
pub(super) const SHARED_MEMORY: &str = "store.db-shm";
/// The file of [`super::epoch::Epoch`].
pub(super) const EPOCH: &str = "epoch";
/// Where writers queue.
pub(super) const LOCK: &str = "lock";
/// Where each process has a byte.
pub(super) const GUARD: &str = "guard";

/// From statfs(2) and linux/magic.h. FUSE is not here: it is also what local encrypted file systems
/// use.
const NETWORK_FILESYSTEMS: [(u32, &str); 10] = [
    (0x0000_6969, "NFS"),
    (0x0000_517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x0102_1997, "9P"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x00c3_6400, "Ceph"),
    (0x7375_7245, "Coda"),
    (0x0bd0_0bd0, "Lustre"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_filesystems_are_taken() {
        check_filesystem(Path::new("/")).unwrap();
        assert!(check_filesystem(Path::new("/nowhere/at/all")).is_err());
    }
}
