//! The module's error state. A failed self-test, damaged memory or a caught panic fails the module:
//! every store that is open then refuses everything but its status, and one that is opened afterwards
//! works, since opening tests the module anew (FIPS 140-3, 7.10; ISO/IEC 19790).
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};

use crate::error::{Error, ErrorCode, Result};

/// The version of this library. That of a test build, whose self-tests can be broken, says so.
pub const VERSION: &str = if cfg!(feature = "testing") {
    concat!(env!("CARGO_PKG_VERSION"), "+testing")
} else {
    env!("CARGO_PKG_VERSION")
};

static FAILURES: AtomicU64 = AtomicU64::new(0);
static REASON: Mutex<Cow<'static, str>> = Mutex::new(Cow::Borrowed(""));

/// Fails the module, for this reason.
pub fn fail(reason: impl Into<Cow<'static, str>>) {
    // Another thread may have held the lock at a fork: the child does without the reason.
    if let Ok(mut last) = REASON.try_lock() {
        *last = reason.into();
    }
    FAILURES.fetch_add(1, Ordering::SeqCst);
}

/// Fails the module, and is what the call answers that found out.
pub fn failed(reason: impl Into<Cow<'static, str>>) -> Error {
    let reason = reason.into();
    fail(reason.clone());
    Error::new(ErrorCode::ErrorState).because(reason)
}

/// The outcome of a test on something fresh. Whatever does not pass it fails the module, but for want of
/// memory, or in a forked child, nothing has been tested.
pub fn tested(outcome: Result<bool>, reason: &'static str) -> Result<()> {
    judged(outcome, || failed(reason))
}

/// The outcome of the same test on something that was brought from outside: what does not pass it is
/// refused, and nothing is wrong with the module.
pub fn accepted(outcome: Result<bool>) -> Result<()> {
    judged(outcome, || ErrorCode::InvalidKeyMaterial.into())
}

fn judged(outcome: Result<bool>, otherwise: impl FnOnce() -> Error) -> Result<()> {
    use ErrorCode::{ErrorState, Forked, MemoryExhausted};
    match outcome {
        Ok(true) => Ok(()),
        Err(error) if matches!(error.code(), ErrorState | Forked | MemoryExhausted) => Err(error),
        _ => Err(otherwise()),
    }
}

/// A caught panic fails the module, for nobody knows what it has left behind: this is what the call
/// answers.
pub fn panicked() -> Error {
    fail("A caught panic.");
    Error::new(ErrorCode::Internal).because("The module is in its error state.")
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
        #[cfg(any(test, feature = "testing"))]
        testing::panic_if_due();
        if FAILURES.load(Ordering::Relaxed) == self.0 { Ok(()) } else { Err(Self::refusal()) }
    }

    /// The count of failures.
    pub const fn number(self) -> u64 {
        self.0
    }

    #[cold]
    fn refusal() -> Error {
        Error::new(ErrorCode::ErrorState)
    }
}

/// Why the module failed last; empty if it never has.
pub fn reason() -> String {
    match REASON.try_lock() {
        Ok(reason) => reason.to_string(),
        Err(TryLockError::Poisoned(held)) => PoisonError::into_inner(held).to_string(),
        Err(TryLockError::WouldBlock) => String::new(),
    }
}

/// What a self-test xors into one byte of what it looks at: 1 for the one that a test build has
/// broken, otherwise 0.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn flaw(test: &str) -> u8 {
    testing::flaw(test)
}

/// What a self-test xors into one byte of what it looks at: nothing.
#[cfg(not(any(test, feature = "testing")))]
pub(crate) const fn flaw(_: &str) -> u8 {
    0
}

/// The switches of a test build. None of this is in any other.
#[cfg(any(test, feature = "testing"))]
pub mod testing {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{PoisonError, RwLock};

    static BROKEN: RwLock<String> = RwLock::new(String::new());
    static PANIC: AtomicBool = AtomicBool::new(false);

    /// Breaks the self-test of this name, and mends any other; `panic` makes the next call that
    /// looks at the module's health panic, once; the empty name mends all.
    pub fn break_one(name: &str) {
        name.clone_into(&mut BROKEN.write().unwrap_or_else(PoisonError::into_inner));
        PANIC.store(name == "panic", Ordering::SeqCst);
    }

    pub(super) fn flaw(test: &str) -> u8 {
        u8::from(*BROKEN.read().unwrap_or_else(PoisonError::into_inner) == test)
    }

    pub(super) fn panic_if_due() {
        let due = PANIC.load(Ordering::Relaxed) && PANIC.swap(false, Ordering::SeqCst);
        assert!(!due, "as a test asked");
    }
}
