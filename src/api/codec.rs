//! Bytes in answers and requests: Base64 in JSON, the caller's own memory in C.

use std::borrow::Cow;
use std::ops::Deref;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::{Zeroize, Zeroizing};

use crate::error::{Error, ErrorCode, Result};

/// Where an answer's bytes go: into memory of the caller, or into a new buffer.
#[derive(Default)]
pub enum Into<'a> {
    /// A new buffer.
    #[default]
    New,
    /// The caller's memory; a shorter one is [`BufferTooSmall`](crate::error::ErrorCode::BufferTooSmall).
    Memory(&'a mut [u8]),
}

/// Bytes of an answer, where they were wanted.
pub enum Blob<'a> {
    /// In a new buffer.
    Owned(Vec<u8>),
    /// At the front of the caller's memory.
    Filled(&'a mut [u8]),
}

/// Secret bytes of an answer; wiped when dropped unless they are in the caller's memory.
#[derive(Serialize)]
#[serde(transparent)]
pub struct SecretBlob<'a>(pub(super) Blob<'a>);

/// Secret text of an answer; wiped when dropped.
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// A copy of `text`, which is UTF-8.
    pub(super) fn new(text: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(text).map_err(|_| ErrorCode::Internal)?;
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl Deref for SecretText {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'a> Into<'a> {
    /// `len` zero or stale bytes to be filled; once.
    pub(crate) fn take(&mut self, len: usize) -> Result<Blob<'a>> {
        match std::mem::take(self) {
            Self::New => Ok(Blob::Owned(vec![0; len])),
            Self::Memory(memory) => match memory.get_mut(..len) {
                Some(memory) => Ok(Blob::Filled(memory)),
                None => Err(Error::too_small(len)),
            },
        }
    }
}

impl Blob<'_> {
    /// The bytes, to be filled.
    pub(crate) fn as_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Filled(bytes) => bytes,
        }
    }

    /// Keeps the first `len` bytes, if there are more; the others are zero or as they were.
    pub(crate) fn shorten(&mut self, len: usize) {
        match self {
            Self::Owned(bytes) => bytes.truncate(len),
            Self::Filled(bytes) => {
                let whole = std::mem::take(bytes);
                let len = len.min(whole.len());
                *bytes = whole.split_at_mut(len).0;
            }
        }
    }

    /// The bytes in a buffer of their own.
    pub fn into_vec(self) -> Vec<u8> {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Filled(bytes) => bytes.to_vec(),
        }
    }
}

impl Deref for Blob<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Filled(bytes) => bytes,
        }
    }
}

impl Deref for SecretBlob<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for SecretBlob<'_> {
    fn drop(&mut self) {
        if let Blob::Owned(bytes) = &mut self.0 {
            bytes.zeroize();
        }
    }
}

impl Serialize for Blob<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Wiped: some are data keys.
        serializer.serialize_str(&Zeroizing::new(STANDARD.encode(&**self)))
    }
}

/// Bytes of a request: Base64 in JSON, borrowed elsewhere. Wiped when dropped if owned: some are
/// plaintext.
pub struct Base64Bytes<'a>(pub Cow<'a, [u8]>);

/// Nothing: what was to be encrypted, decrypted or imported is none of the audit trail's business.
impl Serialize for Base64Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_none()
    }
}

impl<'a> From<&'a [u8]> for Base64Bytes<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self(bytes.into())
    }
}

impl<'de> Deserialize<'de> for Base64Bytes<'static> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        Self::decode(&text)
            .ok_or_else(|| de::Error::custom("It must be Base64 without line breaks."))
    }
}

impl Drop for Base64Bytes<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(bytes) = &mut self.0 {
            bytes.zeroize();
        }
    }
}

impl Base64Bytes<'static> {
    /// The same for a field whose faults have a code of their own: text that is not Base64 is taken
    /// as it is, and refused by what reads the bytes.
    pub(crate) fn or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        Ok(Self::decode(&text).unwrap_or_else(|| Self(text.as_bytes().to_vec().into())))
    }

    /// What has been decoded before the text is refused is wiped, too.
    fn decode(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new(vec![0; base64::decoded_len_estimate(text.len())]);
        let len = STANDARD.decode_slice(text, &mut bytes).ok()?;
        bytes.truncate(len);
        Some(Self(std::mem::take(&mut *bytes).into()))
    }
}

impl JsonSchema for Base64Bytes<'_> {
    fn schema_name() -> Cow<'static, str> {
        "Base64".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "base64" })
    }
}

/// The API's error envelope: `{"HttpStatus", "Code", "Message", "RequestId"}`.
pub fn error_json(error: &Error) -> String {
    serde_json::json!({
        "HttpStatus": error.code().http_status(),
        "Code": error.code().wire_code(),
        "Message": error.to_string(),
        "RequestId": error.request_id().map(|id| id.to_string()).unwrap_or_default(),
    })
    .to_string()
}
