//! Commands on keys themselves, and the clock.

use serde_json::json;

use super::versions::interval;
use super::{key, key_reference, one, reference, tags};
use crate::call::Call;
use crate::dice::Dice;
use crate::model::{DAY, Model};

pub fn describe_key(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    one(space, "DescribeKey", json!({ "KeyId": key_reference(dice, model, space) }))
}

/// Often to the very moment at which something is due, or a second beside it.
pub fn advance_clock(dice: &mut Dice<'_>, model: &Model, _: usize) -> Option<Vec<Call>> {
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

pub fn create_key(dice: &mut Dice<'_>, _: &Model, _: usize) -> Option<Vec<Call>> {
    let space = dice.pick(&[0, 0, 0, 0, 0, 0, 1, 1, 2]);
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
        params["Tags"] = tags::tags(dice, 3);
    }
    if dice.rarely(6) {
        params["Description"] = "描述".into();
    }
    one(space, "CreateKey", params)
}

pub fn switch(
    dice: &mut Dice<'_>,
    model: &Model,
    space: usize,
    action: &'static str,
) -> Option<Vec<Call>> {
    one(space, action, json!({ "KeyId": key_reference(dice, model, space) }))
}

pub fn schedule_key_deletion(
    dice: &mut Dice<'_>,
    model: &Model,
    space: usize,
) -> Option<Vec<Call>> {
    let mut params = json!({ "KeyId": key_reference(dice, model, space) });
    if !dice.rarely(4) {
        let days =
            if dice.rarely(12) { dice.pick(&[6, 0, 367]) } else { dice.pick(&[7, 8, 30, 366]) };
        params["PendingWindowInDays"] = days.into();
    }
    one(space, "ScheduleKeyDeletion", params)
}

pub fn set_deletion_protection(
    dice: &mut Dice<'_>,
    model: &Model,
    space: usize,
) -> Option<Vec<Call>> {
    let mut params = json!({ "EnableDeletionProtection": !dice.rarely(2) });
    let key = key(dice, model, space);
    match dice.below(8) {
        0..4 => params["ProtectedResourceArn"] = key?.arn().into(),
        4..7 => params["KeyId"] = reference(dice, model, key).into(),
        _ if dice.rarely(2) => {}
        _ => {
            params["ProtectedResourceArn"] = key?.arn().into();
            params["KeyId"] = dice.any(&model.living(space))?.id.as_str().into();
        }
    }
    if dice.rarely(2) {
        params["DeletionProtectionDescription"] = dice.pick(&["because", "", "照看"]).into();
    }
    one(space, "SetDeletionProtection", params)
}

pub fn update_key_description(
    dice: &mut Dice<'_>,
    model: &Model,
    space: usize,
) -> Option<Vec<Call>> {
    let text = dice.pick(&["", "a", "描述"]);
    let key = key_reference(dice, model, space);
    one(space, "UpdateKeyDescription", json!({ "KeyId": key, "Description": text }))
}
