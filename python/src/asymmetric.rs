//! Signatures, public-key encryption, public keys.

use kmshsm::api::{
    AsymmetricDecrypt, AsymmetricEncrypt, AsymmetricSign, AsymmetricVerify, GetPublicKey, Into,
};
use kmshsm::error::ErrorCode;
use kmshsm::model::{EncryptionAlgorithm, SigningAlgorithm};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyBytes;

use crate::errors::raise;
use crate::input::{Input, key, version, word};
use crate::session::{Session, call};

#[pymethods]
impl Session {
    /// Signs a digest; of a message there is sign_message.
    ///
    /// :param key_id: A key id, alias or ARN of a key for SIGN/VERIFY.
    /// :param key_version_id: The version that signs; list_key_versions names them.
    /// :param algorithm: RSA_PSS_SHA_256 or RSA_PKCS1_SHA_256 for RSA, ECDSA_SHA_256 for EC_P256 and
    ///     EC_P256K, SM2DSA for EC_SM2.
    /// :param digest: 32 bytes: the SHA-256 of the message; for SM2DSA, SM3(Z_A | message), which
    ///     message_digest makes.
    /// :return: The signature: of RSA as long as the modulus, otherwise DER SEQUENCE { r, s }.
    #[pyo3(signature = (key_id, key_version_id, algorithm, digest))]
    fn asymmetric_sign<'py>(
        &self,
        py: Python<'py>,
        key_id: PyBackedStr,
        key_version_id: PyBackedStr,
        algorithm: PyBackedStr,
        digest: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let session = self.kms()?;
        let digest = Input::of(digest, "digest")?;
        let request = AsymmetricSign {
            key_id: key(&key_id, "KeyId")?,
            key_version_id: version(&key_version_id, "KeyVersionId")?,
            algorithm: word(SigningAlgorithm::parse(&algorithm), "Algorithm")?,
            digest: (&*digest).into(),
            into: Into::New,
        };
        Ok(PyBytes::new(py, &call(py, &session, request)?.value))
    }

    /// Tells whether a signature is one of a digest. A wrong one is False, not an error.
    ///
    /// :param key_id: A key id, alias or ARN.
    /// :param key_version_id: The version that signed.
    /// :param algorithm: As it was signed.
    /// :param digest: 32 bytes, as they were signed.
    /// :param value: The signature.
    #[pyo3(signature = (key_id, key_version_id, algorithm, digest, value))]
    fn asymmetric_verify(
        &self,
        py: Python<'_>,
        key_id: PyBackedStr,
        key_version_id: PyBackedStr,
        algorithm: PyBackedStr,
        digest: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        let session = self.kms()?;
        let digest = Input::of(digest, "digest")?;
        let value = Input::of(value, "value")?;
        let request = AsymmetricVerify {
            key_id: key(&key_id, "KeyId")?,
            key_version_id: version(&key_version_id, "KeyVersionId")?,
            algorithm: word(SigningAlgorithm::parse(&algorithm), "Algorithm")?,
            digest: (&*digest).into(),
            value: (&*value).into(),
        };
        Ok(call(py, &session, request)?.value)
    }

    /// Encrypts a short message with the public half of a key.
    ///
    /// :param key_id: A key id, alias or ARN of an asymmetric key for ENCRYPT/DECRYPT.
    /// :param key_version_id: The version that encrypts; list_key_versions names them.
    /// :param algorithm: RSAES_OAEP_SHA_256 or RSAES_OAEP_SHA_1 for RSA, SM2PKE for EC_SM2.
    /// :param plaintext: At most 190 or 214 bytes for RSA_2048, 318 or 342 for RSA_3072, 446 or 470
    ///     for RSA_4096; 1 to 6047 for EC_SM2.
    /// :return: The ciphertext: of RSA as long as the modulus; of SM2 04 | x | y | C3 | C2.
    #[pyo3(signature = (key_id, key_version_id, algorithm, plaintext))]
    fn asymmetric_encrypt<'py>(
        &self,
        py: Python<'py>,
        key_id: PyBackedStr,
        key_version_id: PyBackedStr,
        algorithm: PyBackedStr,
        plaintext: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let session = self.kms()?;
        let plaintext = Input::of(plaintext, "plaintext")?;
        let request = AsymmetricEncrypt {
            key_id: key(&key_id, "KeyId")?,
            key_version_id: version(&key_version_id, "KeyVersionId")?,
            algorithm: word(EncryptionAlgorithm::parse(&algorithm), "Algorithm")?,
            plaintext: (&*plaintext).into(),
            into: Into::New,
        };
        Ok(PyBytes::new(py, &call(py, &session, request)?.ciphertext_blob))
    }

    /// Decrypts what was encrypted with the public half of a key, here or elsewhere.
    ///
    /// :param key_id: A key id, alias or ARN.
    /// :param key_version_id: The version that decrypts.
    /// :param algorithm: As it was encrypted.
    /// :param ciphertext_blob: The ciphertext; of SM2 also in DER.
    #[pyo3(signature = (key_id, key_version_id, algorithm, ciphertext_blob))]
    fn asymmetric_decrypt<'py>(
        &self,
        py: Python<'py>,
        key_id: PyBackedStr,
        key_version_id: PyBackedStr,
        algorithm: PyBackedStr,
        ciphertext_blob: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let session = self.kms()?;
        let ciphertext_blob = Input::of(ciphertext_blob, "ciphertext_blob")?;
        let request = AsymmetricDecrypt {
            key_id: key(&key_id, "KeyId")?,
            key_version_id: version(&key_version_id, "KeyVersionId")?,
            algorithm: word(EncryptionAlgorithm::parse(&algorithm), "Algorithm")?,
            ciphertext_blob: (&*ciphertext_blob).into(),
            into: Into::New,
        };
        Ok(PyBytes::new(py, &call(py, &session, request)?.plaintext))
    }

    /// Gives the public half of an asymmetric key, in whatever state it is: SubjectPublicKeyInfo in
    /// PEM.
    ///
    /// :param key_id: A key id, alias or ARN.
    /// :param key_version_id: The version; list_key_versions names them.
    #[pyo3(signature = (key_id, key_version_id))]
    fn get_public_key(
        &self,
        py: Python<'_>,
        key_id: PyBackedStr,
        key_version_id: PyBackedStr,
    ) -> PyResult<String> {
        let session = self.kms()?;
        let request = GetPublicKey {
            key_id: key(&key_id, "KeyId")?,
            key_version_id: version(&key_version_id, "KeyVersionId")?,
            into: Into::New,
        };
        let pem = call(py, &session, request)?.public_key.into_vec();
        String::from_utf8(pem).map_err(|_| raise(ErrorCode::Internal))
    }
}
