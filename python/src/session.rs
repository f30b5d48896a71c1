//! A session: any action in JSON. Its methods that bytes cross are in the files of their chapters.

use std::sync::Arc;

use kmshsm::api;
use kmshsm::kms::{self, Action, LoginRequest};
use kmshsm::model::Principal;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyString;

use crate::errors::unpicklable;
use crate::guard::{Closable, run};
use crate::input::Input;
use crate::store::Store;

/// An account, or one of its users, in a region of an open store; see kmshsm.Store.session.
///
/// Bytes may be any bytes-like object. ``bytes`` is read where it lies; anything else is copied
/// first, for another thread could change it during the call. Other threads run meanwhile.
#[pyclass(frozen, subclass, module = "kmshsm._native")]
pub struct Session {
    session: Closable<kms::Session>,
    /// Who calls, and where.
    name: String,
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
    #[pyo3(signature = (store, login_json, access_key_secret=None))]
    fn new(
        py: Python<'_>,
        store: &Store,
        login_json: PyBackedStr,
        access_key_secret: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let kms = store.kms()?;
        let secret = access_key_secret.as_ref();
        let secret = secret.map(|value| Input::of_text(value, "access_key_secret")).transpose()?;
        let session = run(py, || {
            let login = LoginRequest::parse(&login_json)?;
            kms.login(&login.with_secret(secret.as_deref().unwrap_or_default())?)
        })?;
        let space = session.space();
        let name = match session.principal() {
            Principal::Root { account } => format!("{account} in {}", space.region),
            Principal::User { account, name, .. } => {
                format!("{name} of {account} in {}", space.region)
            }
        };
        Ok(Self { session: Closable::new(Arc::new(session)), name })
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
        format!("<kmshsm.Session of {}>", self.name)
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
