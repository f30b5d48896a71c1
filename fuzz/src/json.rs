//! Parameters of actions, built from the actions' own schemas.

use std::sync::OnceLock;

use arbitrary::{Arbitrary, Unstructured};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kmshsm::api::ACTIONS;
use serde_json::{Map, Value as Json};

use crate::memory::Text;
use crate::script::Parameters;
use crate::world::{CONTEXTS, World, around};

/// The value of a parameter.
#[derive(Debug)]
pub enum Value {
    /// One that the parameter takes, by number.
    Proper(u16),
    /// Any text.
    Text(String),
    /// A number.
    Number(i64),
    /// JSON as it is.
    Raw(String),
    /// A list in a list in a list...
    Nested(u8),
    /// `null`.
    Null,
}

impl<'a> Arbitrary<'a> for Value {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(match u.arbitrary()? {
            0..=199u8 => Self::Proper(u.arbitrary()?),
            200..=219 => Self::Text(u.arbitrary()?),
            220..=234 => Self::Number(u.arbitrary()?),
            235..=247 => Self::Raw(u.arbitrary()?),
            248..=250 => Self::Nested(u.arbitrary()?),
            251..=255 => Self::Null,
        })
    }
}

/// A parameter of an action.
struct Parameter {
    name: String,
    is_needed: bool,
    /// The words or types that the schema names.
    choices: Vec<Json>,
}

/// Numbers at which something may change.
const NUMBERS: &[u64] = &[
    0,
    1,
    2,
    10,
    16,
    32,
    100,
    101,
    1024,
    1025,
    86_399,
    86_400,
    172_801,
    604_800,
    1_562_246_055,
    1_562_332_455,
    2_147_483_648,
    4_294_967_295,
    4_294_967_296,
    253_402_300_800,
    i64::MAX as u64,
    u64::MAX,
];

const FILTERS: &[&str] = &[
    "[]",
    r#"[{"Key":"KeyState","Values":["Enabled"]}]"#,
    r#"[{"Key":"KeyState","Values":["Disabled","PendingImport"]},{"Key":"KeySpec","Values":["Aliyun_SM4"]}]"#,
    r#"[{"Key":"ProtectionLevel","Values":["HSM","SOFTWARE"]},{"Key":"KeyUsage","Values":["ENCRYPT/DECRYPT"]}]"#,
    r#"[{"Key":"CreatorType","Values":["User"]}]"#,
    r#"[{"Key":"KeyState","Values":[]}]"#,
];

const TAGS: &[&str] = &[
    "[]",
    r#"[{"TagKey":"a","TagValue":"b"}]"#,
    r#"[{"TagKey":"b","TagValue":""},{"TagKey":"a","TagValue":"c"}]"#,
    r#"[{"TagKey":"a","TagValue":"b"},{"TagKey":"a","TagValue":"c"}]"#,
];

const TEXTS: &[&str] =
    &["", "a", "aGVsbG8=", "aGVsbG8", "\u{1}\u{10ffff}", "密钥", "acs:kms", "7d"];

const INTERVALS: &[&str] = &["7d", "730d", "731d", "604800s", "10080m", "168h", "0d", "d"];

/// An action's name by number.
pub fn action(at: u8) -> &'static str {
    around(ACTIONS, at).map_or("", |action| action.name)
}

/// The text of an action's parameters.
pub fn parameters(world: &World, action: &str, how: &Parameters) -> Text {
    match how {
        Parameters::Proper(mask, values) => {
            let mut object = Map::new();
            for (at, parameter) in schema(action).iter().enumerate() {
                if parameter.is_needed || mask >> (at % 32) & 1 == 1 {
                    let value = values.get(at).unwrap_or(&Value::Proper(0));
                    object.insert(parameter.name.clone(), json(world, Some(parameter), value));
                }
            }
            Text::new(Json::Object(object).to_string())
        }
        Parameters::Pairs(pairs) => {
            let object = pairs.iter().map(|(name, value)| (name.clone(), json(world, None, value)));
            Text::new(Json::Object(object.collect()).to_string())
        }
        Parameters::Text(text) => Text::new(text),
        Parameters::Bytes(bytes) => Text::new(bytes),
        Parameters::Null => Text::NULL,
    }
}

fn json(world: &World, parameter: Option<&Parameter>, value: &Value) -> Json {
    match value {
        Value::Proper(at) => match parameter {
            Some(parameter) => proper(world, parameter, *at),
            None => text(TEXTS, *at),
        },
        Value::Text(text) => text.as_str().into(),
        Value::Number(number) => (*number).into(),
        Value::Raw(raw) => serde_json::from_str(raw).unwrap_or(Json::Bool(true)),
        Value::Nested(depth) => (0..*depth).fold(Json::Null, |inner, _| Json::Array(vec![inner])),
        Value::Null => Json::Null,
    }
}

fn proper(world: &World, parameter: &Parameter, at: u16) -> Json {
    match parameter.name.as_str() {
        "KeyId" | "SourceKeyId" | "DestinationKeyId" => {
            around(&world.keys, at).map(|key| key.id.as_str()).into()
        }
        "CiphertextBlob" => {
            around(&world.sealed, at).map(|made| STANDARD.encode(&made.blob)).into()
        }
        "KeyVersionId" | "SourceKeyVersionId" => {
            around(&world.keys, at).map(|key| key.version.as_str()).into()
        }
        "PublicKeyBlob" => around(&world.publics, at).map(|key| STANDARD.encode(key)).into(),
        "Digest" => STANDARD.encode([at as u8; 32]).into(),
        "ImportToken" => around(&world.tokens, at).map(|token| STANDARD.encode(token)).into(),
        "EncryptedKeyMaterial" => STANDARD.encode(vec![at as u8; 256]).into(),
        "EncryptionContext" | "SourceEncryptionContext" | "DestinationEncryptionContext" => {
            around(CONTEXTS, at).and_then(|(text, _)| *text).into()
        }
        "Filters" => text(FILTERS, at),
        "Tags" => text(TAGS, at),
        "RotationInterval" => text(INTERVALS, at),
        _ => around(&parameter.choices, at).map_or_else(|| text(TEXTS, at), Json::clone),
    }
}

fn text(texts: &[&str], at: u16) -> Json {
    around(texts, at).copied().into()
}

/// The parameters of the action of that name.
fn schema(action: &str) -> &'static [Parameter] {
    static SCHEMAS: OnceLock<Vec<(&str, Vec<Parameter>)>> = OnceLock::new();
    let schemas = SCHEMAS.get_or_init(|| {
        let read = |action: &kmshsm::api::Descriptor| {
            let schema = serde_json::to_value((action.schema)()).expect("a schema is JSON");
            (action.name, read_schema(&schema))
        };
        ACTIONS.iter().map(read).collect()
    });
    let found = schemas.iter().find(|(name, _)| *name == action);
    found.map_or(&[], |(_, parameters)| parameters)
}

fn read_schema(schema: &Json) -> Vec<Parameter> {
    let needed: Vec<_> = schema["required"].as_array().into_iter().flatten().collect();
    let properties = schema["properties"].as_object().into_iter().flatten();
    let parameters = properties.map(|(name, property)| {
        let mut choices = Vec::new();
        choose(schema, property, &mut choices);
        let is_needed = needed.iter().any(|needed| **needed == **name);
        Parameter { name: name.clone(), is_needed, choices }
    });
    parameters.collect()
}

/// Collects what a schema lets one choose.
fn choose(root: &Json, node: &Json, choices: &mut Vec<Json>) {
    if let Some(path) = node["$ref"].as_str().and_then(|path| path.strip_prefix('#')) {
        choose(root, root.pointer(path).unwrap_or(&Json::Null), choices);
    }
    for inner in node["anyOf"].as_array().into_iter().flatten() {
        choose(root, inner, choices);
    }
    choices.extend(node["enum"].as_array().into_iter().flatten().cloned());
    let kind = node["type"].to_string();
    if kind.contains("boolean") {
        choices.extend([true.into(), false.into(), "True".into(), "no".into()]);
    }
    if kind.contains("integer") {
        choices.extend(NUMBERS.iter().map(|number| Json::from(*number)));
    }
}

/// The bytes behind a member of an answer that is Base64.
pub fn decoded(answer: &Json, member: &str) -> Option<Vec<u8>> {
    STANDARD.decode(answer[member].as_str()?).ok()
}
