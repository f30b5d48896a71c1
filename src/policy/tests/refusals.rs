//! What is no policy, and what is said about it.

use super::*;
use crate::error::ErrorCode;

pub(super) fn refused(policy: Result<impl Sized>, parameter: &str) -> String {
    let error = policy.err().expect("it must be refused");
    assert_eq!(error.code(), ErrorCode::InvalidParameter);
    let text = error.to_string();
    let start = format!("The specified parameter \"{parameter}\" is not valid. ");
    text.strip_prefix(&start).unwrap_or_else(|| panic!("{text}")).to_owned()
}

/// Whole texts.
#[test]
fn texts_that_are_no_policy() {
    let fine = r#"{"Version":"1","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    Policy::parse(fine).unwrap();
    Policy::parse(&format!(" \n{fine}\t")).unwrap();
    let nested = |depth: usize| format!("{}\"x\"{}", "[".repeat(depth), "]".repeat(depth));
    let table = [
        (String::new(), "JSON"),
        ("1".into(), "JSON"),
        ("null".into(), "JSON"),
        ("\"\"".into(), "must be an object"),
        ("[\"\"]".into(), "must be an object"),
        (format!("\u{feff}{fine}"), "JSON"),
        (format!("{fine}{fine}"), "trailing"),
        (format!("{fine},"), "trailing"),
        (format!("{fine}\0"), "trailing"),
        (format!("// all\n{fine}"), "JSON"),
        (fine.replace("}}", ",}}"), "JSON"),
        (fine.replace('"', "'"), "JSON"),
        (fine.replace("Allow", "\\ud800"), "JSON"),
        (fine.replace("Allow", "A\nllow"), "JSON"),
        (fine.replace("\"1\"", "1"), "expected a string"),
        (fine.replace("\"1\"", "\"2\""), "Version"),
        (fine.replace("\"1\"", "\"1.0\""), "Version"),
        (fine.replace("\"1\"", "[\"1\"]"), "Version must be a string"),
        (fine.replace("\"Version\":\"1\",", ""), "Version is missing"),
        (fine.replace("Version", "version"), "\"version\" is no element of a policy"),
        (fine.replace("Statement", "Statements"), "\"Statements\" is no element of a policy"),
        ("{\"Version\":\"1\"}".into(), "Statement is missing"),
        ("{\"Version\":\"1\",\"Statement\":[]}".into(), "empty"),
        ("{\"Version\":\"1\",\"Statement\":{}}".into(), "empty"),
        ("{\"Version\":\"1\",\"Statement\":\"x\"}".into(), "Statement 1: It must be an object"),
        ("{\"Version\":\"1\",\"Statement\":[[{\"a\":\"b\"}]]}".into(), "Statement 1: It must be"),
        (fine.replacen('{', "{\"Version\":\"1\",", 1), "\"Version\" is given twice"),
        (fine.replacen('{', "{\"\\u0056ersion\":\"1\",", 1), "\"Version\" is given twice"),
        (fine.replacen('{', "{\"Id\":\"x\",", 1), "\"Id\" is no element of a policy"),
        (format!("{{\"Version\":\"1\",\"Statement\":{}}}", nested(8)), "too deep"),
        (format!("{{\"Version\":\"1\",\"Statement\":{}}}", nested(1000)), "too deep"),
        (fine.replace("}}", &format!("}},\"X\":\"{}\"}}", "x".repeat(4096))), "4096 characters"),
    ];
    for (text, what) in table {
        let detail = refused(Policy::parse(&text), "PolicyDocument");
        assert!(detail.contains(what), "{text}: {detail}");
        assert!(detail.ends_with('.') && detail.len() < 300, "{detail}");
    }
    // As deep as may be is deep enough to be refused for something else.
    let text = format!("{{\"Version\":\"1\",\"Statement\":{}}}", nested(7));
    assert!(refused(Policy::parse(&text), "PolicyDocument").contains("Statement 1"));
}

#[test]
fn statements_are_a_hundred_at_most() {
    let of = |n: usize| {
        let one = r#"{"Effect":"Deny","Action":"kms:*","Resource":"*","Principal":{"RAM":"acs:ram::1:*"}}"#;
        format!(r#"{{"Version":"1","Statement":[{}]}}"#, vec![one; n].join(","))
    };
    KeyPolicy::parse(&of(100)).unwrap();
    assert!(refused(KeyPolicy::parse(&of(101)), "Policy").contains("100 statements"));
    let long = of(100).replacen('{', &format!("{{{}", " ".repeat(32_768)), 1);
    assert!(refused(KeyPolicy::parse(&long), "Policy").contains("32768 bytes"));
}

/// Lengths of identity policies are counted in characters.
#[test]
fn a_policy_has_4096_characters_at_most() {
    let of = |n: usize| {
        let start =
            r#"{"Version":"1","Statement":{"Effect":"Deny","Action":"*","Resource":"acs:a:b:c:"#;
        format!("{start}{}\"}}}}", "密".repeat(n - start.len() - 3))
    };
    Policy::parse(&of(4096)).unwrap();
    assert!(refused(Policy::parse(&of(4097)), "PolicyDocument").contains("4096 characters"));
}

/// The second statement of a policy, and what is said of it.
const STATEMENTS: &[(&str, &str)] = &[
    (r#"{"Effect":"Allow","Action":"*"}"#, "Resource is missing."),
    (r#"{"Effect":"Allow","Resource":"*"}"#, "Action is missing."),
    (r#"{"Action":"*","Resource":"*"}"#, "Effect is missing."),
    (r#"{"Efect":"Allow","Action":"*","Resource":"*"}"#, "\"Efect\" is no element of a statement."),
    (r#"{"Effect":"allow","Action":"*","Resource":"*"}"#, "\"allow\" is no Effect: Allow or Deny."),
    (
        r#"{"Effect":"Permit","Action":"*","Resource":"*"}"#,
        "\"Permit\" is no Effect: Allow or Deny.",
    ),
    (r#"{"Effect":["Allow"],"Action":"*","Resource":"*"}"#, "Effect must be a string."),
    (r#"{"Effect":"Deny","Action":{"a":"b"},"Resource":"*"}"#, "Action must be a string or"),
    (r#"{"Effect":"Deny","Action":[["*"]],"Resource":"*"}"#, "Action must be a string."),
    (r#"{"Effect":"Deny","Action":"*","Resource":{"a":"b"}}"#, "Resource must be a string or"),
    (r#"{"Sid":"a","Effect":"Deny","Action":"*","Resource":"*"}"#, "\"Sid\" is no element"),
    (
        r#"{"Principal":"*","Effect":"Deny","Action":"*","Resource":"*"}"#,
        "\"Principal\" is no element",
    ),
    (
        r#"{"Effect":"Allow","NotAction":"kms:*","Resource":"*"}"#,
        "NotAction is not of this grammar",
    ),
    (r#"{"Effect":"Allow","Action":"*","NotResource":"*"}"#, "NotResource is not of this grammar"),
    (
        r#"{"Effect":"Allow","Action":"*","Resource":"*","NotPrincipal":"*"}"#,
        "NotPrincipal is not of",
    ),
];

const ACTIONS: &[&str] = &[
    "",
    "kms",
    "Encrypt",
    ":",
    "kms:",
    ":Encrypt",
    "kms:a:b",
    "kms:En crypt",
    " kms:*",
    "kms:密",
    "**",
];

const RESOURCES: &[&str] = &[
    "",
    "key",
    "acs",
    "acs:kms",
    "acs:kms:*",
    "acs:kms:*:*",
    "acs:kms:*:*:",
    "acs::*:*:key",
    "acs:ram::1:user/alice",
    "acs:kms:*::key/*",
    "**",
    "arn:kms:*:*:key/*",
    "*:kms:*:*:key/*",
    "a*:kms:*:*:key",
    "ACS:kms:*:*:key",
    " acs:kms:*:*:key",
    "acs:kms:*:*:k\\u0000",
    "acs:kms:*:*:k\\n",
];

/// The element Condition, and what is said of it.
const CONDITIONS: &[(&str, &str)] = &[
    (r#""x""#, "Condition must be an object."),
    (r#"["x"]"#, "Condition must be an object."),
    (r#"{"Bool":"x"}"#, "Bool must be an object."),
    (r#"{"Bool":{"acs:MFAPresent":{"a":"b"}}}"#, "acs:MFAPresent must be a string or"),
    (r#"{"bool":{"acs:MFAPresent":"true"}}"#, "\"bool\" is no condition operator."),
    (r#"{"Boolean":{"acs:MFAPresent":"true"}}"#, "\"Boolean\" is no condition operator."),
    (r#"{"StringEqualsIfExists":{"kms:tag/a":"b"}}"#, "\"StringEqualsIfExists\" is no condition"),
    (r#"{"ForAllValues:StringEquals":{"kms:tag/a":"b"}}"#, "is no condition operator."),
    (r#"{"Null":{"kms:tag/a":"true"}}"#, "\"Null\" is no condition operator."),
    (r#"{"Bool":{"acs:mfapresent":"true"}}"#, "\"acs:mfapresent\" is no condition key."),
    (r#"{"StringEquals":{"acs:UserName":"a"}}"#, "\"acs:UserName\" is no condition key."),
    (r#"{"StringEquals":{"kms:tag":"a"}}"#, "\"kms:tag\" is no condition key."),
    (r#"{"StringEquals":{"kms:tag/":"a"}}"#, "\"kms:tag/\" is no condition key."),
    (r#"{"StringEquals":{"kms:tag/a*":"a"}}"#, "\"kms:tag/a*\" is no condition key."),
    (r#"{"StringEquals":{"kms:tag/acs:a":"a"}}"#, "\"kms:tag/acs:a\" is no condition key."),
    (r#"{"StringEquals":{"kms:Tag/a":"a"}}"#, "\"kms:Tag/a\" is no condition key."),
    (
        r#"{"StringEquals":{"acs:SourceIp":"1.2.3.4"}}"#,
        "\"acs:SourceIp\" does not go with StringEquals.",
    ),
    (r#"{"StringLike":{"acs:CurrentTime":"2026*"}}"#, "does not go with StringLike."),
    (r#"{"DateEquals":{"acs:MFAPresent":"2026-01-01T00:00Z"}}"#, "does not go with DateEquals."),
    (r#"{"IpAddress":{"acs:SecureTransport":"1.2.3.4"}}"#, "does not go with IpAddress."),
    (r#"{"Bool":{"acs:SourceIp":"true"}}"#, "\"acs:SourceIp\" does not go with Bool."),
    (r#"{"Bool":{"acs:MFAPresent":"True"}}"#, "must be \"true\" or \"false\"."),
    (r#"{"Bool":{"acs:MFAPresent":["true",""]}}"#, "\"\" of Bool, \"acs:MFAPresent\", must be"),
];

/// Operator and key, and values that they do not take.
const VALUES: &[(&str, &str, &[&str])] = &[
    (
        "NumericEquals",
        "kms:tag/a",
        &[
            "",
            "-",
            "1.",
            ".5",
            "+1",
            "1e3",
            "0x1",
            " 1",
            "1 ",
            "1,5",
            "--1",
            "1.2.3",
            "NaN",
            "inf",
            "١",
            "1234567890123456789",
            "1.0123456789",
        ],
    ),
    (
        "DateLessThan",
        "acs:CurrentTime",
        &[
            "",
            "2026-01-31",
            "2026-01-31T00:00:00",
            "2026-01-31T00:00:00+08:00",
            "2026-01-31T00:00:00z",
            "2026-01-31 00:00:00Z",
            "2026-1-31T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T00:60:00Z",
            "2026-01-31T23:59:60Z",
            "2026-01-31T00:00:00.5Z",
            "2026-01-31T00Z",
            "20260131T000000Z",
            "1769860800",
            "+2026-01-31T00:00:00Z",
            "2026-01-31T00:00:00:00Z",
            "2026-01-31-01T00:00Z",
            "-026-01-31T00:00:00Z",
            "*",
        ],
    ),
    (
        "IpAddress",
        "acs:SourceIp",
        &[
            "",
            "*",
            "10.*",
            "10.0.0",
            "10.0.0.256",
            "010.0.0.1",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0.0/08",
            "10.0.0.0/8/8",
            "10.0.0.0/255.0.0.0",
            " 10.0.0.0",
            "::/129",
            ":::",
            "fe80::1%eth0",
            "[::1]",
            "1",
            "localhost",
        ],
    ),
    ("Bool", "acs:SecureTransport", &["", "TRUE", "1", "yes", " true", "tru", "*"]),
];

#[test]
fn statements_that_are_none() {
    let with = |statement: &str| {
        let fine =
            r#"{"Effect":"Deny","Action":["kms:*","ram:?ist-_9"],"Resource":["acs:a:?:*:b"]}"#;
        let text = format!(r#"{{"Version":"1","Statement":[{fine},{statement}]}}"#);
        let detail = refused(Policy::parse(&text), "PolicyDocument");
        let at_two = detail.strip_prefix("Statement 2: ").map(str::to_owned);
        at_two.unwrap_or_else(|| panic!("{statement}: {detail}"))
    };
    for (statement, what) in STATEMENTS {
        assert!(with(statement).starts_with(what), "{statement}: {}", with(statement));
    }
    for action in ACTIONS {
        let detail =
            with(&format!(r#"{{"Effect":"Allow","Action":["*","{action}"],"Resource":"*"}}"#));
        assert!(detail.starts_with(&format!("\"{action}\" is no Action")), "{detail}");
    }
    for resource in RESOURCES {
        let detail =
            with(&format!(r#"{{"Effect":"Allow","Action":"*","Resource":["*","{resource}"]}}"#));
        assert!(detail.contains("is no Resource"), "{resource}: {detail}");
    }
    let under = |condition: &str| {
        with(&format!(
            r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}"#
        ))
    };
    for (condition, what) in CONDITIONS {
        assert!(under(condition).contains(what), "{condition}: {}", under(condition));
    }
    for (operator, key, values) in VALUES {
        for value in *values {
            let detail = under(&format!(r#"{{"{operator}":{{"{key}":"{value}"}}}}"#));
            let start = format!("\"{value}\" of {operator}, \"{key}\", must be ");
            assert!(detail.starts_with(&start), "{detail}");
        }
    }
}

/// The reader of JSON refuses these wherever they stand.
#[test]
fn nothing_is_empty_twice_or_variable() {
    for (statement, what) in [
        (r#"{"Effect":"Allow","Action":[],"Resource":"*"}"#, "a list is empty"),
        (r#"{"Effect":"Allow","Action":"*","Resource":[]}"#, "a list is empty"),
        (r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{}}"#, "an object is empty"),
        (r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{}}}"#, "empty"),
        (
            r#"{"Effect":"Allow","Effect":"Allow","Action":"*","Resource":"*"}"#,
            "\"Effect\" is given twice",
        ),
        (r#"{"Effect":"Deny","\u0045ffect":"Allow","Action":"*","Resource":"*"}"#, "given twice"),
        (
            r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":
                {"Bool":{"acs:MFAPresent":"true","acs:MFAPresent":"false"}}}"#,
            "\"acs:MFAPresent\" is given twice",
        ),
        (
            r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":
                {"StringEquals":{"kms:tag/a":"b"},"StringEquals":{"kms:tag/c":"b"}}}"#,
            "\"StringEquals\" is given twice",
        ),
        (r#"{"Effect":"Allow","Action":"*","Resource":"acs:kms:*:*:${user}"}"#, "variables"),
        (
            r#"{"Effect":"Allow","Action":"*","Resource":"*",
                "Condition":{"StringEquals":{"kms:tag/a":"\u0024{x}"}}}"#,
            "variables",
        ),
        (
            r#"{"Effect":"Allow","Action":true,"Resource":"*"}"#,
            "expected a string, a list or an object",
        ),
        (r#"{"Effect":"Allow","Action":null,"Resource":"*"}"#, "expected a string"),
        (
            r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"acs:MFAPresent":true}}}"#,
            "expected a string",
        ),
        (
            r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NumericEquals":{"kms:tag/a":1}}}"#,
            "expected a string",
        ),
    ] {
        let text = format!(r#"{{"Version":"1","Statement":[{statement}]}}"#);
        let detail = refused(Policy::parse(&text), "PolicyDocument");
        assert!(detail.starts_with("It is not the JSON of a policy: "), "{detail}");
        assert!(
            detail.contains(what) && detail.contains("line 1 column") || detail.contains("line 2")
        );
    }
}

/// However long a wrong word is, the sentence about it is not.
#[test]
fn long_words_are_cut_in_refusals() {
    let word = "密\\u0007".repeat(400);
    let text = format!(r#"{{"Version":"1","Statement":{{"{word}":"x"}}}}"#);
    let detail = refused(Policy::parse(&text), "PolicyDocument");
    assert!(detail.contains("\\u{7}") && detail.len() < 500, "{detail}");
}
