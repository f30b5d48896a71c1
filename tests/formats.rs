//! Stores of every format that has been released open and answer as they did; newer ones are refused as
//! they are. The stores are in `tests/fixtures`.
#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kmshsm::api::{dispatch_json, verify_trail};
use kmshsm::audit::PublicKey;
use kmshsm::error::{ErrorCode, Result};
use kmshsm::kms::{Kms, Options, Unlock};
use kmshsm::model::Timestamp;
use rusqlite::{Connection, params};
use serde::Deserialize;
use serde_json::{Value, json};

const WEEK: u64 = 7 * 86_400;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    now: u64,
    access_key: AccessKey,
    destroyed: String,
    leaving: String,
    import: Call,
    events: usize,
    trail_key: String,
    answers: Vec<Call>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccessKey {
    id: String,
    secret: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    account: String,
    region: String,
    call: String,
    with: Value,
    #[serde(default)]
    expect: Value,
}

/// A copy of a fixture that may be changed.
struct Copy {
    _folder: tempfile::TempDir,
    store: PathBuf,
    key: Vec<u8>,
    told: Fixture,
}

impl Copy {
    fn of(format: &str) -> Self {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(format);
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        fs::create_dir(&store).unwrap();
        fs::set_permissions(&store, fs::Permissions::from_mode(0o700)).unwrap();
        for file in fs::read_dir(from.join("store")).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), store.join(file.file_name())).unwrap();
        }
        let told = fs::read_to_string(from.join("answers.json")).unwrap();
        let key = fs::read(from.join("key")).unwrap();
        Self { _folder: folder, store, key, told: serde_json::from_str(&told).unwrap() }
    }

    fn open(&self, later: u64) -> Result<Arc<Kms>> {
        let manual_clock = Some(Timestamp(self.told.now + later));
        let options =
            Options { allow_unprotected_memory: true, manual_clock, ..Options::default() };
        let key: &[u8; 32] = self.key.as_slice().try_into().unwrap();
        Kms::open(&self.store, &Unlock::KeyFile(key), options)
    }

    fn check(&self, kms: &Arc<Kms>) {
        for call in &self.told.answers {
            let answer = call.answer(kms).unwrap_or_else(|error| panic!("{}: {error}", call.call));
            assert!(includes(&answer, &call.expect), "{} {}: {answer}", call.call, call.with);
        }
    }

    /// The files, by name.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let names = ["store.db", "epoch", "lock", "guard"];
        names.map(|name| (name.into(), fs::read(self.store.join(name)).unwrap())).into()
    }

    /// Changes the database behind the library's back.
    fn edit(&self, change: impl FnOnce(&Connection)) {
        let database = Connection::open(self.store.join("store.db")).unwrap();
        change(&database);
        // Closing brings all into the file and deletes the log.
        database.close().unwrap();
    }

    fn refused_as_it_is(&self) {
        let before = self.files();
        assert_eq!(self.open(0).err().map(|error| error.code()), Some(ErrorCode::StoreTooNew));
        assert_eq!(self.files(), before);
        let log = fs::metadata(self.store.join("store.db-wal"));
        assert_eq!(log.map_or(0, |log| log.len()), 0);
    }
}

impl Call {
    fn answer(&self, kms: &Arc<Kms>) -> Result<Value> {
        let session = kms.session(&self.account, &self.region)?;
        let answer = dispatch_json(&session, &self.call, Some(&self.with.to_string()))?;
        Ok(serde_json::from_str(&answer).unwrap())
    }
}

/// Whether all that is expected is in the answer, with the same values.
fn includes(answer: &Value, expected: &Value) -> bool {
    match (answer, expected) {
        (Value::Object(answer), Value::Object(expected)) => expected
            .iter()
            .all(|(name, value)| answer.get(name).is_some_and(|found| includes(found, value))),
        (Value::Array(answer), Value::Array(expected)) => {
            answer.len() == expected.len()
                && answer.iter().zip(expected).all(|(found, value)| includes(found, value))
        }
        _ => answer == expected,
    }
}

fn all_formats() -> Vec<String> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let names = fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().file_name());
    let names: Vec<_> = names.filter_map(|name| name.into_string().ok()).collect();
    let formats: Vec<_> = names.into_iter().filter(|name| name.starts_with("format-")).collect();
    assert!(formats.contains(&"format-1".to_owned()));
    formats
}

#[test]
fn released_formats_answer_as_they_did() {
    for format in all_formats() {
        let copy = Copy::of(&format);
        let kms = copy.open(0).unwrap();
        assert_eq!(kms.ledger().unwrap(), [""; 0]);
        copy.check(&kms);
        let AccessKey { id, secret } = &copy.told.access_key;
        kms.authenticate(id, secret.as_bytes()).unwrap();
        drop(kms);
        // Opened for the second time it has been migrated, if it had to be.
        let kms = copy.open(1).unwrap();
        copy.check(&kms);
        assert_eq!(kms.ledger().unwrap(), [""; 0]);
    }
}

#[test]
fn their_trails_verify() {
    for format in all_formats() {
        let copy = Copy::of(&format);
        let kms = copy.open(0).unwrap();
        assert_eq!(kms.trail_key().unwrap(), copy.told.trail_key);
        let mut lines = Vec::new();
        let head = kms.export_trail(&mut lines).unwrap();
        let key = PublicKey::from_pem(&copy.told.trail_key).unwrap();
        let verified = verify_trail(&*lines, Some(&key), Some(&head)).unwrap();
        // Opening it may have been recorded.
        assert!(verified.first == 1 && verified.events >= copy.told.events as u64);
    }
}

/// Changes go on where they were: what was waited for is imported, and what is due is done.
#[test]
fn they_go_on() {
    for format in all_formats() {
        let copy = Copy::of(&format);
        let kms = copy.open(0).unwrap();
        copy.told.import.answer(&kms).unwrap();
        let space = &copy.told.answers[0];
        let call = |action: &str, with: Value| {
            let session = kms.session(&space.account, &space.region).unwrap();
            dispatch_json(&session, action, Some(&with.to_string()))
        };
        call("DescribeKey", json!({ "KeyId": copy.told.leaving })).unwrap();
        call("AdvanceClock", json!({ "Seconds": WEEK })).unwrap();
        let done = kms.tick().unwrap();
        assert_eq!(done.deleted, 1);
        for key in [&copy.told.leaving, &copy.told.destroyed] {
            let described = call("DescribeKey", json!({ "KeyId": key }));
            assert_eq!(described.map_err(|error| error.code()), Err(ErrorCode::KeyNotFound));
        }
        assert_eq!(kms.ledger().unwrap(), [""; 0]);
    }
}

#[test]
fn newer_formats_are_refused_as_they_are() {
    let copy = Copy::of("format-1");
    copy.edit(|database| database.pragma_update(None, "user_version", 99).unwrap());
    copy.refused_as_it_is();
    // The preamble, and the header.
    for storage_key in [[0x01], [0x04]] {
        let copy = Copy::of("format-1");
        copy.edit(|database| {
            let value = "SELECT value FROM kv WHERE key = ?1";
            let mut value: Vec<u8> =
                database.query_row(value, [&storage_key], |row| row.get(0)).unwrap();
            value[0] = 99;
            let set = "UPDATE kv SET value = ?2 WHERE key = ?1";
            assert_eq!(database.execute(set, params![storage_key, value]).unwrap(), 1);
        });
        copy.refused_as_it_is();
    }
}
