//! The two ways of a call: everything as JSON, or what crosses in bytes through the typed structs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kmshsm::api::dispatch_json;
use kmshsm::error::Result;
use kmshsm::kms::Session;
use serde_json::Value;

use crate::expect;
use crate::typed::typed;

/// How calls are made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    Json,
    Typed,
}

/// What a call answered; of a typed one, only what its function returns.
pub struct Answer {
    value: Value,
    is_whole: bool,
}

impl Answer {
    /// An answer with all its fields.
    pub fn whole(value: Value) -> Self {
        Self { value, is_whole: true }
    }

    /// Compares one field.
    pub fn check(&self, path: &str, expected: &Value) -> Result<(), String> {
        if path.is_empty() {
            let found = self.text(path);
            let is_same = found.as_deref() == expected.as_str();
            return if is_same { Ok(()) } else { Err(format!("{found:?} should be {expected}")) };
        }
        let found = self.at(path);
        if found.is_none() && !self.is_whole {
            return Ok(());
        }
        if !self.is_whole && path == "Plaintext" && expected.is_string() {
            let wanted = plain(expected.as_str().unwrap());
            let bytes = STANDARD.decode(found.and_then(Value::as_str).unwrap()).unwrap();
            return if bytes == wanted { Ok(()) } else { Err("another plaintext".into()) };
        }
        if expect::fits(expected, found) {
            return Ok(());
        }
        Err(format!("{path} should be {expected} and is {}", found.unwrap_or(&Value::Null)))
    }

    /// All that there is of the answer.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// A field as text; an empty path is the whole answer, but for what names the request.
    pub fn text(&self, path: &str) -> Option<String> {
        if path.is_empty() {
            let mut whole = self.value.clone();
            whole.as_object_mut()?.remove("RequestId");
            return Some(whole.to_string());
        }
        let found = self.at(path)?;
        Some(found.as_str().map_or_else(|| found.to_string(), str::to_owned))
    }

    fn at(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(&self.value, |value, part| match value {
            Value::Array(items) => items.get(part.parse::<usize>().ok()?),
            value => value.get(part),
        })
    }
}

/// Makes the call in its lane.
pub fn call(
    session: &Session,
    lane: Lane,
    action: &str,
    with: &Value,
    raw: Option<&str>,
) -> Result<Answer> {
    if lane == Lane::Typed
        && raw.is_none()
        && let Some(outcome) = typed(session, action, with)
    {
        return outcome.map(|value| Answer { value, is_whole: false });
    }
    let text = raw.map_or_else(|| with.to_string(), str::to_owned);
    let json = dispatch_json(session, action, Some(&text))?;
    Ok(Answer::whole(serde_json::from_str(&json).unwrap()))
}

/// A plaintext of the JSON lane as the bytes of the typed one.
pub fn plain(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap_or_else(|_| text.as_bytes().to_vec())
}
