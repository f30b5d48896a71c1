//! Bytes that are turned over, and files that are cut short: every answer is right or an error, and what a
//! single answer cannot see, the walk through the whole store does.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use kmshsm::error::{Error, Result};
use kmshsm::kms::Kms;
use serde_json::{Value, json};

use crate::tally;
use crate::world::{KEY_FILE, Open, START};

/// A store that is as small as it can be with a key of either kind, closed; and its log before that.
struct Small {
    folder: tempfile::TempDir,
    log: Vec<u8>,
    before: Vec<u8>,
    asked: Vec<Asked>,
}

/// A call, and what it has answered.
struct Asked {
    action: &'static str,
    with: Value,
    answer: Value,
    /// Whether it shows what is listed: that is not sealed, and only the walk vouches for it.
    is_list: bool,
}

impl Small {
    fn new() -> Self {
        let folder = crate::folder();
        let place = folder.path().join("store");
        Kms::create(&place, &KEY_FILE).unwrap();
        let open = Open::at(&place, START).unwrap();
        let ask = |action: &str, with: Value| open.call(action, &with).unwrap();
        let key = ask("CreateKey", json!({}))["KeyMetadata"]["KeyId"].take();
        let pair = ask("CreateKey", json!({ "KeySpec": "EC_P256" }))["KeyMetadata"]["KeyId"].take();
        ask("CreateAlias", json!({ "AliasName": "alias/a", "KeyId": key }));
        let tags = json!([{ "TagKey": "a", "TagValue": "b" }]);
        ask("TagResource", json!({ "KeyId": key, "Tags": tags }));
        let text = json!({ "KeyId": key, "Plaintext": "text !" });
        let blob = ask("Encrypt", text)["CiphertextBlob"].take();
        let versions = ask("ListKeyVersions", json!({ "KeyId": pair }));
        let mut signed = json!({
            "KeyId": pair,
            "KeyVersionId": versions["KeyVersions"]["KeyVersion"][0]["KeyVersionId"],
            "Algorithm": "ECDSA_SHA_256",
            "Digest": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        });
        let value = ask("AsymmetricSign", signed.clone())["Value"].take();
        let public = json!({ "KeyId": pair, "KeyVersionId": signed["KeyVersionId"] });
        signed["Value"] = value;
        open.kms.flush().unwrap();
        let asked = [
            ("Decrypt", json!({ "CiphertextBlob": blob }), false),
            ("AsymmetricVerify", signed, false),
            ("GetPublicKey", public, false),
            ("DescribeKey", json!({ "KeyId": key }), false),
            ("DescribeKey", json!({ "KeyId": "alias/a" }), false),
            ("ListResourceTags", json!({ "KeyId": key }), false),
            ("ListKeys", json!({}), true),
            ("ListAliases", json!({}), true),
        ];
        let asked = asked.map(|(action, with, is_list)| {
            let mut answer = ask(action, with.clone());
            answer["RequestId"].take();
            Asked { action, with, answer, is_list }
        });
        let log = fs::read(place.join("store.db-wal")).unwrap();
        let before = fs::read(place.join("store.db")).unwrap();
        drop(open);
        Self { folder, log, before, asked: asked.into() }
    }

    fn place(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// A copy with one file in place of another.
    fn with(&self, files: &[(&str, &[u8])]) -> PathBuf {
        let place = self.folder.path().join("damaged");
        let _absent = fs::remove_dir_all(&place);
        crate::world::copy(&self.place(), &place);
        fs::remove_file(place.join("store.db-shm")).unwrap();
        for (name, bytes) in files {
            fs::write(place.join(name), bytes).unwrap();
        }
        place
    }

    /// Asks for everything, and changes something; `what` tells what was done to the store.
    fn check(&self, place: &Path, what: &str) -> Seen {
        let checked = catch_unwind(AssertUnwindSafe(|| self.look(place, what)));
        checked.unwrap_or_else(|_| panic!("a panic: {what}"))
    }

    fn look(&self, place: &Path, what: &str) -> Seen {
        let open = match Open::at(place, START) {
            Ok(open) => open,
            Err(error) => {
                assert!(is_of_the_store(&error), "{what}: {error}");
                return Seen::Refused;
            }
        };
        let walked = open.kms.ledger();
        let is_seen = walked.as_ref().map_or(true, |faults| !faults.is_empty());
        let mut seen = if is_seen { Seen::ByTheWalk } else { Seen::Nothing };
        for Asked { action, with, answer, is_list } in &self.asked {
            match open.call(action, with) {
                Ok(mut found) => {
                    found["RequestId"].take();
                    let is_right = found == *answer;
                    assert!(is_right || (*is_list && is_seen), "{what}: {action} answers {found}");
                }
                // What is not found where it was is only seen to be missing by who walks.
                Err(error) => {
                    assert!(is_of_the_store(&error) || is_seen, "{what}: {action}: {error}");
                    seen = Seen::ByAnswers;
                }
            }
        }
        let family = |outcome: Result<()>| {
            if let Err(error) = outcome {
                assert!(is_of_the_store(&error), "{what}: {error}");
            }
        };
        family(open.kms.verify_trail().map(drop));
        family(open.call("CreateKey", &json!({})).map(drop));
        seen
    }
}

enum Seen {
    Refused,
    ByAnswers,
    ByTheWalk,
    /// Bytes that mean nothing, as in the rest of a page.
    Nothing,
}

pub fn is_of_the_store(error: &Error) -> bool {
    let code = error.code().wire_code();
    code.starts_with("Store.") || code.starts_with("Audit.")
}

/// The bytes that are tried: all, or some that are different in every build of the store.
fn sample(length: usize, many: usize) -> impl Iterator<Item = usize> {
    let step = if tally::is_torture() { 1 } else { (length / many).max(1) };
    (0..length)
        .step_by(step)
        .map(move |at| if step == 1 { at } else { at + (at / step) % step })
        .filter(move |at| *at < length)
}

#[test]
fn bytes_turned_over() {
    let small = Small::new();
    let (mut points, mut noticed) = (0, 0);
    for name in ["store.db", "epoch"] {
        let intact = fs::read(small.place().join(name)).unwrap();
        let many = if name == "epoch" { 20 } else { 600 };
        for at in sample(intact.len(), many) {
            let mut bytes = intact.clone();
            // Another bit each time, and now and then all of them.
            bytes[at] ^= [1, 2, 4, 8, 16, 32, 64, 128, 255][at % 9];
            let place = small.with(&[(name, &bytes)]);
            let seen = small.check(&place, &format!("byte {at} of {name}"));
            points += 1;
            noticed += u64::from(!matches!(seen, Seen::Nothing));
        }
    }
    assert!(noticed > 0);
    tally::tell("bytes of a store turned over", points, points);
    tally::tell(
        "of these, noticed by an error or by the walk; the others changed no answer",
        noticed,
        noticed,
    );
}

/// What is wrong in a log ends it: the store is as it was before, whole.
#[test]
fn bytes_of_the_log_turned_over() {
    let small = Small::new();
    let mut points = 0;
    for at in sample(small.log.len(), 150) {
        for cut in [false, true] {
            let mut log = small.log.clone();
            if cut {
                log.truncate(at)
            } else {
                log[at] ^= 1 << (at % 8)
            }
            let files: [(&str, &[u8]); 2] = [("store.db", &small.before), ("store.db-wal", &log)];
            let place = small.with(&files);
            match Open::at(&place, START) {
                Ok(open) => {
                    assert_eq!(open.kms.ledger().unwrap(), [""; 0], "byte {at} of the log");
                    open.kms.verify_trail().unwrap();
                }
                Err(error) => assert!(is_of_the_store(&error), "byte {at} of the log: {error}"),
            }
            points += 1;
        }
    }
    tally::tell("bytes of a log turned over, and logs cut short", points, points);
}

#[test]
fn files_cut_short() {
    let small = Small::new();
    let mut points = 0;
    for name in ["store.db", "epoch"] {
        let intact = fs::read(small.place().join(name)).unwrap();
        let many = if name == "epoch" { 20 } else { 200 };
        for length in sample(intact.len(), many) {
            let place = small.with(&[(name, &intact[..length])]);
            let seen = small.check(&place, &format!("{name} of {length} bytes"));
            assert!(matches!(seen, Seen::Refused), "{name} of {length} bytes");
            points += 1;
        }
    }
    tally::tell("files of a store cut short", points, points);
}
