//! Commands beside other processes on one store.

use kmshsm::api::dispatch_json;
use kmshsm::error::ErrorCode;
use kmshsm::kms::{Kms, Options, Unlock};
use serde_json::Value;

use crate::home::*;

/// A process that has the store open, this one, and the command line see each other at once.
#[test]
fn processes_see_each_other() {
    let home = Home::with_store();
    let secret = home.read("keys.bin").try_into().unwrap();
    let options = Options { allow_unprotected_memory: needs_override(), ..Options::default() };
    let kms = Kms::open(&home.path("keys"), &Unlock::KeyFile(&secret), options).unwrap();
    let session = kms.session("111122223333", "cn-hongkong").unwrap();
    let call = |action: &str, parameters: Value| {
        let answer = dispatch_json(&session, action, Some(&parameters.to_string()));
        answer.map(|json| serde_json::from_str::<Value>(&json).unwrap()).map_err(|e| e.code())
    };
    let created = call("CreateKey", serde_json::json!({ "ProtectionLevel": "HSM" })).unwrap();
    let key = text(&created["KeyMetadata"]["KeyId"]);
    let encrypt = || call("Encrypt", serde_json::json!({ "KeyId": key, "Plaintext": "x" }));
    encrypt().unwrap();

    let of_key = ["--KeyId", key];
    home.ok("DisableKey", &of_key);
    assert_eq!(encrypt().unwrap_err(), ErrorCode::Disabled);
    home.refuses(4, "Rejected.Disabled", "GenerateDataKey", &of_key);
    home.ok("EnableKey", &of_key);
    let sealed = encrypt().unwrap();
    let blob = ["--CiphertextBlob", text(&sealed["CiphertextBlob"])];
    assert_eq!(home.ok("Decrypt", &blob)["Plaintext"], "x");

    call("DisableKey", serde_json::json!({ "KeyId": key })).unwrap();
    home.refuses(4, "Rejected.Disabled", "Decrypt", &blob);
}
