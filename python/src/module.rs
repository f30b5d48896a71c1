//! What concerns the module as a whole: its memory, its tests, wiping all of it.

use kmshsm::error::ErrorCode;
use kmshsm::kms;
use kmshsm::model::Indicator;
use pyo3::prelude::*;

use crate::guard::run;

/// Sets how many bytes of locked memory keys may take in this process, before the first store is
/// created or opened.
///
/// Of more keys in use than fit, those that are not needed at the moment are wiped, and unsealed again
/// when they are.
///
/// :param bytes: 65536 to 1073741824; 4 MiB by default, which fits an RLIMIT_MEMLOCK of 8 MiB. Where
///     less may be locked there is less, as Store.status says.
#[pyfunction]
pub fn set_key_memory(py: Python<'_>, bytes: i64) -> PyResult<()> {
    // What is no size is refused like one that is too large.
    run(py, || kms::set_key_memory(usize::try_from(bytes).unwrap_or(usize::MAX)))
}

/// Whether everything that this thread's last call of a session did is approved by the standards that
/// go with the region's class of hardware. Nothing that a key at level SOFTWARE does is; and nobody has
/// validated this library.
///
/// :return: ``"approved"``, ``"not approved"``, or None if the call failed or did no cryptography.
#[pyfunction]
pub fn indicator() -> Option<&'static str> {
    match kms::last_indicator() {
        Indicator::None => None,
        Indicator::Approved => Some("approved"),
        Indicator::NotApproved => Some("not approved"),
    }
}

/// Runs every self-test and reports in JSON; see kmshsm.self_test.
#[pyfunction]
pub fn self_test_json(py: Python<'_>) -> PyResult<String> {
    run(py, || serde_json::to_string(&kms::self_test()).map_err(|_| ErrorCode::Internal.into()))
}

/// Closes every open store of this process and wipes its keys, the states of the generators and the
/// secret stacks. Stores and sessions raise ``Abi.Closed`` from then on. Returns when calls under way
/// have let go of all keys. Stores can be opened afterwards; one that another thread is opening
/// meanwhile may stay open.
#[pyfunction]
pub fn zeroize(py: Python<'_>) -> PyResult<()> {
    run(py, || {
        kms::zeroize();
        Ok(())
    })
}
