//! Where sealed records live. The store sees keys, opaque values and revisions, nothing else.

use crate::error::Result;

mod memory;
mod sqlite;

pub use memory::MemoryStore;
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

/// A transaction: nothing of it happens unless every expectation holds.
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

/// How far a reader has followed the changes of a store. [`Cursor::default`] has followed nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    pub(crate) epoch: u64,
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

/// Where sealed records live. Values are opaque; revisions make writes safe. Synchronous, and safe
/// to share between threads.
pub trait Keystore: Send + Sync {
    /// The entries of `keys`, in their order, as of one point in time.
    fn get(&self, keys: &[&[u8]]) -> Result<Vec<Option<Entry>>>;

    /// At most `limit` entries whose key starts with `prefix` and is greater than `after`, in the
    /// order of their keys. An empty `after` starts at the front.
    fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Entry>>;

    /// All of `batch`, durable when this returns, or nothing: [`ErrorCode::Conflict`] if an
    /// expectation does not hold.
    ///
    /// [`ErrorCode::Conflict`]: crate::error::ErrorCode::Conflict
    fn commit(&self, batch: Batch) -> Result<Revision>;

    /// What has been touched by any commit acknowledged before this call, in any process, since the
    /// cursor; moves the cursor. Linearizable. One atomic load when nothing has changed.
    fn sync(&self, since: &mut Cursor) -> Result<Changes>;
}
