//! The examples of chapter 16, and what is paid for when.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::api::dispatch_json;
use crate::error::{ErrorCode, Result};
use crate::kms::{Kms, Options, Session};
use crate::model::{CallClass, Month};

const DAY: u64 = 86_400;

struct World {
    kms: Arc<Kms>,
    session: Session,
}

impl World {
    /// From the first moment of November 2026 on.
    fn new(region: &str) -> Self {
        let manual_clock = Some(Month::parse("2026-11").unwrap().start());
        let options =
            Options { manual_clock, allow_unprotected_memory: true, ..Options::default() };
        let kms = Kms::in_memory(options).unwrap();
        let session = kms.session("1", region).unwrap();
        Self { kms, session }
    }

    fn call(&self, action: &str, with: &Value) -> Result<Value> {
        let answer = dispatch_json(&self.session, action, Some(&with.to_string()))?;
        Ok(serde_json::from_str(&answer).unwrap())
    }

    fn do_to(&self, key: &Value, action: &str) {
        self.call(action, &json!({ "KeyId": key })).unwrap();
    }

    fn create(&self, spec: &str, level: &str) -> Value {
        let with = json!({ "KeySpec": spec, "ProtectionLevel": level });
        self.call("CreateKey", &with).unwrap()["KeyMetadata"]["KeyId"].take()
    }

    fn pass(&self, seconds: u64) {
        self.call("AdvanceClock", &json!({ "Seconds": seconds })).unwrap();
    }

    /// Item, quantity and amount of each line, and the total.
    fn bill(&self, month: &str, currency: &str) -> (Vec<[String; 3]>, String) {
        let with = json!({ "BillingCycle": month, "Currency": currency });
        let bill = self.call("QueryBill", &with).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let lines = bill["Items"]["Item"].as_array().unwrap();
        let line = |line: &Value| ["Item", "Quantity", "Amount"].map(|name| text(&line[name]));
        (lines.iter().map(line).collect(), text(&bill["Total"]))
    }

    /// The version-days of software keys in November.
    fn days(&self) -> String {
        let (lines, _) = self.bill("2026-11", "CNY");
        let hosting = lines.into_iter().find(|[item, ..]| item == "HostingSoftware");
        hosting.map_or_else(|| "0.000".to_owned(), |[_, quantity, _]| quantity)
    }
}

fn is(bill: (Vec<[String; 3]>, String), lines: &[[&str; 3]], total: &str) {
    let (found, sum) = bill;
    assert_eq!(
        (found, sum.as_str()),
        (lines.iter().map(|line| line.map(str::to_owned)).collect(), total)
    );
}

#[test]
fn a_basic_hardware_key_and_750_calls_in_singapore() {
    let world = World::new("ap-southeast-1");
    let key = world.create("Aliyun_AES_256", "HSM");
    for _ in 0..750 {
        world.call("Encrypt", &json!({ "KeyId": key, "Plaintext": "text !" })).unwrap();
    }
    world.pass(30 * DAY);
    let lines = [["HostingBasicHardware", "30.000", "7.110"], ["CallsBasic", "750", "0.016"]];
    is(world.bill("2026-11", "CNY"), &lines, "7.126");
    let lines = [["HostingBasicHardware", "30.000", "0.990"], ["CallsBasic", "750", "0.002"]];
    is(world.bill("2026-11", "usd"), &lines, "0.992");
}

#[test]
fn an_advanced_hardware_key_and_100_000_signatures() {
    let world = World::new("ap-southeast-1");
    let key = world.create("EC_P256", "HSM");
    let versions = world.call("ListKeyVersions", &json!({ "KeyId": key })).unwrap();
    let version = &versions["KeyVersions"]["KeyVersion"][0]["KeyVersionId"];
    let with = json!({
        "KeyId": key,
        "KeyVersionId": version,
        "Algorithm": "ECDSA_SHA_256",
        "Digest": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    });
    for _ in 0..20 {
        world.call("AsymmetricSign", &with).unwrap();
    }
    world.call("GetPublicKey", &json!({ "KeyId": key, "KeyVersionId": version })).unwrap();
    world.kms.pretend_calls(world.session.space(), CallClass::Advanced, 100_000 - 20);
    world.pass(30 * DAY);
    let lines =
        [["HostingAdvancedHardware", "30.000", "17.790"], ["CallsAdvanced", "100000", "10.680"]];
    is(world.bill("2026-11", "CNY"), &lines, "28.470");
}

#[test]
fn two_million_and_ten_thousand_basic_calls() {
    let world = World::new("cn-hongkong");
    world.kms.pretend_calls(world.session.space(), CallClass::Basic, 2_010_000);
    is(world.bill("2026-11", "CNY"), &[["CallsBasic", "2010000", "43.014"]], "43.014");
}

#[test]
fn what_versions_are_paid_for() {
    let world = World::new("cn-hongkong");
    let key = world.create("EC_P256", "SOFTWARE");
    world.pass(DAY);
    world.do_to(&key, "DisableKey");
    world.pass(6 * DAY);
    assert_eq!(world.days(), "7.000");
    world.do_to(&key, "EnableKey");
    world.do_to(&key, "CreateKeyVersion");
    world.pass(DAY);
    assert_eq!(world.days(), "9.000");
    let schedule = json!({ "KeyId": key, "PendingWindowInDays": 7 });
    world.call("ScheduleKeyDeletion", &schedule).unwrap();
    world.pass(DAY);
    assert_eq!(world.days(), "9.000");
    world.do_to(&key, "CancelKeyDeletion");
    world.pass(DAY);
    assert_eq!(world.days(), "11.000");
    // Its destruction is nothing new.
    world.call("ScheduleKeyDeletion", &schedule).unwrap();
    world.pass(8 * DAY);
    world.kms.tick().unwrap();
    assert_eq!(world.days(), "11.000");
    assert_eq!(world.kms.ledger().unwrap(), Vec::<String>::new());
}

#[test]
fn keys_without_material_are_paid_for() {
    let world = World::new("cn-hongkong");
    world.call("CreateKey", &json!({ "Origin": "EXTERNAL" })).unwrap();
    world.pass(DAY);
    assert_eq!(world.days(), "1.000");
}

/// A version that is due is paid for from the moment in which it is made.
#[test]
fn rotation_makes_versions() {
    let world = World::new("cn-hongkong");
    let with = json!({ "EnableAutomaticRotation": true, "RotationInterval": "7d" });
    world.call("CreateKey", &with).unwrap();
    world.pass(10 * DAY);
    assert_eq!(world.days(), "10.000");
    world.kms.tick().unwrap();
    world.pass(DAY);
    assert_eq!(world.days(), "12.000");
}

#[test]
fn months_and_spaces_are_apart() {
    let world = World::new("cn-shanghai-finance-1");
    world.create("RSA_3072", "SOFTWARE");
    world.kms.pretend_calls(world.session.space(), CallClass::Advanced, 10);
    world.pass(40 * DAY);
    world.kms.pretend_calls(world.session.space(), CallClass::Advanced, 10_000);
    let elsewhere = world.kms.session("1", "cn-beijing").unwrap();
    world.kms.pretend_calls(elsewhere.space(), CallClass::Basic, 10_000);
    let another = world.kms.session("2", "cn-beijing").unwrap();
    world.kms.pretend_calls(another.space(), CallClass::Basic, 1);
    let november = [["HostingSoftware", "30.000", "0.798"], ["CallsAdvanced", "10", "0.003"]];
    is(world.bill("2026-11", "CNY"), &november, "0.801");
    let december = [
        ["CallsBasic", "10000", "0.600"],
        ["HostingSoftware", "10.000", "0.266"],
        ["CallsAdvanced", "10000", "3.420"],
    ];
    is(world.bill("2026-12", "CNY"), &december, "4.286");
    is(world.bill("2026-10", "CNY"), &[], "0.000");
    is(world.bill("1970-01", "CNY"), &[], "0.000");
}

#[test]
fn cycles_and_currencies_that_are_none() {
    let world = World::new("cn-hongkong");
    let code = |with: Value| {
        let refused = world.call("QueryBill", &with).unwrap_err();
        (refused.code(), refused.to_string())
    };
    for cycle in ["2026-12", "9999-12", "2026-13", "2026-1", "202611", "", "1969-12", "2026-11-01"]
    {
        let (code, says) = code(json!({ "BillingCycle": cycle }));
        assert_eq!(code, ErrorCode::InvalidParameter, "{cycle}");
        assert!(says.contains("\"BillingCycle\""), "{says}");
    }
    let (refused, says) = code(json!({ "BillingCycle": "2026-11", "Currency": "EUR" }));
    assert_eq!(refused, ErrorCode::InvalidParameter);
    assert!(says.contains("\"Currency\" is not valid") && says.contains("CNY, USD"), "{says}");
    assert_eq!(code(json!({})).0, ErrorCode::MissingParameter);
}

/// Months in which nothing happens are paid for, thousands of years of them.
#[test]
fn a_leap() {
    let world = World::new("cn-hongkong");
    world.create("Aliyun_AES_256", "SOFTWARE");
    let far = Month::parse("8999-02").unwrap();
    world.pass(far.end().0 - Month::parse("2026-11").unwrap().start().0);
    world.create("Aliyun_AES_256", "SOFTWARE");
    for (month, days, amount) in [("2026-11", "30.000", "0.420"), ("8999-02", "28.000", "0.392")] {
        is(world.bill(month, "CNY"), &[["HostingSoftware", days, amount]], amount);
    }
}
