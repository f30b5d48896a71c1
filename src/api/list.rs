//! ListKeys: pages and filters (API reference, chapter 6.3).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::filters;
use crate::error::{Error, Result};
use crate::kms::{Access, Action, Class, Door};
use crate::model::{JsonText, KeyId, key_arn};

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
    /// A JSON array of at most 10 objects with Key (KeyState, KeySpec, KeyUsage, ProtectionLevel, CreatorType, keyId, AliasName, Creator, TagKey, TagValue, DKMSInstanceId) and Values (at most 10).
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
        let filters =
            self.filters.map_or(Ok(Vec::new()), |JsonText(text)| filters::parse(&text))?;
        door.container(Class::Read, None)?;
        door.settle()?;
        let selection = filters::select(door, filters)?;
        let skip = u64::from(page_number - 1) * u64::from(page_size);
        let page = door.select(&selection, skip, page_size as usize)?;
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
