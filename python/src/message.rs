//! Digests of messages, as they are signed.

use kmshsm::api::{self, DigestMessage};
use kmshsm::model::SigningAlgorithm;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyBytes;

use crate::guard::run;
use crate::input::{Input, key, version, word};
use crate::session::{Session, call};

/// The digest of a message that comes in pieces, as asymmetric_sign and asymmetric_verify take it,
/// in the manner of hashlib; see Session.message_digest.
///
/// It needs its session and its store no longer. It is for one thread at a time, as pieces have an order: a call
/// while another is under way raises RuntimeError.
#[pyclass(module = "kmshsm")]
pub struct MessageDigest(api::MessageDigest);

#[pymethods]
impl MessageDigest {
    /// Goes on with the next piece. Other threads run meanwhile.
    ///
    /// :param data: The piece.
    #[pyo3(signature = (data))]
    fn update(&mut self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let data = Input::of(data, "data")?;
        run(py, || {
            self.0.update(&data);
            Ok(())
        })
    }

    /// The digest of all pieces up to now: 32 bytes. More may follow.
    fn digest<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &run(py, || Ok(self.0.clone().finish()))?))
    }
}

#[pymethods]
impl Session {
    /// Begins the digest of a message that a key signs or has signed: SHA-256, for SM2DSA
    /// SM3(Z_A | message), where Z_A stands for the signer's name and public key (GB/T 32918.2).
    ///
    /// :param key_id: A key id, alias or ARN of a key for SIGN/VERIFY.
    /// :param key_version_id: The version that signs.
    /// :param algorithm: How it signs.
    /// :param user_id: The signer's name, for SM2DSA only: 1 to 8191 bytes. None:
    ///     1234567812345678.
    #[pyo3(signature = (key_id, key_version_id, algorithm, *, user_id=None))]
    fn message_digest(
        &self,
        py: Python<'_>,
        key_id: PyBackedStr,
        key_version_id: PyBackedStr,
        algorithm: PyBackedStr,
        user_id: Option<Bound<'_, PyAny>>,
    ) -> PyResult<MessageDigest> {
        let session = self.kms()?;
        let user_id = user_id.as_ref().map(|id| Input::of(id, "user_id")).transpose()?;
        let request = DigestMessage {
            key_id: key(&key_id, "KeyId")?,
            key_version_id: version(&key_version_id, "KeyVersionId")?,
            algorithm: word(SigningAlgorithm::parse(&algorithm), "Algorithm")?,
            user_id: user_id.as_deref(),
        };
        Ok(MessageDigest(call(py, &session, request)?.digest))
    }
}
