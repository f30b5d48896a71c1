//! What typed methods answer when it is more than bytes.

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
