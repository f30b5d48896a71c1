//! Data keys under a public key of the caller's: ExportDataKey and GenerateAndExportDataKey (API
//! reference, chapter 12.5).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::datakeys::{DataKeySpec, length};
use crate::api::{Base64Bytes, Blob, Into};
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::{Envelope, OVERHEAD, PublicKey, Transfer};
use crate::kms::{Access, Action, Aliases, Door, Key, Plane, Purpose, Rule};
use crate::model::{
    Drawing, EncryptionAlgorithm, EncryptionContext, KeyId, KeyRef, KeyVersionId, Permit, Sealing,
    WrappingKeySpec,
};

/// Decrypts a data key inside and gives it encrypted with a public key of the caller's.
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, bound(deserialize = "'a: 'static"))]
pub struct ExportDataKey<'a> {
    /// The data key, as GenerateDataKey or Encrypt has encrypted it.
    pub ciphertext_blob: Base64Bytes<'a>,
    /// What was given to encrypt.
    #[serde(default)]
    pub encryption_context: EncryptionContext,
    /// The public key: SubjectPublicKeyInfo in DER.
    pub public_key_blob: Base64Bytes<'a>,
    /// The kind of public key. EC_SM2 for keys at level HSM in regions of the GM class.
    pub wrapping_key_spec: WrappingKeySpec,
    /// RSAES_OAEP_SHA_256 or RSAES_OAEP_SHA_1 for RSA_2048, SM2PKE for EC_SM2.
    pub wrapping_algorithm: EncryptionAlgorithm,
    /// Where the exported data key goes.
    #[serde(skip)]
    #[schemars(skip)]
    pub into: Into<'a>,
}

/// The answer of ExportDataKey.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ExportedDataKey<'a> {
    /// The key that decrypted.
    pub key_id: KeyId,
    /// The version that decrypted.
    pub key_version_id: KeyVersionId,
    /// The data key, encrypted with the public key.
    pub exported_data_key: Blob<'a>,
}

impl<'a> Action for ExportDataKey<'a> {
    const NAME: &'static str = "ExportDataKey";
    const ACCESS: Access = Access::Read;
    const PLANE: Plane = Plane::Data;
    type Answer = ExportedDataKey<'a>;

    fn run(&mut self, door: &Door<'_>) -> Result<ExportedDataKey<'a>> {
        let wrapping = Wrapping::new(
            self.wrapping_key_spec,
            self.wrapping_algorithm,
            &self.public_key_blob.0,
        )?;
        let envelope = Envelope::parse(&self.ciphertext_blob.0)?;
        if envelope.is_text() {
            let detail = "It holds a text; only bytes are exported.";
            return Err(Error::invalid("CiphertextBlob", detail));
        }
        let len = wrapping.len(envelope.plaintext_len(), "CiphertextBlob")?;
        let version = envelope.version();
        let key = door.key_of_version(version)?;
        let exporting = wrapping.admit(door, &key)?;
        let mut exported = self.into.take(len)?;

        // Held while there is a plaintext: closing waits for it.
        let _keyring = door.keyring()?;
        door.with_material(&key, version, Sealing, |material, permit| {
            Transfer::open(material.symmetric(permit)?, &envelope, &self.encryption_context)?.wrap(
                exporting,
                &wrapping.key,
                exported.as_mut(),
            )
        })?;
        Ok(ExportedDataKey {
            key_id: key.record().id,
            key_version_id: version,
            exported_data_key: exported,
        })
    }

    fn withdraw(mut answer: ExportedDataKey<'a>) {
        answer.exported_data_key.as_mut().fill(0);
    }
}

/// Makes a data key and gives it encrypted twice: under the key, and with a public key of the caller's.
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, bound(deserialize = "'a: 'static"))]
pub struct GenerateAndExportDataKey<'a> {
    /// A key id, an alias, or the ARN of a key.
    pub key_id: KeyRef<'a>,
    /// The length of the data key by the name of a cipher. Default: AES_256.
    #[serde(default)]
    pub key_spec: Option<DataKeySpec>,
    /// The length of the data key in bytes, 1 to 1024, and no more than the wrapping takes; wins over KeySpec.
    #[serde(default)]
    pub number_of_bytes: Option<u32>,
    /// A JSON object of strings, at most 8192 characters; must be given again to decrypt.
    #[serde(default)]
    pub encryption_context: EncryptionContext,
    /// The public key: SubjectPublicKeyInfo in DER.
    pub public_key_blob: Base64Bytes<'a>,
    /// The kind of public key. EC_SM2 for keys at level HSM in regions of the GM class.
    pub wrapping_key_spec: WrappingKeySpec,
    /// RSAES_OAEP_SHA_256 or RSAES_OAEP_SHA_1 for RSA_2048, SM2PKE for EC_SM2.
    pub wrapping_algorithm: EncryptionAlgorithm,
    /// Where the ciphertext goes.
    #[serde(skip)]
    #[schemars(skip)]
    pub ciphertext_into: Into<'a>,
    /// Where the exported data key goes.
    #[serde(skip)]
    #[schemars(skip)]
    pub exported_into: Into<'a>,
}

/// The answer of GenerateAndExportDataKey.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DataKeyForExport<'a> {
    /// The key.
    pub key_id: KeyId,
    /// The version that encrypted.
    pub key_version_id: KeyVersionId,
    /// The data key, encrypted under the key.
    pub ciphertext_blob: Blob<'a>,
    /// The data key, encrypted with the public key.
    pub exported_data_key: Blob<'a>,
}

impl<'a> Action for GenerateAndExportDataKey<'a> {
    const NAME: &'static str = "GenerateAndExportDataKey";
    const ACCESS: Access = Access::Read;
    const PLANE: Plane = Plane::Data;
    type Answer = DataKeyForExport<'a>;

    fn run(&mut self, door: &Door<'_>) -> Result<DataKeyForExport<'a>> {
        let wrapping = Wrapping::new(
            self.wrapping_key_spec,
            self.wrapping_algorithm,
            &self.public_key_blob.0,
        )?;
        let len = length(self.key_spec, self.number_of_bytes)?;
        let exported_len = wrapping.len(len, "NumberOfBytes")?;
        let key = door.key(&self.key_id, Aliases::Taken, Rule::Use(Purpose::Envelope))?;
        let exporting = wrapping.admit(door, &key)?;
        let version = key.record().primary()?.id;
        let mut blob = self.ciphertext_into.take(len + OVERHEAD)?;
        let mut exported = self.exported_into.take(exported_len)?;

        // Held while there is a data key: closing waits for it.
        let _keyring = door.keyring()?;
        let drawing = door.admit_use(key.record().level, key.record().spec, Drawing)?;
        door.with_material(&key, version, Sealing, |material, permit| {
            let data_key = Transfer::data_key(drawing, len)?;
            let context = &self.encryption_context;
            data_key.seal(material.symmetric(permit)?, &version, context, blob.as_mut())?;
            data_key.wrap(exporting, &wrapping.key, exported.as_mut())
        })
        .inspect_err(|_| blob.as_mut().fill(0))?;
        Ok(DataKeyForExport {
            key_id: key.record().id,
            key_version_id: version,
            ciphertext_blob: blob,
            exported_data_key: exported,
        })
    }

    fn withdraw(mut answer: DataKeyForExport<'a>) {
        answer.ciphertext_blob.as_mut().fill(0);
        answer.exported_data_key.as_mut().fill(0);
    }
}

/// A public key of the caller's and how it encrypts.
struct Wrapping {
    spec: WrappingKeySpec,
    algorithm: EncryptionAlgorithm,
    key: PublicKey,
}

impl Wrapping {
    fn new(spec: WrappingKeySpec, algorithm: EncryptionAlgorithm, spki: &[u8]) -> Result<Self> {
        if !algorithm.fits(spec.key_spec()) {
            let detail = format!("{algorithm} is not for keys of spec {spec}.");
            return Err(Error::invalid("WrappingAlgorithm", detail));
        }
        let key = PublicKey::from_spki(spec, spki).map_err(|error| match error.code() {
            ErrorCode::InvalidKeyMaterial => Error::invalid(
                "PublicKeyBlob",
                format!(
                    "It must be the SubjectPublicKeyInfo of an {spec} key in DER: \
                     of PEM, the bytes inside."
                ),
            ),
            _ => error,
        })?;
        Ok(Self { spec, algorithm, key })
    }

    /// The length of so many bytes when they are encrypted; refuses `parameter` if they are too many.
    fn len(&self, plaintext_len: usize, parameter: &'static str) -> Result<usize> {
        let range = self.algorithm.plaintext_len(self.spec.key_spec());
        if !range.contains(&plaintext_len) {
            let detail = format!(
                "With {} a data key has {} to {} bytes.",
                self.algorithm,
                range.start().max(&1),
                range.end()
            );
            return Err(Error::invalid(parameter, detail));
        }
        Ok(EncryptionAlgorithm::ciphertext_len(self.spec.key_spec(), plaintext_len))
    }

    /// SM2 is offered where keys of the same level can be SM2 keys.
    fn admit(&self, door: &Door<'_>, key: &Key) -> Result<Permit<EncryptionAlgorithm>> {
        door.admit_use(key.record().level, self.spec.key_spec(), self.algorithm)
            .map_err(|error| error.about("WrappingKeySpec"))
    }
}
