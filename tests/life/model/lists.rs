//! ListKeys and its filters (chapter 6.3).

use std::collections::BTreeMap;

use serde_json::json;

use super::{Key, Model, page};
use crate::call::{Call, Verdict};

impl Model {
    pub(super) fn list_keys(&mut self, call: &Call) -> Verdict {
        // OR among the values of a filter and among filters of one name.
        let mut filters: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for filter in call.items("Filters") {
            let values = filter["Values"].as_array().unwrap();
            let values = values.iter().map(|value| value.as_str().unwrap());
            filters.entry(filter["Key"].as_str().unwrap()).or_default().extend(values);
        }
        let is_selected = |(at, key): &(usize, &Key)| {
            key.space == call.space && !key.is_gone() && self.is_selected(*at, &filters)
        };
        let selected = self.keys.iter().enumerate().filter(is_selected);
        let keys = selected.map(|(_, key)| json!({ "KeyId": key.id, "KeyArn": key.arn() }));
        let (items, mut answer) = page(call, keys.collect())?;
        answer["Keys"] = json!({ "Key": items });
        Ok(answer)
    }

    /// AND across names; TagKey and TagValue together are met by one and the same tag.
    fn is_selected(&self, at: usize, filters: &BTreeMap<&str, Vec<&str>>) -> bool {
        let key = &self.keys[at];
        let state = format!("{:?}", key.state);
        let meets = |name: &str, value: &str| match filters.get(name) {
            Some(values) => values.contains(&value),
            None => true,
        };
        let is_tagged =
            key.tags.iter().any(|(name, value)| meets("TagKey", name) && meets("TagValue", value));
        let is_named =
            self.aliases.iter().any(|alias| alias.key == at && meets("AliasName", &alias.name));
        let level = if key.is_hsm { "HSM" } else { "SOFTWARE" };
        let usage = if key.is_symmetric() { "ENCRYPT/DECRYPT" } else { "SIGN/VERIFY" };
        let (account, _) = crate::call::SPACES[key.space];
        meets("KeyState", &state)
            && meets("KeySpec", &key.spec)
            && meets("KeyUsage", usage)
            && meets("ProtectionLevel", level)
            && meets("CreatorType", "User")
            && meets("Creator", account)
            && meets("keyId", &key.id)
            && !filters.contains_key("DKMSInstanceId")
            && (is_named || !filters.contains_key("AliasName"))
            && (is_tagged || !(filters.contains_key("TagKey") || filters.contains_key("TagValue")))
    }
}
