//! The encryption context: pairs of texts that are authenticated with a ciphertext but not in it
//! (API reference, chapter 12.2; layout in ARCHITECTURE.md).

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer};

use crate::error::{Error, Result};
use crate::model::JsonText;
use crate::octets::Writer;

/// The longest context, in characters of its JSON text.
const MAX_CHARS: usize = 8192;

/// A map of texts, sorted by the bytes of its keys. Absent and empty are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncryptionContext(Vec<(String, String)>);

/// As it was given; an empty one as nothing.
impl Serialize for EncryptionContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.is_empty() {
            true => serializer.serialize_none(),
            false => serializer.collect_map(self.0.iter().map(|(key, value)| (key, value))),
        }
    }
}

impl EncryptionContext {
    /// Reads a JSON object of strings; the empty text is the empty context.
    /// [`InvalidParameter`](crate::error::ErrorCode::InvalidParameter) naming `parameter`
    /// otherwise.
    pub fn from_json(text: &str, parameter: &'static str) -> Result<Self> {
        Self::parse(text).map_err(|detail| Error::invalid(parameter, detail))
    }

    /// The context of these pairs, under the rules of [`Self::from_json`].
    pub fn from_pairs(
        pairs: impl IntoIterator<Item = (String, String)>,
        parameter: &'static str,
    ) -> Result<Self> {
        let context = Self(pairs.into_iter().collect());
        // Two braces, then per pair four quotes, a colon and a comma: the compact JSON text, apart
        // from escapes.
        let chars = |text: &String| text.chars().count();
        let total: usize = context.0.iter().map(|(k, v)| chars(k) + chars(v) + 6).sum();
        if total + 1 > MAX_CHARS {
            return Err(Error::invalid(parameter, "It must be at most 8192 characters of JSON."));
        }
        context.sorted().map_err(|detail| Error::invalid(parameter, detail))
    }

    /// Whether there are no pairs.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends `u32(count) | lp(k1) | lp(v1) | ...`.
    pub fn write(&self, writer: &mut Writer) {
        writer.u32(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        for (key, value) in &self.0 {
            writer.lp(key.as_bytes()).lp(value.as_bytes());
        }
    }

    fn parse(text: &str) -> Result<Self, Cow<'static, str>> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        if text.chars().count() > MAX_CHARS {
            return Err("It must be at most 8192 characters of JSON.".into());
        }
        let mut json = serde_json::Deserializer::from_str(text);
        let context = (&mut json).deserialize_map(Pairs).map_err(|_| Self::SHAPE)?;
        json.end().map_err(|_| Self::SHAPE)?;
        context.sorted()
    }

    const SHAPE: &'static str = "It must be a JSON object of strings.";

    fn sorted(mut self) -> Result<Self, Cow<'static, str>> {
        self.0.sort_unstable();
        if self.0.windows(2).any(|pair| matches!(pair, [a, b] if a.0 == b.0)) {
            return Err("Each key may occur once.".into());
        }
        Ok(self)
    }
}

/// Keeps repeated keys, which a map type would swallow.
struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = EncryptionContext;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(EncryptionContext(pairs))
    }
}

impl<'de> Deserialize<'de> for EncryptionContext {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let JsonText(text) = JsonText::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl JsonSchema for EncryptionContext {
    fn schema_name() -> Cow<'static, str> {
        "EncryptionContext".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": ["string", "object"],
            "additionalProperties": { "type": "string" },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(context: &EncryptionContext) -> Vec<u8> {
        let mut writer = Writer::default();
        context.write(&mut writer);
        writer.finish()
    }

    #[test]
    fn order_and_blanks_do_not_matter() {
        let a = EncryptionContext::from_json(r#"{"b":"2","a":"1"}"#, "C").unwrap();
        let b = EncryptionContext::from_json(r#" { "a" : "1", "b":"2"}"#, "C").unwrap();
        assert_eq!(bytes(&a), bytes(&b));
        assert_eq!(
            bytes(&a),
            hex::decode("000000020000000161000000013100000001620000000132").unwrap()
        );
    }

    #[test]
    fn what_is_not_a_map_of_texts_is_refused() {
        for text in
            [r#"{"a":1}"#, r#"["a"]"#, r#"{"a":"1","a":"1"}"#, "x", r#"{"a":{}}"#, r#"{}{}"#]
        {
            assert!(EncryptionContext::from_json(text, "C").is_err(), "{text}");
        }
    }

    #[test]
    fn absent_and_empty_are_the_same() {
        assert_eq!(EncryptionContext::from_json("{}", "C"), EncryptionContext::from_json("", "C"));
    }
}
