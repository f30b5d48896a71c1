//! Sessions opened with access keys, and what becomes of who guesses their secrets.
#![allow(missing_docs)]

use std::sync::Arc;
use std::thread;

use kmshsm::api::dispatch_json;
use kmshsm::error::{ErrorCode, Result};
use kmshsm::kms::{Client, Kms, Login, Options, Place, Unlock};
use kmshsm::model::Principal;
use serde_json::{Value, json};

const KEY_FILE: Unlock<'static> = Unlock::KeyFile(&[7; 32]);

/// An access key as its owner has it.
#[derive(Clone)]
struct Owned {
    id: String,
    secret: String,
}

fn memory() -> Arc<Kms> {
    Place::Memory { manual_clock: true, seed: None }.open(None, Options::default()).unwrap()
}

fn call(kms: &Arc<Kms>, action: &str, with: &Value) -> Result<Value> {
    let session = kms.session("1", "cn-hongkong").unwrap();
    let answer = dispatch_json(&session, action, Some(&with.to_string()))?;
    Ok(serde_json::from_str(&answer).unwrap())
}

fn access_key(kms: &Arc<Kms>, user: &str) -> Owned {
    let answer = call(kms, "CreateAccessKey", &json!({ "UserName": user })).unwrap();
    let text = |name: &str| answer["AccessKey"][name].as_str().unwrap().to_owned();
    Owned { id: text("AccessKeyId"), secret: text("AccessKeySecret") }
}

fn user(kms: &Arc<Kms>, name: &str) -> Owned {
    call(kms, "CreateUser", &json!({ "UserName": name })).unwrap();
    access_key(kms, name)
}

fn pass(kms: &Arc<Kms>, seconds: u64) {
    call(kms, "AdvanceClock", &json!({ "Seconds": seconds })).unwrap();
}

/// `None` if the secret opens a session.
fn refusal(kms: &Kms, key: &Owned, secret: &str) -> Option<ErrorCode> {
    kms.authenticate(&key.id, secret.as_bytes()).err().map(|error| error.code())
}

const OPENS: Option<ErrorCode> = None;
const WRONG: Option<ErrorCode> = Some(ErrorCode::IncompleteSignature);
const KEPT_OUT: Option<ErrorCode> = Some(ErrorCode::AccessKeyInactive);

fn guess(kms: &Kms, key: &Owned, times: usize) {
    for _ in 0..times {
        assert_eq!(refusal(kms, key, "wrong"), WRONG);
    }
}

fn login<'a>(id: &'a str, secret: &'a [u8], region: &'a str) -> Login<'a> {
    Login { account: None, region, access_key: Some((id, secret)), client: Client::default() }
}

#[test]
fn a_secret_opens_sessions_of_its_user() {
    let kms = memory();
    let (alice, bob) = (user(&kms, "alice"), user(&kms, "bob"));
    let answer = call(&kms, "GetUser", &json!({ "UserName": "alice" })).unwrap();
    let principal = kms.authenticate(&alice.id, alice.secret.as_bytes()).unwrap();
    let Principal::User { account, id, name, access_key_id } = &principal else {
        panic!("{principal:?}");
    };
    assert_eq!(account.as_str(), "1");
    assert_eq!(json!(id), answer["User"]["UserId"]);
    assert_eq!((name.as_str(), access_key_id), ("alice", &alice.id));

    let open =
        |key: &Owned, region: &str| kms.login(&login(&key.id, key.secret.as_bytes(), region));
    let session = open(&bob, "cn-beijing").unwrap();
    assert_eq!((session.space().account.as_str(), session.space().region), ("1", "cn-beijing"));
    let refused = open(&bob, "nowhere").err().unwrap();
    assert_eq!(refused.code(), ErrorCode::InvalidParameter);
    assert!(refused.to_string().contains("RegionId"));
    kms.close();
    assert_eq!(refusal(&kms, &alice, &alice.secret), Some(ErrorCode::Closed));
}

/// Whether or not there is what he asks about.
#[test]
fn a_user_without_policies_may_do_nothing() {
    let kms = memory();
    let alice = user(&kms, "alice");
    let session = kms.login(&login(&alice.id, alice.secret.as_bytes(), "cn-hongkong"));
    let session = session.unwrap();
    let policy = json!({ "PolicyType": "System", "PolicyName": "AliyunKMSFullAccess" });
    let attached =
        |user: &str| json!({ "PolicyType": "Custom", "PolicyName": "none", "UserName": user });
    for (action, with) in [
        ("ListUsers", json!({})),
        ("GetUser", json!({ "UserName": "alice" })),
        ("GetUser", json!({ "UserName": "nobody" })),
        ("DeleteUser", json!({ "UserName": "nobody" })),
        ("CreateUser", json!({ "UserName": "alice" })),
        ("CreateAccessKey", json!({})),
        ("ListAccessKeys", json!({})),
        ("DeleteAccessKey", json!({ "UserAccessKeyId": "LTAI" })),
        ("GetPolicy", policy),
        ("DeletePolicy", json!({ "PolicyName": "none" })),
        ("CreatePolicy", json!({ "PolicyName": "none", "PolicyDocument": "{}" })),
        ("DeletePolicyVersion", json!({ "PolicyName": "none", "VersionId": "v1" })),
        ("AttachPolicyToUser", attached("alice")),
        ("DetachPolicyFromUser", attached("nobody")),
        ("ListPoliciesForUser", json!({ "UserName": "nobody" })),
        ("SimulatePolicy", json!({ "Action": "kms:Encrypt", "Resource": "*" })),
    ] {
        let refused = dispatch_json(&session, action, Some(&with.to_string())).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::NoPermission, "{action} {with}");
    }
}

#[test]
fn nothing_else_opens_any() {
    let kms = memory();
    let (alice, bob) = (user(&kms, "alice"), user(&kms, "bob"));
    let longer = format!("{}x", alice.secret);
    for secret in ["", &alice.secret[..29], &longer, &bob.secret] {
        assert_eq!(refusal(&kms, &alice, secret), WRONG, "{secret}");
        assert_eq!(refusal(&kms, &alice, &alice.secret), OPENS);
    }
    let long = "A".repeat(100_000);
    for id in ["", "LTAI", &alice.id[..23], &format!("{}x", alice.id), "ключ", &long] {
        let other = Owned { id: id.to_owned(), secret: alice.secret.clone() };
        assert_eq!(refusal(&kms, &other, &alice.secret), Some(ErrorCode::AccessKeyNotFound));
    }
}

#[test]
fn an_inactive_access_key_opens_nothing() {
    let kms = memory();
    let (first, second) = (user(&kms, "alice"), access_key(&kms, "alice"));
    let switch = |status: &str| {
        let with = json!({ "UserName": "alice", "UserAccessKeyId": first.id, "Status": status });
        call(&kms, "UpdateAccessKey", &with).unwrap();
    };
    switch("Inactive");
    assert_eq!(refusal(&kms, &first, &first.secret), KEPT_OUT);
    // Whether the secret is right is not told, and no guess counts.
    for _ in 0..10 {
        assert_eq!(refusal(&kms, &first, "wrong"), KEPT_OUT);
    }
    assert_eq!(refusal(&kms, &second, &second.secret), OPENS);
    switch("Active");
    assert_eq!(refusal(&kms, &first, &first.secret), OPENS);
    let with = json!({ "UserName": "alice", "UserAccessKeyId": first.id });
    call(&kms, "DeleteAccessKey", &with).unwrap();
    assert_eq!(refusal(&kms, &first, &first.secret), Some(ErrorCode::AccessKeyNotFound));
}

#[test]
fn five_wrong_secrets_in_a_row_lock_the_user_out() {
    let kms = memory();
    let (alice, bob) = (user(&kms, "alice"), user(&kms, "bob"));
    guess(&kms, &alice, 4);
    assert_eq!(refusal(&kms, &alice, &alice.secret), OPENS);
    // A right one ends the row.
    guess(&kms, &alice, 4);
    assert_eq!(refusal(&kms, &alice, &alice.secret), OPENS);

    // Those of all access keys are one row.
    let second = access_key(&kms, "alice");
    guess(&kms, &alice, 3);
    guess(&kms, &second, 2);
    for (key, secret) in [(&alice, &alice.secret), (&second, &second.secret)] {
        let error = kms.authenticate(&key.id, secret.as_bytes()).unwrap_err();
        assert_eq!(Some(error.code()), KEPT_OUT);
        assert!(error.to_string().ends_with("until 2019-07-04T13:29:15Z."), "{error}");
    }
    assert_eq!(refusal(&kms, &bob, &bob.secret), OPENS);
    assert!(kms.session("1", "cn-hongkong").is_ok());

    // Guesses that nobody looks at do not make it longer.
    pass(&kms, 899);
    assert_eq!(refusal(&kms, &alice, "wrong"), KEPT_OUT);
    assert_eq!(refusal(&kms, &alice, &alice.secret), KEPT_OUT);
    pass(&kms, 1);
    guess(&kms, &alice, 4);
    assert_eq!(refusal(&kms, &alice, &alice.secret), OPENS);
    guess(&kms, &alice, 5);
    assert_eq!(refusal(&kms, &alice, &alice.secret), KEPT_OUT);
    pass(&kms, 900);
    assert_eq!(refusal(&kms, &alice, &alice.secret), OPENS);
    assert_eq!(kms.ledger().unwrap(), Vec::<String>::new());
}

#[test]
fn an_administrator_lets_a_user_back_in() {
    let kms = memory();
    let alice = user(&kms, "alice");
    guess(&kms, &alice, 5);
    let switch = |status: &str| {
        let with = json!({ "UserName": "alice", "UserAccessKeyId": alice.id, "Status": status });
        call(&kms, "UpdateAccessKey", &with).unwrap();
    };
    switch("Inactive");
    assert_eq!(refusal(&kms, &alice, &alice.secret), KEPT_OUT);
    switch("Active");
    guess(&kms, &alice, 4);
    assert_eq!(refusal(&kms, &alice, &alice.secret), OPENS);
}

#[test]
fn guesses_at_the_same_time_are_all_counted() {
    let kms = memory();
    let alice = user(&kms, "alice");
    let wrong: usize = thread::scope(|scope| {
        let guesses = |_| {
            scope.spawn(|| {
                let refused = (0..10).map(|_| refusal(&kms, &alice, "wrong"));
                let (wrong, kept_out): (Vec<_>, Vec<_>) = refused.partition(|code| *code == WRONG);
                assert!(kept_out.iter().all(|code| *code == KEPT_OUT), "{kept_out:?}");
                wrong.len()
            })
        };
        let threads: Vec<_> = (0..8).map(guesses).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(wrong, 5);
}

#[test]
fn what_one_has_counted_all_others_know() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("store");
    Kms::create(&place, &KEY_FILE).unwrap();
    let open = || Kms::open(&place, &KEY_FILE, Options::default()).unwrap();
    let (one, other) = (open(), open());
    let alice = user(&one, "alice");
    guess(&other, &alice, 2);
    guess(&one, &alice, 2);
    drop(one);
    guess(&open(), &alice, 1);
    assert_eq!(refusal(&other, &alice, &alice.secret), KEPT_OUT);
    assert_eq!(refusal(&open(), &alice, &alice.secret), KEPT_OUT);
}
