//! What the commands answer.

use std::collections::BTreeSet;
use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kmshsm::api::ACTIONS;
use serde_json::Value;

use crate::home::*;

/// The names of the documentation's answer to this very line, in its order.
const METADATA: [&str; 11] = [
    "CreationDate",
    "Description",
    "KeyId",
    "KeyState",
    "KeyUsage",
    "DeleteDate",
    "Creator",
    "Arn",
    "Origin",
    "MaterialExpireTime",
    "ProtectionLevel",
];

#[test]
fn the_line_of_the_documentation_works() {
    let home = Home::with_store();
    let line = ["--ProtectionLevel", "HSM", "--Description", "Key1 in Managed HSM"];
    let answer = home.ok("CreateKey", &line);
    assert_eq!(names(&answer), ["KeyMetadata", "RequestId"]);
    let metadata = &answer["KeyMetadata"];
    let mut known = names(metadata);
    known.retain(|name| METADATA.contains(name));
    assert_eq!(known, METADATA);

    let key = text(&metadata["KeyId"]);
    for (name, expected) in [
        ("Description", "Key1 in Managed HSM"),
        ("KeyState", "Enabled"),
        ("KeyUsage", "ENCRYPT/DECRYPT"),
        ("DeleteDate", ""),
        ("Creator", "111122223333"),
        ("Arn", &format!("acs:kms:cn-hongkong:111122223333:key/{key}")),
        ("Origin", "Aliyun_KMS"),
        ("MaterialExpireTime", ""),
        ("ProtectionLevel", "HSM"),
    ] {
        assert_eq!(metadata[name], expected, "{name}");
    }
    assert_eq!(shape(text(&metadata["CreationDate"])), "0000-00-00T00:00:00Z");
    assert!(is_uuid(&metadata["KeyId"]) && is_uuid(&answer["RequestId"]));
    // DescribeKey says the same, and more.
    let described = home.ok("DescribeKey", &["--KeyId", key]);
    for name in names(metadata) {
        assert_eq!(described["KeyMetadata"][name], metadata[name], "{name}");
    }
}

/// A list is one JSON array, or options with numbers, in any order.
#[test]
fn lists_are_spelled_as_the_wire_does() {
    let home = Home::with_store();
    let key = home.key(&["--Tags.1.TagValue=v", "--Tags.1.TagKey", "made"]);
    let here = ["--RegionId", "cn-hongkong", "--ResourceType", "key", "--ResourceId.1", &key];
    let tags = || {
        let listed = home.ok("ListResourceTags", &["--KeyId", &key]);
        let rows = listed["Tags"]["Tag"].as_array().unwrap().clone();
        let rows = rows.iter().map(|row| [&row["TagKey"], &row["TagValue"]].map(text).join("="));
        rows.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(tags(), "made=v");
    let two = ["--Tag.2.Key", "b", "--Tag.1.Value=-1", "--Tag.1.Key", "a", "--Tag.2.Value", ""];
    home.ok("TagResources", &[&here[..], &two].concat());
    assert_eq!(tags(), "a=-1 b= made=v");
    home.ok("UntagResources", &[&here[..], &["--TagKey.1", "a", "--TagKey.2", "made"]].concat());
    assert_eq!(tags(), "b=");

    let both = [&here[..], &["--ResourceId", "[]", "--TagKey.1", "a"]].concat();
    let refused = home.refuses(1, "InvalidParameter", "UntagResources", &both);
    assert!(message(&refused).contains("\"ResourceId\""), "{refused}");
    home.run(&["DescribeKey", "--KeyId.1", &key]).usage("--KeyId.1");
    home.run(&["TagResources", "--Tag.1.Key"]).usage("--Tag.1.Key");
    home.run(&["TagResources", "--Tag.1.Key", "a", "--Tag.1.Key=b"]).usage("--Tag.1.Key");
}

#[test]
fn tables_are_for_people() {
    let home = Home::with_store();
    let (one, two) = (home.key(&[]), home.key(&[]));
    let run = home.action("ListKeys", &["--output", "table"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let request = run.out.lines().find_map(|line| line.strip_prefix("RequestId   "));
    let request = request.unwrap();
    let arn = "acs:kms:cn-hongkong:111122223333:key/";
    let expected = [
        "TotalCount  2",
        "PageNumber  1",
        "PageSize    10",
        &format!("RequestId   {request}"),
        "",
        "Keys.Key",
        &format!("{:36}  KeyArn", "KeyId"),
        &format!("{one}  {arn}{one}"),
        &format!("{two}  {arn}{two}"),
    ];
    assert_eq!(run.out.lines().collect::<Vec<_>>(), expected);

    let run = home.action("DescribeKey", &["--KeyId", &one, "--output", "table"]);
    let mut rows = run.out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    assert!(rows.any(|row| row == ["KeyMetadata.KeyState", "Enabled"]), "{}", run.out);

    // A failure is one line, and nothing on standard output.
    let run = home.action("DescribeKey", &["--KeyId", "nobody", "--output", "table"]);
    let line = "Forbidden.KeyNotFound: The specified Key is not found.\n";
    assert_eq!(run, Run { code: 3, out: String::new(), err: line.into() });
}

#[test]
fn files_stand_for_values() {
    let home = Home::with_store();
    let key = home.key(&[]);
    let bytes: Vec<u8> = (0..=255).collect();
    home.write("bytes", &bytes);
    home.write("context", br#"{"for": "files"}"#);
    home.write("letter", "Grüße,\nJ.\n".as_bytes());

    let context = ["--EncryptionContext", "file://context"];
    let encrypt = ["--KeyId", &key, "--Plaintext", "fileb://bytes"];
    let sealed = home.ok("Encrypt", &[&encrypt[..], &context].concat());
    let blob = text(&sealed["CiphertextBlob"]);
    home.write("sealed", &STANDARD.decode(blob).unwrap());
    let opened = home.ok("Decrypt", &["--CiphertextBlob", blob, context[0], r#"{"for":"files"}"#]);
    assert_eq!(opened["Plaintext"], STANDARD.encode(&bytes));
    let decrypt = ["--CiphertextBlob", "fileb://sealed"];
    let opened = home.ok("Decrypt", &[&decrypt[..], &context].concat());
    assert_eq!(opened["Plaintext"], STANDARD.encode(&bytes));

    // A text comes back as it was, whichever way it is given; and a value may begin with a dash.
    for (given, expected) in [("file://letter", "Grüße,\nJ.\n"), ("-v --help", "-v --help")] {
        let sealed = home.ok("Encrypt", &["--KeyId", &key, "--Plaintext", given]);
        let blob = text(&sealed["CiphertextBlob"]);
        assert_eq!(home.ok("Decrypt", &["--CiphertextBlob", blob])["Plaintext"], expected);
    }

    for value in ["file://absent", "fileb://absent", "file://bytes", "file://."] {
        let refused = home.refuses(1, "InvalidParameter", "Encrypt", &["--Plaintext", value]);
        assert!(message(&refused).contains("\"Plaintext\""), "{value}");
    }
}

#[test]
fn every_action_has_help() {
    let home = Home::empty();
    let help = home.run(&["--help"]);
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    let first = |line: &'_ str| line.split_whitespace().next().map(str::to_owned);
    let commands: BTreeSet<_> = help.out.lines().filter_map(first).collect();
    for action in ACTIONS {
        if action.name == "AdvanceClock" {
            assert!(!commands.contains(action.name));
            home.run(&[action.name]).usage(action.name);
            continue;
        }
        assert!(commands.contains(action.name), "{} is not in --help", action.name);
        let help = home.run(&[action.name, "--help"]);
        assert_eq!((help.code, help.err.as_str()), (0, ""), "{}", action.name);
        let schema = (action.schema)();
        let parameters = schema.get("properties").and_then(Value::as_object);
        for (name, parameter) in parameters.into_iter().flatten() {
            let is_boolean = parameter["type"].to_string().contains("boolean");
            let value = if is_boolean { "true|false" } else { "VALUE" };
            let option = format!("--{name} <{value}>");
            assert!(help.out.contains(&option), "{} --help lacks {option}", action.name);
        }
    }
    for command in ["init", "status", "self-test", "tick", "wrap", "doctor", "completions", "man"] {
        assert!(commands.contains(command), "{command} is not in --help");
    }

    let version = format!("kmshsm {}\n", kmshsm::health::VERSION);
    assert_eq!(home.run(&["--version"]), Run::says(&version));
    assert_eq!(home.run(&[]), Run { code: 1, out: String::new(), err: help.out });
}

/// It needs no store.
#[test]
fn the_self_test_reports() {
    let home = Home::empty();
    let report = home.run(&["self-test"]).answer();
    assert_eq!(names(&report), ["passed", "tests", "integrity"]);
    assert_eq!(report["passed"], true);
    assert_eq!(report["integrity"]["result"], "not available");
    let tests = report["tests"].as_array().unwrap();
    assert!(tests.len() > 20 && tests.iter().all(|test| test["result"] == "passed"));
    let table = home.run(&["self-test", "--output", "table"]);
    assert_eq!((table.code, table.err.as_str()), (0, ""));
    assert!(table.out.contains("aes-256-gcm"), "{}", table.out);
}

/// A program that is not what stands beside it says so, and does nothing else.
#[test]
fn a_damaged_program_refuses() {
    // A link, for what has just been written may not run yet: so on the same file system.
    let home = Home(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap());
    let program = home.path("program");
    fs::hard_link(env!("CARGO_BIN_EXE_kmshsm"), &program).unwrap();
    let run = |args: &[&str]| run(&mut home.command_of(&program, args));
    let found = || serde_json::from_str::<Value>(&run(&["self-test"]).out).unwrap();

    home.write(".program.hmac", &[b'0'; 64]);
    assert_eq!(run(&["self-test"]).code, 4);
    let report = found();
    assert_eq!(
        (&report["passed"], &report["integrity"]["result"]),
        (&false.into(), &"failed".into())
    );
    let before = home.everything();
    let init = ["init", "--store", "keys", "--key-file", "keys.bin"];
    let refused = run(&init).refusal(4, "Module.ErrorState");
    assert!(message(&refused).contains("integrity"), "{refused}");
    assert_eq!(home.everything(), before);

    let hmacify = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/hmacify");
    assert!(std::process::Command::new(hmacify).arg(&program).status().unwrap().success());
    let report = found();
    assert_eq!(
        (&report["passed"], &report["integrity"]["result"]),
        (&true.into(), &"passed".into())
    );
    assert_eq!(report["integrity"]["file"], program.to_str().unwrap());
    assert_eq!(run(&init).code, 0);
}
