//! The whole chain, and what is said about it.

use serde_json::json;

use super::*;

const OWNER: &str = "1";

/// What the chain says to a user or root of `account` with one identity policy about [`KEY`].
fn judged(
    (account_of, user): (&str, Option<&str>),
    identity: Option<&str>,
    key: Option<&str>,
    action: &str,
) -> (bool, Reason) {
    let (caller, owner) = (account(account_of), account(OWNER));
    let caller = Caller { account: &caller, user };
    let identity = identity.map(policy);
    let key = key.map(key_policy);
    let request = Request { action, resource: KEY, circumstances: &NOTHING };
    let judgment = judge(&caller, identity.as_ref(), &owner, key.as_ref(), &request);
    (judgment.is_allowed, judgment.reason)
}

const ALLOW: &str = r#"{"Effect":"Allow","Action":"kms:*","Resource":"*"}"#;
const DENY: &str = r#"{"Effect":"Deny","Action":"kms:*","Resource":"*"}"#;

fn of_key(effect: &str, principal: &str) -> String {
    format!(
        r#"{{"Effect":"{effect}","Principal":{{"RAM":"{principal}"}},"Action":"kms:*","Resource":"*"}}"#
    )
}

const fn by(side: Side) -> Reason {
    Reason::Statement(side, at(0, 0))
}

#[test]
fn root_has_every_right_on_its_own() {
    let deny = of_key("Deny", "acs:ram::1:*");
    assert_eq!(
        judged((OWNER, None), Some(DENY), Some(&deny), "kms:Decrypt"),
        (true, Reason::Owner)
    );
    assert_eq!(judged((OWNER, None), None, None, "ram:CreateUser"), (true, Reason::Owner));
}

#[test]
fn either_side_allows_to_the_owners_users() {
    let ann = (OWNER, Some("ann"));
    let (allow, deny) =
        (of_key("Allow", "acs:ram::1:user/ann"), of_key("Deny", "acs:ram::1:user/ann"));
    let other = of_key("Allow", "acs:ram::1:user/bob");
    let action = "kms:ScheduleKeyDeletion";
    let cases = [
        (None, None, (false, Reason::NoStatement)),
        (None, Some(&allow), (true, by(Side::Key))),
        (None, Some(&other), (false, Reason::NoStatement)),
        (None, Some(&deny), (false, by(Side::Key))),
        (Some(ALLOW), None, (true, by(Side::Identity))),
        (Some(ALLOW), Some(&other), (true, by(Side::Identity))),
        (Some(ALLOW), Some(&deny), (false, by(Side::Key))),
        (Some(DENY), Some(&allow), (false, by(Side::Identity))),
    ];
    for (identity, key, expected) in cases {
        let key = key.map(String::as_str);
        assert_eq!(judged(ann, identity, key, action), expected, "{identity:?} {key:?}");
    }
}

#[test]
fn both_sides_allow_to_other_accounts_and_only_use() {
    let (cleo, root) = (("2", Some("cleo")), ("2", None));
    let allow = of_key("Allow", "acs:ram::2:user/cleo");
    let (all, only_root) = (of_key("Allow", "acs:ram::2:*"), of_key("Allow", "acs:ram::2:root"));
    let deny = of_key("Deny", "acs:ram::2:*");
    let cases = [
        (cleo, Some(ALLOW), None, (false, Reason::NotOnSide(Side::Key))),
        (cleo, None, Some(&allow), (false, Reason::NotOnSide(Side::Identity))),
        (cleo, None, None, (false, Reason::NoStatement)),
        (cleo, Some(ALLOW), Some(&allow), (true, by(Side::Key))),
        (cleo, Some(ALLOW), Some(&all), (true, by(Side::Key))),
        (cleo, Some(ALLOW), Some(&only_root), (false, Reason::NotOnSide(Side::Key))),
        (cleo, Some(ALLOW), Some(&deny), (false, by(Side::Key))),
        (cleo, Some(DENY), Some(&allow), (false, by(Side::Identity))),
        (root, None, None, (false, Reason::NotOnSide(Side::Key))),
        (root, None, Some(&all), (true, by(Side::Key))),
        (root, None, Some(&only_root), (true, by(Side::Key))),
        (root, None, Some(&allow), (false, Reason::NotOnSide(Side::Key))),
        (root, Some(ALLOW), Some(&deny), (false, by(Side::Key))),
    ];
    for (who, identity, key, expected) in cases {
        let key = key.map(String::as_str);
        assert_eq!(judged(who, identity, key, "kms:Decrypt"), expected, "{who:?} {key:?}");
        for action in ["kms:EnableKey", "kms:SetKeyPolicy", "kms:TagResource", "kms:*"] {
            let (is_allowed, reason) = judged(who, identity, key, action);
            assert_eq!((is_allowed, reason), (false, Reason::Administration), "{who:?} {action}");
        }
    }
}

/// The default policy names the owner's whole account, and its users still need to be allowed.
#[test]
fn the_default_policy_leaves_users_to_their_own_policies() {
    let key = KeyPolicy::parse(&KeyPolicy::default_text(&account(OWNER))).unwrap();
    let (own, other) = (account(OWNER), account("2"));
    let request = Request { action: "kms:Encrypt", resource: KEY, circumstances: &NOTHING };
    let says = |account, user| key.evaluate(&Caller { account, user }, &own, &request);
    assert_eq!(says(&own, None), Verdict::Allow(at(0, 0)));
    assert_eq!(says(&own, Some("ann")), Verdict::Implicit);
    assert_eq!(says(&other, None), Verdict::Implicit);
}

/// A Deny to a whole account is one to all its users.
#[test]
fn a_deny_to_an_account_is_one_to_its_users() {
    let deny = of_key("Deny", "acs:ram::1:*");
    let ann = (OWNER, Some("ann"));
    assert_eq!(judged(ann, Some(ALLOW), Some(&deny), "kms:Encrypt"), (false, by(Side::Key)));
    let root = of_key("Deny", "acs:ram::1:root");
    assert_eq!(judged(ann, Some(ALLOW), Some(&root), "kms:Encrypt"), (true, by(Side::Identity)));
}

/// Names are whole names, of one account; there are no roles to be.
#[test]
fn principals_are_exact() {
    for principal in [
        "acs:ram::1:user/an",
        "acs:ram::1:user/annn",
        "acs:ram::1:user/Ann",
        "acs:ram::11:user/ann",
        "acs:ram::1:role/ann",
        "acs:ram::1:root",
    ] {
        let key = of_key("Allow", principal);
        let judged = judged((OWNER, Some("ann")), None, Some(&key), "kms:Encrypt");
        assert_eq!(judged, (false, Reason::NoStatement), "{principal}");
    }
}

#[test]
fn it_is_told_whether_the_time_was_asked_for() {
    let until = r#"{"Effect":"Allow","Action":"kms:Encrypt","Resource":"*",
        "Condition":{"DateLessThan":{"acs:CurrentTime":"2026-02-01T00:00Z"}}}"#;
    let identity = policy(until);
    let owner = account(OWNER);
    let caller = Caller { account: &owner, user: Some("ann") };
    let ask = |action| {
        let request = Request { action, resource: KEY, circumstances: &NOTHING };
        judge(&caller, [&identity], &owner, None, &request)
    };
    assert!(ask("kms:Encrypt").is_allowed && ask("kms:Encrypt").depends_on_time);
    assert!(!ask("kms:Decrypt").is_allowed && !ask("kms:Decrypt").depends_on_time);
}

#[test]
fn judgments_are_explained() {
    let owner = account(OWNER);
    let caller = Caller { account: &owner, user: Some("ann") };
    let key = key_policy(
        r#"{"Effect":"Allow","Principal":{"RAM":"acs:ram::1:user/bob"},"Action":"kms:*","Resource":"*"},
           {"Sid":"not for Ann","Effect":"Deny","Principal":{"RAM":"acs:ram::1:user/ann"},
            "Action":"kms:Decrypt","Resource":"*"}"#,
    );
    let first = policy(r#"{"Effect":"Allow","Action":"kms:Describe*","Resource":"*"}"#);
    let second =
        policy(&format!("{},{ALLOW}", r#"{"Effect":"Deny","Action":"kms:Sign","Resource":"*"}"#));
    let explain = |policies: &[&Policy], action| {
        let request = Request { action, resource: KEY, circumstances: &NOTHING };
        let judgment = judge(&caller, policies.iter().copied(), &owner, Some(&key), &request);
        serde_json::to_value(judgment.explain(Some(&key))).unwrap()
    };
    assert_eq!(
        explain(&[&first, &second], "kms:Encrypt"),
        json!({"Decision": "Allow", "DecidedBy": "Identity", "Policy": 1, "Statement": 2,
            "Reason": "A statement allows it, and none denies it.", "DependsOnTime": false})
    );
    assert_eq!(
        explain(&[&second], "kms:Decrypt"),
        json!({"Decision": "ExplicitDeny", "DecidedBy": "Key", "Statement": 2, "Sid": "not for Ann",
            "Reason": "A statement denies it.", "DependsOnTime": false})
    );
    assert_eq!(
        explain(&[&first], "kms:Encrypt"),
        json!({"Decision": "ImplicitDeny", "Reason": "No statement allows it.", "DependsOnTime": false})
    );
}
