//! Data keys: random bytes for the caller, and the same bytes encrypted (API reference, chapter
//! 12.4).

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::codec::SecretBlob;
use crate::api::{Blob, Into};
use crate::error::{Error, Result};
use crate::hsm::{Envelope, OVERHEAD};
use crate::kms::{Access, Action, Aliases, Door, Plane, Purpose, Rule};
use crate::model::{Drawing, EncryptionContext, KeyId, KeyRef, KeyVersionId, Sealing};

/// The longest data key in bytes.
pub const MAX_DATA_KEY: u32 = 1024;

/// The length of a data key by the name of a cipher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum DataKeySpec {
    /// 32 bytes.
    #[default]
    #[serde(rename = "AES_256")]
    Aes256,
    /// 16 bytes.
    #[serde(rename = "AES_128")]
    Aes128,
}

impl<'de> Deserialize<'de> for DataKeySpec {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match &*Cow::<str>::deserialize(deserializer)? {
            "AES_256" => Ok(Self::Aes256),
            "AES_128" => Ok(Self::Aes128),
            _ => Err(serde::de::Error::custom("It must be one of AES_256, AES_128.")),
        }
    }
}

impl JsonSchema for DataKeySpec {
    fn schema_name() -> Cow<'static, str> {
        "DataKeySpec".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "enum": ["AES_256", "AES_128"] })
    }
}

/// Makes a data key: random bytes, and their ciphertext to be kept beside the data.
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, bound(deserialize = "'a: 'static"))]
pub struct GenerateDataKey<'a> {
    /// A key id, an alias, or the ARN of a key.
    pub key_id: KeyRef<'a>,
    /// The length of the data key by the name of a cipher. Default: AES_256.
    #[serde(default)]
    pub key_spec: Option<DataKeySpec>,
    /// The length of the data key in bytes, 1 to 1024; wins over KeySpec.
    #[serde(default)]
    pub number_of_bytes: Option<u32>,
    /// A JSON object of strings, at most 8192 characters; must be given again to decrypt.
    #[serde(default)]
    pub encryption_context: EncryptionContext,
    /// Where the data key goes.
    #[serde(skip)]
    #[schemars(skip)]
    pub plaintext_into: Into<'a>,
    /// Where its ciphertext goes.
    #[serde(skip)]
    #[schemars(skip)]
    pub ciphertext_into: Into<'a>,
}

/// The answer of GenerateDataKey.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DataKey<'a> {
    /// The key.
    pub key_id: KeyId,
    /// The version that encrypted.
    pub key_version_id: KeyVersionId,
    /// The data key, encrypted.
    pub ciphertext_blob: Blob<'a>,
    /// The data key; wiped when dropped unless it is in the caller's memory.
    pub plaintext: SecretBlob<'a>,
}

impl<'a> Action for GenerateDataKey<'a> {
    const NAME: &'static str = "GenerateDataKey";
    const ACCESS: Access = Access::Read;
    const PLANE: Plane = Plane::Data;
    type Answer = DataKey<'a>;

    fn run(&mut self, door: &Door<'_>) -> Result<DataKey<'a>> {
        let len = length(self.key_spec, self.number_of_bytes)?;
        // Room is claimed before anything is made.
        let ciphertext = self.ciphertext_into.take(len + OVERHEAD)?;
        let mut plaintext = SecretBlob(self.plaintext_into.take(len)?);
        let context = &self.encryption_context;
        let made = generate(door, &self.key_id, context, ciphertext, Some(plaintext.0.as_mut()))?;
        let WrappedDataKey { key_id, key_version_id, ciphertext_blob } = made;
        Ok(DataKey { key_id, key_version_id, ciphertext_blob, plaintext })
    }

    fn withdraw(mut answer: DataKey<'a>) {
        answer.ciphertext_blob.as_mut().fill(0);
        answer.plaintext.0.as_mut().fill(0);
    }
}

/// Makes a data key and answers its ciphertext only.
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, bound(deserialize = "'a: 'static"))]
pub struct GenerateDataKeyWithoutPlaintext<'a> {
    /// A key id, an alias, or the ARN of a key.
    pub key_id: KeyRef<'a>,
    /// The length of the data key by the name of a cipher. Default: AES_256.
    #[serde(default)]
    pub key_spec: Option<DataKeySpec>,
    /// The length of the data key in bytes, 1 to 1024; wins over KeySpec.
    #[serde(default)]
    pub number_of_bytes: Option<u32>,
    /// A JSON object of strings, at most 8192 characters; must be given again to decrypt.
    #[serde(default)]
    pub encryption_context: EncryptionContext,
    /// Where the ciphertext goes.
    #[serde(skip)]
    #[schemars(skip)]
    pub into: Into<'a>,
}

/// The answer of GenerateDataKeyWithoutPlaintext.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct WrappedDataKey<'a> {
    /// The key.
    pub key_id: KeyId,
    /// The version that encrypted.
    pub key_version_id: KeyVersionId,
    /// The data key, encrypted.
    pub ciphertext_blob: Blob<'a>,
}

impl<'a> Action for GenerateDataKeyWithoutPlaintext<'a> {
    const NAME: &'static str = "GenerateDataKeyWithoutPlaintext";
    const ACCESS: Access = Access::Read;
    const PLANE: Plane = Plane::Data;
    type Answer = WrappedDataKey<'a>;

    fn run(&mut self, door: &Door<'_>) -> Result<WrappedDataKey<'a>> {
        let len = length(self.key_spec, self.number_of_bytes)?;
        let blob = self.into.take(len + OVERHEAD)?;
        generate(door, &self.key_id, &self.encryption_context, blob, None)
    }

    fn withdraw(mut answer: WrappedDataKey<'a>) {
        answer.ciphertext_blob.as_mut().fill(0);
    }
}

/// The length of a data key: 1 to [`MAX_DATA_KEY`] bytes.
pub fn data_key_len(bytes: impl TryInto<u32>) -> Result<u32> {
    match bytes.try_into() {
        Ok(bytes @ 1..=MAX_DATA_KEY) => Ok(bytes),
        _ => Err(Error::invalid("NumberOfBytes", "It must be 1 to 1024.")),
    }
}

pub(super) fn length(spec: Option<DataKeySpec>, bytes: Option<u32>) -> Result<usize> {
    match (bytes, spec.unwrap_or_default()) {
        (Some(bytes), _) => Ok(data_key_len(bytes)? as usize),
        (None, DataKeySpec::Aes256) => Ok(32),
        (None, DataKeySpec::Aes128) => Ok(16),
    }
}

/// Makes a data key of the length that `blob` leaves, sealed into it, and to `plaintext` if wanted.
fn generate<'b>(
    door: &Door<'_>,
    key: &KeyRef<'_>,
    context: &EncryptionContext,
    mut blob: Blob<'b>,
    mut plaintext: Option<&mut [u8]>,
) -> Result<WrappedDataKey<'b>> {
    let key = door.key(key, Aliases::Taken, Rule::Use(Purpose::Envelope))?;
    let version = key.record().primary()?.id;
    let drawing = door.admit_use(key.record().level, key.record().spec, Drawing)?;
    door.with_material(&key, version, Sealing, |material, permit| {
        let plaintext = plaintext.as_deref_mut();
        let key = material.symmetric(permit)?;
        Envelope::seal_data_key(drawing, key, &version, context, blob.as_mut(), plaintext)
    })?;
    let key_id = key.record().id;
    Ok(WrappedDataKey { key_id, key_version_id: version, ciphertext_blob: blob })
}
