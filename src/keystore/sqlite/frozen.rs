//! The store as of one point in time.
#![forbid(unsafe_code)]

use std::mem;

use rusqlite::Connection;

use crate::error::{Error, ErrorCode, Result};

use super::super::{Entry, Snapshot};
use super::database::{self, Use};
use super::fork::{self, Pass};
use super::store::{Inner, connect};
use super::transaction;

/// A connection in the midst of reading: SQLite keeps what it saw first.
pub(super) struct Frozen<'a> {
    inner: &'a Inner,
    purpose: Use,
    /// Always there until the drop.
    connection: Option<Connection>,
}

impl<'a> Frozen<'a> {
    /// The store as it is now.
    pub(super) fn take(inner: &'a Inner) -> Result<Self> {
        let live = inner.live()?;
        let _pass = Pass::enter();
        let purpose = live.claim.reading()?;
        let connection = connect(&live.claim, purpose)?;
        transaction::freeze(&connection).map_err(|error| database::failed(&error))?;
        Ok(Self { inner, purpose, connection: Some(connection) })
    }

    fn read<T>(&self, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let claim = &self.inner.live()?.claim;
        let _pass = Pass::enter();
        let connection = self.connection.as_ref().ok_or(ErrorCode::Closed)?;
        let answer = ask(connection).map_err(|error| database::failed(&error));
        match claim.reading()? {
            purpose if purpose == self.purpose => answer,
            _ => Err(Error::new(ErrorCode::StoreFailed)
                .because("Another process has begun to change it by another way: begin again.")),
        }
    }
}

impl Snapshot for Frozen<'_> {
    fn get(&self, keys: &[&[u8]]) -> Result<Vec<Option<Entry>>> {
        self.read(|connection| transaction::get(connection, keys))
    }

    fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Entry>> {
        self.read(|connection| transaction::scan(connection, prefix, after, limit))
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        let connection = self.connection.take();
        if fork::generation() != self.inner.generation {
            mem::forget(connection);
            return;
        }
        let _pass = Pass::enter();
        drop(connection);
    }
}
