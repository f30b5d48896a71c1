//! ListKeys: pages and filters (API reference, chapter 6.3).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::filters;
use crate::error::{Error, Result};
use crate::kms::{Access, Action, Class, Door, Target};
use crate::model::{JsonText, KeyId, key_arn};

/// Lists the keys of the account in the region, in order of creation.
#[derive(Debug, Default, Deserialize, JsonSchema, Serialize)]
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
    /// Which page, and how many keys match in all.
    #[serde(flatten)]
    pub paging: Paging,
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

    fn run(&mut self, door: &Door<'_>) -> Result<KeyList> {
        let wanted = Wanted::new(self.page_number, self.page_size)?;
        let filters =
            self.filters.as_ref().map_or(Ok(Vec::new()), |JsonText(text)| filters::parse(text))?;
        door.permit(Target::Keys)?;
        door.count(Class::Read, None)?;
        door.settle()?;
        let selection = filters::select(door, filters)?;
        let page = door.select(&selection, wanted.skip(), wanted.limit())?;
        let arn = |key: &KeyId| key_arn(door.space(), key);
        let key = page.keys.iter().map(|key| ListedKey { key_id: *key, key_arn: arn(key) });
        Ok(KeyList { keys: KeysOfPage { key: key.collect() }, paging: wanted.of(page.total) })
    }
}

/// The page that a caller wants of a list.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    number: u32,
    size: u32,
}

/// Where a page is in its list, as all lists answer it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Paging {
    /// How many items the list has.
    pub total_count: u64,
    /// The page.
    pub page_number: u32,
    /// Items per page.
    pub page_size: u32,
}

impl Wanted {
    /// The first page of ten, unless told otherwise.
    pub(super) fn new(number: Option<u32>, size: Option<u32>) -> Result<Self> {
        let (number, size) = (number.unwrap_or(1), size.unwrap_or(10));
        if number == 0 {
            return Err(Error::invalid("PageNumber", "It must be 1 or more."));
        }
        if !(1..=100).contains(&size) {
            return Err(Error::invalid("PageSize", "It must be 1 to 100."));
        }
        Ok(Self { number, size })
    }

    /// How many items come before it.
    pub(super) const fn skip(self) -> u64 {
        (self.number as u64 - 1) * self.size as u64
    }

    /// How many items it has at most.
    pub(super) const fn limit(self) -> usize {
        self.size as usize
    }

    /// The place of this page in a list of so many items.
    pub(super) const fn of(self, total_count: u64) -> Paging {
        Paging { total_count, page_number: self.number, page_size: self.size }
    }
}

#[cfg(test)]
mod tests {
    use crate::api::dispatch_json;
    use crate::keystore::READ;
    use crate::kms::{Kms, Options};

    /// Few of many keys are found without a look at the many.
    #[test]
    fn no_filter_goes_through_all_keys() {
        let kms = Kms::in_memory(Options::default()).unwrap();
        let session = kms.session("1", "cn-hongkong").unwrap();
        let call = |action: &str, with: &str| dispatch_json(&session, action, Some(with)).unwrap();
        for _ in 0..500 {
            call("CreateKey", "{}");
        }
        let tags = r#"{"KeySpec":"EC_P256","Tags":[{"TagKey":"a","TagValue":"b"}]}"#;
        let answer = call("CreateKey", tags);
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        let key = answer["KeyMetadata"]["KeyId"].as_str().unwrap();
        call("CreateAlias", &format!(r#"{{"AliasName":"alias/a","KeyId":"{key}"}}"#));
        call("DisableKey", &format!(r#"{{"KeyId":"{key}"}}"#));
        let filter =
            |name: &str, value: &str| format!(r#"{{"Key":"{name}","Values":["{value}"]}}"#);
        let enabled = filter("KeyState", "Enabled");
        for (filters, total) in [
            (vec![], 501),
            (vec![enabled.clone()], 500),
            (vec![enabled, filter("KeySpec", "Aliyun_AES_256")], 500),
            (vec![filter("KeyState", "Disabled")], 1),
            (vec![filter("KeySpec", "EC_P256"), filter("KeyUsage", "SIGN/VERIFY")], 1),
            (vec![filter("TagKey", "a")], 1),
            (vec![filter("TagValue", "b"), filter("KeyState", "Disabled")], 1),
            (vec![filter("AliasName", "alias/a")], 1),
            (vec![filter("keyId", key)], 1),
        ] {
            let with = format!(r#"{{"Filters":[{}]}}"#, filters.join(","));
            READ.set(0);
            let answer = call("ListKeys", &with);
            assert!(answer.contains(&format!(r#""TotalCount":{total},"#)), "{with}");
            assert!(READ.get() < 100, "{with}: {} entries", READ.get());
        }
    }
}
