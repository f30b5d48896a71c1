//! Every call of the engine: without the GIL, and no panic goes further.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};

use kmshsm::error::{ErrorCode, Result};
use kmshsm::health;
use pyo3::prelude::*;

use crate::errors::raise;

/// Runs `body` while other Python threads run. A panic goes no further.
pub fn run<T: Send>(py: Python<'_>, body: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    match py.detach(|| catch_unwind(AssertUnwindSafe(body))) {
        Ok(outcome) => outcome.map_err(raise),
        Err(_) => Err(raise(health::panicked())),
    }
}

/// Something of the engine's that `close` gives up. Its lock is taken with the GIL held, so none is
/// held by another thread when a process forks.
pub struct Closable<T>(RwLock<Option<Arc<T>>>);

impl<T> Closable<T> {
    /// Open.
    pub fn new(value: Arc<T>) -> Self {
        Self(RwLock::new(Some(value)))
    }

    /// The thing; `Abi.Closed` once it is closed.
    pub fn get(&self) -> PyResult<Arc<T>> {
        let value = self.0.read().unwrap_or_else(PoisonError::into_inner);
        value.clone().ok_or_else(|| raise(ErrorCode::Closed))
    }

    /// Closes it and gives back what it was, the first time.
    pub fn close(&self) -> Option<Arc<T>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).take()
    }
}
