//! What they refuse, and what failures leave behind.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::home::*;

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
        (
            "--EnableAutomaticRotation <true|false>",
            &["CreateKey", "--EnableAutomaticRotation", "--RotationInterval", "30d"],
        ),
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
