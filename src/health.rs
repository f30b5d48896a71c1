//! The module's error state. A failed self-test, damaged memory or a caught panic fails the module:
//! every store that is open then refuses everything but its status, and one that is opened afterwards
//! works, since opening tests the module anew (FIPS 140-3, 7.10; ISO/IEC 19790).
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, ErrorCode, Result};

static FAILURES: AtomicU64 = AtomicU64::new(0);
static REASON: Mutex<&str> = Mutex::new("");

/// Fails the module, for this reason.
pub fn fail(reason: &'static str) {
    // Another thread may have held the lock at a fork: the child does without the reason.
    if let Ok(mut last) = REASON.try_lock() {
        *last = reason;
    }
    FAILURES.fetch_add(1, Ordering::SeqCst);
}

/// How often the module had failed at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health(u64);

impl Health {
    /// As it is now.
    pub fn now() -> Self {
        Self(FAILURES.load(Ordering::SeqCst))
    }

    /// [`ErrorCode::ErrorState`] if the module has failed since. One load.
    #[inline]
    pub fn check(self) -> Result<()> {
        if FAILURES.load(Ordering::Relaxed) == self.0 { Ok(()) } else { Err(Self::refusal()) }
    }

    #[cold]
    fn refusal() -> Error {
        Error::new(ErrorCode::ErrorState)
    }
}

/// Why the module failed last; empty if it never has.
pub fn reason() -> &'static str {
    REASON.try_lock().map_or_else(
        |held| match held {
            std::sync::TryLockError::Poisoned(held) => *PoisonError::into_inner(held),
            std::sync::TryLockError::WouldBlock => "",
        },
        |reason| *reason,
    )
}
