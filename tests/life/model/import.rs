//! Import of material (chapter 7).

use serde_json::json;

use super::{DAY, Model};
use crate::call::{Call, Refusal, SPACES, Verdict, utc};

/// How many failures a wrapping pair survives.
const FAILURES: u32 = 4;

/// What GetParametersForImport gave.
pub struct Token {
    pub name: String,
    pub public_key: String,
    pub algorithm: String,
    pub key: usize,
    pub not_after: u64,
    failures: u32,
}

impl Model {
    pub(super) fn get_parameters_for_import(&mut self, call: &Call) -> Verdict {
        let key = self.admit(call, "KeyId")?;
        let (_, region) = SPACES[call.space];
        let has_gm = self.keys[key].is_hsm && region == "cn-hangzhou";
        if call.text("WrappingKeySpec") == "EC_SM2" && !has_gm {
            return Err(Refusal("InvalidParameter", "WrappingKeySpec"));
        }
        let not_after = self.now + DAY;
        let (name, public_key) = (self.name("token"), self.name("wrapping"));
        let answer = json!({
            "KeyId": self.keys[key].id,
            "ImportToken": name,
            "PublicKey": public_key,
            "TokenExpireTime": utc(not_after),
        });
        let algorithm = call.text("WrappingAlgorithm").to_owned();
        self.tokens.push(Token { name, public_key, algorithm, key, not_after, failures: 0 });
        Ok(answer)
    }

    pub(super) fn import_key_material(&mut self, call: &Call) -> Verdict {
        let expires = call.number("KeyMaterialExpireUnix").filter(|at| *at != 0);
        if expires.is_some_and(|at| at <= self.now) {
            return Err(Refusal("InvalidParameter", "KeyMaterialExpireUnix"));
        }
        let key = self.admit(call, "KeyId")?;
        let token = self.tokens.iter_mut().find(|token| token.name == call.text("ImportToken"));
        let token = token.unwrap();
        if self.now > token.not_after {
            return Err(Refusal("ExpiredImportToken", ""));
        }
        if token.key != key || token.failures > FAILURES {
            return Err(Refusal("InvalidImportToken", ""));
        }
        let recipe = &call.params["EncryptedKeyMaterial"];
        let material = recipe["KeyMaterial"].as_str().unwrap();
        let key = &mut self.keys[key];
        let len = if key.spec == "Aliyun_SM4" { 16 } else { 32 };
        let is_same = key.first_material.as_ref().is_none_or(|first| first == material);
        let is_wrapped = recipe["PublicKey"] == *token.public_key;
        if material.len() != 2 * len || !is_same || !is_wrapped {
            token.failures += 1;
            return Err(Refusal("InvalidKeyMaterial", ""));
        }
        key.take_material(material, expires);
        Ok(json!({}))
    }

    pub(super) fn delete_key_material(&mut self, call: &Call) -> Verdict {
        let key = self.admit(call, "KeyId")?;
        self.keys[key].lose_material();
        Ok(json!({}))
    }
}
