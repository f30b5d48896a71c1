//! Reading the published vectors of `tests/vectors`. A field that no test reads fails the test.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Bytes written in hexadecimal.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub(crate) struct Hex(pub(crate) Vec<u8>);

impl TryFrom<String> for Hex {
    type Error = hex::FromHexError;

    fn try_from(text: String) -> Result<Self, hex::FromHexError> {
        hex::decode(text).map(Self)
    }
}

/// What an implementation must do with a case.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    #[default]
    Valid,
    Invalid,
    Acceptable,
}

/// A file of the format `kmsvec-1`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct File<T> {
    format: String,
    #[serde(rename = "algorithm")]
    _algorithm: String,
    pub(crate) sources: Vec<String>,
    #[serde(default)]
    pub(crate) keys: HashMap<String, HashMap<String, Value>>,
    number_of_tests: usize,
    #[serde(default)]
    pub(crate) accumulated: HashMap<String, String>,
    pub(crate) tests: Vec<T>,
}

/// Wycheproof's groups: what the cases of one have in common stands beside them.
#[derive(Deserialize)]
pub(crate) struct Group<G, T> {
    #[serde(flatten)]
    pub(crate) shared: G,
    pub(crate) tests: Vec<T>,
}

/// Reads a file in JSON.
pub(crate) fn read<T: DeserializeOwned>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name);
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Reads a file of the format `kmsvec-1`.
pub(crate) fn kmsvec<T: DeserializeOwned>(name: &str) -> File<T> {
    let file: File<T> = read(name);
    assert_eq!(file.format, "kmsvec-1");
    assert_eq!(file.number_of_tests, file.tests.len(), "{name}");
    file
}

/// Reads a file of Wycheproof. `G` sees the group's fields but for its type, its source and the
/// key's other encodings.
pub(crate) fn wycheproof<G: DeserializeOwned, T: DeserializeOwned>(name: &str) -> Vec<Group<G, T>> {
    let mut file: Value = read(&format!("wycheproof/{name}"));
    let count = file["numberOfTests"].as_u64();
    let Value::Array(groups) = file["testGroups"].take() else { panic!("{name}: no groups") };
    let groups: Vec<Group<G, T>> = groups
        .into_iter()
        .map(|mut group| {
            let fields = group.as_object_mut().unwrap();
            for unread in ["type", "source", "privateKey"] {
                fields.shift_remove(unread);
            }
            fields.retain(|name, _| !name.ends_with("Pem") && !name.ends_with("Jwk"));
            let tests = fields.shift_remove("tests").unwrap();
            Group {
                shared: serde_json::from_value(group).unwrap(),
                tests: serde_json::from_value(tests).unwrap(),
            }
        })
        .collect();
    let tried = groups.iter().map(|group| group.tests.len() as u64).sum::<u64>();
    assert_eq!(Some(tried), count, "{name}");
    groups
}
