//! Where sealed records live. The store sees keys, opaque values and revisions, nothing else.
//!
//! The trait fits an SQLite transaction and, unchanged, an etcd transaction. [`SqliteStore`] is the
//! store of a machine, shared by its processes; [`MemoryStore`] is that of one process and is gone
//! with it.

use crate::error::{Error, ErrorCode, Result};

#[cfg(test)]
mod contract;
mod memory;
mod range;
mod sqlite;

pub use memory::MemoryStore;
#[cfg(test)]
pub(crate) use memory::READ;
pub use sqlite::SqliteStore;

/// Counts the commits of a store: each commit has a higher one than all before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

/// A value and the commit that wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The storage key.
    pub key: Vec<u8>,
    /// The bytes that were put.
    pub value: Vec<u8>,
    /// The commit that put them.
    pub revision: Revision,
}

/// A transaction: nothing of it happens unless every expectation holds. The deletes come before the
/// puts; of two puts of a key the later stays. No key is empty.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Each key with the revision it must have now; `None` means it must be absent.
    pub expects: Vec<(Vec<u8>, Option<Revision>)>,
    /// Entries to write.
    pub puts: Vec<(Vec<u8>, Vec<u8>)>,
    /// Keys to remove; an absent one is not an error.
    pub deletes: Vec<Vec<u8>>,
    /// Keys whose change other readers must hear of through [`Keystore::sync`]. Those of a new key
    /// need not be here: no cache can hold them.
    pub touched: Vec<Vec<u8>>,
}

impl Batch {
    /// An empty key could not be paged past, as an empty `after` starts at the front.
    fn check(&self) -> Result<()> {
        match self.puts.iter().any(|(key, _)| key.is_empty()) {
            true => Err(Error::new(ErrorCode::Internal).because("A storage key is empty.")),
            false => Ok(()),
        }
    }
}

/// How far a reader has followed the changes of a store. [`Cursor::default`] has followed nothing:
/// it stands before the first commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The store's epoch that the cursor is known to be level with; 0 is never one.
    pub(crate) epoch: u64,
    /// The last commit that was followed.
    pub(crate) revision: u64,
}

/// What [`Keystore::sync`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// Nothing since the cursor.
    None,
    /// These keys; repetitions are possible, omissions are not.
    Keys(Vec<Vec<u8>>),
    /// More than is still on record: forget everything read before.
    Everything,
}

/// Whether a store takes changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreState {
    /// It does.
    Writable,
    /// No more, after a write that failed: what the system has of it is uncertain. It can be read; opened
    /// again, it is what was acknowledged.
    Degraded,
    /// It lies where this process cannot write. Others may be able to.
    ReadOnly,
}

/// Where sealed records live. Values are opaque; revisions make writes safe. Synchronous, and safe
/// to share between threads.
pub trait Keystore: Send + Sync {
    /// The entries of `keys`, in their order, as of one point in time.
    fn get(&self, keys: &[&[u8]]) -> Result<Vec<Option<Entry>>>;

    /// At most `limit` entries whose key starts with `prefix` and is greater than `after`, in the
    /// order of their keys. An empty `after` starts at the front.
    fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Entry>>;

    /// How many entries have a key that starts with `prefix`. Cheaper than a scan, but not free: the
    /// store goes through their keys.
    fn count(&self, prefix: &[u8]) -> Result<u64>;

    /// The key of the entry behind the first `skip` among those whose key starts with `prefix`. Costs
    /// as much as counting those.
    fn nth(&self, prefix: &[u8], skip: u64) -> Result<Option<Vec<u8>>>;

    /// What is in the store now, to be read at leisure: what is committed meanwhile is not in it.
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>>;

    /// All of `batch`, durable when this returns, or nothing: [`ErrorCode::Conflict`] if an
    /// expectation does not hold.
    ///
    /// Only after [`ErrorCode::StoreFailed`] it is open whether the batch was written: read again.
    fn commit(&self, batch: Batch) -> Result<Revision>;

    /// Waits until nobody commits, and has everybody else wait: for whoever has been overtaken and must
    /// not be again. Not for long. The same thread must not commit by any other way meanwhile.
    fn reserve(&self) -> Result<Box<dyn Reservation + '_>>;

    /// Has no old copy of what was overwritten or deleted stay behind, as far as the store decides that.
    fn purge(&self) -> Result<()>;

    /// Whether it takes changes. What has become [`StoreState::Degraded`] remains so.
    fn state(&self) -> StoreState {
        StoreState::Writable
    }

    /// What has been touched by any commit acknowledged before this call, in any process, since the
    /// cursor; moves the cursor. Linearizable. One atomic load when nothing has changed.
    ///
    /// A cursor belongs to the store that moved it.
    fn sync(&self, since: &mut Cursor) -> Result<Changes>;
}

/// The right to commit next. Dropped, it is given up.
pub trait Reservation {
    /// As [`Keystore::commit`].
    fn commit(self: Box<Self>, batch: Batch) -> Result<Revision>;
}

/// A store as it was at one point in time. Holds on to what has been deleted since: not for long.
pub trait Snapshot: Send {
    /// As [`Keystore::get`].
    fn get(&self, keys: &[&[u8]]) -> Result<Vec<Option<Entry>>>;

    /// As [`Keystore::scan`].
    fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Entry>>;
}

/// The change log keeps at least this many revisions: a reader may fall that far behind and still
/// hear of single keys.
const LOG_REVISIONS: u64 = 4096;

/// More changed keys than this are answered with [`Changes::Everything`]: reading anew is cheaper.
const MOST_CHANGES: usize = 4096;
