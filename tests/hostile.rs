//! What callers with few rights try: to jam the audit trail, to hide in it, to learn what is there, and to
//! use up what belongs to others.
#![allow(missing_docs)]

use std::sync::Arc;

use kmshsm::api::{dispatch_json, verify_trail};
use kmshsm::error::{ErrorCode, Result};
use kmshsm::kms::{Audit, Client, DataPlane, Kms, Login, Options, Quotas, Session, Unlock};
use serde_json::{Value, json};

const REGION: &str = "cn-hongkong";

fn memory() -> Arc<Kms> {
    Kms::in_memory(Options::default()).unwrap()
}

fn root(kms: &Arc<Kms>) -> Session {
    kms.session("1", REGION).unwrap()
}

fn call(session: &Session, action: &str, with: &Value) -> Result<Value> {
    let answer = dispatch_json(session, action, Some(&with.to_string()))?;
    Ok(serde_json::from_str(&answer).unwrap())
}

fn refusal(session: &Session, action: &str, with: &Value) -> ErrorCode {
    call(session, action, with).unwrap_err().code()
}

fn key(session: &Session) -> String {
    let answer = call(session, "CreateKey", &json!({})).unwrap();
    answer["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
}

fn login(kms: &Arc<Kms>, id: &str, secret: &str, client: Client) -> Result<Session> {
    let access_key = Some((id, secret.as_bytes()));
    kms.login(&Login { account: None, region: REGION, access_key, client })
}

/// The access key of a new user who may do what the statements of a policy allow.
fn user(kms: &Arc<Kms>, name: &str, statements: &Value) -> (String, String) {
    let root = root(kms);
    call(&root, "CreateUser", &json!({ "UserName": name })).unwrap();
    if statements.as_array().is_some_and(|statements| !statements.is_empty()) {
        let text = json!({ "Version": "1", "Statement": statements }).to_string();
        let policy = json!({ "PolicyName": name, "PolicyDocument": text });
        call(&root, "CreatePolicy", &policy).unwrap();
        let attached = json!({ "PolicyType": "Custom", "PolicyName": name, "UserName": name });
        call(&root, "AttachPolicyToUser", &attached).unwrap();
    }
    let made = call(&root, "CreateAccessKey", &json!({ "UserName": name })).unwrap();
    let text = |name: &str| made["AccessKey"][name].as_str().unwrap().to_owned();
    (text("AccessKeyId"), text("AccessKeySecret"))
}

/// The session of such a user.
fn session(kms: &Arc<Kms>, name: &str, statements: &Value) -> Session {
    let (id, secret) = user(kms, name, statements);
    login(kms, &id, &secret, Client::default()).unwrap()
}

fn events(session: &Session, with: &Value) -> Vec<Value> {
    let answer = call(session, "LookupEvents", with).unwrap();
    answer["Events"].as_array().unwrap().clone()
}

fn verify(kms: &Kms) {
    let mut trail = Vec::new();
    kms.export_trail(&mut trail).unwrap();
    verify_trail(&*trail, None, None).unwrap();
}

/// No event is longer than the trail takes, whatever callers say.
#[test]
fn long_names_do_not_stop_the_trail() {
    let kms = memory();
    let long = "x".repeat(3 << 20);
    let unknown = login(&kms, &long, "secret", Client::default());
    assert_eq!(unknown.err().unwrap().code(), ErrorCode::AccessKeyNotFound);
    let _ = call(&root(&kms), "DescribeKey", &json!({ (long.clone()): "" })).unwrap_err();
    let (id, secret) = user(&kms, "alice", &json!([]));
    let client = Client { user_agent: Some("\u{1}".repeat(1 << 20)), ..Client::default() };
    let alice = login(&kms, &id, &secret, client).unwrap();
    assert_eq!(refusal(&alice, "ListKeys", &json!({})), ErrorCode::NoPermission);
    kms.flush().unwrap();
    assert_eq!(events(&root(&kms), &json!({ "User": "alice" })).len(), 1);
    verify(&kms);
}

/// Names that a parser of JSON gives a meaning of its own are names like others.
#[test]
fn no_context_makes_an_event_unreadable() {
    let audit = Audit { data_plane: DataPlane::All, is_strict: false };
    let kms = Kms::in_memory(Options { audit, ..Options::default() }).unwrap();
    let root = root(&kms);
    let key = key(&root);
    for name in ["$serde_json::private::RawValue", "$serde_json::private::Number", "\u{2028}\""] {
        let context = json!({ (name): "1" });
        let with = json!({ "KeyId": key, "Plaintext": "YQ==", "EncryptionContext": context });
        call(&root, "Encrypt", &with).unwrap();
    }
    kms.flush().unwrap();
    assert_eq!(events(&root, &json!({ "EventName": "Encrypt" })).len(), 3);
    verify(&kms);
}

/// That somebody uses keys whose access key is gone is a refusal by authorization, and recorded as such.
#[test]
fn sessions_that_are_over_leave_a_trace() {
    let kms = memory();
    let allow = json!([{ "Effect": "Allow", "Action": "kms:*", "Resource": "*" }]);
    let (id, secret) = user(&kms, "alice", &allow);
    let alice = login(&kms, &id, &secret, Client::default()).unwrap();
    let root = root(&kms);
    let with = json!({ "KeyId": key(&root), "Plaintext": "YQ==" });
    call(&alice, "Encrypt", &with).unwrap();
    let inactive = json!({ "UserName": "alice", "UserAccessKeyId": id, "Status": "Inactive" });
    call(&root, "UpdateAccessKey", &inactive).unwrap();
    assert_eq!(refusal(&alice, "Encrypt", &with), ErrorCode::AccessKeyInactive);
    call(&root, "DeleteAccessKey", &json!({ "UserName": "alice", "UserAccessKeyId": id })).unwrap();
    assert_eq!(refusal(&alice, "Encrypt", &with), ErrorCode::AccessKeyNotFound);
    assert_eq!(events(&root, &json!({ "EventName": "Encrypt" })).len(), 2);
}

/// Whoever invents access keys does not drown the guesses at one that there is.
#[test]
fn guesses_are_not_hidden_among_others() {
    let kms = memory();
    let (id, _) = user(&kms, "alice", &json!([]));
    for nth in 0..1100 {
        assert!(login(&kms, &format!("LTAI{nth}"), "x", Client::default()).is_err());
    }
    let wrong = login(&kms, &id, "wrong", Client::default());
    assert_eq!(wrong.err().unwrap().code(), ErrorCode::IncompleteSignature);
    let found = events(&root(&kms), &json!({ "EventAccessKeyId": id }));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["userIdentity"]["userName"], "alice");
}

/// In strict mode refusals, too, are written before they are answered.
#[test]
fn strict_refusals_are_there_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let (place, unlock) = (directory.path().join("store"), Unlock::KeyFile(&[7; 32]));
    Kms::create(&place, &unlock).unwrap();
    let audit = Audit { data_plane: DataPlane::Off, is_strict: true };
    let kms = Kms::open(&place, &unlock, Options { audit, ..Options::default() }).unwrap();
    let other = Kms::open(&place, &unlock, Options::default()).unwrap();
    let alice = session(&kms, "alice", &json!([]));
    assert_eq!(refusal(&alice, "ListKeys", &json!({})), ErrorCode::NoPermission);
    assert_eq!(events(&root(&other), &json!({ "User": "alice" })).len(), 1);
    assert!(login(&kms, "LTAInobody", "x", Client::default()).is_err());
    let mut trail = Vec::new();
    other.export_trail(&mut trail).unwrap();
    assert!(String::from_utf8(trail).unwrap().contains("LTAInobody"));
}

/// What is refused is not counted against the account's rates.
#[test]
fn who_may_not_does_not_use_up_the_rates() {
    let quotas = Quotas::parse(r#"{"RequestsPerSecond":{"Write":40}}"#).unwrap();
    let kms = Kms::in_memory(Options { quotas, ..Options::default() }).unwrap();
    let alice = session(&kms, "alice", &json!([]));
    let root = root(&kms);
    let key = key(&root);
    let tag = json!([{ "Key": "a", "Value": "b" }]);
    let with = json!({
        "RegionId": REGION, "ResourceType": "key", "ResourceId": [key], "Tag": tag
    });
    let untag = json!({
        "RegionId": REGION, "ResourceType": "key", "ResourceId": [key], "All": true
    });
    for _ in 0..100 {
        assert_eq!(refusal(&alice, "TagResources", &with), ErrorCode::NoPermission);
        assert_eq!(refusal(&alice, "UntagResources", &untag), ErrorCode::NoPermission);
    }
    call(&root, "TagResources", &with).unwrap();
}

/// What is denied about a key is denied in lists of many keys, too.
#[test]
fn lists_of_tags_leave_out_keys_that_are_denied() {
    let kms = memory();
    let root = root(&kms);
    let keys = [key(&root), key(&root)];
    for key in &keys {
        let with = json!({ "KeyId": key, "Tags": [{ "TagKey": "for", "TagValue": "payroll" }] });
        call(&root, "TagResource", &with).unwrap();
    }
    let denied = format!("acs:kms:*:*:key/{}", keys[0]);
    let statements = json!([
        { "Effect": "Allow", "Action": "kms:*", "Resource": "*" },
        { "Effect": "Deny", "Action": "kms:*", "Resource": denied },
    ]);
    let alice = session(&kms, "alice", &statements);
    let with = json!({ "RegionId": REGION, "ResourceType": "key" });
    let rows = |session: &Session| {
        let answer = call(session, "ListTagResources", &with).unwrap();
        let rows = answer["TagResources"]["TagResource"].as_array().unwrap().clone();
        rows.into_iter().map(|row| row["ResourceId"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(rows(&root), keys);
    assert_eq!(rows(&alice), keys[1..]);
}

/// The trail of whoever asks does not tell what the answer does not.
#[test]
fn the_trail_does_not_tell_of_keys_of_others() {
    let kms = memory();
    let key = key(&root(&kms));
    let stranger = kms.session("2", REGION).unwrap();
    let absent = "00000000-0000-4000-8000-000000000000";
    for id in [key.as_str(), absent] {
        let arn = format!("acs:kms:{REGION}:1:key/{id}");
        assert_eq!(
            refusal(&stranger, "DescribeKey", &json!({ "KeyId": arn })),
            ErrorCode::KeyNotFound
        );
        assert_eq!(
            refusal(&stranger, "DescribeKey", &json!({ "KeyId": id })),
            ErrorCode::KeyNotFound
        );
    }
    for event in events(&stranger, &json!({ "EventName": "DescribeKey" })) {
        assert_eq!(event["referencedResources"], Value::Null, "{event}");
    }
}

/// Without a right to any key nobody hears whether a name stands for one.
#[test]
fn who_may_name_but_has_no_key_does_not_hear_what_is_named() {
    let kms = memory();
    let root = root(&kms);
    call(&root, "CreateAlias", &json!({ "AliasName": "alias/a", "KeyId": key(&root) })).unwrap();
    let statements =
        json!([{ "Effect": "Allow", "Action": "kms:*Alias", "Resource": "acs:kms:*:*:alias/*" }]);
    let alice = session(&kms, "alice", &statements);
    for name in ["alias/a", "alias/b"] {
        let refused = refusal(&alice, "DeleteAlias", &json!({ "AliasName": name }));
        assert_eq!(refused, ErrorCode::NoPermission, "{name}");
    }
}

/// Anybody can be refused: the trail does not grow by all that they say.
#[test]
fn refusals_are_short() {
    let kms = memory();
    let alice = session(&kms, "alice", &json!([]));
    let with = json!({ "PolicyName": "a", "PolicyDocument": "x".repeat(60_000) });
    assert_eq!(refusal(&alice, "CreatePolicy", &with), ErrorCode::NoPermission);
    let found = events(&root(&kms), &json!({ "User": "alice" }));
    assert_eq!(found.len(), 1);
    assert!(found[0].to_string().len() < 2048, "{}", found[0]);
}

/// Every login that is refused is recorded, whatever it is refused for.
#[test]
fn refused_logins_are_recorded() {
    let kms = memory();
    let (id, secret) = user(&kms, "alice", &json!([]));
    assert!(kms.authenticate(&id, b"wrong").is_err());
    let access_key = Some((id.as_str(), secret.as_bytes()));
    let client = Client::default();
    let refused = kms.login(&Login { account: Some("2"), region: REGION, access_key, client });
    assert_eq!(refused.err().unwrap().code(), ErrorCode::InvalidParameter);
    let found = events(&root(&kms), &json!({ "EventName": "OpenSession" }));
    let codes: Vec<_> = found.iter().map(|event| event["errorCode"].as_str().unwrap()).collect();
    assert_eq!(codes.len(), 2);
    assert!(codes.contains(&"InvalidParameter") && codes.contains(&"IncompleteSignature"));
}
