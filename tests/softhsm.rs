//! Keys of a token that SoftHSM has made, taken over: the same keys here, once, each with an event.
#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kmshsm::api::{ImportSoftHsm, SoftHsmReport, dispatch_json, import_softhsm};
use kmshsm::error::ErrorCode;
use kmshsm::kms::{Client, Kms, Login, Options, Session};
use kmshsm::model::{KeyUsage, ProtectionLevel};
use serde_json::{Value, json};

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/softhsm2")
}

fn expected() -> Value {
    let text = std::fs::read(vectors().join("expected.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn store() -> (Arc<Kms>, Session) {
    let options = Options { allow_unprotected_memory: true, ..Options::default() };
    let kms = Kms::in_memory(options).unwrap();
    let session = kms.session("111122223333", "cn-hongkong").unwrap();
    (kms, session)
}

fn request(directory: &Path) -> ImportSoftHsm<'_> {
    ImportSoftHsm {
        directory,
        pin: b"open sesame",
        protection_level: Some(ProtectionLevel::Hsm),
        key_usage: None,
        dry_run: false,
    }
}

fn call(session: &Session, action: &str, with: Value) -> Value {
    let answer = dispatch_json(session, action, Some(&with.to_string()));
    serde_json::from_str(&answer.unwrap_or_else(|error| panic!("{action}: {error}"))).unwrap()
}

fn reasons(report: &SoftHsmReport) -> BTreeMap<&str, &str> {
    report.refused.iter().map(|key| (&*key.id, &*key.why)).collect()
}

#[test]
fn what_may_leave_is_taken_once() {
    let (_kms, session) = store();
    let (place, expected) = (vectors().join("token"), expected());
    let keys = expected["keys"].as_array().unwrap();
    let wanted = keys.iter().filter(|key| !key["spec"].is_null()).count();

    let dry = ImportSoftHsm { dry_run: true, ..request(&place) };
    let mut heard = Vec::new();
    let dry = import_softhsm(&session, &dry, &mut |done, total| heard.push((done, total))).unwrap();
    let total = (dry.taken.len() + dry.refused.len()) as u64;
    assert_eq!(heard, (0..total).map(|done| (done, total)).collect::<Vec<_>>());
    assert_eq!((dry.taken.len(), dry.refused.len()), (wanted, keys.len() - wanted));
    assert!(dry.taken.iter().all(|key| key.key_id.is_none()));
    assert_eq!(call(&session, "ListKeys", json!({}))["TotalCount"], 0);

    let report = import_softhsm(&session, &request(&place), &mut |_, _| {}).unwrap();
    assert_eq!(report.token_label, "vectors");
    assert_eq!(Some(&*report.token_serial), expected["serial"].as_str());
    assert_eq!(reasons(&report), reasons(&dry));
    assert_eq!(report.taken.len(), wanted);
    for key in &report.taken {
        let with = json!({ "KeyId": key.key_id.unwrap().to_string() });
        let described = call(&session, "DescribeKey", with.clone());
        let about = &described["KeyMetadata"];
        assert_eq!(about["Origin"], "EXTERNAL");
        assert_eq!(about["KeyState"], "Enabled");
        assert_eq!(about["ProtectionLevel"], "HSM");
        assert_eq!(about["Description"], *key.label);
        let same = keys.iter().filter(|one| one["label"] == *key.label);
        assert!(same.clone().any(|one| one["spec"] == about["KeySpec"]), "{}", key.label);
        assert!(same.clone().all(|one| one["usage"] == about["KeyUsage"]), "{}", key.label);
        let tags = call(&session, "ListResourceTags", with)["Tags"]["Tag"].clone();
        let tags = tags.as_array().unwrap();
        let value = |name: &str| {
            let tag = tags.iter().find(|tag| tag["TagKey"] == name);
            tag.map(|tag| tag["TagValue"].as_str().unwrap())
        };
        assert_eq!(value("softhsm"), Some(&*format!("{}/{}", report.token_serial, key.id)));
        assert!(same.clone().any(|one| one["id"].as_str() == Some(value("CKA_ID").unwrap_or(""))));
        let alias = json!({ "KeyId": key.alias.as_ref().unwrap() });
        let by_name = call(&session, "DescribeKey", alias);
        assert_eq!(by_name["KeyMetadata"]["KeyId"], about["KeyId"]);
    }
    let mut names: Vec<_> = report.taken.iter().filter_map(|key| key.alias.as_deref()).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    for name in ["alias/k256", "alias/k256-2", "alias/Schl-ssel/P-256--alt", "alias/AES-128"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }

    // Once more: nothing.
    let again = import_softhsm(&session, &request(&place), &mut |_, _| {}).unwrap();
    assert!(again.taken.is_empty());
    let before = reasons(&again).into_values().filter(|why| why.contains("made of it before"));
    assert_eq!(before.count(), wanted);
    assert_eq!(call(&session, "ListKeys", json!({}))["TotalCount"], wanted);

    // Each with an event of its own that names the key, and holds no material.
    let events = call(
        &session,
        "LookupEvents",
        json!({ "MaxResults": "50", "EventName": "TakeSoftHsmKey" }),
    );
    assert_eq!(events["Events"].as_array().unwrap().len(), wanted, "{events}");
    for key in &report.taken {
        assert!(events.to_string().contains(&key.key_id.unwrap().to_string()));
        let tells = |event: &&Value| {
            event["requestParameters"]["KeySpec"] == key.key_spec.as_str()
                && event["referencedResources"]
                    .to_string()
                    .contains(&key.key_id.unwrap().to_string())
        };
        assert!(events["Events"].as_array().unwrap().iter().any(|event| tells(&event)));
    }
}

/// The keys are those of the token: what others have encrypted and signed by them is understood.
#[test]
fn the_same_keys() {
    let (_kms, session) = store();
    let place = vectors().join("token");
    let report = import_softhsm(&session, &request(&place), &mut |_, _| {}).unwrap();
    let expected = expected();
    let mut tried = 0;
    for key in &report.taken {
        let id = key.key_id.unwrap().to_string();
        let material =
            |one: &&Value| one["label"] == *key.label && one["spec"] == key.key_spec.as_str();
        let one: Vec<_> = expected["keys"].as_array().unwrap().iter().filter(material).collect();
        let [one] = &*one else { continue };
        if !key.key_spec.as_str().starts_with("RSA") {
            continue;
        }
        let versions = call(&session, "ListKeyVersions", json!({ "KeyId": id }));
        let version = versions["KeyVersions"]["KeyVersion"][0]["KeyVersionId"].clone();
        let public =
            call(&session, "GetPublicKey", json!({ "KeyId": id, "KeyVersionId": version }));
        let pem = public["PublicKey"].as_str().unwrap();
        let (_, der) = der::pem::decode_vec(pem.as_bytes()).unwrap();
        // n is in both.
        let private = hex::decode(one["material"].as_str().unwrap()).unwrap();
        let modulus = &private[26 + 11..][..200];
        assert!(der.windows(200).any(|window| window == modulus), "{}", key.label);
        tried += 1;
    }
    assert_eq!(tried, 3);
}

/// A user with one policy that allows these actions.
fn user(kms: &Arc<Kms>, root: &Session, name: &str, actions: &[&str]) -> Session {
    let allow = json!({ "Effect": "Allow", "Action": actions, "Resource": "*" });
    let document = json!({ "Version": "1", "Statement": [allow] }).to_string();
    call(root, "CreateUser", json!({ "UserName": name }));
    call(root, "CreatePolicy", json!({ "PolicyName": name, "PolicyDocument": document }));
    let attach = json!({ "PolicyType": "Custom", "PolicyName": name, "UserName": name });
    call(root, "AttachPolicyToUser", attach);
    let key = call(root, "CreateAccessKey", json!({ "UserName": name }));
    let [id, secret] = ["AccessKeyId", "AccessKeySecret"]
        .map(|member| key["AccessKey"][member].as_str().unwrap().to_owned());
    let access_key = Some((&*id, secret.as_bytes()));
    let login =
        Login { account: None, region: "cn-hongkong", access_key, client: Client::default() };
    kms.login(&login).unwrap()
}

#[test]
fn who_may_not_create_and_import_takes_none() {
    let (kms, root) = store();
    let place = vectors().join("token");
    let list = user(&kms, &root, "lists", &["kms:ListKeys"]);
    let creates = user(&kms, &root, "creates", &["kms:ListKeys", "kms:CreateKey"]);
    let imports = user(&kms, &root, "imports", &["kms:ListKeys", "kms:ImportKeyMaterial"]);
    for session in [list, creates, imports] {
        let report = import_softhsm(&session, &request(&place), &mut |_, _| {}).unwrap();
        assert!(report.taken.is_empty());
        let forbidden = reasons(&report).into_values().filter(|why| why.contains("forbidden"));
        assert_eq!(forbidden.count(), 10);
    }
    let none = user(&kms, &root, "none", &["kms:CreateKey", "kms:ImportKeyMaterial"]);
    let refused = import_softhsm(&none, &request(&place), &mut |_, _| {}).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::NoPermission);
    assert_eq!(call(&root, "ListKeys", json!({}))["TotalCount"], 0);
    let both = ["kms:ListKeys", "kms:CreateKey", "kms:ImportKeyMaterial"];
    let both = user(&kms, &root, "both", &both);
    let report = import_softhsm(&both, &request(&place), &mut |_, _| {}).unwrap();
    assert_eq!(report.taken.len(), 10);
    // Giving names is another permission.
    assert!(report.taken.iter().all(|key| key.alias.is_none()));
}

#[test]
fn usage_level_and_pin() {
    let (_kms, session) = store();
    let place = vectors().join("token");
    let wrong = ImportSoftHsm { pin: b"1234", ..request(&place) };
    let refused = import_softhsm(&session, &wrong, &mut |_, _| {}).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::TokenFailed);
    assert!(refused.to_string().contains("PIN"), "{refused}");
    let decrypting = ImportSoftHsm {
        key_usage: Some(KeyUsage::EncryptDecrypt),
        protection_level: None,
        ..request(&place)
    };
    let report = import_softhsm(&session, &decrypting, &mut |_, _| {}).unwrap();
    let usage = |label: &str| {
        let key = report.taken.iter().find(|key| key.label == label).unwrap();
        let described =
            call(&session, "DescribeKey", json!({ "KeyId": key.key_id.unwrap().to_string() }));
        assert_eq!(described["KeyMetadata"]["ProtectionLevel"], "SOFTWARE");
        described["KeyMetadata"]["KeyUsage"].as_str().unwrap().to_owned()
    };
    assert_eq!(usage("RSA 2048"), "ENCRYPT/DECRYPT");
    assert_eq!(usage("RSA 3072"), "SIGN/VERIFY");
    assert_eq!(usage("RSA 4096"), "ENCRYPT/DECRYPT");
    // Level SOFTWARE has no key of every spec.
    let profiles = reasons(&report).into_values().filter(|why| why.contains("rotectionLevel"));
    assert_eq!(report.taken.len() + profiles.count(), 10);
}

/// A key whose numbers do not belong together is refused, alone.
#[test]
fn a_damaged_key() {
    let (_kms, session) = store();
    let folder = tempfile::tempdir().unwrap();
    let mut damaged = None;
    for entry in std::fs::read_dir(vectors().join("token")).unwrap() {
        let path = entry.unwrap().path();
        let mut file = std::fs::read(&path).unwrap();
        if file.len() == 2241 && damaged.is_none() {
            // In the last sealed number, which is one of RSA.
            let at = file.len() - 400;
            file[at] ^= 1;
            damaged = Some(path.file_stem().unwrap().to_str().unwrap().to_owned());
        }
        std::fs::write(folder.path().join(path.file_name().unwrap()), file).unwrap();
    }
    let report = import_softhsm(&session, &request(folder.path()), &mut |_, _| {}).unwrap();
    let damaged = damaged.unwrap();
    assert!(report.taken.iter().all(|key| key.id != damaged));
    assert!(report.taken.len() >= 9);
    assert!(reasons(&report).contains_key(&*damaged));
}

/// The operator's way to the same.
#[test]
fn as_an_operation() {
    let (kms, session) = store();
    let with = json!({
        "Account": "111122223333", "Region": "cn-hongkong", "Directory": vectors().join("token"),
        "Pin": "open sesame", "ProtectionLevel": "HSM", "DryRun": true,
    });
    let dry = kmshsm::api::operate(&kms, "ImportSoftHsmToken", Some(&with.to_string())).unwrap();
    let dry: Value = serde_json::from_str(&dry).unwrap();
    assert_eq!(dry["Taken"].as_array().unwrap().len(), 10);
    assert_eq!(dry["Refused"].as_array().unwrap().len(), 8);
    assert_eq!(call(&session, "ListKeys", json!({}))["TotalCount"], 0);
}
