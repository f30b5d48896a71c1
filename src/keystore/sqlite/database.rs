//! How the database is laid out, opened and checked.
#![forbid(unsafe_code)]

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::error::{Error, ErrorCode, Result};

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Read,
    Write,
    /// Reading what this process cannot write, beside others that may.
    ReadOnly,
    /// Reading a file that nobody changes: SQLite looks at nothing else and takes no locks.
    Immutable,
}

/// Opens an existing database.
pub(super) fn connect(path: &Path, purpose: Use) -> rusqlite::Result<Connection> {
    let connection = match purpose {
        // Reading from a write-ahead log takes writing to shared memory.
        Use::Read | Use::Write => Connection::open_with_flags(path, READ_WRITE)?,
        Use::ReadOnly => Connection::open_with_flags(path, READ_ONLY)?,
        Use::Immutable => {
            let flags = READ_ONLY.union(OpenFlags::SQLITE_OPEN_URI);
            Connection::open_with_flags(immutable(path), flags)?
        }
    };
    configure(&connection)?;
    // SQLite would checkpoint and delete the log if it thinks that nobody else is there, which it
    // cannot tell after a fork. We do it when we know; see `Inner::drop`.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    if purpose == Use::Write {
        connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    } else {
        connection.pragma_update(None, "query_only", true)?;
    }
    Ok(connection)
}

/// Makes the empty file at `path` an empty store.
pub(super) fn initialize(path: &Path) -> rusqlite::Result<()> {
    let mut connection = Connection::open_with_flags(path, READ_WRITE)?;
    configure(&connection)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", FORMAT)?;
    // Its answer comes before it is done, which may fail.
    connection.pragma(None, "journal_mode", "wal", |_| Ok(()))?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(SCHEMA)?;
    transaction.commit()?;
    // Nobody else is there: this writes everything into the file and deletes the log.
    connection.close().map_err(|(_, error)| error)
}

/// The URI of a database that does not change. Bytes that mean something in one are escaped.
fn immutable(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                uri.push(char::from(*byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri + "?immutable=1"
}

/// Checks the first bytes of a database file, of `length` bytes if all of it must be there.
pub(super) fn check_header(header: &[u8], length: Option<u64>) -> Result<()> {
    if !header.starts_with(MAGIC.get(..header.len().min(MAGIC.len())).unwrap_or_default()) {
        return Err(ErrorCode::NotAStore.into());
    }
    let damaged = |detail| Err(Error::new(ErrorCode::StoreDamaged).because(detail));
    let (Some(page_size), Some(pages), Some(format), Some(application), Some(modes)) = (
        field::<2>(header, 16),
        field::<4>(header, 28),
        field::<4>(header, 60),
        field::<4>(header, 68),
        field::<2>(header, 18),
    ) else {
        return damaged("The database has been cut short.");
    };
    if u32::from_be_bytes(application) != APPLICATION_ID {
        return Err(ErrorCode::NotAStore.into());
    }
    match u32::from_be_bytes(format) {
        FORMAT => {}
        newer if newer > FORMAT => {
            return Err(Error::new(ErrorCode::StoreTooNew)
                .because(format!("Its format is {newer}, this library knows {FORMAT}.")));
        }
        _ => return damaged("The database has no format number."),
    }
    if modes != WRITE_AHEAD {
        return damaged("The database has been taken out of write-ahead mode.");
    }
    let page_size = match u16::from_be_bytes(page_size) {
        1 => 65536,
        size => u64::from(size),
    };
    let needed = page_size * u64::from(u32::from_be_bytes(pages));
    if length.is_some_and(|length| length < needed) {
        return damaged("The database has been cut short.");
    }
    Ok(())
}

/// What an SQLite error means to the caller. Says nothing of keys or values.
pub(super) fn failed(error: &rusqlite::Error) -> Error {
    match error {
        rusqlite::Error::SqliteFailure(cause, _) => {
            let code = match cause.code {
                rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase => {
                    ErrorCode::StoreDamaged
                }
                _ => ErrorCode::StoreFailed,
            };
            Error::new(code).because(format!("SQLite: {cause}."))
        }
        rusqlite::Error::SqlInputError { error: cause, .. } => {
            Error::new(ErrorCode::StoreDamaged).because(format!("SQLite: {cause}."))
        }
        _ => Error::new(ErrorCode::StoreDamaged)
            .because("The database holds what this library does not write."),
    }
}

/// Whether writing may go on after the error. Not after a failed write or sync: the system may have
/// dropped what it could not write, and a second try would succeed without it.
pub(super) fn is_passing(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{
        DatabaseBusy, DatabaseLocked, OperationInterrupted, OutOfMemory, TooBig,
    };
    matches!(
        error.sqlite_error_code(),
        Some(DatabaseBusy | DatabaseLocked | OperationInterrupted | OutOfMemory | TooBig)
    )
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA secure_delete = ON;
         PRAGMA cell_size_check = ON;
         PRAGMA mmap_size = 0;
         PRAGMA temp_store = MEMORY;",
    )
}

fn field<const N: usize>(header: &[u8], at: usize) -> Option<[u8; N]> {
    header.get(at..at + N)?.try_into().ok()
}

/// The bytes that [`check_header`] reads.
pub(super) const HEADER_SIZE: usize = 100;

// A rowid table with an index, as values are large: WITHOUT ROWID would keep them in the inner pages
// of the tree, four times slower to search. `log` has only keys, so there it is right.
const SCHEMA: &str = "
    CREATE TABLE kv (
        id INTEGER PRIMARY KEY,
        key BLOB NOT NULL,
        value BLOB NOT NULL,
        revision INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX kv_key ON kv (key);
    CREATE TABLE log (
        revision INTEGER NOT NULL,
        key BLOB NOT NULL,
        PRIMARY KEY (revision, key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE meta (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        revision INTEGER NOT NULL,
        pruned INTEGER NOT NULL
    ) STRICT;
    INSERT INTO meta (id, revision, pruned) VALUES (1, 0, 0);
";

/// "KMSH": tells file(1) and us whose database it is.
const APPLICATION_ID: u32 = 0x4b4d_5348;

/// The version of the schema, as user_version.
const FORMAT: u32 = 1;

const MAGIC: &[u8] = b"SQLite format 3\0";

/// Write and read version of a database in write-ahead mode.
const WRITE_AHEAD: [u8; 2] = [2, 2];

const READ_WRITE: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(ALWAYS);
const READ_ONLY: OpenFlags = OpenFlags::SQLITE_OPEN_READ_ONLY.union(ALWAYS);
const ALWAYS: OpenFlags = OpenFlags::SQLITE_OPEN_NO_MUTEX
    .union(OpenFlags::SQLITE_OPEN_NOFOLLOW)
    .union(OpenFlags::SQLITE_OPEN_EXRESCODE);

/// How long the log becomes before it is brought into the database, in pages of 4 KiB. Many changes write
/// the same pages, which then go there once; but whoever opens a store after a crash reads all of it.
const LOG_PAGES: u32 = 4000;

/// How long SQLite tries for a lock of its own. Rarely at all: writers queue before.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
