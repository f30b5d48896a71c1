//! Quotas, rates and the keeper: what an operator sets when a store is opened.
#![allow(missing_docs)]

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use kmshsm::api::dispatch_json;
use kmshsm::error::Result;
use kmshsm::kms::{Kms, Options, Quotas, Rates, Tick};
use kmshsm::model::Timestamp;
use serde_json::Value;

const WEEK: u64 = 604_800;

struct World(Arc<Kms>);

impl World {
    fn with(options: Options) -> Self {
        let manual_clock = Some(Timestamp(1_562_246_055));
        let options = Options { allow_unprotected_memory: true, manual_clock, ..options };
        Self(Kms::in_memory(options).unwrap())
    }

    fn limited(quotas: &str) -> Self {
        Self::with(Options { quotas: Quotas::parse(quotas).unwrap(), ..Options::default() })
    }

    fn call(&self, action: &str, with: &str) -> Result<Value> {
        self.call_as("1", action, with)
    }

    fn call_as(&self, account: &str, action: &str, with: &str) -> Result<Value> {
        let session = self.0.session(account, "cn-hangzhou").unwrap();
        let answer = dispatch_json(&session, action, Some(with))?;
        Ok(serde_json::from_str(&answer).unwrap())
    }

    fn create(&self, with: &str) -> String {
        let answer = self.call("CreateKey", with).unwrap();
        answer["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
    }

    fn code(&self, action: &str, with: &str) -> &'static str {
        self.call(action, with).map_or_else(|error| error.code().wire_code(), |_| "ok")
    }

    fn pass(&self, seconds: u64) {
        self.call("AdvanceClock", &format!(r#"{{"Seconds":{seconds}}}"#)).unwrap();
    }
}

#[test]
fn keys_are_counted_until_they_are_gone() {
    let world = World::limited(r#"{"Keys":2}"#);
    let key = world.create("{}");
    world.create("{}");
    assert_eq!(world.code("CreateKey", "{}"), "Rejected.LimitExceeded");
    let other = world.call_as("2", "CreateKey", "{}");
    assert!(other.is_ok(), "another account has quotas of its own");
    let schedule = format!(r#"{{"KeyId":"{key}","PendingWindowInDays":7}}"#);
    world.call("ScheduleKeyDeletion", &schedule).unwrap();
    assert_eq!(world.code("CreateKey", "{}"), "Rejected.LimitExceeded");
    world.pass(WEEK);
    assert_eq!(world.code("CreateKey", "{}"), "ok");
    assert_eq!(world.code("CreateKey", "{}"), "Rejected.LimitExceeded");
}

#[test]
fn aliases_versions_and_tags_have_quotas() {
    let world = World::limited(r#"{"Aliases":1,"Versions":2,"Tags":2}"#);
    let key = world.create(r#"{"KeySpec":"EC_P256"}"#);
    let alias = |name: &str| format!(r#"{{"AliasName":"alias/{name}","KeyId":"{key}"}}"#);
    assert_eq!(world.code("CreateAlias", &alias("a")), "ok");
    assert_eq!(world.code("CreateAlias", &alias("b")), "Rejected.LimitExceeded");
    assert_eq!(world.code("DeleteAlias", r#"{"AliasName":"alias/a"}"#), "ok");
    assert_eq!(world.code("CreateAlias", &alias("b")), "ok");
    let of_key = format!(r#"{{"KeyId":"{key}"}}"#);
    world.pass(WEEK);
    assert_eq!(world.code("CreateKeyVersion", &of_key), "ok");
    world.pass(WEEK);
    assert_eq!(world.code("CreateKeyVersion", &of_key), "Rejected.LimitExceeded");
    assert_eq!(world.code("CreateKey", "{}"), "Rejected.LimitExceeded");
    let tag =
        |name: &str| format!(r#"{{"KeyId":"{key}","Tags":[{{"TagKey":"{name}","TagValue":""}}]}}"#);
    for (name, outcome) in [("a", "ok"), ("b", "ok"), ("c", "Rejected.LimitExceeded"), ("b", "ok")]
    {
        assert_eq!(world.code("TagResource", &tag(name)), outcome);
    }
}

/// Rotation that the owner has asked for once is not refused later.
#[test]
fn rotation_is_beyond_quotas() {
    let world = World::limited(r#"{"Versions":1}"#);
    let key = world.create(r#"{"EnableAutomaticRotation":true,"RotationInterval":"7d"}"#);
    world.pass(WEEK);
    let expected = Tick { deleted: 0, rotated: 1, expired: 0 };
    assert_eq!(world.0.tick().unwrap(), expected);
    let versions = world.call("ListKeyVersions", &format!(r#"{{"KeyId":"{key}"}}"#)).unwrap();
    assert_eq!(versions["TotalCount"], 2);
}

#[test]
fn calls_of_a_second_are_counted_by_class_and_kind() {
    let rates = Rates { create_key: 3, symmetric: 2, curves: 1, read: 2, write: 2, rsa: 0 };
    let quotas = Quotas { requests_per_second: Some(rates), ..Quotas::default() };
    let world = World::with(Options { quotas, ..Options::default() });
    let key = world.create("{}");
    let pair = world.create(r#"{"KeySpec":"EC_P256"}"#);
    let (of_key, of_pair) = (format!(r#"{{"KeyId":"{key}"}}"#), format!(r#"{{"KeyId":"{pair}"}}"#));
    let encrypt = format!(r#"{{"KeyId":"{key}","Plaintext":"x"}}"#);
    for _ in 0..2 {
        world.pass(1);
        // Kinds of keys are counted apart.
        for _ in 0..2 {
            assert_eq!(world.code("DescribeKey", &of_pair), "ok");
            assert_eq!(world.code("EnableKey", &of_pair), "ok");
        }
        assert_eq!(world.code("DescribeKey", &of_pair), "Rejected.Throttling");
        assert_eq!(world.code("EnableKey", &of_pair), "Rejected.Throttling");
        assert_eq!(world.code("Encrypt", &encrypt), "ok");
        assert_eq!(world.code("GenerateDataKey", &of_key), "ok");
        assert_eq!(world.code("Encrypt", &encrypt), "Rejected.Throttling");
        assert_eq!(world.code("DescribeKey", &of_key), "ok");
        assert_eq!(world.code("ListKeys", "{}"), "ok");
        assert_eq!(world.code("ListKeys", "{}"), "Rejected.Throttling");
        assert_eq!(world.code("DisableKey", &of_key), "ok");
        assert_eq!(world.code("EnableKey", &of_key), "ok");
        assert_eq!(world.code("DisableKey", &of_key), "Rejected.Throttling");
        // The state comes before the quota, and what it refuses is not counted.
        assert_eq!(world.code("CancelKeyDeletion", &of_key), "Rejected.StateModifiedFailed");
        assert_eq!(world.code("DescribeRegions", "{}"), "ok");
    }
}

/// The thread does what is due, and ends with the store.
#[test]
fn a_keeper_destroys_what_nobody_asks_for() {
    let keeper = Some(Duration::from_millis(20));
    let world = World::with(Options { keeper, ..Options::default() });
    let doom = || {
        let key = world.create("{}");
        let schedule = format!(r#"{{"KeyId":"{key}","PendingWindowInDays":7}}"#);
        world.call("ScheduleKeyDeletion", &schedule).unwrap();
        world.pass(WEEK);
    };
    doom();
    // This thread may come first: then there is another key for the keeper.
    while world.0.tick().unwrap().deleted == 1 {
        doom();
        thread::sleep(Duration::from_millis(50));
    }
    assert!(thread_of_keeper());
    world.0.close();
    // A thread leaves the system's list a moment after it has ended.
    let mut looks = (0..1000).map(|_| thread::sleep(Duration::from_millis(10)));
    assert!(looks.any(|()| !thread_of_keeper()));
}

fn thread_of_keeper() -> bool {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    threads.flatten().any(|thread| {
        let name = std::fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
        name.trim() == "kmshsm-keeper"
    })
}

#[test]
fn options_are_read() {
    let options = r#"{"AllowUnprotectedMemory":true,"Quotas":"service","KeeperSeconds":60}"#;
    let options = Options::parse(options).unwrap();
    assert!(options.allow_unprotected_memory);
    assert_eq!(options.quotas, Quotas::service());
    assert_eq!(options.keeper, Some(Duration::from_secs(60)));
    assert_eq!(Options::parse(r#"{"Quotas":{"Keys":1}}"#).unwrap().quotas.keys, Some(1));
    for text in ["", "[]", r#"{"Quota":1}"#, r#"{"KeeperSeconds":0}"#, r#"{"Quotas":"none"}"#] {
        assert!(Options::parse(text).is_err(), "{text}");
    }
}
