//! Creating, opening and closing stores.

use std::path::PathBuf;
use std::sync::Arc;

use kmshsm::api;
use kmshsm::error::{Error, ErrorCode, Result};
use kmshsm::kms::{Kms, Options, Place, Share, Unlock};
use kmshsm::model::IdentitySpec;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;

use crate::errors::{raise, unpicklable};
use crate::guard::{Closable, run};
use crate::input::{Input, seconds, word};

/// Creates a store; see kmshsm.create.
#[pyfunction]
#[pyo3(signature = (place, *, passphrase=None, key_file=None, identity="EC_P256"))]
pub fn create(
    py: Python<'_>,
    place: PyBackedStr,
    passphrase: Option<Bound<'_, PyAny>>,
    key_file: Option<Bound<'_, PyAny>>,
    identity: &str,
) -> PyResult<()> {
    let secret = Secret::of(passphrase.as_ref(), key_file.as_ref())?;
    let identity = word(IdentitySpec::parse(identity), "identity")?;
    run(py, || {
        let place = Place::parse(&place)?;
        place.create(secret.unlock(&place)?.as_ref(), identity)
    })
}

/// An open store; see kmshsm.open.
#[pyclass(frozen, subclass, module = "kmshsm._native")]
pub struct Store {
    kms: Closable<Kms>,
    place: PyBackedStr,
}

impl Store {
    pub(crate) fn kms(&self) -> PyResult<Arc<Kms>> {
        self.kms.get()
    }
}

#[pymethods]
impl Store {
    #[new]
    #[pyo3(signature = (
        place, *, passphrase=None, key_file=None, shares=None, keeper=None, options_json
    ))]
    fn new(
        py: Python<'_>,
        place: PyBackedStr,
        passphrase: Option<Bound<'_, PyAny>>,
        key_file: Option<Bound<'_, PyAny>>,
        shares: Option<Vec<PyBackedStr>>,
        keeper: Option<Bound<'_, PyAny>>,
        options_json: String,
    ) -> PyResult<Self> {
        if shares.is_some() && (passphrase.is_some() || key_file.is_some()) {
            return Err(PyTypeError::new_err("give shares or another secret, not both"));
        }
        let secret = Secret::of(passphrase.as_ref(), key_file.as_ref())?;
        let keeper = keeper.map(|every| seconds(&every, "keeper")).transpose()?;
        let options = Options { keeper, ..Options::parse(&options_json).map_err(raise)? };
        let kms = run(py, || {
            let place = Place::parse(&place)?;
            let shares = shares.map(|words| Share::parse_all(words.iter().map(|text| &**text)));
            let shares = shares.transpose()?;
            let unlock = match &shares {
                Some(shares) => Some(Unlock::Shares(shares)),
                None => secret.unlock(&place)?,
            };
            place.open(unlock.as_ref(), options)
        })?;
        Ok(Self { kms: Closable::new(kms), place })
    }

    /// How well this process protects keys, in JSON.
    fn status_json(&self, py: Python<'_>) -> PyResult<String> {
        let kms = self.kms()?;
        run(py, || serde_json::to_string(&kms.status()).map_err(|_| ErrorCode::Internal.into()))
    }

    /// Does all that is due in the store, and says in JSON how much that was.
    fn tick_json(&self, py: Python<'_>) -> PyResult<String> {
        let kms = self.kms()?;
        run(py, || {
            let done = kms.marked(kms.tick()?);
            serde_json::to_string(&done).map_err(|_| ErrorCode::Internal.into())
        })
    }

    /// Writes down the calls and events that wait in the memory of this process.
    ///
    /// The library does so by itself within a second, and when the store is closed.
    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        let kms = self.kms()?;
        run(py, || kms.flush())
    }

    /// The public key that verifies the audit trail, in PEM. Keep it where the store is not.
    fn audit_key(&self, py: Python<'_>) -> PyResult<String> {
        let kms = self.kms()?;
        run(py, || kms.trail_key())
    }

    /// Exports the audit trail, and says in JSON what that was.
    fn export_audit_json(&self, py: Python<'_>, path: PathBuf) -> PyResult<String> {
        let kms = self.kms()?;
        run(py, || {
            let exported = kms.marked(api::export_trail(&kms, &path)?);
            serde_json::to_string(&exported).map_err(|_| ErrorCode::Internal.into())
        })
    }

    /// Closes the store, ends its sessions and its keeper. Closing it again does nothing.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let Some(kms) = self.kms.close() else { return Ok(()) };
        run(py, move || {
            kms.close();
            Ok(())
        })
    }

    /// Whether the store is one for tests (``memory:?seed=TEXT``): who knows its seed knows its keys.
    #[getter]
    fn is_test_only(&self) -> PyResult<bool> {
        Ok(self.kms()?.is_test_only())
    }

    fn __repr__(&self) -> String {
        format!("<kmshsm.Store {:?}>", &*self.place)
    }

    fn __reduce__(&self) -> PyResult<()> {
        unpicklable("Store", "open the store in each process")
    }
}

/// What opens a store.
enum Secret<'a> {
    None,
    Passphrase(Input<'a>),
    KeyFile(Input<'a>),
}

impl<'a> Secret<'a> {
    fn of(
        passphrase: Option<&'a Bound<'_, PyAny>>,
        key_file: Option<&'a Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        match (passphrase, key_file) {
            (None, None) => Ok(Self::None),
            (Some(value), None) => Ok(Self::Passphrase(Input::of_text(value, "passphrase")?)),
            (None, Some(value)) => Ok(Self::KeyFile(Input::of(value, "key_file")?)),
            (Some(_), Some(_)) => {
                Err(PyTypeError::new_err("give a passphrase or a key_file, not both"))
            }
        }
    }

    fn unlock(&self, place: &Place<'_>) -> Result<Option<Unlock<'_>>> {
        match self {
            Self::None if matches!(place, Place::Directory(_)) => {
                let detail = "A store in a directory needs a secret: passphrase or key_file.";
                Err(Error::invalid("passphrase", detail))
            }
            Self::None => Ok(None),
            Self::Passphrase(passphrase) => Ok(Some(Unlock::Passphrase(passphrase))),
            Self::KeyFile(key) => match (**key).try_into() {
                Ok(key) => Ok(Some(Unlock::KeyFile(key))),
                Err(_) => Err(Error::invalid("key_file", "A key file has 32 bytes.")),
            },
        }
    }
}
