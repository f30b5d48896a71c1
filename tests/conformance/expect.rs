//! Comparing what is answered with what is expected.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Whether `found` is what a case expects: the same value, or one that fits a special one.
pub fn fits(expected: &Value, found: Option<&Value>) -> bool {
    let Some(special) = expected.as_object().and_then(|object| object.iter().next()) else {
        return found == Some(expected);
    };
    match (special.0.as_str(), special.1, found) {
        ("absent", Value::Bool(true), found) => found.is_none(),
        ("differs", other, Some(found)) => found != other,
        ("length", Value::Number(length), Some(found)) => {
            let items = found.as_array().map(Vec::len);
            let length = length.as_u64().unwrap() as usize;
            items.or(found.as_str().map(|text| text.chars().count())) == Some(length)
        }
        ("matches", Value::String(kind), Some(Value::String(text))) => matches(kind, text),
        _ => false,
    }
}

fn matches(kind: &str, text: &str) -> bool {
    match kind {
        "uuid" => uuid::Uuid::try_parse(text).is_ok_and(|uuid| uuid.to_string() == text),
        "base64" => !text.is_empty() && STANDARD.decode(text).is_ok(),
        "time" => {
            let shape: String =
                text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
            shape == "0000-00-00T00:00:00Z"
        }
        "nonempty" => !text.is_empty(),
        _ => panic!("there is no kind {kind}"),
    }
}
