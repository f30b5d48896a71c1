//! Wrapping of key material by its owner.

use kmshsm::api;
use kmshsm::model::WrappingAlgorithm;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::guard::run;
use crate::input::{Input, text, word};

/// Wraps key material for Session.import_key_material; see kmshsm.byok.wrap.
#[pyfunction]
pub fn wrap_key_material<'py>(
    py: Python<'py>,
    public_key: &Bound<'py, PyAny>,
    algorithm: &Bound<'py, PyAny>,
    material: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    let public_key = Input::of(public_key, "public_key")?;
    let algorithm = text(algorithm, "algorithm")?;
    let algorithm = word(WrappingAlgorithm::parse(&algorithm), "WrappingAlgorithm")?;
    let material = Input::of(material, "material")?;
    let wrapped = run(py, || api::wrap_key_material(&public_key, algorithm, &material))?;
    Ok(PyBytes::new(py, &wrapped))
}
