//! The examples of the API reference, chapter 14.4, and each operator.

use super::*;

const ALLOWED: Verdict = Verdict::Allow(at(0, 0));

#[test]
fn everything_in_kms() {
    let all = policy(r#"{"Effect":"Allow","Action":"kms:*","Resource":"*"}"#);
    assert_eq!(says(&all, "kms:ScheduleKeyDeletion", &NOTHING), ALLOWED);
    assert_eq!(says_of(&all, "kms:DescribeService", "*", &NOTHING), ALLOWED);
    assert_eq!(says(&all, "ram:CreateUser", &NOTHING), Verdict::Implicit);
}

#[test]
fn reading_and_use() {
    let some = policy(
        r#"{"Effect":"Allow","Resource":"acs:kms:*:1:*","Action":[
            "kms:List*","kms:Describe*","kms:Encrypt","kms:Decrypt","kms:GenerateDataKey"]}"#,
    );
    for action in ["kms:ListAliasesByKeyId", "kms:DescribeKey", "kms:Decrypt"] {
        assert_eq!(says(&some, action, &NOTHING), ALLOWED, "{action}");
    }
    for action in ["kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:EnableKey"] {
        assert_eq!(says(&some, action, &NOTHING), Verdict::Implicit, "{action}");
    }
    let foreign = KEY.replace(":1:", ":2:");
    assert_eq!(says_of(&some, "kms:Decrypt", &foreign, &NOTHING), Verdict::Implicit);
}

#[test]
fn use_bound_to_a_tag() {
    let bound = policy(
        r#"{"Effect":"Allow","Action":["kms:Encrypt","kms:Decrypt","kms:GenerateDataKey"],
            "Resource":"*","Condition":{"StringEqualsIgnoreCase":{"kms:tag/Project":["Apollo"]}}}"#,
    );
    let with = |pairs: &[(&str, &str)]| {
        says(&bound, "kms:Encrypt", &Circumstances { tags: &tags(pairs), ..NOTHING })
    };
    assert_eq!(with(&[("Owner", "x"), ("Project", "APOLLO")]), ALLOWED);
    assert_eq!(with(&[("Project", "Gemini")]), Verdict::Implicit);
    assert_eq!(with(&[("project", "Apollo")]), Verdict::Implicit);
    assert_eq!(with(&[]), Verdict::Implicit);
}

#[test]
fn an_alias_takes_rights_on_both_ends() {
    let both = policy(&format!(
        r#"{{"Effect":"Allow","Action":"kms:CreateAlias",
             "Resource":["{KEY}","acs:kms:cn-hongkong:1:alias/web/*"]}}"#
    ));
    let may = |resource| says_of(&both, "kms:CreateAlias", resource, &NOTHING);
    assert_eq!(may(KEY), ALLOWED);
    assert_eq!(may("acs:kms:cn-hongkong:1:alias/web/front"), ALLOWED);
    assert_eq!(may("acs:kms:cn-hongkong:1:alias/db"), Verdict::Implicit);
}

#[test]
fn who_makes_data_keys_cannot_open_them() {
    let producer =
        r#"{"Effect":"Allow","Action":"kms:GenerateDataKeyWithoutPlaintext","Resource":"*"}"#;
    let consumer = r#"{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}"#;
    let (producer, consumer) = (policy(producer), policy(consumer));
    assert_eq!(says(&producer, "kms:GenerateDataKeyWithoutPlaintext", &NOTHING), ALLOWED);
    assert_eq!(says(&producer, "kms:GenerateDataKey", &NOTHING), Verdict::Implicit);
    assert_eq!(says(&producer, "kms:Decrypt", &NOTHING), Verdict::Implicit);
    assert_eq!(says(&consumer, "kms:Decrypt", &NOTHING), ALLOWED);
    assert_eq!(says(&consumer, "kms:GenerateDataKeyWithoutPlaintext", &NOTHING), Verdict::Implicit);
}

/// Operator, key, values, and whether it is met by what [`conditions_compare`] asks with.
const COMPARED: &[(&str, &str, &str, bool)] = &[
    ("StringEquals", "kms:tag/Team", r#""Blue""#, true),
    ("StringEquals", "kms:tag/Team", r#"["Red","blue"]"#, false),
    ("StringEquals", "kms:tag/Team", r#""B*""#, false),
    ("StringNotEquals", "kms:tag/Team", r#"["Red","Blue"]"#, false),
    ("StringNotEquals", "kms:tag/Team", r#"["Red","Green"]"#, true),
    ("StringEqualsIgnoreCase", "kms:tag/Team", r#""bLUE""#, true),
    ("StringNotEqualsIgnoreCase", "kms:tag/Team", r#""bLUE""#, false),
    ("StringLike", "kms:tag/Team", r#""B?u*""#, true),
    ("StringLike", "kms:tag/Team", r#""b*""#, false),
    ("StringNotLike", "kms:tag/Team", r#"["R*","B*"]"#, false),
    ("StringNotLike", "kms:tag/Team", r#"["R*","b*"]"#, true),
    ("NumericEquals", "kms:tag/Level", r#""7.50""#, true),
    ("NumericNotEquals", "kms:tag/Level", r#"["7","7.5"]"#, false),
    ("NumericLessThan", "kms:tag/Level", r#""7.5""#, false),
    ("NumericLessThan", "kms:tag/Level", r#""10""#, true),
    ("NumericLessThanEquals", "kms:tag/Level", r#""7.5""#, true),
    ("NumericGreaterThan", "kms:tag/Level", r#""-8""#, true),
    ("NumericGreaterThan", "kms:tag/Level", r#""7.5""#, false),
    ("NumericGreaterThanEquals", "kms:tag/Level", r#""7.500000001""#, false),
    ("DateEquals", "acs:CurrentTime", r#""2026-01-31T12:00Z""#, true),
    ("DateNotEquals", "acs:CurrentTime", r#""2026-01-31T12:00:00Z""#, false),
    ("DateLessThan", "acs:CurrentTime", r#""2026-01-31T12:00:01Z""#, true),
    ("DateLessThan", "acs:CurrentTime", r#""2026-01-31T12:00:00Z""#, false),
    ("DateLessThanEquals", "acs:CurrentTime", r#""2026-01-31T12:00:00Z""#, true),
    ("DateGreaterThan", "acs:CurrentTime", r#""1969-12-31T23:59:59Z""#, true),
    ("DateGreaterThan", "acs:CurrentTime", r#""2026-01-31T12:00:00Z""#, false),
    ("DateGreaterThanEquals", "acs:CurrentTime", r#""2026-01-31T12:00:01Z""#, false),
    ("DateLessThan", "kms:tag/Until", r#""2027-01-01T00:00:00Z""#, true),
    ("Bool", "acs:SecureTransport", r#""true""#, true),
    ("Bool", "acs:SecureTransport", r#""false""#, false),
    ("Bool", "acs:MFAPresent", r#""false""#, true),
    ("Bool", "acs:MFAPresent", r#"["false","true"]"#, true),
    ("IpAddress", "acs:SourceIp", r#""10.1.2.3""#, true),
    ("IpAddress", "acs:SourceIp", r#"["192.168.0.0/16","10.0.0.0/8"]"#, true),
    ("IpAddress", "acs:SourceIp", r#""10.1.2.4/31""#, false),
    ("IpAddress", "acs:SourceIp", r#""0.0.0.0/0""#, true),
    ("IpAddress", "acs:SourceIp", r#""::/0""#, false),
    ("IpAddress", "acs:SourceIp", r#""::ffff:10.0.0.0/104""#, true),
    ("NotIpAddress", "acs:SourceIp", r#"["192.168.0.0/16","10.0.0.0/8"]"#, false),
    ("NotIpAddress", "acs:SourceIp", r#"["192.168.0.0/16","2001:db8::/32"]"#, true),
];

#[test]
fn conditions_compare() {
    let tags = tags(&[("Level", "7.5"), ("Team", "Blue"), ("Until", "2026-06-30T00:00Z")]);
    let asked = Circumstances {
        source_ip: Some("10.1.2.3".parse().unwrap()),
        secure_transport: Some(true),
        mfa_present: Some(false),
        tags: &tags,
        ..NOTHING
    };
    for (operator, key, values, is_met) in COMPARED {
        for (effect, verdict) in [("Allow", ALLOWED), ("Deny", Verdict::Deny(at(0, 0)))] {
            let policy = policy(&format!(
                r#"{{"Effect":"{effect}","Action":"*","Resource":"*",
                     "Condition":{{"{operator}":{{"{key}":{values}}}}}}}"#
            ));
            let expected = if *is_met { verdict } else { Verdict::Implicit };
            assert_eq!(says(&policy, "kms:Encrypt", &asked), expected, "{operator} {key} {values}");
        }
    }
}

#[test]
fn addresses_of_ipv6_lie_in_networks() {
    let of = |network: &str| {
        policy(&format!(
            r#"{{"Effect":"Allow","Action":"*","Resource":"*",
                 "Condition":{{"IpAddress":{{"acs:SourceIp":"{network}"}}}}}}"#
        ))
    };
    let from = |address: &str| Circumstances { source_ip: address.parse().ok(), ..NOTHING };
    for (network, address, is_in) in [
        ("2001:db8::/33", "2001:db8:7fff::1", true),
        ("2001:db8::/33", "2001:db8:8000::1", false),
        ("2001:db8::1", "2001:db8:0:0::1", true),
        ("::/0", "2001:db8::1", true),
        ("10.0.0.0/8", "::ffff:10.9.9.9", true),
        ("10.0.0.0/8", "::10.9.9.9", false),
    ] {
        let verdict = says(&of(network), "kms:Encrypt", &from(address));
        assert_eq!(verdict == ALLOWED, is_in, "{address} in {network}");
    }
}

/// Keys under one operator and operators are all needed.
#[test]
fn all_conditions_count() {
    let policy = policy(
        r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{
            "StringEquals":{"kms:tag/a":"1","kms:tag/b":"2"},"Bool":{"acs:MFAPresent":"true"}}}"#,
    );
    let ask = |pairs: &[(&str, &str)], mfa| {
        let asked = Circumstances { tags: &tags(pairs), mfa_present: Some(mfa), ..NOTHING };
        says(&policy, "kms:Encrypt", &asked)
    };
    assert_eq!(ask(&[("a", "1"), ("b", "2")], true), ALLOWED);
    assert_eq!(ask(&[("a", "1"), ("b", "2")], false), Verdict::Implicit);
    assert_eq!(ask(&[("a", "1"), ("b", "1")], true), Verdict::Implicit);
    assert_eq!(ask(&[("a", "1")], true), Verdict::Implicit);
}
