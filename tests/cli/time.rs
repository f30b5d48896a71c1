//! What falls due, and quotas.

use std::thread;
use std::time::{Duration, SystemTime};

use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::home::*;

/// A key of imported material, which expires in so many seconds, or soon after.
fn expiring(home: &Home, seconds: u64) -> String {
    let key = home.key(&["--Origin", "EXTERNAL"]);
    let wrapping = ["--WrappingKeySpec", "RSA_2048", "--WrappingAlgorithm", "RSAES_OAEP_SHA_256"];
    let given = home.ok("GetParametersForImport", &[&["--KeyId", &key], &wrapping[..]].concat());
    let public_key = STANDARD.decode(text(&given["PublicKey"])).unwrap();
    let public_key = PublicEncryptingKey::from_der(&public_key).unwrap();
    let public_key = OaepPublicEncryptingKey::new(public_key).unwrap();
    let mut wrapped = [0; 256];
    public_key.encrypt(&OAEP_SHA256_MGF1SHA256, &[7; 32], &mut wrapped, None).unwrap();
    home.write("wrapped", &wrapped);

    // On a busy machine the program may begin when the moment has passed.
    let is_imported = (0..6).any(|doubled| {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let (token, expires) =
            (text(&given["ImportToken"]), (now + (seconds << doubled)).to_string());
        let import = ["--KeyId", &key, "--ImportToken", token, "--KeyMaterialExpireUnix", &expires];
        let material = ["--EncryptedKeyMaterial", "fileb://wrapped"];
        let run = home.action("ImportKeyMaterial", &[&import[..], &material].concat());
        assert!(run.code == 0 || run.err.contains("in the future"), "{run:?}");
        run.code == 0
    });
    assert!(is_imported);
    key
}

#[test]
fn a_tick_does_what_is_due() {
    let home = Home::with_store();
    let nothing = serde_json::json!({ "Deleted": 0, "Rotated": 0, "Expired": 0 });
    assert_eq!(home.ok("tick", &[]), nothing);
    let table = home.action("tick", &["--output", "table"]);
    assert_eq!(table, Run::says("Deleted  0\nRotated  0\nExpired  0\n"));

    let key = expiring(&home, 5);
    // Nothing else asks for the key: the tick is what finds it.
    let done = loop {
        let done = home.ok("tick", &[]);
        if done != nothing {
            break done;
        }
        thread::sleep(Duration::from_millis(500));
    };
    assert_eq!(done, serde_json::json!({ "Deleted": 0, "Rotated": 0, "Expired": 1 }));
    assert_eq!(home.ok("tick", &[]), nothing);
    let described = home.ok("DescribeKey", &["--KeyId", &key]);
    assert_eq!(described["KeyMetadata"]["KeyState"], "PendingImport");
}

#[test]
fn a_tick_is_refused_like_everything_else() {
    let home = Home::with_store();
    home.write("other.bin", &[7; 32]);
    let tick = |store, key| home.run(&["tick", "--store", store, "--key-file", key]);
    tick("absent", "keys.bin").refusal(3, "Store.NotFound");
    tick("keys", "other.bin").refusal(2, "Store.UnlockFailed");
    home.run(&["tick", "--quotas", "service"]).usage("--quotas");
    let help = home.run(&["tick", "--help"]);
    assert!(help.out.contains("call it now and then"), "{}", help.out);
}

#[test]
fn quotas_hold_for_the_command_that_has_them() {
    let home = Home::with_store();
    home.write("limits", br#"{ "Keys": 2 }"#);
    let (limits, one) = (["--quotas", "file://limits"], ["--quotas", r#"{"Keys":1}"#]);
    home.key(&one);
    let refused = home.refuses(4, "Rejected.LimitExceeded", "CreateKey", &one);
    assert!(message(&refused).contains("The quota of keys is 1"), "{refused}");
    home.key(&limits);
    home.refuses(4, "Rejected.LimitExceeded", "CreateKey", &limits);
    home.key(&["--quotas", "service"]);
    home.key(&[]);
    assert_eq!(home.ok("ListKeys", &one)["TotalCount"], 4);

    // Rates are for processes that live longer.
    let rates = r#"{"RequestsPerSecond":{"Read":0}}"#;
    home.ok("ListKeys", &["--quotas", rates]);
    for (given, name) in [
        ("none", "quotas"),
        ("", "quotas"),
        ("[]", "quotas"),
        (r#"{"Key":1}"#, "Key"),
        (r#"{"Keys":-1}"#, "Keys"),
        ("limits", "quotas"),
        ("file://absent", "quotas"),
    ] {
        let refused = home.refuses(1, "InvalidParameter", "ListKeys", &["--quotas", given]);
        assert!(message(&refused).contains(&format!("\"{name}\"")), "{refused}");
    }
}
