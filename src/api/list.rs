//! ListKeys: pages and filters (API reference, chapter 6.3).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::kms::{Access, Action, Door, List};
use crate::model::{JsonText, KeyId, KeySpec, KeyState, KeyUsage, ProtectionLevel, key_arn};

/// Lists the keys of the account in the region, in order of creation.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListKeys {
    /// The page, from 1. Default: 1.
    #[serde(default)]
    pub page_number: Option<u32>,
    /// Keys per page, 1 to 100. Default: 10.
    #[serde(default)]
    pub page_size: Option<u32>,
    /// A JSON array of at most 10 objects with Key (KeyState, KeySpec, KeyUsage, ProtectionLevel, CreatorType) and Values (at most 10).
    #[serde(default)]
    pub filters: Option<JsonText>,
}

/// A page of keys.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyList {
    /// The keys of the page.
    pub keys: KeysOfPage,
    /// How many keys match in all.
    pub total_count: u64,
    /// The page.
    pub page_number: u32,
    /// Keys per page.
    pub page_size: u32,
}

/// Lists nest two deep in the API.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeysOfPage {
    /// The keys.
    pub key: Vec<ListedKey>,
}

/// A key in a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListedKey {
    /// Its name.
    pub key_id: KeyId,
    /// Its ARN.
    pub key_arn: String,
}

impl Action for ListKeys {
    const NAME: &'static str = "ListKeys";
    const ACCESS: Access = Access::Read;
    type Answer = KeyList;

    fn run(self, door: &Door<'_>) -> Result<KeyList> {
        let (page_number, page_size) = page(self.page_number, self.page_size)?;
        let groups = self.filters.map_or(Ok(Vec::new()), |JsonText(text)| parse_filters(&text))?;
        door.container()?;
        let skip = u64::from(page_number - 1) * u64::from(page_size);
        let page = door.select(&groups, skip, page_size as usize)?;
        let arn = |key: &KeyId| key_arn(door.space(), key);
        let key = page.keys.iter().map(|key| ListedKey { key_id: *key, key_arn: arn(key) });
        Ok(KeyList {
            keys: KeysOfPage { key: key.collect() },
            total_count: page.total,
            page_number,
            page_size,
        })
    }
}

/// The page and its size, as all lists take them.
pub(super) fn page(number: Option<u32>, size: Option<u32>) -> Result<(u32, u32)> {
    let (number, size) = (number.unwrap_or(1), size.unwrap_or(10));
    if number == 0 {
        return Err(Error::invalid("PageNumber", "It must be 1 or more."));
    }
    if !(1..=100).contains(&size) {
        return Err(Error::invalid("PageSize", "It must be 1 to 100."));
    }
    Ok((number, size))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Filter {
    key: String,
    values: Vec<String>,
}

/// One group of lists for each key: OR among its values, AND across keys. A value that no key in the
/// region can have selects nothing; no cloud product creates keys here, so CreatorType Service leaves
/// an empty group.
fn parse_filters(json: &str) -> Result<Vec<Vec<List>>> {
    let invalid = |detail: &'static str| Error::invalid("Filters", detail);
    let filters: Vec<Filter> = serde_json::from_str(json)
        .map_err(|_| invalid("It must be a JSON array of objects with Key and Values."))?;
    if filters.len() > 10 || filters.iter().any(|filter| filter.values.len() > 10) {
        return Err(invalid("It takes at most 10 filters of at most 10 values."));
    }
    let mut by_key: Vec<(String, Vec<String>)> = Vec::new();
    for Filter { key, values } in filters {
        match by_key.iter_mut().find(|(known, _)| *known == key) {
            Some((_, all)) => all.extend(values),
            None => by_key.push((key, values)),
        }
    }
    let mut groups = Vec::new();
    for (key, values) in by_key {
        let list: fn(&str) -> Option<Option<List>> = match key.as_str() {
            "KeyState" => |word| KeyState::from_name(word).map(|state| Some(List::State(state))),
            "KeySpec" => |word| KeySpec::from_name(word).map(|spec| Some(List::Spec(spec))),
            "KeyUsage" => |word| KeyUsage::from_name(word).map(|usage| Some(List::Usage(usage))),
            "ProtectionLevel" => {
                |word| ProtectionLevel::from_name(word).map(|level| Some(List::Level(level)))
            }
            "CreatorType" => |word| match word {
                "User" => Some(Some(List::All)),
                "Service" => Some(None),
                _ => None,
            },
            _ => {
                return Err(invalid(
                    "Key is one of KeyState, KeySpec, KeyUsage, ProtectionLevel, CreatorType.",
                ));
            }
        };
        if values.is_empty() {
            continue;
        }
        let words = values.iter().map(|word| list(word));
        let found: Option<Vec<_>> = words.collect();
        let found =
            found.ok_or_else(|| Error::invalid("Filters", format!("{key} has no such value.")))?;
        let mut group: Vec<_> = found.into_iter().flatten().collect();
        group.sort_unstable();
        group.dedup();
        groups.push(group);
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_or_within_a_key_and_and_across() {
        let json = r#"[{"Key":"KeyState","Values":["Enabled"]},{"Key":"KeySpec","Values":["Aliyun_SM4"]},{"Key":"KeyState","Values":["Disabled"]}]"#;
        let groups = parse_filters(json).unwrap();
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[0], [List::State(KeyState::Enabled), List::State(KeyState::Disabled)]);
        let service = r#"[{"Key":"CreatorType","Values":["Service"]}]"#;
        assert_eq!(parse_filters(service), Ok(vec![vec![]]));
        assert!(parse_filters(r#"[{"Key":"KeyState","Values":["?"]}]"#).is_err());
        assert!(parse_filters(r#"[{"Key":"Nope","Values":[]}]"#).is_err());
    }
}
