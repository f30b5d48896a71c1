//! Tags (chapter 10).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Model;
use crate::call::{Call, Refusal, SPACES, Verdict};

type Tags = BTreeMap<String, String>;

/// Tags of one key.
const MOST: usize = 20;
/// Rows of a page of ListTagResources.
const ROWS: usize = 200;

impl Model {
    pub(super) fn tag_resource(&mut self, call: &Call) -> Verdict {
        let tags = parse(call.items("Tags"), usize::MAX)?;
        let key = self.admit(call, "KeyId")?;
        self.keys[key].tags = merged(&self.keys[key].tags, &tags)?;
        Ok(json!({}))
    }

    pub(super) fn untag_resource(&mut self, call: &Call) -> Verdict {
        let names: Vec<String> = match &call.params["TagKeys"] {
            Value::String(list) => list.split(',').map(str::to_owned).collect(),
            list => serde_json::from_value(list.clone()).unwrap(),
        };
        let key = self.admit(call, "KeyId")?;
        self.keys[key].tags.retain(|name, _| !names.contains(name));
        Ok(json!({}))
    }

    pub(super) fn list_resource_tags(&mut self, call: &Call) -> Verdict {
        let key = self.admit(call, "KeyId")?;
        let key = &self.keys[key];
        let tags = key
            .tags
            .iter()
            .map(|(name, value)| json!({ "KeyId": key.id, "TagKey": name, "TagValue": value }));
        Ok(json!({ "Tags": { "Tag": tags.collect::<Vec<_>>() } }))
    }

    pub(super) fn tag_resources(&mut self, call: &Call) -> Verdict {
        check_target(call)?;
        let mut tags = Tags::new();
        for tag in numbered(call, "Tag") {
            let (name, value) = (tag["Key"].as_str().unwrap(), tag["Value"].as_str().unwrap());
            check(name, value, "InvalidParameter.TagKey", "InvalidParameter.TagValue", "")?;
            if tags.insert(name.to_owned(), value.to_owned()).is_some() {
                return Err(Refusal("Duplicate.TagKey", ""));
            }
        }
        let keys = self.resources(call)?;
        let after: Result<Vec<Tags>, Refusal> =
            keys.iter().map(|key| merged(&self.keys[*key].tags, &tags)).collect();
        for (key, tags) in keys.into_iter().zip(after?) {
            self.keys[key].tags = tags;
        }
        Ok(json!({}))
    }

    pub(super) fn untag_resources(&mut self, call: &Call) -> Verdict {
        check_target(call)?;
        let names = numbered(call, "TagKey");
        let all = call.flag("All");
        if names.is_empty() && !all {
            return Err(Refusal("MissingParameter", "TagKey"));
        }
        for key in self.resources(call)? {
            let goes = |name: &String| names.is_empty() || names.contains(&name.as_str().into());
            self.keys[key].tags.retain(|name, _| !goes(name));
        }
        Ok(json!({}))
    }

    pub(super) fn list_tag_resources(&mut self, call: &Call) -> Verdict {
        check_target(call)?;
        let (resources, filters) = (numbered(call, "ResourceId"), numbered(call, "Tag"));
        let mut rows = Vec::new();
        for key in self.keys.iter().filter(|key| key.space == call.space && !key.is_gone()) {
            let carries = |filter: &Value| {
                let value = key.tags.get(filter["Key"].as_str().unwrap());
                value.is_some_and(|value| filter.get("Value").is_none_or(|wanted| wanted == value))
            };
            let is_named = resources.is_empty() || resources.contains(&key.id.as_str().into());
            if is_named && filters.iter().all(carries) {
                rows.extend(key.tags.iter().map(|(name, value)| {
                    json!({ "ResourceId": key.id, "ResourceType": "key", "TagKey": name, "TagValue": value })
                }));
            }
        }
        let begin = self.cursors.get(call.text("NextToken")).copied().unwrap_or(0);
        let end = (begin + ROWS).min(rows.len());
        let mut next = String::new();
        if end < rows.len() {
            next = self.name("next");
            self.cursors.insert(next.clone(), end);
            let mut on = call.clone();
            on.params.insert("NextToken".into(), next.as_str().into());
            self.questions.push(on);
        }
        Ok(json!({ "TagResources": { "TagResource": rows[begin..end] }, "NextToken": next }))
    }

    /// The keys that TagResources and UntagResources change: all of them or none.
    fn resources(&mut self, call: &Call) -> Result<Vec<usize>, Refusal> {
        let mut keys = BTreeSet::new();
        for id in numbered(call, "ResourceId") {
            let key = self.find(call.space, id.as_str().unwrap(), false);
            keys.insert(key.map_err(|_| Refusal("InvalidResourceId.NotFound", ""))?);
        }
        for key in &keys {
            self.admit_key(call, *key)?;
        }
        Ok(keys.into_iter().collect())
    }
}

fn check_target(call: &Call) -> Result<(), Refusal> {
    if call.text("RegionId") != SPACES[call.space].1 {
        return Err(Refusal("InvalidParameter", "RegionId"));
    }
    if call.text("ResourceType") != "key" {
        return Err(Refusal("InvalidParameter", "ResourceType"));
    }
    Ok(())
}

/// `Name: [..]`, or `Name.1`, `Name.2.Key`, ...
fn numbered(call: &Call, name: &str) -> Vec<Value> {
    if call.has(name) {
        return call.items(name).to_vec();
    }
    let mut found = Vec::new();
    for number in 1.. {
        let prefix = format!("{name}.{number}");
        let mut members = serde_json::Map::new();
        for member in ["Key", "Value"] {
            if let Some(value) = call.params.get(&format!("{prefix}.{member}")) {
                members.insert(member.to_owned(), value.clone());
            }
        }
        match call.params.get(&prefix) {
            Some(value) => found.push(value.clone()),
            None if members.is_empty() => break,
            None => found.push(Value::Object(members)),
        }
    }
    found
}

/// Tags of CreateKey and TagResource.
pub(super) fn parse(items: &[Value], most: usize) -> Result<Tags, Refusal> {
    let invalid = Refusal("InvalidParameter", "Tags");
    let mut tags = Tags::new();
    for item in items {
        let (name, value) = (item["TagKey"].as_str().unwrap(), item["TagValue"].as_str().unwrap());
        check(name, value, "InvalidParameter", "InvalidParameter", "Tags")?;
        if tags.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(invalid);
        }
    }
    if tags.len() > most { Err(invalid) } else { Ok(tags) }
}

fn merged(old: &Tags, new: &Tags) -> Result<Tags, Refusal> {
    let mut tags = old.clone();
    tags.extend(new.clone());
    if tags.len() > MOST { Err(Refusal("Rejected.LimitExceeded", "")) } else { Ok(tags) }
}

fn check(
    name: &str,
    value: &str,
    bad_name: &'static str,
    bad_value: &'static str,
    part: &'static str,
) -> Result<(), Refusal> {
    let fits = |text: &str| {
        text.len() <= 128
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/\\_-.+=:@ ".contains(&b))
    };
    let is_reserved = name.starts_with("aliyun") || name.starts_with("acs:");
    if name.is_empty() || is_reserved || !fits(name) {
        return Err(Refusal(bad_name, part));
    }
    if fits(value) { Ok(()) } else { Err(Refusal(bad_value, part)) }
}
