//! Time: what falls due stays done, also when the clock is set back, and leaves nothing behind.
#![allow(missing_docs)]

use std::path::Path;
use std::sync::Arc;

use kmshsm::api::{dispatch_json, wrap_key_material};
use kmshsm::error::Result;
use kmshsm::kms::{Kms, Options, Tick, Unlock};
use kmshsm::model::{Timestamp, WrappingAlgorithm};
use serde_json::{Value, json};

/// After every system clock: a store begins at the moment of its creation.
const START: u64 = 4_000_000_000;
const DAY: u64 = 86_400;
const KEY_FILE: Unlock<'static> = Unlock::KeyFile(&[7; 32]);

/// A store in a directory, opened at a moment of the test's choice.
struct World(Arc<Kms>);

impl World {
    fn new(place: &Path) -> Self {
        Kms::create(place, &KEY_FILE).unwrap();
        Self::at(place, START)
    }

    /// Whoever had it open before has closed it.
    fn at(place: &Path, moment: u64) -> Self {
        let manual_clock = Some(Timestamp(moment));
        let options =
            Options { allow_unprotected_memory: true, manual_clock, ..Options::default() };
        Self(Kms::open(place, &KEY_FILE, options).unwrap())
    }

    fn call(&self, action: &str, with: &Value) -> Result<Value> {
        let session = self.0.session("1", "cn-hongkong").unwrap();
        let answer = dispatch_json(&session, action, Some(&with.to_string()))?;
        Ok(serde_json::from_str(&answer).unwrap())
    }

    fn code(&self, action: &str, with: &Value) -> &'static str {
        self.call(action, with).map_or_else(|error| error.code().wire_code(), |_| "ok")
    }

    fn create(&self, with: &Value) -> String {
        let answer = self.call("CreateKey", with).unwrap();
        answer["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
    }

    fn pass(&self, seconds: u64) {
        self.call("AdvanceClock", &json!({ "Seconds": seconds })).unwrap();
    }

    fn assert_ledger(&self) {
        assert_eq!(self.0.ledger().unwrap(), Vec::<String>::new());
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn of(key: &str) -> Value {
    json!({ "KeyId": key })
}

fn deletion(key: &str) -> Value {
    json!({ "KeyId": key, "PendingWindowInDays": 7 })
}

#[test]
fn a_destroyed_key_stays_destroyed() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(folder.path());
    let key = world.create(&json!({ "Tags": [{ "TagKey": "a", "TagValue": "b" }] }));
    world.call("CreateAlias", &json!({ "AliasName": "alias/a", "KeyId": key })).unwrap();
    world.call("ScheduleKeyDeletion", &deletion(&key)).unwrap();
    world.pass(7 * DAY - 1);
    assert_eq!(world.code("DescribeKey", &of("alias/a")), "ok");
    world.pass(1);
    assert_eq!(world.code("DescribeKey", &of("alias/a")), "Forbidden.AliasNotFound");
    assert_eq!(world.code("DescribeKey", &of(&key)), "Forbidden.KeyNotFound");
    world.assert_ledger();
    drop(world);

    let world = World::at(folder.path(), START);
    for action in ["DescribeKey", "CancelKeyDeletion", "EnableKey"] {
        assert_eq!(world.code(action, &of(&key)), "Forbidden.KeyNotFound");
    }
    assert_eq!(world.call("ListKeys", &json!({})).unwrap()["TotalCount"], 0);
    assert_eq!(world.call("ListAliases", &json!({})).unwrap()["TotalCount"], 0);
    assert_eq!(world.0.tick().unwrap(), Tick::default());
}

#[test]
fn expired_material_and_tokens_stay_expired() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(folder.path());
    let key = world.create(&json!({ "Origin": "EXTERNAL" }));
    let wanted = json!({
        "KeyId": key,
        "WrappingKeySpec": "RSA_2048",
        "WrappingAlgorithm": "RSAES_OAEP_SHA_256",
    });
    let parameters = world.call("GetParametersForImport", &wanted).unwrap();
    let wrapped = wrap(parameters["PublicKey"].as_str().unwrap());
    let import = |expires: u64| {
        json!({
            "KeyId": key,
            "EncryptedKeyMaterial": wrapped,
            "ImportToken": parameters["ImportToken"],
            "KeyMaterialExpireUnix": expires,
        })
    };
    world.call("ImportKeyMaterial", &import(START + DAY)).unwrap();
    world.assert_ledger();
    let state = |world: &World| {
        let answer = world.call("DescribeKey", &of(&key)).unwrap();
        answer["KeyMetadata"]["KeyState"].as_str().unwrap().to_owned()
    };
    assert_eq!(state(&world), "Enabled");
    world.pass(DAY + 1);
    assert_eq!(world.code("ImportKeyMaterial", &import(0)), "ExpiredImportToken");
    assert_eq!(state(&world), "PendingImport");
    world.assert_ledger();
    drop(world);

    let world = World::at(folder.path(), START);
    assert_eq!(state(&world), "PendingImport");
    assert_eq!(world.code("ImportKeyMaterial", &import(0)), "ExpiredImportToken");
}

#[test]
fn a_tick_does_all_that_is_due_once() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(folder.path());
    let rotating = json!({ "EnableAutomaticRotation": true, "RotationInterval": "7d" });
    let rotated = world.create(&rotating);
    let disabled = world.create(&rotating);
    world.call("DisableKey", &of(&disabled)).unwrap();
    let doomed = world.create(&json!({ "KeySpec": "EC_P256" }));
    world.call("ScheduleKeyDeletion", &deletion(&doomed)).unwrap();
    assert_eq!(world.0.tick().unwrap(), Tick::default());
    world.pass(7 * DAY);
    assert_eq!(world.0.tick().unwrap(), Tick { deleted: 1, rotated: 1, expired: 0 });
    assert_eq!(world.0.tick().unwrap(), Tick::default());
    world.assert_ledger();
    let versions =
        |key: &str| world.call("ListKeyVersions", &of(key)).unwrap()["TotalCount"].clone();
    assert_eq!((versions(&rotated), versions(&disabled)), (2.into(), 1.into()));
    // Due since long: at once, and once.
    world.pass(700 * DAY);
    world.call("EnableKey", &of(&disabled)).unwrap();
    assert_eq!(versions(&disabled), 2);
    assert_eq!(world.0.tick().unwrap(), Tick { deleted: 0, rotated: 1, expired: 0 });
    world.pass(200_000_000_000);
    world.0.tick().unwrap();
    world.assert_ledger();
}

/// As the customer does it.
fn wrap(public_key: &str) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let public_key = STANDARD.decode(public_key).unwrap();
    let wrapped = wrap_key_material(&public_key, WrappingAlgorithm::OaepSha256, &[5; 32]);
    STANDARD.encode(wrapped.unwrap())
}

/// What one process has written is later than nothing that another does afterwards.
#[test]
fn a_slower_clock_lists_nothing_that_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let slow = World::new(folder.path());
    let key = slow.create(&json!({}));
    slow.call("ScheduleKeyDeletion", &deletion(&key)).unwrap();
    let fast = World::at(folder.path(), START + 8 * DAY);
    let other = fast.create(&json!({}));
    let listed = slow.call("ListKeys", &json!({})).unwrap();
    assert_eq!(listed["TotalCount"], 1);
    assert_eq!(listed["Keys"]["Key"][0]["KeyId"], other.as_str());
    slow.assert_ledger();
}
