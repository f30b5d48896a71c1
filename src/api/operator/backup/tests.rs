//! Backups of stores with one record of each kind at least, and what comes back.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::{operate, operate_alone};
use crate::api::{dispatch_json, wrap_key_material};
use crate::error::{ErrorCode, Result};
use crate::kms::{Kms, Options, Session, Unlock};
use crate::model::{Timestamp, WrappingAlgorithm};

mod content;
mod damage;
mod keys;
mod quorum;

const KEY_FILE: Unlock<'static> = Unlock::KeyFile(&[7; 32]);

/// After every system clock: restored stores stand at the moment of the backup.
const START: Timestamp = Timestamp(4_000_000_000);

/// A store in memory, with a clock that is moved, beside a folder for its backups.
struct World {
    kms: Arc<Kms>,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let manual_clock = Some(START);
        let options =
            Options { allow_unprotected_memory: true, manual_clock, ..Options::default() };
        Self { kms: Kms::in_memory(options).unwrap(), folder: tempfile::tempdir().unwrap() }
    }

    fn session(&self) -> Session {
        session(&self.kms)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a backup with shares, 2 of 3 unless `with` says more.
    fn back_up(&self, name: &str, with: Value) -> Value {
        let mut parameters = json!({ "Path": self.path(name), "Threshold": 2, "Shares": 3 });
        merge(&mut parameters, with);
        self.operate("CreateBackup", &parameters).unwrap()
    }

    fn operate(&self, name: &str, with: &Value) -> Result<Value> {
        operate(&self.kms, name, Some(&with.to_string())).map(|answer| read(&answer))
    }

    /// Restores the backup as a store of its own, and opens that.
    fn restore(&self, name: &str, created: &Value, place: &str) -> (Value, Arc<Kms>) {
        let with = json!({
            "Path": self.path(name),
            "Place": self.path(place),
            "KeyFile": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
            "Shares": two(created),
        });
        let restored = read(&operate_alone("RestoreStore", Some(&with.to_string())).unwrap());
        (restored, open(&self.path(place)))
    }
}

/// Two of the shares that a backup was answered with.
fn two(created: &Value) -> Value {
    json!([created["Shares"][2], created["Shares"][0]])
}

fn open(place: &Path) -> Arc<Kms> {
    let options = Options { allow_unprotected_memory: true, ..Options::default() };
    Kms::open(place, &KEY_FILE, options).unwrap()
}

fn verify(with: &Value) -> Result<Value> {
    operate_alone("VerifyBackup", Some(&with.to_string())).map(|answer| read(&answer))
}

fn session(kms: &Arc<Kms>) -> Session {
    kms.session("111122223333", "cn-hangzhou").unwrap()
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn merge(one: &mut Value, other: Value) {
    let Value::Object(other) = other else { panic!("no object") };
    one.as_object_mut().unwrap().extend(other);
}

fn call(session: &Session, action: &str, with: Value) -> Value {
    read(&dispatch_json(session, action, Some(&with.to_string())).unwrap_or_else(|error| {
        panic!("{action}: {error}");
    }))
}

fn code(session: &Session, action: &str, with: Value) -> ErrorCode {
    dispatch_json(session, action, Some(&with.to_string())).unwrap_err().code()
}

/// A key made with these parameters.
fn create(session: &Session, with: Value) -> String {
    let answer = call(session, "CreateKey", with);
    answer["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
}

/// A key that awaits its material.
fn create_external(session: &Session) -> String {
    let spec = "Aliyun_AES_256";
    let with = json!({ "Origin": "EXTERNAL", "ProtectionLevel": "HSM", "KeySpec": spec });
    create(session, with)
}

/// Imports material into a key.
fn import(session: &Session, key: &str, material: &[u8]) {
    let with = json!({
        "KeyId": key, "WrappingKeySpec": "RSA_2048", "WrappingAlgorithm": "RSAES_OAEP_SHA_256",
    });
    let parameters = call(session, "GetParametersForImport", with);
    let public = base64(&parameters["PublicKey"]);
    let wrapped = wrap_key_material(&public, WrappingAlgorithm::OaepSha256, material).unwrap();
    let with = json!({
        "KeyId": key, "ImportToken": parameters["ImportToken"],
        "EncryptedKeyMaterial": STANDARD.encode(wrapped),
    });
    call(session, "ImportKeyMaterial", with);
}

fn base64(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

fn assert_sound(kms: &Kms) {
    assert_eq!(kms.ledger().unwrap(), Vec::<String>::new());
    kms.verify_trail().unwrap();
}
