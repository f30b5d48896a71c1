//! What Encrypt takes and Decrypt gives back: bytes, or a text that must return as it came.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// Data of the caller. In JSON, canonical Base64 stands for the bytes it encodes; any other text is
/// itself. Either returns byte for byte (ARCHITECTURE.md, Formats: Text flag). Wiped when dropped if owned.
pub enum Plaintext<'a> {
    /// Bytes; Base64 in JSON.
    Bytes(Cow<'a, [u8]>),
    /// A text that is not canonical Base64.
    Text(Cow<'a, str>),
}

impl Plaintext<'_> {
    /// The bytes that are encrypted.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Text(text) => text.as_bytes(),
        }
    }

    /// Whether the envelope's text flag is set.
    pub const fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }
}

impl<'a> From<&'a [u8]> for Plaintext<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl Drop for Plaintext<'_> {
    fn drop(&mut self) {
        use zeroize::Zeroize;
        match self {
            Self::Bytes(Cow::Owned(bytes)) => bytes.zeroize(),
            Self::Text(Cow::Owned(text)) => text.zeroize(),
            _ => {}
        }
    }
}

impl<'de> Deserialize<'de> for Plaintext<'static> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // The standard engine refuses padding and trailing bits that encoding would not produce,
        // so what it accepts encodes to the same text again.
        // What it has decoded before it refuses is wiped, too.
        let mut bytes = Zeroizing::new(vec![0; base64::decoded_len_estimate(text.len())]);
        Ok(match STANDARD.decode_slice(&text, &mut bytes) {
            Ok(len) => {
                bytes.truncate(len);
                drop(Zeroizing::new(text));
                Self::Bytes(std::mem::take(&mut *bytes).into())
            }
            Err(_) => Self::Text(text.into()),
        })
    }
}

impl Serialize for Plaintext<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bytes(bytes) => serializer.serialize_str(&Zeroizing::new(STANDARD.encode(bytes))),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl JsonSchema for Plaintext<'_> {
    fn schema_name() -> Cow<'static, str> {
        "Plaintext".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "plaintext" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_base64_is_bytes_and_all_else_text() {
        for (text, is_text) in [
            ("", false),
            ("aGVsbG8=", false),
            ("aGVsbG9=", true),
            ("aGVsbG8", true),
            ("YourPassword1234!", true),
            ("aGVs bG8=", true),
        ] {
            let json = serde_json::Value::from(text);
            let plaintext = Plaintext::deserialize(&json).unwrap();
            assert_eq!(plaintext.is_text(), is_text, "{text}");
            assert_eq!(serde_json::to_value(&plaintext).unwrap(), json);
        }
    }
}
