//! What the store asks of SQLite: one function for each question.
#![forbid(unsafe_code)]

use std::borrow::Cow;

use rusqlite::{
    CachedStatement, Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params,
};

use crate::error::{Error, ErrorCode};

use super::super::range::KeyRange;
use super::super::{Batch, Changes, Entry, LOG_REVISIONS, MOST_CHANGES, Revision};
use super::epoch::Epoch;

/// Why a batch was not written.
pub(super) enum Failure {
    /// It cannot be; nothing has been changed.
    Refused(Error),
    /// SQLite could not.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// The entries of `keys` as of one point in time.
pub(super) fn get(connection: &Connection, keys: &[&[u8]]) -> rusqlite::Result<Vec<Option<Entry>>> {
    // A single statement is a point in time by itself, and what is frozen is at one anyway.
    let _snapshot = match keys.len() {
        0 | 1 => None,
        _ if !connection.is_autocommit() => None,
        _ => Some(connection.unchecked_transaction()?),
    };
    let mut find =
        connection.prepare_cached("SELECT key, value, revision FROM kv WHERE key = ?1")?;
    keys.iter().map(|key| find.query_row([key], entry).optional()).collect()
}

/// Keeps the connection at what is in the database now, for all that it reads from here on.
pub(super) fn freeze(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN DEFERRED")?;
    // SQLite takes its snapshot with the first look.
    Meta::read(connection).map(drop)
}

/// At most `limit` entries whose key starts with `prefix` and is greater than `after`.
pub(super) fn scan(
    connection: &Connection,
    prefix: &[u8],
    after: &[u8],
    limit: usize,
) -> rusqlite::Result<Vec<Entry>> {
    let range = KeyRange::page(prefix, after);
    if range.is_empty() {
        return Ok(Vec::new());
    }
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let entries: rusqlite::Result<Vec<Entry>> = match &range.until {
        Some(until) => connection
            .prepare_cached(
                "SELECT key, value, revision FROM kv WHERE key >= ?1 AND key < ?2
                 ORDER BY key LIMIT ?3",
            )?
            .query_map(params![range.from, until, limit], entry)?
            .collect(),
        None => connection
            .prepare_cached(
                "SELECT key, value, revision FROM kv WHERE key >= ?1 ORDER BY key LIMIT ?2",
            )?
            .query_map(params![range.from, limit], entry)?
            .collect(),
    };
    entries.and_then(|entries| in_order(&range, entries))
}

/// The entries, if their keys are of the range and rise. SQLite takes the order of a damaged index for
/// granted, and who went on behind the last key would go round for ever.
fn in_order(range: &KeyRange, entries: Vec<Entry>) -> rusqlite::Result<Vec<Entry>> {
    let rises = entries.is_sorted_by(|one, next| one.key < next.key);
    let ends = [entries.first(), entries.last()];
    if rises && ends.into_iter().flatten().all(|entry| range.has(&entry.key)) {
        return Ok(entries);
    }
    let corrupt = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT_INDEX);
    Err(rusqlite::Error::SqliteFailure(corrupt, None))
}

/// How many keys are in the range.
pub(super) fn count(connection: &Connection, range: &KeyRange) -> rusqlite::Result<u64> {
    let mut count =
        connection.prepare_cached("SELECT COUNT(*) FROM kv WHERE key >= ?1 AND key < ?2")?;
    let count: i64 = count.query_row(params![range.from, end(range)], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// The key behind the first `skip` in the range.
pub(super) fn nth(
    connection: &Connection,
    range: &KeyRange,
    skip: u64,
) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut nth = connection.prepare_cached(
        "SELECT key FROM kv WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT 1 OFFSET ?3",
    )?;
    let skip = i64::try_from(skip).unwrap_or(i64::MAX);
    nth.query_row(params![range.from, end(range), skip], |row| row.get(0)).optional()
}

/// Longer than any storage key.
const BEYOND: usize = 256;

/// Where the range ends, or behind all keys.
fn end(range: &KeyRange) -> Cow<'_, [u8]> {
    match &range.until {
        Some(until) => until.into(),
        None => vec![0xff; BEYOND].into(),
    }
}

/// The current revision, and what has been touched after `since`.
pub(super) fn changes(connection: &Connection, since: u64) -> rusqlite::Result<(u64, Changes)> {
    let snapshot = connection.unchecked_transaction()?;
    let Meta { revision, pruned } = Meta::read(&snapshot)?;
    if since < pruned || since > revision {
        return Ok((revision, Changes::Everything));
    }
    let keys: Vec<Vec<u8>> = snapshot
        .prepare_cached("SELECT key FROM log WHERE revision > ?1 ORDER BY revision LIMIT ?2")?
        .query_map(params![signed(since), signed(MOST_CHANGES as u64 + 1)], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let changes = match keys.len() {
        0 => Changes::None,
        n if n > MOST_CHANGES => Changes::Everything,
        _ => Changes::Keys(keys),
    };
    Ok((revision, changes))
}

/// Writes the batch. For the holder of the turn.
pub(super) fn commit(
    connection: &mut Connection,
    batch: &Batch,
    epoch: &Epoch,
) -> Result<Revision, Failure> {
    let transaction =
        Transaction::new(connection, TransactionBehavior::Immediate).map_err(Failure::Sqlite)?;
    expect(&transaction, batch)?;
    let mut meta = Meta::read(&transaction)?;
    meta.revision += 1;
    apply(&transaction, batch, signed(meta.revision))?;
    meta.prune(&transaction)?;
    meta.write(&transaction)?;
    // Nobody caches what is not touched, so nobody need look.
    let _change = (!batch.touched.is_empty()).then(|| epoch.change());
    transaction.commit()?;
    Ok(Revision(meta.revision))
}

fn expect(transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Failure> {
    let mut find = transaction.prepare_cached("SELECT revision FROM kv WHERE key = ?1")?;
    for (key, expected) in &batch.expects {
        let found: Option<i64> = find.query_row([key], |row| row.get(0)).optional()?;
        if found != expected.map(|revision| signed(revision.0)) {
            return Err(Failure::Refused(ErrorCode::Conflict.into()));
        }
    }
    Ok(())
}

fn apply(transaction: &Transaction<'_>, batch: &Batch, revision: i64) -> rusqlite::Result<()> {
    let mut delete = prepare(transaction, "DELETE FROM kv WHERE key = ?1")?;
    for key in &batch.deletes {
        delete.execute([key])?;
    }
    let mut put = prepare(
        transaction,
        "INSERT INTO kv (key, value, revision) VALUES (?1, ?2, ?3)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = excluded.revision",
    )?;
    for (key, value) in &batch.puts {
        put.execute(params![key, value, revision])?;
    }
    let mut touch =
        prepare(transaction, "INSERT OR IGNORE INTO log (revision, key) VALUES (?1, ?2)")?;
    for key in &batch.touched {
        touch.execute(params![revision, key])?;
    }
    Ok(())
}

fn prepare<'a>(
    transaction: &'a Transaction<'_>,
    sql: &str,
) -> rusqlite::Result<CachedStatement<'a>> {
    transaction.prepare_cached(sql)
}

/// The one row of `meta`: the last commit, and up to which the log has been pruned.
struct Meta {
    revision: u64,
    pruned: u64,
}

impl Meta {
    fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let row = |row: &Row<'_>| {
            // A revision at its end or below zero is no work of ours: it would hide changes.
            match (u64::try_from(row.get::<_, i64>(0)?), u64::try_from(row.get::<_, i64>(1)?)) {
                (Ok(revision), Ok(pruned)) if revision < i64::MAX as u64 && pruned <= revision => {
                    Ok(Self { revision, pruned })
                }
                _ => Err(rusqlite::Error::IntegralValueOutOfRange(0, 0)),
            }
        };
        connection
            .prepare_cached("SELECT revision, pruned FROM meta WHERE id = 1")?
            .query_row([], row)
    }

    fn prune(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        let due = self.revision.saturating_sub(LOG_REVISIONS);
        if due >= self.pruned + PRUNED_AT_ONCE {
            prepare(transaction, "DELETE FROM log WHERE revision <= ?1")?.execute([signed(due)])?;
            self.pruned = due;
        }
        Ok(())
    }

    fn write(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        prepare(transaction, "UPDATE meta SET revision = ?1, pruned = ?2 WHERE id = 1")?
            .execute([signed(self.revision), signed(self.pruned)])?;
        Ok(())
    }
}

/// Checks that the tables are there and can be read.
pub(super) fn probe(connection: &Connection) -> rusqlite::Result<()> {
    Meta::read(connection)?;
    scan(connection, b"", b"", 1)?;
    changes(connection, 0)?;
    Ok(())
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry { key: row.get(0)?, value: row.get(1)?, revision: Revision(unsigned(row.get(2)?)) })
}

// SQLite's integers are signed; 2^63 commits are not reached in the life of a machine.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Pruning in steps of about a page of the log.
const PRUNED_AT_ONCE: u64 = 64;
