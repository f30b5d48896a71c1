//! Users on the command line: who calls, secrets that are no arguments, and that nothing is forgotten when
//! the command has ended.

use serde_json::Value;

use crate::home::*;

/// A store in which alice has an access key, whose id this is; `alice.secret` has its secret.
fn with_alice() -> (Home, String) {
    let home = Home::with_store();
    home.ok("CreateUser", &["--UserName", "alice"]);
    let made = home.ok("CreateAccessKey", &["--UserName", "alice"]);
    home.write("alice.secret", text(&made["AccessKey"]["AccessKeySecret"]).as_bytes());
    home.write("wrong.secret", b"a guess\n");
    (home, text(&made["AccessKey"]["AccessKeyId"]).to_owned())
}

fn as_user<'a>(id: &'a str, secret: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["--access-key-id", id, "--access-key-secret-file", secret], more].concat()
}

fn events(home: &Home, conditions: &[&str]) -> Vec<Value> {
    let place = ["--store", "keys", "--key-file", "keys.bin", "--output", "json"];
    let listed = home.run(&[&["audit", "list"], &place[..], conditions].concat()).answer();
    listed["Events"].as_array().unwrap().clone()
}

#[test]
fn an_access_key_calls_as_its_user() {
    let (home, id) = with_alice();
    home.action("ListKeys", &as_user(&id, "alice.secret", &[]))
        .refusal(2, "Forbidden.NoPermission");
    let policy = ["--PolicyType", "System", "--PolicyName", "AliyunKMSReadOnlyAccess"];
    home.ok("AttachPolicyToUser", &[&policy[..], &["--UserName", "alice"]].concat());
    home.ok("ListKeys", &as_user(&id, "alice.secret", &[]));
    home.ok("ListKeys", &as_user(&id, "alice.secret", &["--account", "111122223333"]));
    let elsewhere = as_user(&id, "alice.secret", &["--account", "1"]);
    home.action("ListKeys", &elsewhere).refusal(1, "InvalidParameter");
    home.action("CreateKey", &as_user(&id, "alice.secret", &[]))
        .refusal(2, "Forbidden.NoPermission");
    let events = events(&home, &["--user", "alice", "--error", "Forbidden.NoPermission"]);
    let names: Vec<_> = events.iter().map(|event| text(&event["eventName"])).collect();
    assert_eq!(names, ["CreateKey", "ListKeys"]);
}

#[test]
fn the_environment_names_them_too() {
    let (home, id) = with_alice();
    let place = ["ListKeys", "--store", "keys", "--key-file", "keys.bin"];
    let mut command = home.command(&place);
    command.env("KMSHSM_ACCESS_KEY_ID", &id);
    command.env("KMSHSM_ACCESS_KEY_SECRET_FILE", "alice.secret");
    run(&mut command).refusal(2, "Forbidden.NoPermission");
    let mut command = home.command(&place);
    command.env("KMSHSM_ACCESS_KEY_SECRET_FILE", "alice.secret");
    // Who gives a secret does not mean to be the account itself.
    run(&mut command).refusal(1, "MissingParameter");
}

#[test]
fn a_secret_comes_by_a_descriptor_or_is_asked_for() {
    let (home, id) = with_alice();
    let args = ["ListKeys", "--store", "keys", "--key-file", "keys.bin", "--access-key-id", &id];
    let by_descriptor = [&args[..], &["--access-key-secret-fd", "0"]].concat();
    let secret = home.read("alice.secret");
    Run::of(home.with_input(&by_descriptor, &[&secret[..], b"\n"].concat()))
        .refusal(2, "Forbidden.NoPermission");
    Run::of(home.with_input(&by_descriptor, b"a guess")).refusal(2, "IncompleteSignature");
    let error = home.run(&args).refusal(1, "MissingParameter");
    assert!(message(&error).contains("--access-key-secret-file"), "{error}");
    home.run(&[&args[..], &["--access-key-secret", "x"]].concat()).usage("--access-key-secret");
}

#[test]
fn wrong_secrets_are_counted_across_processes() {
    let (home, id) = with_alice();
    for _ in 0..5 {
        let guess = as_user(&id, "wrong.secret", &[]);
        home.action("ListKeys", &guess).refusal(2, "IncompleteSignature");
    }
    home.action("ListKeys", &as_user(&id, "alice.secret", &[])).refusal(2, "Forbidden.AccessKey");
    let guesses = events(&home, &["--action", "OpenSession", "--error", "IncompleteSignature"]);
    let count = |event: &Value| event["additionalEventData"]["count"].as_u64().unwrap_or(1);
    assert_eq!(guesses.iter().map(count).sum::<u64>(), 5);
    let name = ["--UserName", "alice", "--UserAccessKeyId", &id, "--Status", "Active"];
    home.ok("UpdateAccessKey", &name);
    home.action("ListKeys", &as_user(&id, "alice.secret", &[]))
        .refusal(2, "Forbidden.NoPermission");
}

#[test]
fn conditions_hear_what_the_operator_vouches_for() {
    let (home, id) = with_alice();
    let document = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:ListKeys","Resource":"*",
        "Condition":{"IpAddress":{"acs:SourceIp":"192.0.2.0/24"},
        "Bool":{"acs:SecureTransport":"true","acs:MFAPresent":"true"}}}]}"#;
    home.ok("CreatePolicy", &["--PolicyName", "p", "--PolicyDocument", document]);
    let policy = ["--PolicyType", "Custom", "--PolicyName", "p", "--UserName", "alice"];
    home.ok("AttachPolicyToUser", &policy);
    let all = ["--source-ip", "192.0.2.7", "--secure-transport", "true", "--mfa-present", "true"];
    home.ok("ListKeys", &as_user(&id, "alice.secret", &all));
    for (at, other) in [(1, "192.0.3.1"), (3, "false"), (5, "false")] {
        let mut changed = all;
        changed[at] = other;
        home.action("ListKeys", &as_user(&id, "alice.secret", &changed))
            .refusal(2, "Forbidden.NoPermission");
    }
    home.action("ListKeys", &as_user(&id, "alice.secret", &all[..4]))
        .refusal(2, "Forbidden.NoPermission");
}

#[test]
fn bills_and_simulations_ask_who_calls() {
    let (home, id) = with_alice();
    let bill = as_user(&id, "alice.secret", &["--month", "2026-11", "--output", "json"]);
    home.action("bill", &bill).refusal(2, "Forbidden.NoPermission");
    let words = ["policy", "simulate", "--store", "keys", "--key-file", "keys.bin"];
    let question = ["--Action", "kms:ListKeys", "--Resource", "*"];
    let simulated = [&words[..], &as_user(&id, "wrong.secret", &question)].concat();
    home.run(&simulated).refusal(2, "IncompleteSignature");
}
