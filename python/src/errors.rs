//! From the engine's errors to the exceptions of `kmshsm.errors`: one class per family.

use kmshsm::error::Error;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

mod classes {
    pyo3::import_exception!(kmshsm.errors, AccessDenied);
    pyo3::import_exception!(kmshsm.errors, ArgumentError);
    pyo3::import_exception!(kmshsm.errors, CryptoError);
    pyo3::import_exception!(kmshsm.errors, InternalError);
    pyo3::import_exception!(kmshsm.errors, InvalidState);
    pyo3::import_exception!(kmshsm.errors, NotFound);
    pyo3::import_exception!(kmshsm.errors, StorageError);
}

/// The exception for an error of the engine.
pub fn raise(error: impl Into<Error>) -> PyErr {
    let error = error.into();
    let code = error.code();
    let request_id = error.request_id().map(|id| id.to_string());
    let args = (error.to_string(), code.wire_code(), code.number(), code.http_status(), request_id);
    match code.number() / 100 {
        1 => classes::ArgumentError::new_err(args),
        2 => classes::AccessDenied::new_err(args),
        3 => classes::NotFound::new_err(args),
        4 => classes::InvalidState::new_err(args),
        5 => classes::CryptoError::new_err(args),
        6 => classes::StorageError::new_err(args),
        _ => classes::InternalError::new_err(args),
    }
}

/// What pickling and copying raise: neither keys nor an open store travel.
pub fn unpicklable<T>(class: &str, instead: &str) -> PyResult<T> {
    Err(PyTypeError::new_err(format!("kmshsm.{class} cannot be pickled or copied: {instead}")))
}
