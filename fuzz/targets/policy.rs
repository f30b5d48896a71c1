//! Policies, as texts and as what may stand in them, and what follows from those that are taken.
#![no_main]

use arbitrary::{Result, Unstructured};
use kmshsm::model::{Account, Timestamp};
use kmshsm::policy::{Caller, Circumstances, KeyPolicy, Policy, Request, Verdict, evaluate, judge};
use serde_json::{Map, Value, json};

const EFFECTS: &[&str] = &["Allow", "Deny"];
const ACTIONS: &[&str] = &["kms:*", "*", "kms:Encrypt", "kms:De*pt", "KMS:?ncrypt", "ram:*"];
const RESOURCES: &[&str] = &["*", "acs:kms:*:*:key/*", "acs:kms:r:1:key/a", "acs:*:*:?:*a*a*"];
const PRINCIPALS: &[&str] =
    &["acs:ram::1:*", "acs:ram::1:root", "acs:ram::1:user/a", "acs:ram::2:*", "acs:ram::2:user/a"];
const OPERATORS: &[&str] = &[
    "StringEquals",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericLessThanEquals",
    "NumericNotEquals",
    "DateGreaterThan",
    "DateNotEquals",
    "Bool",
    "IpAddress",
    "NotIpAddress",
];
const KEYS: &[&str] =
    &["kms:tag/a", "acs:CurrentTime", "acs:SourceIp", "acs:SecureTransport", "acs:MFAPresent"];
const VALUES: &[&str] =
    &["a*", "true", "-1.5", "2026-01-31T00:00:00Z", "10.0.0.0/8", "2001:db8::/33", "::ffff:0:0/96"];

/// Mostly one of them, at times anything.
fn word(from: &mut Unstructured<'_>, words: &[&'static str]) -> Result<Value> {
    Ok(if from.ratio(1, 32)? {
        from.arbitrary::<&str>()?.into()
    } else {
        json!(from.choose(words)?)
    })
}

fn words(from: &mut Unstructured<'_>, words: &[&'static str]) -> Result<Value> {
    match from.int_in_range(0..=3)? {
        0 => word(from, words),
        n => (0..n).map(|_| word(from, words)).collect(),
    }
}

fn statement(from: &mut Unstructured<'_>, is_of_key: bool) -> Result<Value> {
    let mut made = Map::new();
    made.insert("Effect".into(), word(from, EFFECTS)?);
    made.insert("Action".into(), words(from, if is_of_key { &ACTIONS[..1] } else { ACTIONS })?);
    made.insert("Resource".into(), if is_of_key { json!("*") } else { words(from, RESOURCES)? });
    if is_of_key {
        made.insert("Principal".into(), json!({"RAM": words(from, PRINCIPALS)?}));
    }
    if from.arbitrary()? {
        let operator = word(from, OPERATORS)?;
        let keys = json!({word(from, KEYS)?.as_str().unwrap_or_default(): words(from, VALUES)?});
        made.insert("Condition".into(), json!({operator.as_str().unwrap_or_default(): keys}));
    }
    Ok(Value::Object(made))
}

fn document(from: &mut Unstructured<'_>, is_of_key: bool) -> Result<Value> {
    let statements: Result<Vec<_>> =
        (0..from.int_in_range(1..=4)?).map(|_| statement(from, is_of_key)).collect();
    Ok(json!({"Version": "1", "Statement": statements?}))
}

fn follow(
    from: &mut Unstructured<'_>,
    policy: &Policy,
    denied: &Policy,
    key: Option<&KeyPolicy>,
) -> Result<()> {
    let tags = [("a".to_owned(), from.arbitrary::<&str>()?.to_owned())];
    let circumstances = Circumstances {
        now: Timestamp(from.arbitrary()?),
        source_ip: from.arbitrary()?,
        secure_transport: from.arbitrary()?,
        mfa_present: from.arbitrary()?,
        tags: &tags,
    };
    let resource = word(from, &["*", "acs:kms:r:1:key/a", "acs:kms:r:1:key/aaaaaa"])?;
    let request = Request {
        action: from.choose(&["kms:Encrypt", "kms:Decrypt", "kms:EnableKey"])?,
        resource: resource.as_str().unwrap_or_default(),
        circumstances: &circumstances,
    };
    assert!(!matches!(evaluate([policy, denied], &request), Verdict::Allow(_)), "a Deny was lost");
    let owner = Account::parse("1").expect("digits");
    let account = Account::parse(from.choose(&["1", "2"])?).expect("digits");
    let caller = Caller { account: &account, user: Some("a") };
    let judgment = judge(&caller, [policy], &owner, key, &request);
    let verdicts = [evaluate([policy], &request)].into_iter();
    let verdicts = verdicts.chain(key.map(|key| key.evaluate(&caller, &owner, &request)));
    let verdicts: Vec<_> = verdicts.collect();
    let allows = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Allow(_))).count();
    let denies = verdicts.iter().any(|verdict| matches!(verdict, Verdict::Deny(_)));
    let needed = if account == owner { 1 } else { 2 };
    assert!(!judgment.is_allowed || allows >= needed && !denies, "nobody allowed it");
    Ok(())
}

fn run(from: &mut Unstructured<'_>) -> Result<()> {
    let (document, of_key) = (document(from, false)?, document(from, true)?);
    let Ok(policy) = Policy::parse(&document.to_string()) else { return Ok(()) };
    let mut denied = document;
    if let Value::Array(statements) = &mut denied["Statement"] {
        statements.push(json!({"Effect": "Deny", "Action": "*", "Resource": "*"}));
    }
    // It may have become too long.
    let Ok(denied) = Policy::parse(&denied.to_string()) else { return Ok(()) };
    let key = KeyPolicy::parse(&of_key.to_string()).ok();
    follow(from, &policy, &denied, key.as_ref())
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((what, bytes)) = data.split_first() else { return };
    match (what % 4, std::str::from_utf8(bytes)) {
        (0, Ok(text)) => drop((Policy::parse(text), KeyPolicy::parse(text))),
        // The JSON of one of them, cut and bent a little.
        (1, _) => {
            let mut from = Unstructured::new(bytes);
            let Ok(made) = document(&mut from, *what > 127) else { return };
            let mut text = made.to_string();
            let at = from.arbitrary::<u16>().map_or(0, usize::from) % (text.len() + 1);
            if let (true, Ok(bent)) = (text.is_char_boundary(at), from.arbitrary::<&str>()) {
                text.insert_str(at, bent);
            }
            drop((Policy::parse(&text), KeyPolicy::parse(&text)));
        }
        _ => drop(run(&mut Unstructured::new(bytes))),
    }
});
