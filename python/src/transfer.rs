//! From key to key, with the plaintext never outside.

use std::borrow::Cow;

use kmshsm::api::{ExportDataKey, GenerateAndExportDataKey, Into, ReEncrypt, data_key_len};
use kmshsm::model::{EncryptionAlgorithm, WrappingKeySpec};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyBytes;

use crate::answers::ExportedDataKey;
use crate::errors::raise;
use crate::input::{CONTEXT, Input, encryption_context, key, version, word};
use crate::session::{Session, call};

#[pymethods]
#[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
impl Session {
    /// Decrypts a ciphertext inside and encrypts the plaintext under another symmetric key, or the
    /// newest version of the same.
    ///
    /// :param ciphertext_blob: What a symmetric key has encrypted; or, with the three source
    ///     parameters, what was encrypted with a public key.
    /// :param destination_key_id: A key id or ARN: the symmetric key that encrypts.
    /// :param source_context: What was given to encrypt.
    /// :param destination_context: Must be given again to decrypt.
    /// :param source_key_id: For what was encrypted with a public key: a key id or ARN.
    /// :param source_key_version_id: For the same: the version.
    /// :param source_encryption_algorithm: For the same: RSAES_OAEP_SHA_256, RSAES_OAEP_SHA_1 or
    ///     SM2PKE.
    #[pyo3(signature = (
        ciphertext_blob,
        destination_key_id,
        *,
        source_context=None,
        destination_context=None,
        source_key_id=None,
        source_key_version_id=None,
        source_encryption_algorithm=None,
    ))]
    fn re_encrypt<'py>(
        &self,
        py: Python<'py>,
        ciphertext_blob: &Bound<'py, PyAny>,
        destination_key_id: PyBackedStr,
        source_context: Option<Bound<'py, PyAny>>,
        destination_context: Option<Bound<'py, PyAny>>,
        source_key_id: Option<PyBackedStr>,
        source_key_version_id: Option<PyBackedStr>,
        source_encryption_algorithm: Option<PyBackedStr>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let session = self.kms()?;
        let blob = Input::of(ciphertext_blob, "ciphertext_blob")?;
        let source_key_version_id = source_key_version_id.as_deref();
        let request = ReEncrypt {
            ciphertext_blob: (&*blob).into(),
            source_key_id: source_key_id
                .as_deref()
                .map(|text| key(text, "SourceKeyId"))
                .transpose()?,
            source_key_version_id: source_key_version_id
                .map(|text| version(text, "SourceKeyVersionId"))
                .transpose()?,
            source_encryption_algorithm: source_encryption_algorithm
                .map(|text| word(EncryptionAlgorithm::parse(&text), "SourceEncryptionAlgorithm"))
                .transpose()?,
            source_encryption_context: encryption_context(
                source_context.as_ref(),
                ["source_context", "SourceEncryptionContext"],
            )?,
            destination_key_id: key(&destination_key_id, "DestinationKeyId")?,
            destination_encryption_context: encryption_context(
                destination_context.as_ref(),
                ["destination_context", "DestinationEncryptionContext"],
            )?,
            into: Into::New,
        };
        Ok(PyBytes::new(py, &call(py, &session, request)?.ciphertext_blob))
    }

    /// Decrypts a data key inside and gives it encrypted with a public key of yours.
    ///
    /// :param ciphertext_blob: The data key, as generate_data_key or encrypt has encrypted it.
    /// :param public_key_blob: The public key: SubjectPublicKeyInfo in DER.
    /// :param context: What was given to encrypt.
    /// :param wrapping_key_spec: RSA_2048; EC_SM2 for keys at level HSM in regions of the GM class.
    /// :param wrapping_algorithm: RSAES_OAEP_SHA_256 or RSAES_OAEP_SHA_1 for RSA_2048, SM2PKE for
    ///     EC_SM2.
    /// :return: The data key, encrypted; of SM2 04 | x | y | C3 | C2.
    #[pyo3(
        signature = (
            ciphertext_blob,
            public_key_blob,
            context=None,
            *,
            wrapping_key_spec=Cow::Borrowed("RSA_2048"),
            wrapping_algorithm=Cow::Borrowed("RSAES_OAEP_SHA_256"),
        ),
        text_signature = "($self, ciphertext_blob, public_key_blob, context=None, *, \
                          wrapping_key_spec='RSA_2048', wrapping_algorithm='RSAES_OAEP_SHA_256')"
    )]
    fn export_data_key<'py>(
        &self,
        py: Python<'py>,
        ciphertext_blob: &Bound<'py, PyAny>,
        public_key_blob: &Bound<'py, PyAny>,
        context: Option<Bound<'py, PyAny>>,
        wrapping_key_spec: Cow<'_, str>,
        wrapping_algorithm: Cow<'_, str>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let session = self.kms()?;
        let blob = Input::of(ciphertext_blob, "ciphertext_blob")?;
        let public_key = Input::of(public_key_blob, "public_key_blob")?;
        let request = ExportDataKey {
            ciphertext_blob: (&*blob).into(),
            encryption_context: encryption_context(context.as_ref(), CONTEXT)?,
            public_key_blob: (&*public_key).into(),
            wrapping_key_spec: word(WrappingKeySpec::parse(&wrapping_key_spec), "WrappingKeySpec")?,
            wrapping_algorithm: word(
                EncryptionAlgorithm::parse(&wrapping_algorithm),
                "WrappingAlgorithm",
            )?,
            into: Into::New,
        };
        Ok(PyBytes::new(py, &call(py, &session, request)?.exported_data_key))
    }

    /// Makes a data key and gives it encrypted twice: under a key of the store, to be kept, and with
    /// a public key of yours.
    ///
    /// :param key_id: A key id, alias or ARN.
    /// :param public_key_blob: The public key: SubjectPublicKeyInfo in DER.
    /// :param number_of_bytes: 1 to 1024, and no more than the wrapping takes.
    /// :param context: Must be given again to decrypt.
    /// :param wrapping_key_spec: As for export_data_key.
    /// :param wrapping_algorithm: As for export_data_key.
    #[pyo3(
        signature = (
            key_id,
            public_key_blob,
            number_of_bytes=32,
            context=None,
            *,
            wrapping_key_spec=Cow::Borrowed("RSA_2048"),
            wrapping_algorithm=Cow::Borrowed("RSAES_OAEP_SHA_256"),
        ),
        text_signature = "($self, key_id, public_key_blob, number_of_bytes=32, \
                          context=None, *, wrapping_key_spec='RSA_2048', \
                          wrapping_algorithm='RSAES_OAEP_SHA_256')"
    )]
    fn generate_and_export_data_key(
        &self,
        py: Python<'_>,
        key_id: PyBackedStr,
        public_key_blob: &Bound<'_, PyAny>,
        number_of_bytes: i64,
        context: Option<Bound<'_, PyAny>>,
        wrapping_key_spec: Cow<'_, str>,
        wrapping_algorithm: Cow<'_, str>,
    ) -> PyResult<ExportedDataKey> {
        let session = self.kms()?;
        let public_key = Input::of(public_key_blob, "public_key_blob")?;
        let request = GenerateAndExportDataKey {
            key_id: key(&key_id, "KeyId")?,
            key_spec: None,
            number_of_bytes: Some(data_key_len(number_of_bytes).map_err(raise)?),
            encryption_context: encryption_context(context.as_ref(), CONTEXT)?,
            public_key_blob: (&*public_key).into(),
            wrapping_key_spec: word(WrappingKeySpec::parse(&wrapping_key_spec), "WrappingKeySpec")?,
            wrapping_algorithm: word(
                EncryptionAlgorithm::parse(&wrapping_algorithm),
                "WrappingAlgorithm",
            )?,
            ciphertext_into: Into::New,
            exported_into: Into::New,
        };
        let answer = call(py, &session, request)?;
        let bytes = |bytes: &[u8]| PyBytes::new(py, bytes);
        Ok(ExportedDataKey::new(bytes(&answer.ciphertext_blob), bytes(&answer.exported_data_key)))
    }
}
