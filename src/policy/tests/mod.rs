//! Tests of policies as a whole.

mod chain;
mod examples;
mod key_refusals;
mod naive;
mod pitfalls;
mod random;
mod refusals;
mod system;
mod wildcards;

use super::*;
use crate::model::Account;

const KEY: &str = "acs:kms:cn-hongkong:1:key/4c8f3e9a-0000-4000-8000-000000000001";

/// 2026-01-31T12:00:00Z, and nothing else known.
const NOTHING: Circumstances<'static> = Circumstances {
    now: Timestamp(1_769_860_800),
    source_ip: None,
    secure_transport: None,
    mfa_present: None,
    tags: &[],
};

fn account(digits: &str) -> Account {
    Account::parse(digits).unwrap()
}

fn policy(statements: &str) -> Policy {
    Policy::parse(&format!(r#"{{"Version":"1","Statement":[{statements}]}}"#)).unwrap()
}

fn key_policy(statements: &str) -> KeyPolicy {
    KeyPolicy::parse(&format!(r#"{{"Version":"1","Statement":[{statements}]}}"#)).unwrap()
}

/// What one policy says about an action on [`KEY`].
fn says(policy: &Policy, action: &str, circumstances: &Circumstances<'_>) -> Verdict {
    says_of(policy, action, KEY, circumstances)
}

fn says_of(
    policy: &Policy,
    action: &str,
    resource: &str,
    circumstances: &Circumstances<'_>,
) -> Verdict {
    evaluate([policy], &Request { action, resource, circumstances })
}

fn tags(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

const fn at(policy: usize, statement: usize) -> Place {
    Place { policy, statement }
}
