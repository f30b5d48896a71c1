//! Commands that use keys.

use serde_json::{Value, json};

use crate::call::Call;
use crate::commands::{key_that, one, reference, version};
use crate::dice::Dice;
use crate::model::{Key, Model, algorithm};

fn context(dice: &mut Dice<'_>) -> Option<Value> {
    dice.rarely(3).then(|| json!({ "tenant": "一", "purpose": "x" }))
}

pub fn encrypt(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let key = key_that(dice, model, space, Key::is_symmetric);
    let text = format!("text {}!", model.ciphertexts.len());
    let mut params = json!({ "KeyId": reference(dice, model, key), "Plaintext": text });
    if let Some(context) = context(dice) {
        params["EncryptionContext"] = context;
    }
    one(space, "Encrypt", params)
}

pub fn generate_data_key(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let key = key_that(dice, model, space, Key::is_symmetric);
    let mut params = json!({ "KeyId": reference(dice, model, key), "NumberOfBytes": 24 });
    if let Some(context) = context(dice) {
        params["EncryptionContext"] = context;
    }
    one(space, "GenerateDataKey", params)
}

pub fn decrypt(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let ciphertext = dice.any(&model.ciphertexts)?;
    let given = if dice.rarely(16) { context(dice) } else { ciphertext.context.clone() };
    let mut params = json!({ "CiphertextBlob": ciphertext.blob });
    if let Some(context) = given {
        params["EncryptionContext"] = context;
    }
    let space = if dice.rarely(12) { space } else { model.keys[ciphertext.key].space };
    one(space, "Decrypt", params)
}

pub fn re_encrypt(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let ciphertext = dice.any(&model.ciphertexts)?;
    let to = key_that(dice, model, space, Key::is_symmetric);
    let mut params = json!({
        "CiphertextBlob": ciphertext.blob,
        "DestinationKeyId": reference(dice, model, to),
    });
    if let Some(context) = ciphertext.context.clone().filter(|_| !dice.rarely(16)) {
        params["SourceEncryptionContext"] = context;
    }
    if let Some(context) = context(dice) {
        params["DestinationEncryptionContext"] = context;
    }
    one(space, "ReEncrypt", params)
}

const DIGESTS: [&str; 2] = [
    "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=",
];

pub fn sign(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let key = key_that(dice, model, space, |key| !key.is_symmetric());
    let version = version(dice, model, key);
    let own = key.map_or("SM2DSA", |key| algorithm(&key.spec));
    let params = json!({
        "KeyId": reference(dice, model, key),
        "KeyVersionId": version,
        "Algorithm": if dice.rarely(16) { "SM2DSA" } else { own },
        "Digest": DIGESTS[0],
    });
    one(space, "AsymmetricSign", params)
}

/// Now and then of another digest or another version.
pub fn verify(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let signature = dice.any(&model.signatures)?;
    let key = &model.keys[signature.key];
    let version = match dice.rarely(4) {
        false => signature.version.clone(),
        true => version(dice, model, Some(key)),
    };
    let params = json!({
        "KeyId": reference(dice, model, Some(key)),
        "KeyVersionId": version,
        "Algorithm": algorithm(&key.spec),
        "Digest": if dice.rarely(6) { DIGESTS[1] } else { DIGESTS[0] },
        "Value": signature.value,
    });
    one(if dice.rarely(12) { space } else { key.space }, "AsymmetricVerify", params)
}

pub fn get_public_key(dice: &mut Dice<'_>, model: &Model, space: usize) -> Option<Vec<Call>> {
    let key = key_that(dice, model, space, |key| !key.is_symmetric());
    let version = version(dice, model, key);
    let key = reference(dice, model, key);
    one(space, "GetPublicKey", json!({ "KeyId": key, "KeyVersionId": version }))
}
