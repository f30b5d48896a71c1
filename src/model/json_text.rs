//! Parameters whose value is a JSON text of its own.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A JSON text inside a request. The request may also hold the list or object itself: its reader
/// tells by the name of this type where that is allowed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct JsonText(pub String);

impl JsonText {
    /// The name by which a deserializer knows that lists and objects are welcome.
    pub const NAME: &'static str = "JsonText";
}

impl JsonSchema for JsonText {
    fn schema_name() -> Cow<'static, str> {
        Self::NAME.into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": ["string", "array", "object"] })
    }
}
