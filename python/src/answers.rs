//! What typed methods answer when it is more than bytes.

use kmshsm::api::OVERHEAD;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDateTime, PyIterator, PyTuple};

use crate::errors::unpicklable;

/// A data key: the key itself and its ciphertext, also as ``plaintext, ciphertext_blob = key``.
#[pyclass(frozen, get_all, module = "kmshsm")]
pub struct DataKey {
    /// The key: encrypt with it, then forget it.
    plaintext: Py<PyBytes>,
    /// The key, encrypted: keep it beside the data and give it to decrypt.
    ciphertext_blob: Py<PyBytes>,
}

impl DataKey {
    pub(crate) fn new(plaintext: Bound<'_, PyBytes>, ciphertext: Bound<'_, PyBytes>) -> Self {
        Self { plaintext: plaintext.unbind(), ciphertext_blob: ciphertext.unbind() }
    }
}

#[pymethods]
impl DataKey {
    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        PyTuple::new(py, [&self.plaintext, &self.ciphertext_blob])?.try_iter()
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!("<kmshsm.DataKey of {} bytes>", self.plaintext.as_bytes(py).len())
    }

    fn __reduce__(&self) -> PyResult<()> {
        unpicklable("DataKey", "pass on its ciphertext_blob")
    }
}

/// A data key encrypted twice, also as ``ciphertext_blob, exported_data_key = key``.
#[pyclass(frozen, get_all, module = "kmshsm")]
pub struct ExportedDataKey {
    /// The key, encrypted under the key of the store: give it to decrypt.
    ciphertext_blob: Py<PyBytes>,
    /// The key, encrypted with the public key: for the owner of its private half.
    exported_data_key: Py<PyBytes>,
}

impl ExportedDataKey {
    pub(crate) fn new(ciphertext: Bound<'_, PyBytes>, exported: Bound<'_, PyBytes>) -> Self {
        Self { ciphertext_blob: ciphertext.unbind(), exported_data_key: exported.unbind() }
    }
}

#[pymethods]
impl ExportedDataKey {
    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        PyTuple::new(py, [&self.ciphertext_blob, &self.exported_data_key])?.try_iter()
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let len = self.ciphertext_blob.as_bytes(py).len().saturating_sub(OVERHEAD);
        format!("<kmshsm.ExportedDataKey of {len} bytes>")
    }
}

/// What it takes to import material into one key.
#[pyclass(frozen, get_all, module = "kmshsm")]
pub struct ImportParameters {
    /// Wraps the material; DER SubjectPublicKeyInfo.
    public_key: Py<PyBytes>,
    /// Comes back with the material.
    import_token: Py<PyBytes>,
    /// When both expire.
    token_expire_time: Py<PyDateTime>,
}

impl ImportParameters {
    pub(crate) fn new(
        public_key: Bound<'_, PyBytes>,
        import_token: Bound<'_, PyBytes>,
        token_expire_time: Bound<'_, PyDateTime>,
    ) -> Self {
        Self {
            public_key: public_key.unbind(),
            import_token: import_token.unbind(),
            token_expire_time: token_expire_time.unbind(),
        }
    }
}

#[pymethods]
impl ImportParameters {
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let expires = self.token_expire_time.bind(py).call_method0("isoformat")?;
        Ok(format!("<kmshsm.ImportParameters until {expires}>"))
    }
}
