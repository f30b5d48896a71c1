//! What reading and evaluating policies costs: `make bench-policy`. Each line is the median of batches.
#![allow(missing_docs)]

use std::hint::black_box;
use std::time::Instant;

use kmshsm::model::{Account, Timestamp};
use kmshsm::policy::{Caller, Circumstances, KeyPolicy, Policy, Request, SYSTEM_POLICIES, judge};

const KEY: &str = "acs:kms:cn-hongkong:1234567890123456:key/4c8f3e9a-0000-4000-8000-000000000001";

/// What a user has who uses the keys of one project.
const TYPICAL: &str = r#"{"Version":"1","Statement":[
    {"Effect":"Allow","Action":["kms:List*","kms:Describe*"],"Resource":"*"},
    {"Effect":"Allow","Action":["kms:Encrypt","kms:Decrypt","kms:GenerateDataKey"],
     "Resource":"acs:kms:*:1234567890123456:key/*",
     "Condition":{"StringEqualsIgnoreCase":{"kms:tag/Project":["Apollo"]}}},
    {"Effect":"Deny","Action":"kms:*","Resource":"*",
     "Condition":{"NotIpAddress":{"acs:SourceIp":["10.0.0.0/8","2001:db8::/32"]}}}]}"#;

fn main() {
    let tags = [("Project".to_owned(), "apollo".to_owned())];
    let circumstances = Circumstances {
        now: Timestamp(1_769_860_800),
        source_ip: "10.1.2.3".parse().ok(),
        secure_transport: Some(true),
        mfa_present: None,
        tags: &tags,
    };
    let owner = Account::parse("1234567890123456").unwrap();
    let caller = Caller { account: &owner, user: Some("ann") };
    let request = Request { action: "kms:Encrypt", resource: KEY, circumstances: &circumstances };

    let policy = Policy::parse(TYPICAL).unwrap();
    let key = KeyPolicy::parse(&KeyPolicy::default_text(&owner)).unwrap();
    assert!(judge(&caller, [&policy], &owner, Some(&key), &request).is_allowed);
    line("read a typical policy", 1000, || Policy::parse(black_box(TYPICAL)).is_ok());
    line("judge: it and the default policy of a key", 10_000, || {
        judge(&caller, [&policy], &owner, Some(&key), black_box(&request)).is_allowed
    });
    let roles: Vec<_> = SYSTEM_POLICIES.iter().map(|policy| policy.policy().unwrap()).collect();
    line("judge: all system policies", 10_000, || {
        judge(&caller, roles.iter().copied(), &owner, None, black_box(&request)).is_allowed
    });

    // A hundred statements, of which none applies.
    let one = r#"{"Effect":"Deny","Action":"*","Resource":"a","Principal":{"RAM":"acs:ram::1:*"}}"#;
    let one = one.replace("\"*\",\"Resource\":\"a\"", "\"kms:EnableKey\",\"Resource\":\"*\"");
    let one = one.replace("::1:", "::1234567890123456:");
    let text = format!(r#"{{"Version":"1","Statement":[{}]}}"#, vec![one; 100].join(","));
    let key = KeyPolicy::parse(&text).unwrap();
    line("read 100 statements of a key", 100, || KeyPolicy::parse(black_box(&text)).is_ok());
    line("judge: 100 statements of a key", 1000, || {
        judge(&caller, [&policy], &owner, Some(&key), black_box(&request)).is_allowed
    });

    // The worst that fits into 32 KiB: on the longest tag that counts, and nearly everywhere.
    let tags = [("t".to_owned(), "a".repeat(512))];
    let circumstances = Circumstances { tags: &tags, ..circumstances };
    let request = Request { circumstances: &circumstances, ..request };
    let stars = format!("{}b", "a*".repeat(16_000));
    let parts = vec![format!("*{}b*", "a?".repeat(128)); 123].join(r#"",""#);
    for (name, values) in [("a*a*a*..., 32 KiB", stars), ("long parts, 32 KiB", parts)] {
        let text = format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"kms:*","Resource":"*","Principal":
                {{"RAM":"acs:ram::1234567890123456:user/ann"}},"Condition":
                {{"StringLike":{{"kms:tag/t":["{values}"]}}}}}}]}}"#
        );
        let key = KeyPolicy::parse(&text).unwrap();
        line(&format!("read: {name}"), 10, || KeyPolicy::parse(black_box(&text)).is_ok());
        line(&format!("judge: {name}"), 10, || {
            judge(&caller, [], &owner, Some(&key), black_box(&request)).is_allowed
        });
    }
}

fn line(name: &str, batch: u32, mut f: impl FnMut() -> bool) {
    let mut times: Vec<_> = (0..21)
        .map(|_| {
            let begun = Instant::now();
            for _ in 0..batch {
                black_box(f());
            }
            begun.elapsed().as_secs_f64() / f64::from(batch)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("{name:<44}{:>12.3} µs", times[times.len() / 2] * 1e6);
}
