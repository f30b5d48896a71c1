//! Verification of exported audit trails.

use std::path::PathBuf;

use kmshsm::api;
use kmshsm::audit::{Head, PublicKey};
use kmshsm::error::ErrorCode;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;

use crate::guard::run;

/// Verifies an exported audit trail; see kmshsm.audit.verify.
#[pyfunction]
#[pyo3(signature = (path, *, public_key=None, head=None))]
pub fn verify_audit_json(
    py: Python<'_>,
    path: PathBuf,
    public_key: Option<PyBackedStr>,
    head: Option<PyBackedStr>,
) -> PyResult<String> {
    run(py, || {
        let public_key = public_key.as_deref().map(PublicKey::from_pem).transpose()?;
        let head = head.as_deref().map(Head::parse).transpose()?;
        let verified = api::verify_exported(&path, public_key.as_ref(), head.as_ref())?;
        serde_json::to_string(&verified).map_err(|_| ErrorCode::Internal.into())
    })
}
