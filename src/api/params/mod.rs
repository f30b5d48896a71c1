//! Parameters on their way in. Whatever lane they come by, every value travels as text, as it does
//! in the API itself; here the text becomes the typed request.

mod numbered;
mod quoted;

use std::fmt;
use std::str::FromStr;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorCode, Result};
use crate::model::JsonText;
pub(super) use quoted::unquoted;

/// Names and values of a request. Values are wiped when dropped: some are plaintext.
#[derive(Default)]
pub struct Params(Vec<Member>);

struct Member {
    name: String,
    value: Zeroizing<String>,
    /// Whether the value is the text of a list or object.
    is_structure: bool,
}

impl Params {
    /// No parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a parameter.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let value = Zeroizing::new(value.into());
        self.0.push(Member { name: name.into(), value, is_structure: false });
    }

    /// The members of a JSON object. A member that is `null` is absent; a list or object stands for
    /// its JSON text where one is taken.
    ///
    /// [`ErrorCode::ParseRequestParameterException`] unless it is a JSON object.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|_| {
            let detail = "It must be a JSON object.";
            Error::new(ErrorCode::ParseRequestParameterException).because(detail)
        })
    }

    /// The typed request: [`ErrorCode::MissingParameter`] or [`ErrorCode::InvalidParameter`],
    /// naming the parameter.
    pub fn read<T: DeserializeOwned>(self) -> Result<T> {
        let members = numbered::gather(self.0)?;
        for (at, Member { name, .. }) in members.iter().enumerate() {
            if members.iter().skip(at + 1).any(|other| other.name == *name) {
                return Err(Error::invalid(name.clone(), "It is given more than once."));
            }
        }
        T::deserialize(Request { members: &members }).map_err(|Refusal(error)| error)
    }
}

impl<'de> Deserialize<'de> for Params {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Params;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Params, A::Error> {
                let mut params = Params::new();
                while let Some((name, raw)) = map.next_entry::<String, &RawValue>()? {
                    match raw.get() {
                        "null" => {}
                        text if text.starts_with('"') => {
                            let value =
                                unquoted(raw).ok_or_else(|| de::Error::custom("It is no text."))?;
                            params.0.push(Member { name, value, is_structure: false });
                        }
                        text => {
                            let is_structure = text.starts_with(['[', '{']);
                            let value = Zeroizing::new(text.to_owned());
                            params.0.push(Member { name, value, is_structure });
                        }
                    }
                }
                Ok(params)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// Our errors in serde's clothes.
#[derive(Debug)]
struct Refusal(Error);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Refusal {}

impl de::Error for Refusal {
    fn custom<T: fmt::Display>(detail: T) -> Self {
        Self(Error::invalid("", detail.to_string()))
    }

    fn missing_field(field: &'static str) -> Self {
        Self(Error::missing(field))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let detail = match expected {
            [] => "This action takes no parameters.".to_owned(),
            names => format!("This action takes {}.", names.join(", ")),
        };
        Self(Error::invalid(field.to_owned(), detail))
    }
}

struct Request<'a> {
    members: &'a [Member],
}

impl<'de> Deserializer<'de> for Request<'_> {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_map(Members { members: self.members.iter(), current: None })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Members<'a> {
    members: std::slice::Iter<'a, Member>,
    current: Option<&'a Member>,
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = Refusal;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Refusal> {
        self.current = self.members.next();
        match self.current {
            Some(Member { name, .. }) => {
                let name: StrDeserializer<'_, Refusal> = name.as_str().into_deserializer();
                seed.deserialize(name).map(Some)
            }
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Refusal> {
        let Some(member) = self.current.take() else {
            return Err(Refusal(ErrorCode::Internal.into()));
        };
        // Whatever a value's own reader says, the error names the parameter.
        seed.deserialize(Text(member))
            .map_err(|Refusal(error)| Refusal(error.about(member.name.clone())))
    }
}

/// One value: text that becomes what its reader asks for.
struct Text<'a>(&'a Member);

impl Text<'_> {
    fn single(&self) -> Result<&str, Refusal> {
        if self.0.is_structure {
            return Err(de::Error::custom("It must be a single value."));
        }
        Ok(&self.0.value)
    }

    fn number<T: FromStr + fmt::Display>(&self, most: T) -> Result<T, Refusal> {
        let refusal =
            || de::Error::custom(format_args!("It must be a whole number from 0 to {most}."));
        let text = self.single()?;
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refusal());
        }
        text.parse().map_err(|_| refusal())
    }
}

impl<'de> Deserializer<'de> for Text<'_> {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_str(self.single()?)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        // Official SDKs send True and true alike.
        match self.single()? {
            text if text.eq_ignore_ascii_case("true") => visitor.visit_bool(true),
            text if text.eq_ignore_ascii_case("false") => visitor.visit_bool(false),
            _ => Err(de::Error::custom("It must be true or false.")),
        }
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_u32(self.number(u32::MAX)?)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_u64(self.number(u64::MAX)?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        if name == JsonText::NAME {
            return visitor.visit_newtype_struct(self.0.value.as_str().into_deserializer());
        }
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Debug, Default, PartialEq)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    struct Sample {
        name: String,
        #[serde(default)]
        count: Option<u32>,
        #[serde(default)]
        on: bool,
        #[serde(default)]
        text: Option<JsonText>,
    }

    fn read(json: &str) -> Result<Sample> {
        Params::from_json(json)?.read()
    }

    #[test]
    fn text_numbers_and_booleans_are_alike() {
        let expected = Sample { name: "12".into(), count: Some(3), on: true, text: None };
        assert_eq!(read(r#"{"Name":12,"Count":"3","On":"True"}"#), Ok(expected));
        let expected = Sample {
            name: "x".into(),
            text: Some(JsonText("{\"a\": 1}".into())),
            ..Sample::default()
        };
        assert_eq!(read(r#"{"Name":"x","Text":{"a": 1},"Count":null}"#), Ok(expected));
    }

    #[test]
    fn errors_name_the_parameter() {
        let says = |json: &str| read(json).unwrap_err().to_string();
        assert!(says("{}").contains("\"Name\" is needed"));
        assert!(says(r#"{"Name":"","Count":-1}"#).contains("\"Count\" is not valid"));
        assert!(says(r#"{"Name":"","Other":1}"#).contains("\"Other\" is not valid"));
        assert!(says(r#"{"Name":"","Name":"x"}"#).contains("more than once"));
        assert!(says(r#"{"Name":[]}"#).contains("\"Name\" is not valid"));
        for text in ["", "[]", "1", "{", "{}x"] {
            let error = Params::from_json(text).err().map(|error| error.code());
            assert_eq!(error, Some(ErrorCode::ParseRequestParameterException), "{text}");
        }
    }
}
