//! Commands that import material.

use serde_json::json;

use crate::call::Call;
use crate::commands::{key_that, one, reference};
use crate::dice::Dice;
use crate::model::{DAY, Model, State};

/// Pairs of EC_SM2 take no time to make; those of RSA_2048 a tenth of a second.
pub fn get_parameters_for_import(
    dice: &mut Dice<'_>,
    model: &Model,
    space: usize,
) -> Option<Vec<Call>> {
    let key = key_that(dice, model, space, |key| key.is_external);
    let (spec, algorithm) = match dice.rarely(200) {
        false => ("EC_SM2", "SM2PKE"),
        true => ("RSA_2048", dice.pick(&["RSAES_OAEP_SHA_256", "RSAES_PKCS1_V1_5"])),
    };
    let params = json!({
        "KeyId": reference(dice, model, key),
        "WrappingKeySpec": spec,
        "WrappingAlgorithm": algorithm,
    });
    one(space, "GetParametersForImport", params)
}

/// Most often what the key takes; else other material, of another length, under another token.
pub fn import_key_material(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let waiting: Vec<_> =
        model.tokens.iter().filter(|token| !model.keys[token.key].is_gone()).collect();
    let token = *dice.any(&waiting)?;
    let own = &model.keys[token.key];
    let key = if dice.rarely(12) {
        key_that(dice, model, space, |key| key.is_external)
    } else {
        Some(own)
    };
    let len = if own.spec == "Aliyun_SM4" { 16 } else { 32 };
    let material = match own.first_material.clone().filter(|_| !dice.rarely(6)) {
        Some(first) => first,
        None if dice.rarely(12) => "11".repeat(len - 1),
        None => dice.pick(&["22", "33"]).repeat(len),
    };
    let wrapped_for = if dice.rarely(16) { *dice.any(&waiting)? } else { token };
    let wrapped_for = if wrapped_for.algorithm == token.algorithm { wrapped_for } else { token };
    let mut params = json!({
        "KeyId": reference(dice, model, key),
        "ImportToken": token.name,
        "EncryptedKeyMaterial": {
            "PublicKey": wrapped_for.public_key,
            "WrappingAlgorithm": token.algorithm,
            "KeyMaterial": material,
        },
    });
    if dice.rarely(2) {
        let after = dice.pick(&[3600, DAY, 10 * DAY, 0, 1]);
        params["KeyMaterialExpireUnix"] = (model.now + after).into();
    }
    one(if dice.rarely(16) { space } else { own.space }, "ImportKeyMaterial", params)
}

pub fn delete_key_material(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let key =
        key_that(dice, model, space, |key| key.is_external && key.state != State::PendingImport);
    one(space, "DeleteKeyMaterial", json!({ "KeyId": reference(dice, model, key) }))
}
