//! What is no policy of a key, and what is said about it.

use super::refusals::refused;
use super::*;

/// A statement of a key's policy, and what is said of it.
const OF_KEYS: &[(&str, &str)] = &[
    (r#""Principal":{"RAM":"acs:ram::1:*"},"Action":"kms:*","Resource":"*""#, "Effect is missing."),
    (r#""Effect":"Allow","Action":"kms:*","Resource":"*""#, "Principal is missing."),
    (
        r#""Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*""#,
        "Principal must be an object.",
    ),
    (
        r#""Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:*","Resource":"*""#,
        "\"AWS\" is no kind",
    ),
    (
        r#""Effect":"Allow","Principal":{"RAM":"acs:ram::1:*","Service":"a"},"Action":"kms:*","Resource":"*""#,
        "Principal must have one member, RAM.",
    ),
    (
        r#""Sid":"a:b","Effect":"Deny","Principal":{"RAM":"acs:ram::1:*"},"Action":"kms:*","Resource":"*""#,
        "Sid must",
    ),
    (
        r#""Sid":["a"],"Effect":"Deny","Principal":{"RAM":"acs:ram::1:*"},"Action":"kms:*","Resource":"*""#,
        "Sid must",
    ),
    (
        r#""Effect":"Deny","Principal":{"RAM":"acs:ram::1:*"},"Action":"kms:*","Resource":["*","*"]"#,
        "Resource must be \"*\", which is this key.",
    ),
    (
        r#""Effect":"Deny","Principal":{"RAM":"acs:ram::1:*"},"Action":"kms:*","Resource":"acs:kms:*:*:*""#,
        "Resource must be \"*\", which is this key.",
    ),
    (
        r#""Effect":"Deny","Principal":{"RAM":"acs:ram::1:*"},"Action":"*","Resource":"*""#,
        "\"*\" does not",
    ),
    (
        r#""Effect":"Deny","Principal":{"RAM":"acs:ram::1:*"},"Action":"ram:*","Resource":"*""#,
        "\"ram:*\" does",
    ),
    (
        r#""Effect":"Deny","Principal":{"RAM":"acs:ram::1:*"},"Action":"kms:","Resource":"*""#,
        "\"kms:\" is no",
    ),
    (
        r#""Effect":"Deny","Principal":{"RAM":"acs:ram::1:*"},"Action":"kms:*","Resource":"*","NotAction":"kms:*""#,
        "NotAction is not of this grammar",
    ),
];

const PRINCIPALS: &[&str] = &[
    "",
    "*",
    "acs:ram::*:*",
    "acs:ram::*:root",
    "acs:ram::1:",
    "acs:ram::1",
    "acs:ram:::*",
    "acs:ram::1:user",
    "acs:ram::1:user/",
    "acs:ram::1:user/*",
    "acs:ram::1:user/a*",
    "acs:ram::1:user/a?",
    "acs:ram::1:user/a/b",
    "acs:ram::1:group/a",
    "acs:ram::1:role/*",
    "acs:ram::1:ROOT",
    "acs:ram::1a:root",
    "acs:ram:cn:1:root",
    "acs:kms::1:root",
    "1",
    "acs:ram::1:**",
    "acs:ram::1:root/x",
];

#[test]
fn policies_of_keys_that_are_none() {
    let with = |statement: &str| {
        let text = format!(r#"{{"Version":"1","Statement":{{{statement}}}}}"#);
        let detail = refused(KeyPolicy::parse(&text), "Policy");
        let at_one = detail.strip_prefix("Statement 1: ").map(str::to_owned);
        at_one.unwrap_or_else(|| panic!("{statement}: {detail}"))
    };
    for (statement, what) in OF_KEYS {
        assert!(with(statement).starts_with(what), "{statement}: {}", with(statement));
    }
    for principal in PRINCIPALS {
        let detail = with(&format!(
            r#""Effect":"Allow","Principal":{{"RAM":["acs:ram::1:*","{principal}"]}},"Action":"kms:*","Resource":"*""#
        ));
        assert!(detail.starts_with(&format!("\"{principal}\" is no principal")), "{detail}");
    }
    let sid = |sid: &str| {
        format!(
            r#"{{"Version":"1","Statement":{{"Sid":"{sid}","Effect":"Allow","Action":["KMS:*"],
                "Principal":{{"RAM":["acs:ram::1:user/a.b-c_d@e"]}},"Resource":["*"]}}}}"#
        )
    };
    KeyPolicy::parse(&sid(&"a Z9_/+=.@-".repeat(11))).unwrap();
    KeyPolicy::parse(&sid(&"s".repeat(128))).unwrap();
    assert!(refused(KeyPolicy::parse(&sid(&"s".repeat(129))), "Policy").contains("Sid must"));
}
