//! A token that SoftHSM has made, and damaged ones.

use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

use super::*;
use crate::crypto::vectors::{Hex, read};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    label: String,
    serial: String,
    pin: String,
    keys: Vec<ExpectedKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedKey {
    label: String,
    id: Hex,
    material: Hex,
    spec: Option<String>,
    usage: Option<String>,
    why: Option<String>,
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/softhsm2/token")
}

fn code<T>(outcome: Result<T>) -> ErrorCode {
    outcome.err().unwrap().code()
}

#[test]
fn every_key_of_a_token() {
    let expected: Expected = read("softhsm2/expected.json");
    let token = Token::read(&directory()).unwrap();
    assert_eq!((token.label(), token.serial()), (&*expected.label, &*expected.serial));
    let mut key = [0; 32];
    for wrong in ["", "open sesam", "open sesame ", "87654321"] {
        assert_eq!(code(token.unlock(wrong.as_bytes(), &mut key)), ErrorCode::TokenFailed);
        assert_eq!(key, [0; 32]);
    }
    token.unlock(expected.pin.as_bytes(), &mut key).unwrap();
    let mut found = token.keys(&key);
    assert_eq!(found.len(), expected.keys.len());
    for wanted in &expected.keys {
        let is_it = |found: &Found<'_>| {
            let id_fits = found.key.as_ref().map_or(true, |key| key.id() == wanted.id.0);
            found.label == wanted.label && id_fits
        };
        let found = found.remove(found.iter().position(is_it).unwrap());
        match (found.key, &wanted.why) {
            (Err(why), Some(part)) => assert!(why.contains(part), "{}: {why}", wanted.label),
            (Ok(taken), None) => {
                assert_eq!(Some(taken.spec().as_str()), wanted.spec.as_deref());
                assert_eq!(Some(taken.usages()[0].as_str()), wanted.usage.as_deref());
                let mut material = [0xaa; MAX_MATERIAL];
                let len = taken.material(&key, &mut material).unwrap();
                assert_eq!(material[..len], wanted.material.0, "{}", wanted.label);
                let refused = taken.material(&[1; 32], &mut material);
                // What is not private is not sealed.
                assert_eq!(refused.is_err(), wanted.label != "AES in clear", "{}", wanted.label);
            }
            (outcome, _) => panic!("{}: {:?}", wanted.label, outcome.err()),
        }
    }
}

#[test]
fn what_is_no_token() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(code(Token::read(&folder.path().join("nothing"))), ErrorCode::TokenFailed);
    assert_eq!(code(Token::read(folder.path())), ErrorCode::TokenFailed);
    let place = folder.path().join("token.object");
    let file = fs::read(directory().join("token.object")).unwrap();
    for len in 0..file.len() {
        fs::write(&place, &file[..len]).unwrap();
        let Ok(token) = Token::read(folder.path()) else { continue };
        // Between two attributes; the PIN is one of the last.
        assert_eq!(code(token.unlock(b"open sesame", &mut [0; 32])), ErrorCode::TokenFailed);
    }
    fs::write(&place, &file).unwrap();
    fs::write(folder.path().join("other.object"), b"no object").unwrap();
    let token = Token::read(folder.path()).unwrap();
    let found = token.keys(&[0; 32]);
    let [Found { id: "other", key: Err(why), .. }] = &*found else { panic!() };
    assert_eq!(why, "Its file is damaged.");
}

/// Whatever byte of an object is another: an answer, and no panic.
#[test]
fn damaged_objects() {
    let token = Token::read(&directory()).unwrap();
    let mut key = [0; 32];
    token.unlock(b"open sesame", &mut key).unwrap();
    for object in &token.objects {
        let file = fs::read(directory().join(format!("{}.object", object.id))).unwrap();
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 0x81;
            let object = Object { id: String::new(), attributes: Attributes::parse(&damaged) };
            if let Some(Found { key: Ok(found), .. }) = key::found(&object, &key) {
                let _ = found.material(&key, &mut [0; MAX_MATERIAL]);
            }
            let cut = Object { id: String::new(), attributes: Attributes::parse(&file[..at]) };
            let _ = key::found(&cut, &key);
        }
        probe(&file);
    }
}
