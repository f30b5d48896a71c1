//! Importing material into EXTERNAL keys.

use std::borrow::Cow;

use kmshsm::api::{GetParametersForImport, ImportKeyMaterial};
use kmshsm::model::{WrappingAlgorithm, WrappingKeySpec};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyBytes, PyDateTime, PyTzInfo};

use crate::answers::ImportParameters;
use crate::input::{Input, key, moment, word};
use crate::session::{Session, call};

#[pymethods]
impl Session {
    /// Makes a key pair that wraps material for one EXTERNAL key, and a token; both are good for 24
    /// hours and for that key only.
    ///
    /// :param key_id: A key id or ARN.
    /// :param wrapping_key_spec: RSA_2048; at level HSM in regions of the GM class also EC_SM2.
    /// :param wrapping_algorithm: For symmetric keys RSAES_OAEP_SHA_256, RSAES_OAEP_SHA_1 or
    ///     RSAES_PKCS1_V1_5 under RSA_2048, SM2PKE under EC_SM2; for key pairs
    ///     RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD under RSA_2048, for those of SM2 also
    ///     SM2PKE_SM4_ECB under EC_SM2.
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
        let session = self.kms()?;
        let key_id = key(&key_id, "KeyId")?.into_owned();
        let wrapping_key_spec =
            word(WrappingKeySpec::parse(&wrapping_key_spec), "WrappingKeySpec")?;
        let wrapping_algorithm =
            word(WrappingAlgorithm::parse(&wrapping_algorithm), "WrappingAlgorithm")?;
        let request = GetParametersForImport { key_id, wrapping_key_spec, wrapping_algorithm };
        let answer = call(py, &session, request)?;
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
        expires: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let session = self.kms()?;
        let key_id = key(&key_id, "KeyId")?;
        let material = Input::of(encrypted_key_material, "encrypted_key_material")?;
        let token = Input::of(import_token, "import_token")?;
        let expires = expires.map(|at| moment(&at, "KeyMaterialExpireUnix")).transpose()?;
        let request = ImportKeyMaterial {
            key_id,
            encrypted_key_material: (&*material).into(),
            import_token: (&*token).into(),
            key_material_expire_unix: expires,
        };
        call(py, &session, request).map(drop)
    }
}
