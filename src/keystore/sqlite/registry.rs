//! The stores that this process has open, so that opening one twice gives the same.
//!
//! Its lock is held while a store is opened and while one is closed: SQLite's POSIX locks on a file
//! vanish when *any* descriptor of the file is closed, so the two must not overlap.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use super::claim::Claim;
use super::fork;
use super::place::PlaceId;
use super::store::Inner;

/// What is open at each place.
pub(super) type Open = BTreeMap<PlaceId, Shared>;

/// What the handles of one place share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) claim: Weak<Claim>,
    pub(super) inner: Weak<Inner>,
}

/// Locks the registry of this process.
pub(super) fn lock() -> MutexGuard<'static, Open> {
    let mut registry = &FIRST;
    // A forked child has its own: its parent's may be locked forever, and holds nothing for it.
    while registry.generation < fork::generation() {
        registry = registry.child.get_or_init(|| {
            Box::new(Registry {
                generation: fork::generation(),
                open: Mutex::new(Open::new()),
                child: OnceLock::new(),
            })
        });
    }
    registry.open.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Registry {
    generation: u64,
    open: Mutex<Open>,
    child: OnceLock<Box<Registry>>,
}

static FIRST: Registry =
    Registry { generation: 0, open: Mutex::new(Open::new()), child: OnceLock::new() };
