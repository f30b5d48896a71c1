//! Commands that list.

use serde_json::{Value, json};

use super::tags::{TAG_KEYS, TAG_VALUES};
use super::{ALIASES, key, one, reference};
use crate::call::{Call, SPACES};
use crate::dice::Dice;
use crate::model::Model;

fn page(dice: &mut Dice<'_>, mut params: Value) -> Value {
    if dice.rarely(2) {
        params["PageNumber"] = if dice.rarely(20) { 0 } else { 1 + dice.below(3) }.into();
    }
    if dice.rarely(2) {
        params["PageSize"] = if dice.rarely(20) { 101 } else { 1 + dice.below(4) }.into();
    }
    params
}

pub fn versions(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let key = key(dice, model, space);
    let params = json!({ "KeyId": reference(dice, model, key) });
    one(space, "ListKeyVersions", page(dice, params))
}

pub fn aliases(dice: &mut Dice<'_>, _: &Model, space: usize) -> Option<Vec<Call>> {
    one(space, "ListAliases", page(dice, json!({})))
}

pub fn aliases_by_key_id(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let key = key(dice, model, space);
    let params = json!({ "KeyId": reference(dice, model, key) });
    one(space, "ListAliasesByKeyId", page(dice, params))
}

pub fn keys(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let many = dice.pick(&[0, 1, 1, 1, 2, 2, 3]);
    let mut filters = Vec::new();
    for _ in 0..many {
        filters.push(filter(dice, model, space));
    }
    let params = if many == 0 { json!({}) } else { json!({ "Filters": filters }) };
    one(space, "ListKeys", page(dice, params))
}

fn filter(dice: &mut Dice<'_>, model: &Model, space: usize) -> Value {
    let (name, words): (&str, &[&str]) = dice.pick(&[
        ("KeyState", &["Enabled", "Disabled", "PendingDeletion", "PendingImport"]),
        ("KeySpec", &["Aliyun_AES_256", "Aliyun_SM4", "EC_P256", "EC_SM2", "RSA_2048"]),
        ("TagKey", &TAG_KEYS),
        ("TagValue", &TAG_VALUES),
        ("AliasName", &ALIASES),
        ("KeyUsage", &["ENCRYPT/DECRYPT", "SIGN/VERIFY"]),
        ("ProtectionLevel", &["HSM", "SOFTWARE"]),
        ("CreatorType", &["User", "Service"]),
        ("Creator", &[SPACES[0].0, SPACES[1].0]),
        ("keyId", &["nothing"]),
        ("DKMSInstanceId", &["kst-1"]),
    ]);
    let mut values = Vec::new();
    for _ in 0..1 + dice.below(2) {
        match name {
            "keyId" => values.push(key(dice, model, space).map_or("nothing", |key| &key.id)),
            _ => values.push(dice.pick(words)),
        }
    }
    json!({ "Key": name, "Values": values })
}
