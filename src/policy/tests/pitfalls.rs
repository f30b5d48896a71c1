//! Where evaluators of policies have gone wrong, one by one.

use super::*;

#[test]
fn a_deny_wins_wherever_it_stands() {
    let allow = policy(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#);
    let deny = policy(
        r#"{"Effect":"Allow","Action":"kms:Describe*","Resource":"*"},
           {"Effect":"Deny","Action":"kms:decrypt","Resource":"*"}"#,
    );
    let ask = |policies: &[&Policy], action| {
        let policies = policies.iter().copied();
        evaluate(policies, &Request { action, resource: KEY, circumstances: &NOTHING })
    };
    assert_eq!(ask(&[&allow, &deny], "kms:Decrypt"), Verdict::Deny(at(1, 1)));
    assert_eq!(ask(&[&deny, &allow], "kms:Decrypt"), Verdict::Deny(at(0, 1)));
    assert_eq!(ask(&[&deny, &allow], "kms:Encrypt"), Verdict::Allow(at(1, 0)));
    assert_eq!(ask(&[&allow, &deny], "kms:DescribeKey"), Verdict::Allow(at(0, 0)));
    assert_eq!(ask(&[], "kms:Encrypt"), Verdict::Implicit);
}

/// What is unknown never helps the caller, neither where an operator asks for it nor where it is negated.
#[test]
fn a_missing_key_never_allows_and_never_saves_from_a_deny() {
    let conditions = [
        r#""Bool":{"acs:SecureTransport":["true","false"]}"#,
        r#""Bool":{"acs:MFAPresent":"false"}"#,
        r#""IpAddress":{"acs:SourceIp":["0.0.0.0/0","::/0"]}"#,
        r#""NotIpAddress":{"acs:SourceIp":"10.0.0.0/8"}"#,
    ];
    for condition in conditions {
        let statement = |effect: &str| {
            policy(&format!(
                r#"{{"Effect":"{effect}","Action":"*","Resource":"*","Condition":{{{condition}}}}}"#
            ))
        };
        let verdict = says(&statement("Allow"), "kms:Encrypt", &NOTHING);
        assert_eq!(verdict, Verdict::Implicit, "{condition}");
        let verdict = says(&statement("Deny"), "kms:Encrypt", &NOTHING);
        assert_eq!(verdict, Verdict::Deny(at(0, 0)), "{condition}");
    }
}

/// The tags of a key are known: one that it lacks is equal to nothing, so a Deny for one project does not
/// hit the keys of none (API reference, chapter 14.2).
#[test]
fn an_absent_tag_is_equal_to_nothing() {
    for (condition, is_met) in [
        (r#""StringEquals":{"kms:tag/a":"1"}"#, false),
        (r#""StringLike":{"kms:tag/a":"*"}"#, false),
        (r#""NumericLessThan":{"kms:tag/a":"1"}"#, false),
        (r#""StringNotEquals":{"kms:tag/a":"1"}"#, true),
        (r#""StringNotEqualsIgnoreCase":{"kms:tag/a":"1"}"#, true),
        (r#""StringNotLike":{"kms:tag/a":"1*"}"#, true),
        (r#""NumericNotEquals":{"kms:tag/a":"1"}"#, true),
        (r#""DateNotEquals":{"kms:tag/a":"2026-01-01T00:00Z"}"#, true),
    ] {
        for (effect, verdict) in
            [("Allow", Verdict::Allow(at(0, 0))), ("Deny", Verdict::Deny(at(0, 0)))]
        {
            let policy = policy(&format!(
                r#"{{"Effect":"{effect}","Action":"*","Resource":"*","Condition":{{{condition}}}}}"#
            ));
            let verdict = if is_met { verdict } else { Verdict::Implicit };
            assert_eq!(says(&policy, "kms:Encrypt", &NOTHING), verdict, "{effect} {condition}");
        }
    }
}

/// Only the condition about what is missing counts as met in a Deny; the others are asked.
#[test]
fn a_missing_key_leaves_the_other_conditions_of_a_deny() {
    let deny = policy(
        r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{
            "IpAddress":{"acs:SourceIp":"10.0.0.1"},"Bool":{"acs:MFAPresent":"false"}}}"#,
    );
    let ask = |mfa| says(&deny, "kms:Encrypt", &Circumstances { mfa_present: mfa, ..NOTHING });
    assert_eq!(ask(Some(true)), Verdict::Implicit);
    assert_eq!(ask(Some(false)), Verdict::Deny(at(0, 0)));
    assert_eq!(ask(None), Verdict::Deny(at(0, 0)));
}

/// Whether a tag that is no number is above one is not known.
#[test]
fn what_an_operator_cannot_read_is_unknown() {
    for (condition, value) in [
        (r#""NumericLessThan":{"kms:tag/a":"5"}"#, "many"),
        (r#""NumericNotEquals":{"kms:tag/a":"5"}"#, ""),
        (r#""DateGreaterThan":{"kms:tag/a":"2000-01-01T00:00Z"}"#, "2026-02-30T00:00Z"),
        (r#""Bool":{"kms:tag/a":["true","false"]}"#, "True"),
        (r#""NotIpAddress":{"kms:tag/a":"::1"}"#, "1.2.3"),
    ] {
        let tags = tags(&[("a", value)]);
        let asked = Circumstances { tags: &tags, ..NOTHING };
        for (effect, verdict) in [("Allow", Verdict::Implicit), ("Deny", Verdict::Deny(at(0, 0)))] {
            let policy = policy(&format!(
                r#"{{"Effect":"{effect}","Action":"*","Resource":"*","Condition":{{{condition}}}}}"#
            ));
            assert_eq!(says(&policy, "kms:Encrypt", &asked), verdict, "{effect} {condition}");
        }
    }
}

#[test]
fn the_case_of_actions_does_not_count_that_of_resources_does() {
    let one = policy(&format!(r#"{{"Effect":"Allow","Action":"KMS:enCRYPT","Resource":"{KEY}"}}"#));
    assert_eq!(says(&one, "kms:Encrypt", &NOTHING), Verdict::Allow(at(0, 0)));
    let shouted = KEY.replace("key", "KEY");
    assert_eq!(says_of(&one, "kms:Encrypt", &shouted, &NOTHING), Verdict::Implicit);
}

/// The whole text is meant, not a part of it.
#[test]
fn patterns_are_anchored() {
    let one = policy(r#"{"Effect":"Allow","Action":"kms:Encrypt","Resource":"acs:kms:*:1:key/a"}"#);
    let ask = |action, resource| says_of(&one, action, resource, &NOTHING);
    assert_eq!(ask("kms:Encrypt", "acs:kms:r:1:key/a"), Verdict::Allow(at(0, 0)));
    for (action, resource) in [
        ("kms:EncryptX", "acs:kms:r:1:key/a"),
        ("xkms:Encrypt", "acs:kms:r:1:key/a"),
        ("kms:Encrypt", "acs:kms:r:1:key/ab"),
        ("kms:Encrypt", "acs:kms:r:11:key/a"),
        ("kms:Encrypt", "acs:kms:r:1:key/"),
        ("kms:Encrypt", "*"),
    ] {
        assert_eq!(ask(action, resource), Verdict::Implicit, "{action} {resource}");
    }
}

/// What the request says is text, never a pattern.
#[test]
fn wildcards_of_requests_mean_nothing() {
    let one = policy(&format!(r#"{{"Effect":"Allow","Action":"kms:Encrypt","Resource":"{KEY}"}}"#));
    let half = KEY.replace("0001", "*");
    assert_eq!(says_of(&one, "kms:*", KEY, &NOTHING), Verdict::Implicit);
    assert_eq!(says_of(&one, "kms:Encrypt", &half, &NOTHING), Verdict::Implicit);
}

/// Nothing gets past a Deny by being longer than what is compared.
#[test]
fn what_is_too_long_is_not_allowed() {
    let all = policy(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#);
    let long = |len: usize| format!("acs:kms:r:1:{}", "k".repeat(len - 12));
    assert_eq!(says_of(&all, "kms:Encrypt", &long(512), &NOTHING), Verdict::Allow(at(0, 0)));
    assert_eq!(says_of(&all, "kms:Encrypt", &long(513), &NOTHING), Verdict::Implicit);
    let deny = policy(
        r#"{"Effect":"Deny","Action":"*","Resource":"*",
            "Condition":{"StringLike":{"kms:tag/a":"secret*"}}}"#,
    );
    let tags = tags(&[("a", &"public".repeat(200))]);
    let asked = Circumstances { tags: &tags, ..NOTHING };
    assert_eq!(says(&deny, "kms:Encrypt", &asked), Verdict::Deny(at(0, 0)));
}

/// Escapes are resolved before anything is compared.
#[test]
fn escapes_do_not_hide_anything() {
    let one = policy(r#"{"\u0045ffect":"Allow","Action":"k\u006ds:\u002a","Resource":"\u002A"}"#);
    assert_eq!(says(&one, "kms:Encrypt", &NOTHING), Verdict::Allow(at(0, 0)));
}

/// Tags may have letters of any alphabet: none of them slips past a Deny by its case.
#[test]
fn case_is_ignored_in_every_alphabet() {
    let deny = policy(
        r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{
            "StringEqualsIgnoreCase":{"kms:tag/a":["Ölwerk","ΟΔΟΣ"]}}}"#,
    );
    let ask = |value: &str| {
        let tags = [("a".to_owned(), value.to_owned())];
        says(&deny, "kms:Encrypt", &Circumstances { tags: &tags, ..NOTHING })
    };
    for value in ["Ölwerk", "ÖLWERK", "ölwerk", "οδος", "οδοσ", "Οδός".replace('ό', "ο").as_str()]
    {
        assert_eq!(ask(value), Verdict::Deny(at(0, 0)), "{value}");
    }
    for value in ["Olwerk", "Ölwer", "Ölwerke", ""] {
        assert_eq!(ask(value), Verdict::Implicit, "{value}");
    }
}
