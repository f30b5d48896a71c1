//! Commands on versions and their rotation.

use serde_json::json;

use super::{UNKNOWN, key, key_that, one, reference};
use crate::call::Call;
use crate::dice::Dice;
use crate::model::{DAY, Key, Model};

pub fn create_key_version(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let key = key_that(dice, model, space, |key| !key.is_symmetric());
    one(space, "CreateKeyVersion", json!({ "KeyId": reference(dice, model, key) }))
}

/// Up to the 50 that a key may have, and beyond.
pub fn many_versions(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let key = key_that(dice, model, space, |key| !key.is_symmetric())?;
    if !dice.rarely(4) {
        return None;
    }
    let week = Call::new(space, "AdvanceClock", json!({ "Seconds": 7 * DAY }));
    let create = Call::new(space, "CreateKeyVersion", json!({ "KeyId": key.id }));
    let many = dice.below(60);
    Some((0..many).flat_map(|_| [week.clone(), create.clone()]).collect())
}

pub fn describe_key_version(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
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

pub fn update_rotation_policy(
    dice: &mut Dice<'_>,
    model: &Model,
    space: usize,
) -> Option<Vec<Call>> {
    let key = key_that(dice, model, space, |key| key.is_symmetric() && !key.is_external);
    let mut params = json!({ "KeyId": reference(dice, model, key) });
    let enable = !dice.rarely(3);
    params["EnableAutomaticRotation"] = enable.into();
    if enable != dice.rarely(16) {
        params["RotationInterval"] = interval(dice).into();
    }
    one(space, "UpdateRotationPolicy", params)
}

pub fn interval(dice: &mut Dice<'_>) -> &'static str {
    let odd = ["6d", "731d", "604799s", "7", "d", "7w", ""];
    if dice.rarely(20) {
        return dice.pick(&odd);
    }
    dice.pick(&["7d", "8d", "168h", "30d", "604801s", "43200m", "365d", "730d"])
}
