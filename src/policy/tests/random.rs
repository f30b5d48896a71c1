//! Random policies and requests: our evaluator against the naive one, and what must hold for any.
//! `KMSHSM_CASES` says how many pairs of them; a million take a minute.

use serde_json::{Value, json};

use super::naive::{Random, said};
use super::*;

const ACTIONS: [&str; 9] = [
    "*",
    "kms:*",
    "kms:Encrypt",
    "KMS:decrypt",
    "kms:De*",
    "kms:?ncrypt",
    "kms:*Key",
    "ram:*",
    "kms:E*t*",
];
const ASKED: [&str; 6] = [
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:EnableKey",
    "ram:GetUser",
    "kms:ReEncryptTo",
];
const RESOURCES: [&str; 8] = [
    "*",
    "acs:kms:*:1:key/*",
    "acs:kms:*:*:*",
    "acs:kms:r:1:key/a",
    "acs:kms:r:?:key/?",
    "acs:*:*:1:*/*a",
    "acs:ram:*:*:user/*",
    "acs:kms:r:2:*",
];
const TARGETS: [&str; 6] = [
    "acs:kms:r:1:key/a",
    "acs:kms:r:1:key/ba",
    "acs:kms:r:2:key/a",
    "acs:kms:s:1:alias/a",
    "acs:ram::1:user/a",
    "*",
];
const WORDS: [&str; 8] = ["Blue", "blue", "B*", "?lu?", "7", "7.5", "2026-01-31T12:00Z", "true"];
const TAGGED: [&str; 8] =
    ["Blue", "blue", "BLUE", "7", "7.50", "-1", "2026-01-31T12:00:00Z", "false"];
const NUMBERS: [&str; 5] = ["7", "7.5", "-1.25", "0", "100"];
const MOMENTS: [&str; 4] =
    ["2026-01-31T12:00Z", "2026-01-31T12:00:01Z", "2026-01-31T11:59:59Z", "1999-12-31T23:59Z"];
const NETWORKS: [&str; 6] =
    ["10.0.0.0/8", "10.1.2.3", "10.1.2.2/31", "2001:db8::/33", "2001:db8:8000::1", "0.0.0.0/0"];
const ADDRESSES: [&str; 5] =
    ["10.1.2.3", "10.200.0.1", "192.168.0.1", "2001:db8::1", "2001:db8:8000::1"];
const USERS: [Option<&str>; 3] = [None, Some("ann"), Some("bob")];
const PRINCIPALS: [&str; 7] = [
    "acs:ram::1:*",
    "acs:ram::1:root",
    "acs:ram::1:user/ann",
    "acs:ram::2:*",
    "acs:ram::2:root",
    "acs:ram::2:user/ann",
    "acs:ram::2:role/bob",
];

/// One of them, or a list of up to three.
fn some(random: &mut Random, from: &[&str]) -> Value {
    match random.below(4) {
        0 => json!(random.of(from)),
        n => (0..n).map(|_| *random.of(from)).collect(),
    }
}

fn condition(random: &mut Random) -> (String, &'static str, Value) {
    let tag = *random.of(&["kms:tag/t", "kms:tag/u"]);
    let order =
        ["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"];
    let (operator, key, values): (String, _, &[&str]) = match random.below(8) {
        0 => {
            let how = [
                "Equals",
                "NotEquals",
                "EqualsIgnoreCase",
                "NotEqualsIgnoreCase",
                "Like",
                "NotLike",
            ];
            (format!("String{}", random.of(&how)), tag, &WORDS)
        }
        1 => (format!("Numeric{}", random.of(&order)), tag, &NUMBERS),
        2 => (format!("Date{}", random.of(&order)), "acs:CurrentTime", &MOMENTS),
        3 => (format!("Date{}", random.of(&order)), tag, &MOMENTS),
        4 => (
            "Bool".into(),
            *random.of(&["acs:MFAPresent", "acs:SecureTransport"]),
            &["true", "false"],
        ),
        5 => ("Bool".into(), tag, &["true", "false"]),
        6 => ((*random.of(&["IpAddress", "NotIpAddress"])).into(), "acs:SourceIp", &NETWORKS),
        _ => ((*random.of(&["StringLike", "StringNotLike"])).into(), tag, &WORDS),
    };
    (operator, key, some(random, values))
}

fn statement(random: &mut Random, is_of_key: bool) -> Value {
    let effect = if random.below(3) == 0 { "Deny" } else { "Allow" };
    let mut made = json!({"Effect": effect});
    if is_of_key {
        made["Principal"] = json!({"RAM": some(random, &PRINCIPALS)});
        made["Action"] = some(random, &ACTIONS[1..7]);
        made["Resource"] = json!("*");
    } else {
        made["Action"] = some(random, &ACTIONS);
        made["Resource"] = some(random, &RESOURCES);
    }
    for _ in 0..random.below(3) {
        let (operator, key, values) = condition(random);
        made["Condition"][operator][key] = values;
    }
    made
}

fn document(random: &mut Random, is_of_key: bool) -> Value {
    let statements: Vec<_> = (0..=random.below(3)).map(|_| statement(random, is_of_key)).collect();
    json!({"Version": "1", "Statement": statements})
}

/// A moment, an address and so on, each of them perhaps unknown.
fn circumstances<'t>(
    random: &mut Random,
    tags: &'t mut Vec<(String, String)>,
) -> Circumstances<'t> {
    let maybe = |random: &mut Random| *random.of(&[None, Some(true), Some(false)]);
    for key in ["t", "u"] {
        if random.below(3) > 0 {
            tags.push((key.to_owned(), (*random.of(&TAGGED)).to_owned()));
        }
    }
    Circumstances {
        now: Timestamp(1_769_860_798 + random.below(5)),
        source_ip: (random.below(4) > 0).then(|| random.of(&ADDRESSES).parse().unwrap()),
        secure_transport: maybe(random),
        mfa_present: maybe(random),
        tags,
    }
}

/// Who, of whom, with which policies.
struct World {
    identity: Vec<Value>,
    key: Option<Value>,
    read: Vec<Policy>,
    read_key: Option<KeyPolicy>,
}

impl World {
    fn random(random: &mut Random) -> Self {
        let identity = (0..random.below(4)).map(|_| document(random, false)).collect();
        let key = (random.below(2) == 0).then(|| document(random, true));
        Self::of(identity, key)
    }

    fn of(identity: Vec<Value>, key: Option<Value>) -> Self {
        let read =
            identity.iter().map(|policy| Policy::parse(&policy.to_string()).unwrap()).collect();
        let read_key = key.as_ref().map(|policy| KeyPolicy::parse(&policy.to_string()).unwrap());
        Self { identity, key, read, read_key }
    }

    fn judge(&self, caller: &Caller<'_>, request: &Request<'_>) -> Judgment {
        judge(caller, &self.read, &account("1"), self.read_key.as_ref(), request)
    }

    /// The same by the letter of chapters 11 and 14.3, knowing what the identity policies say.
    fn is_allowed(&self, caller: &Caller<'_>, identity: Verdict, request: &Request<'_>) -> bool {
        let (of, user) = (caller.account.as_str(), caller.user);
        let named = |statement: &Value| {
            let principals = statement["Principal"]["RAM"].to_string();
            let is_delegated = of == "1" && statement["Effect"] == "Allow";
            match user {
                None => {
                    principals.contains(&format!("::{of}:*"))
                        || principals.contains(&format!("::{of}:root"))
                }
                Some(user) => {
                    principals.contains(&format!("::{of}:user/{user}\""))
                        || principals.contains(&format!("::{of}:*")) && !is_delegated
                }
            }
        };
        let key = said(self.key.iter(), named, request);
        let denies = |verdict| matches!(verdict, Verdict::Deny(_));
        let allows = |verdict| matches!(verdict, Verdict::Allow(_));
        let is_use = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncryptTo", "kms:DescribeKey"];
        match (of, user) {
            ("1", None) => true,
            ("1", _) => !denies(identity) && !denies(key) && (allows(identity) || allows(key)),
            (_, None) => is_use.contains(&request.action) && allows(key),
            _ => is_use.contains(&request.action) && allows(identity) && allows(key),
        }
    }
}

/// How many policies meet a request.
fn pairs() -> usize {
    std::env::var("KMSHSM_CASES").map_or(100_000, |text| text.parse().unwrap())
}

#[test]
fn random_policies_say_what_naive_ones_say() {
    const REQUESTS: usize = 100;
    let mut random = Random(6);
    let accounts = [account("1"), account("2")];
    let (mut allowed, mut denied, mut timeless) = (0, 0, 0);
    for _ in 0..pairs().div_ceil(REQUESTS) {
        let world = World::random(&mut random);
        for _ in 0..REQUESTS {
            let mut tags = Vec::new();
            let circumstances = circumstances(&mut random, &mut tags);
            let (action, resource) = (*random.of(&ASKED), *random.of(&TARGETS));
            let request = Request { action, resource, circumstances: &circumstances };
            let told = || format!("{request:?} {:?} {:?}", world.identity, world.key);

            let verdict = evaluate(&world.read, &request);
            assert_eq!(verdict, said(world.identity.iter(), |_| true, &request), "{}", told());
            denied += usize::from(matches!(verdict, Verdict::Deny(_)));

            let caller = Caller { account: random.of(&accounts), user: *random.of(&USERS) };
            let judgment = world.judge(&caller, &request);
            let expected = world.is_allowed(&caller, verdict, &request);
            assert_eq!(judgment.is_allowed, expected, "{caller:?} {}", told());
            allowed += usize::from(judgment.is_allowed);

            // An answer that does not depend on the time is the same at all times.
            if !judgment.depends_on_time {
                let now = Timestamp(random.next() >> 20);
                let request =
                    Request { circumstances: &Circumstances { now, ..circumstances }, ..request };
                assert_eq!(world.judge(&caller, &request), judgment, "{caller:?} {}", told());
                timeless += 1;
            }
        }
    }
    let least = pairs() / 20;
    assert!(allowed > least && denied > least && timeless > least, "{allowed} {denied} {timeless}");
}

/// Adding a Deny and removing an Allow never grants anything, on either side.
#[test]
fn more_denies_and_fewer_allows_grant_nothing() {
    let mut random = Random(11);
    let accounts = [account("1"), account("2")];
    let mut refused = 0;
    for _ in 0..4_000 {
        let world = World::random(&mut random);
        let (mut identity, mut key) = (world.identity.clone(), world.key.clone());
        let is_of_key = random.below(2) == 0;
        let policy = match (is_of_key, random.below(4)) {
            (true, _) => key.as_mut(),
            (false, at) => identity.get_mut(at as usize),
        };
        let Some(statements) = policy.and_then(|policy| policy["Statement"].as_array_mut()) else {
            continue;
        };
        let allow = statements.iter().position(|statement| statement["Effect"] == "Allow");
        match allow {
            Some(at) if statements.len() > 1 && random.below(2) == 0 => drop(statements.remove(at)),
            _ => {
                let mut deny = statement(&mut random, is_of_key);
                deny["Effect"] = json!("Deny");
                statements.insert(random.below(statements.len() as u64 + 1) as usize, deny);
            }
        }
        let narrower = World::of(identity, key);
        for _ in 0..25 {
            let mut tags = Vec::new();
            let circumstances = circumstances(&mut random, &mut tags);
            let (action, resource) = (*random.of(&ASKED), *random.of(&TARGETS));
            let request = Request { action, resource, circumstances: &circumstances };
            let caller = Caller { account: random.of(&accounts), user: *random.of(&USERS) };
            let (before, after) =
                (world.judge(&caller, &request), narrower.judge(&caller, &request));
            assert!(
                before.is_allowed || !after.is_allowed,
                "{caller:?} {request:?} {:?}",
                world.identity
            );
            refused += usize::from(before.is_allowed && !after.is_allowed);
        }
    }
    assert!(refused > 200, "only {refused} were refused");
}
