//! A session: any action in JSON. Its methods that bytes cross are in the files of their chapters.

use std::sync::Arc;

use kmshsm::api;
use kmshsm::kms::{self, Action};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyString;

use crate::errors::{raise, unpicklable};
use crate::guard::{Closable, run};
use crate::store::Store;

/// The root of an account in a region of an open store; see kmshsm.Store.session.
///
/// Bytes may be any bytes-like object. ``bytes`` is read where it lies; anything else is copied
/// first, for another thread could change it during the call. Other threads run meanwhile.
#[pyclass(frozen, subclass, module = "kmshsm._native")]
pub struct Session {
    session: Closable<kms::Session>,
    account: PyBackedStr,
    region: PyBackedStr,
}

impl Session {
    /// The engine's session; `Abi.Closed` once it is ended.
    pub(crate) fn kms(&self) -> PyResult<Arc<kms::Session>> {
        kms::reset_indicator();
        self.session.get()
    }
}

#[pymethods]
impl Session {
    #[new]
    #[pyo3(signature = (store, account, region))]
    fn new(store: &Store, account: PyBackedStr, region: PyBackedStr) -> PyResult<Self> {
        let session = store.kms()?.session(&account, &region).map_err(raise)?;
        Ok(Self { session: Closable::new(Arc::new(session)), account, region })
    }

    /// Does any action of the KMS API, with its request and its answer in JSON text.
    #[pyo3(signature = (action, parameters, /))]
    fn call_json<'py>(
        &self,
        py: Python<'py>,
        action: PyBackedStr,
        parameters: PyBackedStr,
    ) -> PyResult<Bound<'py, PyString>> {
        let session = self.kms()?;
        let answer = run(py, || api::dispatch_json(&session, &action, Some(&parameters)))?;
        Ok(PyString::new(py, &answer))
    }

    /// Ends the session. Ending it again does nothing.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let session = self.session.close();
        run(py, move || {
            drop(session);
            Ok(())
        })
    }

    fn __repr__(&self) -> String {
        format!("<kmshsm.Session of {} in {}>", &*self.account, &*self.region)
    }

    fn __reduce__(&self) -> PyResult<()> {
        unpicklable("Session", "open the store in each process")
    }
}

/// Does an action while other Python threads run.
pub fn call<A>(py: Python<'_>, session: &kms::Session, action: A) -> PyResult<A::Answer>
where
    A: Action<Answer: Send> + Send,
{
    run(py, || Ok(session.call(action)?.answer))
}
