//! The command line as its users meet it: a process, its two streams and its exit code. Nothing of
//! the caller's environment or terminal gets in.
#![cfg(feature = "cli")]

mod home;
mod time;
mod wrap;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::process::Stdio;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kmshsm::api::{ACTIONS, dispatch_json};
use kmshsm::error::ErrorCode;
use kmshsm::kms::{Kms, Options, Unlock};
use serde_json::Value;

use home::*;

// --- Making a store ---------------------------------------------------------------------------

#[test]
fn a_passphrase_file_loses_one_newline() {
    let home = Home::empty();
    home.write("words", b"open sesame\n");
    home.write("same", b"open sesame");
    home.write("two", b"open sesame\n\n");
    let made = home.run(&["init", "--store", "keys", "--passphrase-file", "words"]);
    assert_eq!(made, Run::says("Created a store in keys.\n"));
    assert_eq!(home.mode("keys"), 0o700);

    let list = |file| ["ListKeys", "--store", "keys", "--passphrase-file", file];
    assert_eq!(home.run(&list("same")).answer()["TotalCount"], 0);
    home.run(&list("two")).refusal(2, "Store.UnlockFailed");

    // The same from the environment, which options come before.
    let mut command = home.command(&["ListKeys"]);
    command.env("KMSHSM_STORE", "keys").env("KMSHSM_PASSPHRASE_FILE", "words");
    assert_eq!(run(&mut command).answer()["TotalCount"], 0);
    command.args(["--passphrase-file", "two"]);
    run(&mut command).refusal(2, "Store.UnlockFailed");
}

#[test]
fn a_descriptor_gives_the_passphrase() {
    let home = Home::empty();
    let with_input = |args: &[&str], input: &str| {
        let mut command = home.command(args);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Run::of(child.wait_with_output().unwrap())
    };
    let made = with_input(&["init", "--store", "keys", "--passphrase-fd", "0"], "open sesame\n");
    assert_eq!(made, Run::says("Created a store in keys.\n"));
    let list = ["ListKeys", "--store", "keys", "--passphrase-fd", "0"];
    assert_eq!(with_input(&list, "open sesame").answer()["TotalCount"], 0);
    with_input(&list, "open barley").refusal(2, "Store.UnlockFailed");

    let nobodys = i32::MAX.to_string();
    let refused = home.run(&["ListKeys", "--store", "keys", "--passphrase-fd", &nobodys]);
    refused.refusal(1, "InvalidParameter");
    home.run(&["ListKeys", "--store", "keys", "--passphrase-fd=-1"]).usage("--passphrase-fd");
}

#[test]
fn a_key_file_is_made_for_its_owner_alone() {
    let home = Home::with_store();
    assert_eq!(home.mode("keys.bin"), 0o600);
    assert_eq!(home.read("keys.bin").len(), 32);

    // One that is there is taken as it is.
    let made = home.run(&["init", "--store", "more", "--key-file", "keys.bin"]);
    assert_eq!(made, Run::says("Created a store in more.\n"));
    home.run(&["ListKeys", "--store", "more", "--key-file", "keys.bin"]).answer();

    home.write("other.bin", &[7; 32]);
    home.write("short.bin", &[7; 31]);
    home.write("words", b"open sesame\n");
    let list = |option, file| home.run(&["ListKeys", "--store", "keys", option, file]);
    list("--key-file", "other.bin").refusal(2, "Store.UnlockFailed");
    list("--key-file", "short.bin").refusal(1, "InvalidParameter");
    list("--key-file", "absent.bin").refusal(1, "InvalidParameter");
    list("--passphrase-file", "words").refusal(2, "Store.UnlockFailed");
    assert!(!home.path("absent.bin").exists());
}

#[test]
fn a_failed_init_leaves_nothing() {
    let home = Home::with_store();
    home.write("full/letter", b"dear");
    home.write("file", b"no directory");
    home.write("nothing", b"\n");
    let before = home.everything();

    let init = |store, option, file| home.run(&["init", "--store", store, option, file]);
    init("keys", "--key-file", "new.bin").refusal(6, "Store.Exists");
    init("full", "--key-file", "new.bin").refusal(6, "Store.Failed");
    init("file", "--key-file", "new.bin").refusal(6, "Store.NotAStore");
    init("new", "--key-file", "nowhere/new.bin").refusal(1, "InvalidParameter");
    init("new", "--passphrase-file", "nothing").refusal(1, "InvalidParameter");
    init("new", "--passphrase-file", "absent").refusal(1, "InvalidParameter");
    let refused = home.run(&["init", "--store", "new"]).refusal(1, "MissingParameter");
    assert!(message(&refused).contains("There is no terminal to ask on"));

    assert_eq!(home.everything(), before);
    home.ok("ListKeys", &[]);
}

#[test]
fn the_default_place_is_among_the_users_data() {
    let home = Home::empty();
    let init = |variables: &[(&str, &OsStr)], more: &[&str]| {
        let mut command = home.command(&["init", "--key-file", "keys.bin"]);
        command.args(more).env_remove("HOME").envs(variables.iter().copied());
        run(&mut command)
    };
    let (path, data) = (home.path(""), home.path("data"));
    let [at_home, in_data] = [("HOME", path.as_os_str()), ("XDG_DATA_HOME", data.as_os_str())];
    let named = ("KMSHSM_STORE", OsStr::new("named"));

    init(&[], &[]).refusal(1, "MissingParameter");
    for (variables, more, place) in [
        (&[at_home][..], &[][..], ".local/share/kmshsm"),
        (&[at_home, in_data], &[], "data/kmshsm"),
        (&[at_home, in_data, named], &[], "named"),
        (&[at_home, in_data, named], &["--store", "given"], "given"),
    ] {
        assert!(!home.path(place).exists(), "{place}");
        assert_eq!(init(variables, more).code, 0, "{place}");
        assert!(home.path(place).join("store.db").exists(), "{place}");
    }

    let refused = run(&mut home.command(&["ListKeys", "--store", "absent"]));
    let refused = refused.refusal(3, "Store.NotFound");
    assert!(message(&refused).contains("kmshsm init --store absent"));
}

// --- Answers ----------------------------------------------------------------------------------

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
        for name in schema.get("properties").map(names).unwrap_or_default() {
            let option = format!("--{name} <VALUE>");
            assert!(help.out.contains(&option), "{} --help lacks {option}", action.name);
        }
    }
    for command in ["init", "status", "self-test", "tick", "wrap"] {
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

    home.write("program.hmac", &[b'0'; 64]);
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

// --- Failures ---------------------------------------------------------------------------------

/// 1. What the engine refuses is the API's JSON; what is no command line at all is a line of usage.
#[test]
fn bad_arguments_are_named() {
    let home = Home::with_store();
    for (code, name, action, args) in [
        ("MissingParameter", "KeyId", "DescribeKey", &[][..]),
        ("InvalidParameter", "ProtectionLevel", "CreateKey", &["--ProtectionLevel", "hsm"]),
        ("InvalidParameter", "PageSize", "ListKeys", &["--PageSize", "-1"]),
        ("InvalidParameter", "RegionId", "ListKeys", &["--region", "cn-honkong"]),
        ("InvalidParameter", "AccountId", "ListKeys", &["--account", "me"]),
    ] {
        let refused = home.refuses(1, code, action, args);
        assert!(message(&refused).contains(&format!("\"{name}\"")), "{refused}");
    }
    for (word, line) in [
        ("Createkey", &["Createkey"][..]),
        ("--protectionlevel", &["CreateKey", "--protectionlevel", "HSM"]),
        ("--Description", &["CreateKey", "--Description"]),
        ("--KeySpec", &["CreateKey", "--KeySpec", "Aliyun_SM4", "--KeySpec", "Aliyun_AES_256"]),
        ("--output", &["ListKeys", "--output", "xml"]),
        ("extra", &["ListKeys", "extra"]),
        ("--store", &["--store", "keys", "ListKeys"]),
        ("--key-file", &["ListKeys", "--key-file", "keys.bin", "--key-file", "keys.bin"]),
    ] {
        home.run(line).usage(word);
    }
}

/// 3, 4 and 5. What an action refuses names its request.
#[test]
fn refusals_have_the_exit_code_of_their_family() {
    let home = Home::with_store();
    let key = home.key(&[]);
    let sealed = home.ok("Encrypt", &["--KeyId", &key, "--Plaintext", "aGVsbG8="]);
    let blob = text(&sealed["CiphertextBlob"]);
    let mut damaged = STANDARD.decode(blob).unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    home.write("damaged", &damaged);
    let outside = home.key(&["--Origin", "EXTERNAL"]);
    let import = ["--KeyId", &outside, "--EncryptedKeyMaterial", "fileb://damaged"];
    let import = [&import[..], &["--ImportToken", "fileb://damaged"]].concat();
    home.ok("DisableKey", &["--KeyId", &key]);

    let of_key = ["--KeyId", &key];
    let of_blob = ["--CiphertextBlob", blob];
    let encrypt = ["--KeyId", &key, "--Plaintext", "aGVsbG8="];
    let encrypt_outside = ["--KeyId", &outside, "--Plaintext", "aGVsbG8="];
    let elsewhere = [&of_key[..], &["--region", "cn-hangzhou"]].concat();
    let others = [&of_key[..], &["--account", "444455556666"]].concat();
    for (exit, code, action, args) in [
        (3, "Forbidden.KeyNotFound", "DescribeKey", &elsewhere[..]),
        (3, "Forbidden.KeyNotFound", "DescribeKey", &others),
        (3, "Forbidden.AliasNotFound", "DescribeKey", &["--KeyId", "alias/mine"]),
        (4, "Rejected.Disabled", "Encrypt", &encrypt),
        (4, "Rejected.Disabled", "Decrypt", &of_blob),
        (4, "Rejected.Disabled", "GenerateDataKey", &of_key),
        (4, "Rejected.PendingImport", "Encrypt", &encrypt_outside),
        (5, "InvalidImportToken", "ImportKeyMaterial", &import),
    ] {
        let refused = home.refuses(exit, code, action, args);
        assert!(is_uuid(&refused["RequestId"]), "{refused}");
    }

    home.ok("EnableKey", &of_key);
    let other_context = [&of_blob[..], &["--EncryptionContext", r#"{"for":"another"}"#]].concat();
    for args in [&["--CiphertextBlob", "fileb://damaged"][..], &other_context] {
        let refused = home.refuses(5, "InvalidParameter", "Decrypt", args);
        assert!(message(&refused).contains("\"CiphertextBlob\""));
    }
    assert_eq!(home.ok("Decrypt", &of_blob)["Plaintext"], "aGVsbG8=");
}

/// 6. A store that cannot be what it should is not opened, nor changed.
#[test]
fn broken_stores_are_refused() {
    let home = Home::with_store();
    let key = home.key(&[]);
    let database = home.path("keys/store.db");
    let whole = fs::read(&database).unwrap();
    let refuses = |code| {
        let before = fs::read(&database).unwrap();
        let refused = home.refuses(6, code, "DescribeKey", &["--KeyId", &key]);
        assert_eq!(fs::read(&database).unwrap(), before);
        refused
    };
    let patch = |offset, number: u32| {
        let file = OpenOptions::new().write(true).open(&database).unwrap();
        file.write_all_at(&number.to_be_bytes(), offset).unwrap();
    };

    patch(USER_VERSION, 2);
    assert!(message(&refuses("Store.TooNew")).contains("Its format is 2"));
    let run = home.action("ListKeys", &["--output", "table"]);
    assert_eq!((run.code, run.err.lines().count()), (6, 1), "{}", run.err);
    assert!(run.err.starts_with("Store.TooNew: "), "{}", run.err);
    patch(USER_VERSION, 0);
    refuses("Store.Damaged");
    fs::write(&database, &whole).unwrap();

    patch(APPLICATION_ID, 0);
    refuses("Store.NotAStore");
    fs::write(&database, &whole[..whole.len() / 2]).unwrap();
    refuses("Store.Damaged");
    fs::write(&database, &whole).unwrap();

    fs::rename(home.path("keys/epoch"), home.path("epoch")).unwrap();
    refuses("Store.Damaged");
    fs::rename(home.path("epoch"), home.path("keys/epoch")).unwrap();

    let list = ["ListKeys", "--store", "keys.bin", "--key-file", "keys.bin"];
    home.run(&list).refusal(6, "Store.NotAStore");
    assert_eq!(home.ok("DescribeKey", &["--KeyId", &key])["KeyMetadata"]["KeyState"], "Enabled");
}

/// Where SQLite's header has them.
const USER_VERSION: u64 = 60;
const APPLICATION_ID: u64 = 68;

#[test]
fn bad_input_changes_nothing() {
    let home = Home::with_store();
    let key = home.key(&["--Description", "as it was"]);
    let outside = home.key(&["--Origin", "EXTERNAL"]);
    let wrapping = ["--WrappingKeySpec", "RSA_2048", "--WrappingAlgorithm", "RSAES_OAEP_SHA_256"];
    let parameters =
        home.ok("GetParametersForImport", &[&["--KeyId", &outside], &wrapping[..]].concat());
    home.write("noise", &[7; 256]);
    home.write("long", "x".repeat(8193).as_bytes());
    let token = ["--ImportToken", text(&parameters["ImportToken"])];
    let noise = ["--EncryptedKeyMaterial", "fileb://noise"];
    let import = |key| [&["--KeyId", key][..], &noise, &token].concat();

    let state = || {
        let describe = |key| home.ok("DescribeKey", &["--KeyId", key])["KeyMetadata"].clone();
        [describe(&key), describe(&outside), home.ok("ListKeys", &[])["Keys"].clone()]
    };
    let before = state();
    let of_key = ["--KeyId", &key];
    let with_key = |more: &'static [&str]| [&of_key[..], more].concat();
    for (exit, action, args) in [
        (1, "CreateKey", vec!["--KeySpec", "EC_SM2"]),
        (1, "CreateKey", vec!["--Description", "file://long"]),
        (1, "CreateKey", vec!["--ProtectionLevel", "HSM", "--region", "cn-qingdao"]),
        (1, "CreateKey", vec!["--Tags", "[{}]"]),
        (1, "CreateKey", vec!["--EnableAutomaticRotation", "true"]),
        (1, "UpdateKeyDescription", with_key(&["--Description", "file://long"])),
        (1, "UpdateKeyDescription", with_key(&["--Description", "file://absent"])),
        (1, "UpdateKeyDescription", with_key(&[])),
        (1, "DisableKey", vec![]),
        (1, "DisableKey", with_key(&["--account", "x"])),
        (1, "DisableKey", with_key(&["--Force", "true"])),
        (3, "DisableKey", with_key(&["--region", "cn-hangzhou"])),
        (1, "DeleteKeyMaterial", of_key.to_vec()),
        (1, "ImportKeyMaterial", import(&key)),
        (5, "ImportKeyMaterial", import(&outside)),
        (4, "Encrypt", vec!["--KeyId", &outside, "--Plaintext", "x"]),
        (1, "Encrypt", vec!["--KeyId", &key, "--Plaintext", "file://long"]),
    ] {
        let run = home.action(action, &args);
        assert_eq!((run.code, run.out.as_str()), (exit, ""), "{action} {args:?}: {}", run.err);
        assert_eq!(state(), before, "{action} {args:?}");
    }
}

// --- Processes --------------------------------------------------------------------------------

/// A process that has the store open, this one, and the command line see each other at once.
#[test]
fn processes_see_each_other() {
    let home = Home::with_store();
    let secret = home.read("keys.bin").try_into().unwrap();
    let options = Options { allow_unprotected_memory: needs_override(), ..Options::default() };
    let kms = Kms::open(&home.path("keys"), &Unlock::KeyFile(&secret), options).unwrap();
    let session = kms.session("111122223333", "cn-hongkong").unwrap();
    let call = |action: &str, parameters: Value| {
        let answer = dispatch_json(&session, action, Some(&parameters.to_string()));
        answer.map(|json| serde_json::from_str::<Value>(&json).unwrap()).map_err(|e| e.code())
    };
    let created = call("CreateKey", serde_json::json!({ "ProtectionLevel": "HSM" })).unwrap();
    let key = text(&created["KeyMetadata"]["KeyId"]);
    let encrypt = || call("Encrypt", serde_json::json!({ "KeyId": key, "Plaintext": "x" }));
    encrypt().unwrap();

    let of_key = ["--KeyId", key];
    home.ok("DisableKey", &of_key);
    assert_eq!(encrypt().unwrap_err(), ErrorCode::Disabled);
    home.refuses(4, "Rejected.Disabled", "GenerateDataKey", &of_key);
    home.ok("EnableKey", &of_key);
    let sealed = encrypt().unwrap();
    let blob = ["--CiphertextBlob", text(&sealed["CiphertextBlob"])];
    assert_eq!(home.ok("Decrypt", &blob)["Plaintext"], "x");

    call("DisableKey", serde_json::json!({ "KeyId": key })).unwrap();
    home.refuses(4, "Rejected.Disabled", "Decrypt", &blob);
}
