//! The Python package's native half. It translates between Python objects and the engine's requests
//! and decides nothing.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod answers;
mod asymmetric;
mod audit;
mod byok;
mod crypt;
mod errors;
mod guard;
mod import;
mod input;
mod message;
mod module;
mod operate;
mod session;
mod store;
mod transfer;

use pyo3::prelude::*;

/// The native half of kmshsm; import kmshsm instead.
#[pymodule]
mod _native {
    use super::*;

    #[pymodule_export]
    use super::answers::{DataKey, ExportedDataKey, ImportParameters};
    #[pymodule_export]
    use super::audit::verify_audit_json;
    #[pymodule_export]
    use super::byok::wrap_key_material;
    #[pymodule_export]
    use super::message::MessageDigest;
    #[pymodule_export]
    use super::module::{indicator, self_test_json, set_key_memory, zeroize};
    #[pymodule_export]
    use super::operate::operate_alone_json;
    #[pymodule_export]
    use super::session::Session;
    #[pymodule_export]
    use super::store::{Store, create};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", kmshsm::health::VERSION)
    }
}
