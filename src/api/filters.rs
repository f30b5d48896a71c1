//! The filters of ListKeys (API reference, chapter 6.3): OR among the values of a key, AND across keys.

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::kms::{Door, Selection};
use crate::model::{KeyId, KeySpec, KeyState, KeyUsage, ProtectionLevel};

/// What a filter looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    State,
    Spec,
    Usage,
    Level,
    CreatorType,
    Key,
    Alias,
    Creator,
    TagKey,
    TagValue,
    Instance,
}

impl Field {
    const ALL: [(Self, &'static str); 11] = [
        (Self::State, "KeyState"),
        (Self::Spec, "KeySpec"),
        (Self::Usage, "KeyUsage"),
        (Self::Level, "ProtectionLevel"),
        (Self::CreatorType, "CreatorType"),
        (Self::Key, "keyId"),
        (Self::Alias, "AliasName"),
        (Self::Creator, "Creator"),
        (Self::TagKey, "TagKey"),
        (Self::TagValue, "TagValue"),
        (Self::Instance, "DKMSInstanceId"),
    ];

    fn parse(name: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|(_, known)| *known == name);
        found.map(|(field, _)| *field).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|(_, name)| *name).collect();
            Error::invalid("Filters", format!("Key is one of {}.", names.join(", ")))
        })
    }
}

/// The values by field, each field once. No value, no filter.
pub(super) fn parse(json: &str) -> Result<Vec<(Field, Vec<String>)>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    struct Filter {
        key: String,
        values: Vec<String>,
    }
    let invalid = |detail: &'static str| Error::invalid("Filters", detail);
    let filters: Vec<Filter> = serde_json::from_str(json)
        .map_err(|_| invalid("It must be a JSON array of objects with Key and Values."))?;
    if filters.len() > 10 || filters.iter().any(|filter| filter.values.len() > 10) {
        return Err(invalid("It takes at most 10 filters of at most 10 values."));
    }
    let mut fields: Vec<(Field, Vec<String>)> = Vec::new();
    for Filter { key, values } in filters {
        let field = Field::parse(&key)?;
        match fields.iter_mut().find(|(known, _)| *known == field) {
            Some((_, all)) => all.extend(values),
            None => fields.push((field, values)),
        }
    }
    fields.retain(|(_, values)| !values.is_empty());
    Ok(fields)
}

/// What these filters select in the space of `door`. A word that no key can have is refused; an id, name
/// or tag that none has selects nothing.
pub(super) fn select(door: &Door<'_>, fields: Vec<(Field, Vec<String>)>) -> Result<Selection> {
    let mut selection = Selection::default();
    for (field, values) in fields {
        match field {
            Field::State => selection.states = Some(words("KeyState", &values, KeyState::parse)?),
            Field::Spec => selection.specs = Some(words("KeySpec", &values, KeySpec::parse)?),
            Field::Usage => selection.usages = Some(words("KeyUsage", &values, KeyUsage::parse)?),
            Field::Level => {
                let word = ProtectionLevel::parse;
                selection.levels = Some(words("ProtectionLevel", &values, word)?);
            }
            Field::TagKey => selection.tag_keys = Some(unique(values)),
            Field::TagValue => selection.tag_values = Some(unique(values)),
            Field::Key => selection.among(values.iter().filter_map(|id| KeyId::parse(id))),
            Field::Alias => {
                let keys: Result<Vec<_>> =
                    values.iter().map(|name| door.key_of_alias(name)).collect();
                selection.among(keys?.into_iter().flatten());
            }
            // No cloud product makes keys here.
            Field::CreatorType => {
                let kinds = words("CreatorType", &values, |word| match word {
                    "User" => Ok(true),
                    "Service" => Ok(false),
                    _ => Err("It must be one of User, Service.".to_owned()),
                })?;
                selection.unless(kinds.contains(&true));
            }
            Field::Creator => {
                let account = door.space().account;
                selection.unless(values.iter().any(|value| value == account.as_str()));
            }
            Field::Instance => selection.unless(false),
        }
    }
    Ok(selection)
}

impl Selection {
    /// Of these keys only.
    fn among(&mut self, keys: impl Iterator<Item = KeyId>) {
        let mut keys: Vec<_> = keys.collect();
        keys.sort_unstable();
        keys.dedup();
        if let Some(before) = &self.keys {
            keys.retain(|key| before.contains(key));
        }
        self.keys = Some(keys);
    }

    /// Nothing, unless it `holds`.
    fn unless(&mut self, holds: bool) {
        if !holds {
            self.keys = Some(Vec::new());
        }
    }
}

fn words<T: PartialEq>(
    name: &'static str,
    values: &[String],
    word: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>> {
    let found: Result<Vec<_>, _> = values.iter().map(|value| word(value)).collect();
    found.map_err(|sentence| Error::invalid("Filters", format!("{name}: {sentence}")))
}

fn unique(mut values: Vec<String>) -> Vec<String> {
    values.sort_unstable();
    values.dedup();
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_gathered() {
        let json = r#"[{"Key":"KeyState","Values":["Enabled"]},{"Key":"KeySpec","Values":["Aliyun_SM4"]},{"Key":"KeyState","Values":["Disabled"]},{"Key":"TagKey","Values":[]}]"#;
        let states = vec!["Enabled".to_owned(), "Disabled".to_owned()];
        let specs = vec!["Aliyun_SM4".to_owned()];
        assert_eq!(parse(json), Ok(vec![(Field::State, states), (Field::Spec, specs)]));
        assert!(parse(r#"[{"Key":"Nope","Values":[]}]"#).is_err());
        assert!(words("KeyState", &["?".to_owned()], KeyState::parse).is_err());
    }
}
