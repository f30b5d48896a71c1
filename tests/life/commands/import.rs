//! Commands that import material.

use serde_json::json;

use super::{key_that, one, reference};
use crate::call::Call;
use crate::dice::Dice;
use crate::model::{DAY, Model, State, Token};

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
/// Without a token, it is asked for first.
pub fn import_key_material(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let living = |token: &&Token| !model.keys[token.key].is_gone();
    let living: Vec<_> = model.tokens.iter().filter(living).collect();
    let fresh: Vec<_> =
        living.iter().copied().filter(|token| token.not_after >= model.now).collect();
    let tokens = if fresh.is_empty() && dice.rarely(4) { &living } else { &fresh };
    let Some(token) = dice.any(tokens).copied() else {
        return get_parameters_for_import(dice, model, space);
    };
    let own = &model.keys[token.key];
    let key = match dice.rarely(12) {
        true => key_that(dice, model, space, |key| key.is_external),
        false => Some(own),
    };
    let len = if own.spec == "Aliyun_SM4" { 16 } else { 32 };
    let material = match own.first_material.clone().filter(|_| !dice.rarely(6)) {
        Some(first) => first,
        None if dice.rarely(12) => "11".repeat(len - 1),
        None => dice.pick(&["22", "33"]).repeat(len),
    };
    // Under the public key of another token, if there is one of that kind.
    let is_alike = |other: &&&Token| other.algorithm == token.algorithm;
    let alike: Vec<_> = living.iter().filter(is_alike).collect();
    let wrapped_for = if dice.rarely(16) { dice.any(&alike)? } else { &token };
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
    let space = if dice.rarely(24) { space } else { own.space };
    // So often that a failure uses the token up.
    let many = if dice.rarely(12) { 1 + dice.below(7) } else { 1 };
    Some(vec![Call::new(space, "ImportKeyMaterial", params); many])
}

pub fn delete_key_material(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let key =
        key_that(dice, model, space, |key| key.is_external && key.state != State::PendingImport);
    one(space, "DeleteKeyMaterial", json!({ "KeyId": reference(dice, model, key) }))
}
