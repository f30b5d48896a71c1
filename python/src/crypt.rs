//! Encrypting and decrypting with symmetric keys, data keys, random bytes.

use kmshsm::api::{
    Decrypt, DecryptOf, Encrypt, GenerateDataKey, GenerateDataKeyWithoutPlaintext, GenerateRandom,
    Into, OVERHEAD, check_plaintext, data_key_len, random_len,
};
use kmshsm::error::Error;
use kmshsm::model::KeyId;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyBytes;

use crate::answers::DataKey;
use crate::errors::raise;
use crate::input::{CONTEXT, Input, encryption_context, key, plaintext_len};
use crate::session::{Session, call};

#[pymethods]
impl Session {
    /// Encrypts up to 6144 bytes under a symmetric key.
    ///
    /// :param key_id: A key id, alias or ARN.
    /// :param plaintext: The bytes. JSON's Base64 stands for the same bytes: both lanes read each
    ///     other's ciphertext.
    /// :param context: Must be given again to decrypt.
    #[pyo3(signature = (key_id, plaintext, context=None))]
    fn encrypt<'py>(
        &self,
        py: Python<'py>,
        key_id: PyBackedStr,
        plaintext: &Bound<'py, PyAny>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let session = self.kms()?;
        let key_id = key(&key_id, "KeyId")?;
        let plaintext = Input::of(plaintext, "plaintext")?;
        let encryption_context = encryption_context(context.as_ref(), CONTEXT)?;
        check_plaintext(plaintext.len()).map_err(raise)?;
        PyBytes::new_with(py, plaintext.len() + OVERHEAD, |out| {
            let (plaintext, into) = ((&*plaintext).into(), Into::Memory(out));
            let request = Encrypt { key_id, plaintext, encryption_context, into };
            call(py, &session, request).map(drop)
        })
    }

    /// Decrypts what encrypt, generate_data_key or the actions of the same names made.
    ///
    /// :param ciphertext: The ciphertext; it names its key.
    /// :param context: What was given to encrypt.
    #[pyo3(signature = (ciphertext, context=None))]
    fn decrypt<'py>(
        &self,
        py: Python<'py>,
        ciphertext: &Bound<'py, PyAny>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        self.opened(py, ciphertext, context.as_ref(), None)
    }

    /// The same if it is of this key; of another one it is an invalid ciphertext.
    ///
    /// :param key_id: A key id.
    /// :param ciphertext: The ciphertext.
    /// :param context: As it was encrypted.
    #[pyo3(name = "_decrypt_of", signature = (key_id, ciphertext, context=None))]
    fn decrypt_of<'py>(
        &self,
        py: Python<'py>,
        key_id: PyBackedStr,
        ciphertext: &Bound<'py, PyAny>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        self.kms()?;
        let invalid = || raise(Error::invalid("KeyId", "It must be the id of a key."));
        let key_id = KeyId::parse(&key_id).ok_or_else(invalid)?;
        self.opened(py, ciphertext, context.as_ref(), Some(key_id))
    }

    /// Makes a data key: random bytes to encrypt with, and the same bytes encrypted, to be kept
    /// beside the data and given to decrypt later.
    ///
    /// :param key_id: A key id, alias or ARN.
    /// :param number_of_bytes: 1 to 1024.
    /// :param context: Must be given again to decrypt.
    #[pyo3(signature = (key_id, number_of_bytes=32, context=None))]
    fn generate_data_key<'py>(
        &self,
        py: Python<'py>,
        key_id: PyBackedStr,
        number_of_bytes: i64,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<DataKey> {
        let session = self.kms()?;
        let key_id = key(&key_id, "KeyId")?;
        let encryption_context = encryption_context(context.as_ref(), CONTEXT)?;
        let number = data_key_len(number_of_bytes).map_err(raise)?;
        let len = number as usize;
        let mut sealed = PyBytes::new(py, b"");
        let plaintext = PyBytes::new_with(py, len, |plaintext| {
            sealed = PyBytes::new_with(py, len + OVERHEAD, |ciphertext| {
                let request = GenerateDataKey {
                    key_id,
                    key_spec: None,
                    number_of_bytes: Some(number),
                    encryption_context,
                    plaintext_into: Into::Memory(plaintext),
                    ciphertext_into: Into::Memory(ciphertext),
                };
                call(py, &session, request).map(drop)
            })?;
            Ok(())
        })?;
        Ok(DataKey::new(plaintext, sealed))
    }

    /// Makes a data key and gives its ciphertext only, for those who distribute keys they must not
    /// see.
    ///
    /// :param key_id: A key id, alias or ARN.
    /// :param number_of_bytes: 1 to 1024.
    /// :param context: Must be given again to decrypt.
    #[pyo3(signature = (key_id, number_of_bytes=32, context=None))]
    fn generate_data_key_without_plaintext<'py>(
        &self,
        py: Python<'py>,
        key_id: PyBackedStr,
        number_of_bytes: i64,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let session = self.kms()?;
        let key_id = key(&key_id, "KeyId")?;
        let encryption_context = encryption_context(context.as_ref(), CONTEXT)?;
        let number = data_key_len(number_of_bytes).map_err(raise)?;
        PyBytes::new_with(py, number as usize + OVERHEAD, |ciphertext| {
            let request = GenerateDataKeyWithoutPlaintext {
                key_id,
                key_spec: None,
                number_of_bytes: Some(number),
                encryption_context,
                into: Into::Memory(ciphertext),
            };
            call(py, &session, request).map(drop)
        })
    }

    /// Draws random bytes from the generator that also makes the keys (NIST SP 800-90A).
    ///
    /// :param length: 1 to 1024.
    #[pyo3(signature = (length))]
    fn generate_random<'py>(&self, py: Python<'py>, length: i64) -> PyResult<Bound<'py, PyBytes>> {
        let session = self.kms()?;
        let length = random_len(length).map_err(raise)?;
        PyBytes::new_with(py, length as usize, |out| {
            call(py, &session, GenerateRandom { length, into: Into::Memory(out) }).map(drop)
        })
    }
}

impl Session {
    /// The plaintext; of this key's ciphertexts alone, if there is one.
    fn opened<'py>(
        &self,
        py: Python<'py>,
        ciphertext: &Bound<'py, PyAny>,
        context: Option<&Bound<'py, PyAny>>,
        key_id: Option<KeyId>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let session = self.kms()?;
        let ciphertext = Input::of(ciphertext, "ciphertext")?;
        let encryption_context = encryption_context(context, CONTEXT)?;
        PyBytes::new_with(py, plaintext_len(&ciphertext)?, |out| {
            let (ciphertext_blob, into) = ((&*ciphertext).into(), Into::Memory(out));
            let request = Decrypt { ciphertext_blob, encryption_context, into };
            match key_id {
                None => call(py, &session, request).map(drop),
                Some(key_id) => call(py, &session, DecryptOf { key_id, request }).map(drop),
            }
        })
    }
}
