//! The embedded store: an SQLite database in a directory of its own, shared by the processes of one
//! machine.
//!
//! The directory (mode 0700) holds
//! - `store.db`, `store.db-wal`, `store.db-shm`: SQLite's;
//! - `epoch`: a word that every process maps, so that asking for changes is one load;
//! - `lock`: writers queue here, in the kernel, before they ask SQLite;
//! - `guard`: a byte per process, so that two copies of this library in one process cannot cancel
//!   each other's SQLite locks.
//!
//! System calls and the shared mapping, all unsafe code, are in `system`, `fork` and `epoch`.

mod claim;
mod create;
mod database;
mod epoch;
mod fork;
mod frozen;
mod place;
mod registry;
mod store;
mod system;
#[cfg(test)]
mod tests;
mod transaction;

pub use store::SqliteStore;
