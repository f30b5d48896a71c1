//! `kmshsm audit`: the trail of a store, listed, exported and verified.

use serde_json::Value;

use crate::home::*;

const PLACE: [&str; 4] = ["--store", "keys", "--key-file", "keys.bin"];

fn audit(home: &Home, command: &str, args: &[&str]) -> Run {
    home.run(&[&["audit", command], &PLACE[..], args].concat())
}

fn names_of(listed: &Value) -> Vec<&str> {
    listed["Events"].as_array().unwrap().iter().map(|event| text(&event["eventName"])).collect()
}

#[test]
fn both_identities_sign() {
    for (identity, algorithm) in [("EC_P256", "ECDSA_SHA_256"), ("EC_SM2", "SM2DSA")] {
        let home = Home::empty();
        let init = [&["init", "--identity", identity], &PLACE[..]].concat();
        assert_eq!(home.run(&init).code, 0);
        home.ok("CreateUser", &["--UserName", "alice"]);
        let own = audit(&home, "verify", &[]).answer();
        assert_eq!((&own["Algorithm"], &own["Events"]), (&algorithm.into(), &1.into()));
        assert_eq!(own["IsKeyTrusted"], true);

        home.ok("CreateUser", &["--UserName", "bob"]);
        let exported = audit(&home, "export", &["trail"]).answer();
        assert_eq!((&exported["Events"], home.mode("trail")), (&2.into(), 0o600));
        audit(&home, "export", &["trail"]).refusal(1, "InvalidParameter");
        home.write("key.pem", audit(&home, "key", &[]).out.as_bytes());
        let kept = text(&own["Head"]);
        let trusting = ["audit", "verify", "trail", "--public-key", "key.pem", "--head", kept];
        let verified = home.run(&trusting).answer();
        assert_eq!(verified["Head"], exported["Head"]);
        assert_eq!(verified["IsKeyTrusted"], true);

        let piped = audit(&home, "export", &["-"]);
        assert_eq!((piped.code, piped.err.as_str()), (0, ""));
        let verified = Run::of(home.with_input(&["audit", "verify", "-"], piped.out.as_bytes()));
        assert_eq!(verified.answer()["Head"], exported["Head"]);
    }
    let other = ["init", "--identity", "RSA", "--store", "keys", "--key-file", "keys.bin"];
    Home::empty().run(&other).usage("--identity");
}

#[test]
fn the_own_trail_must_have_what_was_kept() {
    let home = Home::with_store();
    home.ok("CreateUser", &["--UserName", "alice"]);
    let other = format!("1:{}", "0".repeat(64));
    audit(&home, "verify", &["--head", &other]).refusal(6, "Audit.Damaged");
    let elsewhere = Home::with_store();
    elsewhere.write("key.pem", audit(&elsewhere, "key", &[]).out.as_bytes());
    let key = elsewhere.path("key.pem");
    audit(&home, "verify", &["--public-key", key.to_str().unwrap()]).refusal(6, "Audit.Damaged");
}

#[test]
fn events_are_listed() {
    let home = Home::with_store();
    let key = home.key(&[]);
    let other = home.key(&[]);
    let use_it = ["--KeyId", &key, "--Plaintext", "aGVsbG8="];
    home.ok("Encrypt", &use_it);
    home.ok("Encrypt", &[&use_it[..], &["--audit", "denied"]].concat());
    home.ok("Encrypt", &[&use_it[..], &["--audit", "all"]].concat());
    home.ok("Encrypt", &[&use_it[..], &["--audit", "all", "--strict-audit"]].concat());
    home.ok("DisableKey", &["--KeyId", &key]);
    home.refuses(4, "Rejected.Disabled", "Encrypt", &use_it);
    let denied = [&use_it[..], &["--audit", "denied"]].concat();
    home.refuses(4, "Rejected.Disabled", "Encrypt", &denied);

    let list = |conditions: &[&str]| {
        audit(&home, "list", &[&["--output", "json"], conditions].concat()).answer()
    };
    let all = ["Encrypt", "DisableKey", "Encrypt", "Encrypt", "CreateKey"];
    assert_eq!(names_of(&list(&["--key", &key])), all);
    assert_eq!(names_of(&list(&["--key", &key, "--max", "2"])), all[..2]);
    assert_eq!(names_of(&list(&["--key", &other])), ["CreateKey"]);
    assert_eq!(names_of(&list(&["--error", "Rejected.Disabled"])), ["Encrypt"]);
    assert_eq!(names_of(&list(&["--action", "DisableKey"])), ["DisableKey"]);
    assert!(names_of(&list(&["--user", "alice"])).is_empty());
    assert!(names_of(&list(&["--account", "1"])).is_empty());
    assert!(names_of(&list(&["--until", "2020-01-01T00:00:00Z"])).is_empty());
    assert_eq!(names_of(&list(&["--since", "2020-01-01T00:00:00Z", "--key", &key])), all);
    audit(&home, "list", &["--since", "yesterday", "--output", "json"])
        .refusal(1, "InvalidParameter");

    let table = audit(&home, "list", &["--key", &key, "--max", "1", "--output", "table"]).out;
    let lines: Vec<_> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    let [head, row]: [Vec<&str>; 2] = lines.try_into().unwrap();
    assert_eq!(head, ["time", "region", "who", "action", "resource", "result"]);
    assert_eq!(row[1..], ["cn-hongkong", "root", "Encrypt", &key, "Rejected.Disabled"]);
}

/// More than a page of LookupEvents.
#[test]
fn pages_are_put_together() {
    let home = Home::with_store();
    let key = home.key(&[]);
    let kms = kmshsm::kms::Kms::open(
        &home.path("keys"),
        &kmshsm::kms::Unlock::KeyFile(&home.read("keys.bin").try_into().unwrap()),
        kmshsm::kms::Options::default(),
    )
    .unwrap();
    let session = kms.session("111122223333", "cn-hongkong").unwrap();
    for at in 0..130 {
        let request = format!(r#"{{"KeyId":"{key}","Description":"{at}"}}"#);
        kmshsm::api::dispatch_json(&session, "UpdateKeyDescription", Some(&request)).unwrap();
    }
    kms.close();
    let most = ["--output", "json", "--action", "UpdateKeyDescription", "--max"];
    for (max, expected) in [("100", 100), ("101", 101), ("1000", 130)] {
        let listed = audit(&home, "list", &[&most[..], &[max]].concat()).answer();
        let mut found: Vec<_> = listed["Events"].as_array().unwrap().iter().collect();
        assert_eq!(found.len(), expected);
        found.dedup_by_key(|event| &event["eventId"]);
        assert_eq!(found.len(), expected);
    }
}
