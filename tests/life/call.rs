//! A call as both sides see it, and what the model says of it. Ids, ciphertexts and whatever else the
//! engine makes up have names like `${key1}`, as in the conformance table.

use serde_json::{Map, Value};

/// Accounts and regions: two strangers where hardware is of the GM class, the first one elsewhere.
pub const SPACES: [(&str, &str); 3] = [
    ("111122223333", "cn-hangzhou"),
    ("444455556666", "cn-hangzhou"),
    ("111122223333", "cn-hongkong"),
];

#[derive(Clone, Debug)]
pub struct Call {
    /// Which of [`SPACES`] it comes from.
    pub space: usize,
    pub action: &'static str,
    pub params: Map<String, Value>,
}

/// The whole answer, but for the request id; or the code of an error and a part of its message.
pub type Verdict = Result<Value, Refusal>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(pub &'static str, pub &'static str);

impl Call {
    pub fn new(space: usize, action: &'static str, params: Value) -> Self {
        let Value::Object(params) = params else { panic!("{action} takes an object") };
        Self { space, action, params }
    }

    pub fn text(&self, name: &str) -> &str {
        self.params.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn number(&self, name: &str) -> Option<u64> {
        self.params.get(name).and_then(Value::as_u64)
    }

    pub fn flag(&self, name: &str) -> bool {
        self.params.get(name) == Some(&Value::Bool(true))
    }

    pub fn has(&self, name: &str) -> bool {
        self.params.contains_key(name)
    }

    pub fn items(&self, name: &str) -> &[Value] {
        self.params.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
}

/// `2019-07-04T13:14:15Z`.
pub fn utc(seconds: u64) -> String {
    let at = time::OffsetDateTime::from_unix_timestamp(seconds as i64).unwrap();
    let (date, (hour, minute, second)) = (at.date(), at.to_hms());
    let month = u8::from(date.month());
    format!("{:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", date.year(), date.day())
}
