//! Commands: what proptest makes up, and the calls that it becomes on what there is at that moment.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::call::{Call, SPACES};
use crate::dice::Dice;
use crate::model::{DAY, Key, Model, TICK};
use crate::{importing, lists, tagging, using};

/// A kind of command by weight, and the numbers that fill it in.
#[derive(Clone, Debug)]
pub struct Command {
    kind: u16,
    dice: [u8; 12],
}

/// What makes the calls of a command in a space.
type Maker = fn(&mut Dice<'_>, &Model, usize) -> Option<Vec<Call>>;

/// With their weights.
const KINDS: &[(u16, Maker)] = &[
    // What others shrink to.
    (1, |_, _, _| None),
    (10, describe_key),
    (12, advance_clock),
    (6, create_key),
    (3, |_, _, _| one(0, TICK, json!({}))),
    (4, |dice, model, space| switch(dice, model, space, "EnableKey")),
    (6, |dice, model, space| switch(dice, model, space, "DisableKey")),
    (6, schedule_key_deletion),
    (4, |dice, model, space| switch(dice, model, space, "CancelKeyDeletion")),
    (4, set_deletion_protection),
    (2, update_key_description),
    (5, create_key_version),
    (2, describe_key_version),
    (3, lists::versions),
    (6, update_rotation_policy),
    (5, create_alias),
    (4, update_alias),
    (3, delete_alias),
    (4, lists::aliases),
    (3, lists::aliases_by_key_id),
    (6, lists::keys),
    (4, tagging::tag_resource),
    (3, tagging::untag_resource),
    (3, tagging::list_resource_tags),
    (3, tagging::tag_resources),
    (3, tagging::untag_resources),
    (3, tagging::list_tag_resources),
    (8, using::encrypt),
    (3, using::generate_data_key),
    (10, using::decrypt),
    (4, using::re_encrypt),
    (3, using::sign),
    (4, using::verify),
    (2, using::get_public_key),
    (4, importing::get_parameters_for_import),
    (6, importing::import_key_material),
    (3, importing::delete_key_material),
    (1, many_versions),
    (1, many_tags),
];

fn total() -> u16 {
    KINDS.iter().map(|(weight, _)| weight).sum()
}

/// Some keys to begin with, then anything.
pub fn sequences() -> impl Strategy<Value = Vec<Command>> {
    let create = any::<[u8; 12]>().prop_map(|dice| Command { kind: CREATE_KEY, dice });
    let other = (0..total(), any::<[u8; 12]>()).prop_map(|(kind, dice)| Command { kind, dice });
    (vec(create, 1..4), vec(other, 10..40)).prop_map(|(mut first, mut then)| {
        first.append(&mut then);
        first
    })
}

/// Past the kinds before it.
const CREATE_KEY: u16 = 23;

impl Command {
    /// None if there is nothing to do it to.
    pub fn calls(&self, model: &Model) -> Vec<Call> {
        let mut dice = Dice::new(&self.dice);
        let mut kind = self.kind;
        let maker = KINDS.iter().find(|(weight, _)| match kind.checked_sub(*weight) {
            Some(rest) => {
                kind = rest;
                false
            }
            None => true,
        });
        let space = dice.pick(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2]);
        maker.and_then(|(_, make)| make(&mut dice, model, space)).unwrap_or_default()
    }
}

pub fn one(space: usize, action: &'static str, params: Value) -> Option<Vec<Call>> {
    Some(vec![Call::new(space, action, params)])
}

/// A key, most often one that is there and of the space.
pub fn key<'m>(dice: &mut Dice<'_>, model: &'m Model, space: usize) -> Option<&'m Key> {
    if dice.rarely(12) {
        return dice.any(&model.keys);
    }
    let near: Vec<_> =
        model.keys.iter().filter(|key| key.space == space && !key.is_gone()).collect();
    dice.any(&near).copied()
}

/// One of those that `is_wanted`, else any.
pub fn key_that<'m>(
    dice: &mut Dice<'_>,
    model: &'m Model,
    space: usize,
    is_wanted: impl Fn(&Key) -> bool,
) -> Option<&'m Key> {
    let wanted: Vec<_> = model
        .keys
        .iter()
        .filter(|key| key.space == space && !key.is_gone() && is_wanted(key))
        .collect();
    if wanted.is_empty() || dice.rarely(8) {
        return key(dice, model, space);
    }
    dice.any(&wanted).copied()
}

/// What names the key: its id, its ARN, an alias of it if it has one; or something that does not.
pub fn reference(dice: &mut Dice<'_>, model: &Model, key: Option<&Key>) -> String {
    let Some(key) = key else { return UNKNOWN.to_owned() };
    match dice.below(16) {
        0..9 => key.id.clone(),
        9..12 => key.arn(),
        12..14 => {
            let is_its = |alias: &&crate::model::Alias| model.keys[alias.key].id == key.id;
            let aliases: Vec<_> = model.aliases.iter().filter(is_its).collect();
            dice.any(&aliases).map_or(ALIASES[0].to_owned(), |alias| alias.name.clone())
        }
        14 => dice.pick(&ALIASES).to_owned(),
        _ => dice.pick(&[UNKNOWN, "alias/ä", "nonsense", "acs:kms:cn-hangzhou:1:key/x"]).to_owned(),
    }
}

fn key_reference(dice: &mut Dice<'_>, model: &Model, space: usize) -> String {
    let key = key(dice, model, space);
    reference(dice, model, key)
}

pub const UNKNOWN: &str = "2ab1a983-7072-4bbc-a582-584b5bd8ecf3";
pub const ALIASES: [&str; 6] =
    ["alias/a", "alias/b", "alias/c", "alias/team/x_1-2", "alias/a/b", "alias/A"];

fn alias_name(dice: &mut Dice<'_>) -> String {
    if dice.rarely(12) {
        let long = format!("alias/{}", "x".repeat(250 + dice.below(10)));
        let odd = ["alias/", "a", "alias/ä", "alias/acs/x", "Alias/a", "alias/a b", &long];
        return dice.pick(&odd).to_owned();
    }
    dice.pick(&ALIASES).to_owned()
}

fn describe_key(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    one(space, "DescribeKey", json!({ "KeyId": key_reference(dice, model, space) }))
}

/// Often to the very moment at which something is due, or a second beside it.
fn advance_clock(dice: &mut Dice<'_>, model: &Model, _: usize) -> Option<Vec<Call>> {
    let dues = model.dues();
    let seconds = match dice.below(8) {
        0 => 1 + dice.below(100) as u64,
        1 => dice.below(40) as u64 * DAY,
        2 if dice.rarely(4) => dice.below(4) as u64 * 365 * DAY,
        _ => {
            let due = *dice.any(&dues)?;
            let beside = dice.pick(&[0, 0, 1, 2]);
            (due + beside).saturating_sub(model.now + u64::from(beside == 2) * 3)
        }
    };
    one(0, "AdvanceClock", json!({ "Seconds": seconds }))
}

fn create_key(dice: &mut Dice<'_>, _: &Model, space: usize) -> Option<Vec<Call>> {
    let kinds = [
        ("Aliyun_AES_256", "SOFTWARE", "Aliyun_KMS"),
        ("Aliyun_AES_256", "HSM", "Aliyun_KMS"),
        ("Aliyun_SM4", "HSM", "Aliyun_KMS"),
        ("EC_P256", "HSM", "Aliyun_KMS"),
        ("EC_SM2", "HSM", "Aliyun_KMS"),
        ("Aliyun_AES_256", "HSM", "EXTERNAL"),
        ("Aliyun_SM4", "HSM", "EXTERNAL"),
        ("Aliyun_AES_256", "SOFTWARE", "EXTERNAL"),
        ("EC_P256", "SOFTWARE", "Aliyun_KMS"),
    ];
    let (spec, level, origin) = dice.pick(&kinds);
    let mut params = json!({ "KeySpec": spec, "ProtectionLevel": level, "Origin": origin });
    let can_rotate = origin == "Aliyun_KMS" && spec.starts_with("Aliyun_");
    if (can_rotate && dice.rarely(2)) || dice.rarely(40) {
        params["EnableAutomaticRotation"] = true.into();
        params["RotationInterval"] = interval(dice).into();
    }
    if dice.rarely(3) {
        params["Tags"] = tagging::tags(dice, 3);
    }
    if dice.rarely(6) {
        params["Description"] = "描述".into();
    }
    one(space, "CreateKey", params)
}

fn interval(dice: &mut Dice<'_>) -> &'static str {
    let odd = ["6d", "731d", "604799s", "7", "d", "7w", ""];
    if dice.rarely(20) {
        return dice.pick(&odd);
    }
    dice.pick(&["7d", "8d", "168h", "30d", "604801s", "43200m", "365d", "730d"])
}

fn switch(
    dice: &mut Dice<'_>,
    model: &Model,
    space: usize,
    action: &'static str,
) -> Option<Vec<Call>> {
    one(space, action, json!({ "KeyId": key_reference(dice, model, space) }))
}

fn schedule_key_deletion(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let mut params = json!({ "KeyId": key_reference(dice, model, space) });
    if !dice.rarely(4) {
        let days =
            if dice.rarely(12) { dice.pick(&[6, 0, 367]) } else { dice.pick(&[7, 8, 30, 366]) };
        params["PendingWindowInDays"] = days.into();
    }
    one(space, "ScheduleKeyDeletion", params)
}

fn set_deletion_protection(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let mut params = json!({ "EnableDeletionProtection": !dice.rarely(2) });
    let key = key(dice, model, space);
    match dice.below(8) {
        0..4 => params["ProtectedResourceArn"] = key?.arn().into(),
        4..7 => params["KeyId"] = reference(dice, model, key).into(),
        _ if dice.rarely(2) => {}
        _ => {
            params["ProtectedResourceArn"] = key?.arn().into();
            let other: Vec<_> =
                model.keys.iter().filter(|key| key.space == space && !key.is_gone()).collect();
            params["KeyId"] = dice.any(&other)?.id.as_str().into();
        }
    }
    if dice.rarely(2) {
        params["DeletionProtectionDescription"] = dice.pick(&["because", "", "照看"]).into();
    }
    one(space, "SetDeletionProtection", params)
}

fn update_key_description(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let text = dice.pick(&["", "a", "描述"]);
    let key = key_reference(dice, model, space);
    one(space, "UpdateKeyDescription", json!({ "KeyId": key, "Description": text }))
}

fn create_key_version(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let key = key_that(dice, model, space, |key| !key.is_symmetric());
    one(space, "CreateKeyVersion", json!({ "KeyId": reference(dice, model, key) }))
}

/// Up to the 50 that a key may have, and beyond.
fn many_versions(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let key = key_that(dice, model, space, |key| !key.is_symmetric())?;
    if !dice.rarely(4) {
        return None;
    }
    let week = Call::new(space, "AdvanceClock", json!({ "Seconds": 7 * DAY }));
    let create = Call::new(space, "CreateKeyVersion", json!({ "KeyId": key.id }));
    let many = dice.below(60);
    Some((0..many).flat_map(|_| [week.clone(), create.clone()]).collect())
}

/// Enough for a second page of ListTagResources.
fn many_tags(dice: &mut Dice<'_>, _: &Model, space: usize) -> Option<Vec<Call>> {
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

fn describe_key_version(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let key = key(dice, model, space);
    let version = version(dice, model, key);
    let key = reference(dice, model, key);
    one(space, "DescribeKeyVersion", json!({ "KeyId": key, "KeyVersionId": version }))
}

/// A version of the key; now and then one of another key, or none.
pub fn version(dice: &mut Dice<'_>, model: &Model, key: Option<&Key>) -> String {
    let key = if dice.rarely(12) { dice.any(&model.keys) } else { key };
    match key {
        Some(key) if !dice.rarely(24) => dice.any(&key.versions).unwrap().id.clone(),
        _ => UNKNOWN.to_owned(),
    }
}

fn update_rotation_policy(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let key = key_that(dice, model, space, |key| key.is_symmetric() && !key.is_external);
    let mut params = json!({ "KeyId": reference(dice, model, key) });
    let enable = !dice.rarely(3);
    params["EnableAutomaticRotation"] = enable.into();
    if enable != dice.rarely(16) {
        params["RotationInterval"] = interval(dice).into();
    }
    one(space, "UpdateRotationPolicy", params)
}

fn create_alias(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let (name, key) = (alias_name(dice), key_reference(dice, model, space));
    one(space, "CreateAlias", json!({ "AliasName": name, "KeyId": key }))
}

fn update_alias(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let (name, key) = (alias_name(dice), key_reference(dice, model, space));
    one(space, "UpdateAlias", json!({ "AliasName": name, "KeyId": key }))
}

fn delete_alias(dice: &mut Dice<'_>, _: &Model, space: usize) -> Option<Vec<Call>> {
    one(space, "DeleteAlias", json!({ "AliasName": alias_name(dice) }))
}
