//! Policies read by the letter of the API reference, from the JSON itself: slow, and independent of the
//! evaluator that it is held against.

use std::net::IpAddr;

use serde_json::Value;

use super::*;

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub const fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub fn of<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len() as u64) as usize]
    }
}

/// What policies say, each with the statements of it that are about the caller: the place of the first
/// Deny, or else of the first Allow.
pub fn said<'v>(
    policies: impl Iterator<Item = &'v Value>,
    concerns: impl Fn(&Value) -> bool,
    request: &Request<'_>,
) -> Verdict {
    let mut found = Vec::new();
    for (policy, document) in policies.enumerate() {
        for (statement, it) in each(&document["Statement"]).enumerate() {
            if concerns(it) && applies(it, request) {
                found.push((it["Effect"] == "Deny", Place { policy, statement }));
            }
        }
    }
    match (found.iter().find(|(is_deny, _)| *is_deny), found.first()) {
        (Some((_, place)), _) => Verdict::Deny(*place),
        (None, Some((_, place))) => Verdict::Allow(*place),
        (None, None) => Verdict::Implicit,
    }
}

fn applies(statement: &Value, request: &Request<'_>) -> bool {
    let fits =
        |pattern: &Value, text: &str| like(&chars(pattern), &text.chars().collect::<Vec<_>>());
    let action = request.action.to_lowercase();
    each(&statement["Action"])
        .any(|a| fits(&Value::from(a.as_str().unwrap().to_lowercase()), &action))
        && each(&statement["Resource"]).any(|pattern| fits(pattern, request.resource))
        && statement["Condition"].as_object().into_iter().flatten().all(|(operator, keys)| {
            keys.as_object().unwrap().iter().all(|(key, values)| {
                let met = is_met(operator, key, values, request.circumstances);
                met.unwrap_or(statement["Effect"] == "Deny")
            })
        })
}

fn is_met(operator: &str, key: &str, values: &Value, given: &Circumstances<'_>) -> Option<bool> {
    let subject = match key {
        "acs:CurrentTime" => given.now.to_string(),
        "acs:SourceIp" => given.source_ip?.to_string(),
        "acs:SecureTransport" => given.secure_transport?.to_string(),
        "acs:MFAPresent" => given.mfa_present?.to_string(),
        tag => match given.tags.iter().find(|(name, _)| tag == format!("kms:tag/{name}")) {
            Some((_, value)) => value.clone(),
            None => return Some(operator.contains("Not")),
        },
    };
    let (plain, is_negated) = (operator.replace("Not", ""), operator.contains("Not"));
    let compared = each(values).map(|value| compare(&plain, &subject, value.as_str().unwrap()));
    let compared: Option<Vec<bool>> = compared.collect();
    Some(compared?.contains(&true) != is_negated)
}

fn compare(operator: &str, subject: &str, value: &str) -> Option<bool> {
    Some(match operator {
        "StringEquals" => subject == value,
        "StringEqualsIgnoreCase" => subject.to_uppercase() == value.to_uppercase(),
        "StringLike" => like(&chars(&value.into()), &chars(&subject.into())),
        "Bool" => ["true", "false"].contains(&subject).then_some(subject == value)?,
        "IpAddress" => {
            let (network, bits) = value.split_once('/').unwrap_or((value, "128"));
            let network = binary(network)?;
            let known = network.len().min(1 + bits.parse::<usize>().unwrap());
            binary(subject)?.starts_with(&network[..known])
        }
        _ => {
            let read =
                if operator.starts_with("Date") { moment } else { |text: &str| text.parse().ok() };
            let (subject, value): (f64, f64) = (read(subject)?, read(value)?);
            (operator.contains("Less") && subject < value)
                || (operator.contains("Greater") && subject > value)
                || (operator.contains("Equals") && subject == value)
        }
    })
}

/// The digits of a moment as one number, seconds included.
fn moment(text: &str) -> Option<f64> {
    let digits: String = text.strip_suffix('Z')?.chars().filter(char::is_ascii_digit).collect();
    format!("{digits:0<14}").parse().ok()
}

/// The kind of an address and its bits, as letters.
fn binary(address: &str) -> Option<String> {
    Some(match address.parse::<IpAddr>().ok()?.to_canonical() {
        IpAddr::V4(v4) => format!("4{:032b}", v4.to_bits()),
        IpAddr::V6(v6) => format!("6{:0128b}", v6.to_bits()),
    })
}

pub fn like(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], _) => text.is_empty(),
        (['*', rest @ ..], _) => (0..=text.len()).any(|skipped| like(rest, &text[skipped..])),
        (['?', rest @ ..], [_, others @ ..]) => like(rest, others),
        ([one, rest @ ..], [other, others @ ..]) => one == other && like(rest, others),
        (_, []) => false,
    }
}

fn each(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice).iter()
}

fn chars(text: &Value) -> Vec<char> {
    text.as_str().unwrap().chars().collect()
}
