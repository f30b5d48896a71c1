//! JSON as the trail has it: compact, in UTF-8, with the fewest escapes, lower case. It is what
//! `serde_json` writes, and Python's `json.dumps` with `ensure_ascii=False, separators=(",", ":")`.

use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Appends a text with its quotes.
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escaped(out, text);
    out.push(b'"');
}

/// Appends what stands for a text between quotes.
pub(super) fn escaped(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| is_escaped(*byte)) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((byte, after)) = special.split_first() else { return };
        escape(out, *byte);
        rest = after;
    }
    out.extend_from_slice(rest);
}

const fn is_escaped(byte: u8) -> bool {
    matches!(byte, 0..0x20 | b'"' | b'\\')
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x09 => b't',
        0x0a => b'n',
        0x0c => b'f',
        0x0d => b'r',
        _ => {
            let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Whether this is the text of one JSON object in that form. Fractions are in no event, and Python
/// would write some of them otherwise.
pub(super) fn is_canonical(text: &str) -> bool {
    let mut again = Vec::with_capacity(text.len());
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = Again(&mut again).deserialize(&mut reader);
    text.starts_with('{') && read.is_ok() && reader.end().is_ok() && again == text.as_bytes()
}

/// Writes what it reads. `serde_json::Value` gives some names of members a meaning of its own, and
/// callers may choose names.
struct Again<'o>(&'o mut Vec<u8>);

impl Again<'_> {
    fn put(self, text: impl fmt::Display) {
        self.0.extend_from_slice(text.to_string().as_bytes());
    }
}

impl<'de> DeserializeSeed<'de> for Again<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Again<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without fractions")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.put("null");
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.put(value);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.put(value);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.put(value);
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        text(self.0, value);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.0.push(b'[');
        let start = self.0.len();
        while seq.next_element_seed(Again(&mut *self.0))?.is_some() {
            self.0.push(b',');
        }
        self.0.truncate(self.0.len() - usize::from(self.0.len() > start));
        self.0.push(b']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.0.push(b'{');
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !names.is_empty() {
                self.0.push(b',');
            }
            text(self.0, &name);
            if !names.insert(name) {
                return Err(de::Error::custom("a name is given twice"));
            }
            self.0.push(b':');
            map.next_value_seed(Again(&mut *self.0))?;
        }
        self.0.push(b'}');
        Ok(())
    }
}
