//! Commands on tags, in both spellings of numbered members.

use serde_json::{Value, json};

use super::{UNKNOWN, key, one, reference};
use crate::call::{Call, SPACES};
use crate::dice::Dice;
use crate::model::Model;

pub const TAG_KEYS: [&str; 5] = ["a", "b", "Team", "t0", "t1"];
pub const TAG_VALUES: [&str; 4] = ["", "1", "x y", "/\\_-.+=:@"];

/// Up to `most` tags; rarely one that there cannot be.
pub fn tags(dice: &mut Dice<'_>, most: usize) -> Value {
    let tag = |(name, value): (String, String)| json!({ "TagKey": name, "TagValue": value });
    pairs(dice, most).into_iter().map(tag).collect()
}

fn pairs(dice: &mut Dice<'_>, most: usize) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = match dice.rarely(8) {
        // Enough that some more are too many.
        true => (0..most + 15).map(|at| (format!("t{at}"), "v".to_owned())).collect(),
        false => {
            let (first, many) = (dice.below(TAG_KEYS.len()), 1 + dice.below(most));
            let names = TAG_KEYS.iter().cycle().skip(first).take(many.min(TAG_KEYS.len()));
            let value = dice.pick(&TAG_VALUES);
            names.map(|name| ((*name).to_owned(), value.to_owned())).collect()
        }
    };
    if dice.rarely(12) {
        let long = "x".repeat(127 + dice.below(3));
        let odd = [("a", "1"), ("", ""), ("aliyunx", ""), ("acs:x", ""), ("é!", ""), ("x", "!")];
        let (name, value) = dice.pick(&odd);
        match dice.rarely(3) {
            false => pairs.push((name.to_owned(), value.to_owned())),
            true => pairs.push((long, String::new())),
        }
    }
    pairs
}

fn names(dice: &mut Dice<'_>) -> Vec<&'static str> {
    let first = dice.below(TAG_KEYS.len());
    TAG_KEYS.iter().copied().cycle().skip(first).take(1 + dice.below(3)).collect()
}

pub fn tag_resource(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let key = key(dice, model, space);
    let params = json!({ "KeyId": reference(dice, model, key), "Tags": tags(dice, 3) });
    one(space, "TagResource", params)
}

pub fn untag_resource(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let key = key(dice, model, space);
    let key = reference(dice, model, key);
    let names = names(dice);
    let names = if dice.rarely(2) { json!(names.join(",")) } else { json!(names) };
    one(space, "UntagResource", json!({ "KeyId": key, "TagKeys": names }))
}

pub fn list_resource_tags(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let key = key(dice, model, space);
    one(space, "ListResourceTags", json!({ "KeyId": reference(dice, model, key) }))
}

pub fn tag_resources(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let mut params = target(dice, space);
    resources(dice, model, space, &mut params);
    let tag = |(name, value): (String, String)| json!({ "Key": name, "Value": value });
    let tags = pairs(dice, 3).into_iter().map(tag).collect();
    write(dice, &mut params, "Tag", tags);
    one(space, "TagResources", params)
}

pub fn untag_resources(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let mut params = target(dice, space);
    resources(dice, model, space, &mut params);
    if !dice.rarely(3) {
        let names = names(dice).into_iter().map(Value::from).collect();
        write(dice, &mut params, "TagKey", names);
    }
    if dice.rarely(2) {
        params["All"] = dice.pick(&[true, false]).into();
    }
    one(space, "UntagResources", params)
}

pub fn list_tag_resources(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let mut params = target(dice, space);
    if dice.rarely(3) {
        let id = dice.any(&model.living(space))?.id.as_str().into();
        write(dice, &mut params, "ResourceId", vec![id]);
    }
    if dice.rarely(3) {
        let filter = |name: &str, value: &str| match value {
            "x y" => json!({ "Key": name }),
            value => json!({ "Key": name, "Value": value }),
        };
        let mut filters = Vec::new();
        for name in names(dice) {
            filters.push(filter(name, dice.pick(&TAG_VALUES)));
        }
        filters.dedup();
        write(dice, &mut params, "Tag", filters);
    }
    one(space, "ListTagResources", params)
}

fn target(dice: &mut Dice<'_>, space: usize) -> Value {
    let region = if dice.rarely(40) { "us-west-1" } else { SPACES[space].1 };
    let kind = if dice.rarely(40) { "secret" } else { "key" };
    json!({ "RegionId": region, "ResourceType": kind })
}

fn resources(dice: &mut Dice<'_>, model: &Model, space: usize, params: &mut Value) {
    let keys: Vec<_> = (0..1 + dice.below(3)).map(|_| key(dice, model, space)).collect();
    let mut ids: Vec<Value> =
        keys.into_iter().map(|key| key.map_or(UNKNOWN, |key| &key.id).into()).collect();
    ids.dedup();
    write(dice, params, "ResourceId", ids);
}

/// As a list, or flat: `Name.1`, `Name.2.Key`.
fn write(dice: &mut Dice<'_>, params: &mut Value, name: &str, values: Vec<Value>) {
    if !dice.rarely(2) {
        params[name] = values.into();
        return;
    }
    for (at, value) in values.into_iter().enumerate() {
        let prefix = format!("{name}.{}", at + 1);
        match value {
            Value::Object(members) => {
                for (member, value) in members {
                    params[format!("{prefix}.{member}")] = value;
                }
            }
            value => params[prefix] = value,
        }
    }
}

/// Enough for a second page of ListTagResources.
pub fn many_tags(dice: &mut Dice<'_>, _: &Model, space: usize) -> Option<Vec<Call>> {
    if !dice.rarely(4) {
        return None;
    }
    let tag = |at: usize| json!({ "TagKey": format!("t{at}"), "TagValue": "v" });
    let tags: Vec<_> = (0..18 + dice.below(3)).map(tag).collect();
    let create = json!({ "KeySpec": "Aliyun_AES_256", "Origin": "EXTERNAL", "Tags": tags });
    let mut calls = vec![Call::new(space, "CreateKey", create); 9 + dice.below(14)];
    let (_, region) = SPACES[space];
    let list = json!({ "RegionId": region, "ResourceType": "key" });
    calls.push(Call::new(space, "ListTagResources", list));
    Some(calls)
}
