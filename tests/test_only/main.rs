//! Stores for tests: what is in them depends on the seed and the calls, everything says so, and no other
//! store is like them.
#![allow(missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kmshsm::api::{
    ACTIONS, dispatch_json, operate, operate_alone, verify_trail, wrap_key_material,
};
use kmshsm::error::{Error, ErrorCode};
use kmshsm::kms::{Audit, DataPlane, Kms, Options, Place, Session, Unlock, last_indicator};
use kmshsm::model::{IdentitySpec, Indicator, WrappingAlgorithm};
use serde::Deserialize;
use serde_json::{Value, json};

const ACCOUNT: &str = "111122223333";
const REGION: &str = "cn-hangzhou";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    call: String,
    with: Value,
    error: Option<String>,
    #[serde(default)]
    save: BTreeMap<String, String>,
}

fn open(place: &str) -> Arc<Kms> {
    let audit = Audit { data_plane: DataPlane::All, ..Audit::default() };
    let options = Options { allow_unprotected_memory: true, audit, ..Options::default() };
    Place::parse(place).unwrap().open(None, options).unwrap()
}

fn session(kms: &Arc<Kms>) -> Session {
    kms.session(ACCOUNT, REGION).unwrap()
}

fn call(session: &Session, action: &str, with: &Value) -> Result<Value, Error> {
    let answer = dispatch_json(session, action, Some(&with.to_string()))?;
    Ok(serde_json::from_str(&answer).unwrap())
}

fn key_id(session: &Session) -> String {
    let made = call(session, "CreateKey", &json!({})).unwrap();
    made["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
}

/// The action, its answer in JSON or the id of the request that failed, and the indicator.
type Answer = (String, String, Indicator);

/// Makes all calls of the file on a store; their answers as they come, with the indicator.
fn play(kms: &Arc<Kms>) -> Vec<Answer> {
    let steps: Vec<Step> = serde_json::from_str(include_str!("calls.json")).unwrap();
    let session = session(kms);
    let mut variables = BTreeMap::<String, String>::new();
    let mut answers = Vec::new();
    for step in steps {
        let mut with = step.with.to_string();
        for (name, value) in &variables {
            let quoted = json!(value).to_string();
            with = with.replace(&format!("\"${{{name}}}\""), &quoted);
        }
        let answer = dispatch_json(&session, &step.call, Some(&with));
        let code = answer.as_ref().err().map(|error| error.code().wire_code().to_owned());
        assert_eq!(code, step.error, "{} {with}: {answer:?}", step.call);
        let text = match answer {
            Ok(text) => text.to_string(),
            Err(error) => error.request_id().unwrap().to_string(),
        };
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        for (name, path) in &step.save {
            let found = answer.pointer(&format!("/{}", path.replace('.', "/"))).unwrap();
            variables.insert(name.clone(), found.as_str().unwrap().to_owned());
        }
        if let Some(pem) = variables.remove("PEM") {
            let der = pem.lines().filter(|line| !line.starts_with('-')).collect();
            variables.insert("DER".into(), der);
        }
        if let Some(public_key) = variables.remove("wrapping key") {
            // Made outside of the store, and never twice the same.
            let public_key = STANDARD.decode(public_key).unwrap();
            let wrapped = wrap_key_material(&public_key, WrappingAlgorithm::Sm2Pke, &[7; 16]);
            variables.insert("wrapped".into(), STANDARD.encode(wrapped.unwrap()));
        }
        answers.push((step.call, text, last_indicator()));
    }
    answers
}

fn are_alike(first: &[Answer], again: &[Answer]) {
    assert_eq!(first.len(), again.len());
    for (first, again) in first.iter().zip(again) {
        assert_eq!(first, again);
    }
}

/// Two stores of one seed answer every call of a long list alike, byte for byte; it has every action.
#[test]
fn one_seed_one_answer() {
    let place = "memory:?clock=manual&seed=one";
    let first = play(&open(place));
    let played: BTreeSet<_> = first.iter().map(|(action, ..)| action.as_str()).collect();
    let all: BTreeSet<_> = ACTIONS.iter().map(|action| action.name).collect();
    assert_eq!(played, all);
    are_alike(&first, &play(&open(place)));
    // Whatever else the thread has drawn, and whichever thread it is.
    let ordinary = session(&open("memory:"));
    let key = key_id(&ordinary);
    let place = "memory:?seed=one&clock=manual";
    are_alike(&first, &std::thread::spawn(move || play(&open(place))).join().unwrap());
    assert_ne!(key, key_id(&ordinary));
    // Another seed answers nothing of what names anything alike.
    let other = play(&open("memory:?clock=manual&seed=other"));
    for (first, other) in first.iter().zip(other) {
        assert_ne!(first.1, other.1, "{}", first.0);
    }
}

/// Each answer of each action has the mark, and no call is approved; neither is so of other stores.
#[test]
fn every_answer_says_so() {
    let kms = open("memory:?clock=manual&seed=one");
    assert!(kms.is_test_only() && kms.status().test_only);
    for (action, text, indicator) in play(&kms) {
        if let Ok(answer) = serde_json::from_str::<Value>(&text) {
            assert_eq!(answer["TestOnly"], true, "{action}");
            assert_eq!(indicator, Indicator::NotApproved, "{action}");
        }
    }
    let mut trail = Vec::new();
    kms.export_trail(&mut trail).unwrap();
    assert!(kms.verify_trail().unwrap().is_test_only);
    let exported = verify_trail(trail.as_slice(), None, None).unwrap();
    assert_eq!(json!(exported)["TestOnly"], true);
    assert_eq!(json!(kms.marked(kms.tick().unwrap()))["TestOnly"], true);
    let uses: Vec<Value> = std::str::from_utf8(&trail)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["Event"].take())
        .filter(|event| event["eventType"] == "ApiCall" && event["errorCode"].is_null())
        .collect();
    assert!(uses.len() > 50);
    for event in uses {
        assert_eq!(event["additionalEventData"]["approved"], false, "{event}");
    }
    let kms = open("memory:?clock=manual");
    assert!(!kms.is_test_only() && !kms.status().test_only);
    assert_eq!(json!(kms.verify_trail().unwrap()).get("TestOnly"), None);
    assert_eq!(json!(kms.marked(kms.tick().unwrap())).get("TestOnly"), None);
    let mut approved = 0;
    for (action, text, indicator) in play(&kms) {
        assert!(!text.contains("TestOnly"), "{action}");
        approved += usize::from(indicator != Indicator::NotApproved);
    }
    assert!(approved > 40);
}

/// What is done to a store as a whole says so, too, and its keys get into no other store.
#[test]
fn operations() {
    let kms = open("memory:?seed=one");
    key_id(&session(&kms));
    for (operation, is_marked) in [("VerifyStore", true), ("RotateDomainKey", true)] {
        let answer = operate(&kms, operation, None).unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["TestOnly"] == true, is_marked, "{operation}");
        let answer = operate(&open("memory:"), operation, None).unwrap();
        assert!(!answer.contains("TestOnly"));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backup");
    let backup = json!({ "Path": path, "Shares": 3, "Threshold": 2 }).to_string();
    let refused = operate(&kms, "CreateBackup", Some(&backup)).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::UnsupportedOperation);
    assert!(!path.exists());
    // Nor do the keys of others get into it.
    let other = open("memory:");
    key_id(&session(&other));
    let made: Value =
        serde_json::from_str(&operate(&other, "CreateBackup", Some(&backup)).unwrap()).unwrap();
    let restore = json!({ "Path": path, "Shares": made["Shares"] }).to_string();
    let refused = operate(&kms, "RestoreKeys", Some(&restore)).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::UnsupportedOperation);
    operate(&other, "RestoreKeys", Some(&restore)).unwrap();
    assert!(operate_alone("CreateBackup", Some(&backup)).is_err());
}

/// No ciphertext leaves its store, not even for another one of the same seed that lacks the key.
#[test]
fn ciphertexts_stay() {
    let session = |place| session(&open(place));
    let one = session("memory:?seed=one");
    let sealed = json!({ "KeyId": key_id(&one), "Plaintext": "text" });
    let blob = call(&one, "Encrypt", &sealed).unwrap()["CiphertextBlob"].take();
    for place in ["memory:?seed=one", "memory:?seed=other", "memory:"] {
        let refused = call(&session(place), "Decrypt", &json!({ "CiphertextBlob": blob }));
        assert_eq!(refused.unwrap_err().code(), ErrorCode::KeyNotFound, "{place}");
    }
}

#[test]
fn places() {
    for (place, manual_clock, seed) in [
        ("memory:", false, None),
        ("memory:?clock=manual", true, None),
        ("memory:?seed=x", false, Some("x")),
        ("memory:?seed=tests/a.py::b[c=d?]", false, Some("tests/a.py::b[c=d?]")),
        ("memory:?clock=manual&seed=x", true, Some("x")),
        ("memory:?seed=x&clock=manual", true, Some("x")),
    ] {
        assert_eq!(Place::parse(place), Ok(Place::Memory { manual_clock, seed }), "{place}");
    }
    for wrong in [
        "memory:?",
        "memory:?seed=",
        "memory:?seed",
        "memory:seed=x",
        "memory:?seed=x&seed=x",
        "memory:?clock=manual&clock=manual",
        "memory:?clock=manual&",
        "memory:?seed=x&clock=other",
        "memory:?speed=x",
    ] {
        let refused = Place::parse(wrong).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::InvalidParameter, "{wrong}");
    }
}

/// A directory takes no seed, and two of them have nothing in common.
#[test]
fn directories_take_none() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("store").display().to_string();
    for place in [format!("{name}?seed=x"), format!("{name}?clock=manual&seed=x")] {
        let refused = Place::parse(&place).unwrap_err().to_string();
        assert!(refused.contains("Only stores in memory take a seed."), "{refused}");
    }
    for name in ["a?b", "a?b=c", "?seed", "a&seed=x"] {
        assert_eq!(Place::parse(name), Ok(Place::Directory(Path::new(name))));
    }
    let unlock = Unlock::KeyFile(&[7; 32]);
    let ids = ["one", "other"].map(|name| {
        let path = folder.path().join(name);
        let place = Place::Directory(Path::new(&path));
        place.create(Some(&unlock), IdentitySpec::default()).unwrap();
        let options = Options { allow_unprotected_memory: true, ..Options::default() };
        let kms = place.open(Some(&unlock), options).unwrap();
        assert!(!kms.is_test_only());
        let _beside = key_id(&session(&open("memory:?seed=one")));
        key_id(&session(&kms))
    });
    assert_ne!(ids[0], ids[1]);
    assert!(!ids.contains(&key_id(&session(&open("memory:?seed=one")))));
}

/// Threads share what there is: as many ids as one thread would have been given, none of them twice.
#[test]
fn threads() {
    let all = |threads: usize, each: usize| {
        let kms = open("memory:?seed=threads");
        let key = key_id(&session(&kms));
        let mut blobs: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads)
                .map(|_| {
                    scope.spawn(|| {
                        let session = session(&kms);
                        let random = json!({ "Length": 32 });
                        let draw = || call(&session, "GenerateRandom", &random).unwrap();
                        (0..each).map(|_| draw()["Random"].to_string()).collect::<Vec<_>>()
                    })
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        blobs.sort();
        (key, blobs)
    };
    let (key, drawn) = all(4, 50);
    assert_eq!(key, all(1, 1).0);
    assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), 200);
    assert_eq!(all(1, 200), all(1, 200));
}

/// More threads than there are secret stacks, which draw on them and before: none waits for ever.
#[test]
fn many_threads() {
    let kms = open("memory:?seed=many");
    let key = key_id(&session(&kms));
    let request = json!({ "KeyId": key });
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                let session = session(&kms);
                for _ in 0..50 {
                    call(&session, "GenerateDataKey", &request).unwrap();
                }
            });
        }
    });
}

/// Closing an ordinary store, and calls on it, between those of a store for tests.
#[test]
fn stores_side_by_side() {
    let alone = {
        let kms = open("memory:?seed=x&clock=manual");
        let session = session(&kms);
        [(); 4].map(|()| key_id(&session))
    };
    let kms = open("memory:?seed=x&clock=manual");
    let seeded = session(&kms);
    let mut ids = BTreeSet::new();
    for expected in &alone {
        let ordinary = open("memory:");
        let own = session(&ordinary);
        assert!(ids.insert(key_id(&own)));
        assert_eq!(key_id(&seeded), *expected);
        assert!(ids.insert(key_id(&own)));
        ordinary.close();
    }
    assert!(alone.iter().all(|id| !ids.contains(id)));
}
