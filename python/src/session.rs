//! A session: any action in JSON, and bytes as bytes.

use std::borrow::Cow;
use std::sync::Arc;

use kmshsm::api::{
    self, Decrypt, Encrypt, GenerateDataKey, GenerateDataKeyWithoutPlaintext, GenerateRandom,
    GetParametersForImport, ImportKeyMaterial, Into, OVERHEAD, check_plaintext, data_key_len,
    random_len,
};
use kmshsm::error::{Error, Result};
use kmshsm::kms;
use kmshsm::model::{WrappingAlgorithm, WrappingKeySpec};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyBytes, PyDateTime, PyTzInfo};

use crate::answers::{DataKey, ImportParameters};
use crate::errors::{raise, unpicklable};
use crate::guard::{Closable, run};
use crate::input::{Input, context, key, moment, plaintext_len};
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

/// An argument that may be left out.
type Maybe<'py> = Option<Bound<'py, PyAny>>;

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
    fn call_json(
        &self,
        py: Python<'_>,
        action: PyBackedStr,
        parameters: PyBackedStr,
    ) -> PyResult<String> {
        let session = self.session.get()?;
        let answer = run(py, || api::dispatch_json(&session, &action, Some(&parameters)))?;
        Ok(answer.to_string())
    }

    /// Encrypts up to 6144 bytes under a symmetric key.
    ///
    /// :param key_id: A key id, alias or ARN.
    /// :param plaintext: The bytes. JSON's Base64 stands for the same bytes: both lanes read each
    ///     other's ciphertext.
    /// :param encryption_context: Must be given again to decrypt.
    #[pyo3(signature = (key_id, plaintext, encryption_context=None))]
    fn encrypt<'py>(
        &self,
        py: Python<'py>,
        key_id: PyBackedStr,
        plaintext: &Bound<'py, PyAny>,
        encryption_context: Maybe<'py>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let session = self.session.get()?;
        let key_id = key(&key_id)?;
        let plaintext = Input::of(plaintext, "plaintext")?;
        let encryption_context = context(encryption_context.as_ref())?;
        check_plaintext(plaintext.len()).map_err(raise)?;
        PyBytes::new_with(py, plaintext.len() + OVERHEAD, |out| {
            run(py, || {
                let (plaintext, into) = ((&*plaintext).into(), Into::Memory(out));
                done(session.call(Encrypt { key_id, plaintext, encryption_context, into }))
            })
        })
    }

    /// Decrypts what encrypt, generate_data_key or the actions of the same names made.
    ///
    /// :param ciphertext: The ciphertext; it names its key.
    /// :param encryption_context: What was given to encrypt.
    #[pyo3(signature = (ciphertext, encryption_context=None))]
    fn decrypt<'py>(
        &self,
        py: Python<'py>,
        ciphertext: &Bound<'py, PyAny>,
        encryption_context: Maybe<'py>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let session = self.session.get()?;
        let ciphertext = Input::of(ciphertext, "ciphertext")?;
        let encryption_context = context(encryption_context.as_ref())?;
        PyBytes::new_with(py, plaintext_len(&ciphertext)?, |out| {
            run(py, || {
                let (ciphertext_blob, into) = ((&*ciphertext).into(), Into::Memory(out));
                done(session.call(Decrypt { ciphertext_blob, encryption_context, into }))
            })
        })
    }

    /// Makes a data key: random bytes to encrypt with, and the same bytes encrypted, to be kept
    /// beside the data and given to decrypt later.
    ///
    /// :param key_id: A key id, alias or ARN.
    /// :param number_of_bytes: 1 to 1024.
    /// :param encryption_context: Must be given again to decrypt.
    #[pyo3(signature = (key_id, number_of_bytes=32, encryption_context=None))]
    fn generate_data_key<'py>(
        &self,
        py: Python<'py>,
        key_id: PyBackedStr,
        number_of_bytes: i64,
        encryption_context: Maybe<'py>,
    ) -> PyResult<DataKey> {
        let session = self.session.get()?;
        let key_id = key(&key_id)?;
        let encryption_context = context(encryption_context.as_ref())?;
        let number = data_key_len(number_of_bytes).map_err(raise)?;
        let len = number as usize;
        let mut sealed = PyBytes::new(py, b"");
        let plaintext = PyBytes::new_with(py, len, |plaintext| {
            sealed = PyBytes::new_with(py, len + OVERHEAD, |ciphertext| {
                run(py, || {
                    done(session.call(GenerateDataKey {
                        key_id,
                        key_spec: None,
                        number_of_bytes: Some(number),
                        encryption_context,
                        plaintext_into: Into::Memory(plaintext),
                        ciphertext_into: Into::Memory(ciphertext),
                    }))
                })
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
    /// :param encryption_context: Must be given again to decrypt.
    #[pyo3(signature = (key_id, number_of_bytes=32, encryption_context=None))]
    fn generate_data_key_without_plaintext<'py>(
        &self,
        py: Python<'py>,
        key_id: PyBackedStr,
        number_of_bytes: i64,
        encryption_context: Maybe<'py>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let session = self.session.get()?;
        let key_id = key(&key_id)?;
        let encryption_context = context(encryption_context.as_ref())?;
        let number = data_key_len(number_of_bytes).map_err(raise)?;
        PyBytes::new_with(py, number as usize + OVERHEAD, |ciphertext| {
            run(py, || {
                done(session.call(GenerateDataKeyWithoutPlaintext {
                    key_id,
                    key_spec: None,
                    number_of_bytes: Some(number),
                    encryption_context,
                    into: Into::Memory(ciphertext),
                }))
            })
        })
    }

    /// Draws random bytes from the generator that also makes the keys (NIST SP 800-90A).
    ///
    /// :param length: 1 to 1024.
    #[pyo3(signature = (length))]
    fn generate_random<'py>(&self, py: Python<'py>, length: i64) -> PyResult<Bound<'py, PyBytes>> {
        let session = self.session.get()?;
        let length = random_len(length).map_err(raise)?;
        PyBytes::new_with(py, length as usize, |out| {
            run(py, || done(session.call(GenerateRandom { length, into: Into::Memory(out) })))
        })
    }

    /// Makes a key pair that wraps material for one EXTERNAL key, and a token; both are good for 24
    /// hours and for that key only.
    ///
    /// :param key_id: A key id or ARN.
    /// :param wrapping_key_spec: RSA_2048.
    /// :param wrapping_algorithm: RSAES_OAEP_SHA_256, RSAES_OAEP_SHA_1 or RSAES_PKCS1_V1_5.
    #[pyo3(
        signature = (
            key_id,
            wrapping_key_spec=Cow::Borrowed("RSA_2048"),
            wrapping_algorithm=Cow::Borrowed("RSAES_OAEP_SHA_256"),
        ),
        text_signature = "($self, key_id, wrapping_key_spec='RSA_2048', \
                          wrapping_algorithm='RSAES_OAEP_SHA_256')"
    )]
    fn get_parameters_for_import(
        &self,
        py: Python<'_>,
        key_id: PyBackedStr,
        wrapping_key_spec: Cow<'_, str>,
        wrapping_algorithm: Cow<'_, str>,
    ) -> PyResult<ImportParameters> {
        let session = self.session.get()?;
        let key_id = key(&key_id)?.into_owned();
        let invalid = |name: &'static str| move |detail| raise(Error::invalid(name, detail));
        let wrapping_key_spec =
            WrappingKeySpec::parse(&wrapping_key_spec).map_err(invalid("WrappingKeySpec"))?;
        let wrapping_algorithm =
            WrappingAlgorithm::parse(&wrapping_algorithm).map_err(invalid("WrappingAlgorithm"))?;
        let request = GetParametersForImport { key_id, wrapping_key_spec, wrapping_algorithm };
        let answer = run(py, || Ok(session.call(request)?.answer))?;
        let expires = answer.token_expire_time.0 as f64;
        let expires = PyDateTime::from_timestamp(py, expires, Some(&*PyTzInfo::utc(py)?))?;
        let bytes = |bytes: &[u8]| PyBytes::new(py, bytes);
        Ok(ImportParameters::new(bytes(&answer.public_key), bytes(&answer.import_token), expires))
    }

    /// Imports wrapped material into an EXTERNAL key, which is enabled by that if it waited for it.
    ///
    /// :param key_id: The key that the token was issued for.
    /// :param encrypted_key_material: The material, wrapped with the public key that came with the
    ///     token.
    /// :param import_token: The token.
    /// :param expires: When the material is destroyed: a datetime with a time zone, or Unix
    ///     seconds. None and 0: never.
    #[pyo3(signature = (key_id, encrypted_key_material, import_token, *, expires=None))]
    fn import_key_material(
        &self,
        py: Python<'_>,
        key_id: PyBackedStr,
        encrypted_key_material: &Bound<'_, PyAny>,
        import_token: &Bound<'_, PyAny>,
        expires: Maybe<'_>,
    ) -> PyResult<()> {
        let session = self.session.get()?;
        let key_id = key(&key_id)?;
        let material = Input::of(encrypted_key_material, "encrypted_key_material")?;
        let token = Input::of(import_token, "import_token")?;
        let expires = expires.map(|at| moment(&at, "KeyMaterialExpireUnix")).transpose()?;
        run(py, || {
            done(session.call(ImportKeyMaterial {
                key_id,
                encrypted_key_material: (&*material).into(),
                import_token: (&*token).into(),
                key_material_expire_unix: expires,
            }))
        })
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

/// The answer is in the caller's memory.
fn done<T>(reply: Result<kms::Reply<T>>) -> Result<()> {
    reply.map(drop)
}
