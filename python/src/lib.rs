//! The Python package's native half. It translates between Python objects and the engine's requests
//! and decides nothing.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod answers;
mod errors;
mod guard;
mod input;
mod session;
mod store;

use pyo3::prelude::*;

/// The native half of kmshsm; import kmshsm instead.
#[pymodule]
mod _native {
    use super::*;

    #[pymodule_export]
    use super::answers::{DataKey, ImportParameters};
    #[pymodule_export]
    use super::session::Session;
    #[pymodule_export]
    use super::store::{Store, create, zeroize};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
