//! Several processes on one store in a directory: what one has changed all the others obey, what is due
//! is done once, and a killed process leaves nothing half done.
//!
//! Other processes are this test program again, running [`worker`]. `KMSHSM_PAIRS` changes and
//! calls that must obey them (1000), `KMSHSM_ROUNDS` of what falls due and of kills (40), `KMSHSM_SECONDS` of
//! linear histories (4).
#![allow(missing_docs)]

mod churn;
mod consistency;
mod dues;
mod guesses;
mod history;
mod kills;
mod linearizable;
mod metering;
mod obedience;
#[path = "../conformance/outside.rs"]
mod outside;
mod process;
#[path = "../faults/tally.rs"]
mod tally;
mod trail;

use std::path::Path;
use std::sync::Arc;

use kmshsm::api::dispatch_json;
use kmshsm::kms::{Audit, Kms, Options, Session, Unlock};
use kmshsm::model::Timestamp;
use serde_json::Value;

/// An answer, or the code of an error and its message.
pub type Outcome = Result<Value, (String, String)>;

pub const KEY_FILE: Unlock<'static> = Unlock::KeyFile(&[7; 32]);
pub const ACCOUNT: &str = "111122223333";
pub const REGION: &str = "cn-hangzhou";
/// Where clocks start: in the year 2100, after the store was made.
pub const START: u64 = 4_102_444_800;
pub const DAY: u64 = 86_400;

pub fn open(place: &Path, clock: u64) -> (Arc<Kms>, Session) {
    open_with(place, clock, Audit::default())
}

pub fn open_with(place: &Path, clock: u64, audit: Audit) -> (Arc<Kms>, Session) {
    let manual_clock = Some(Timestamp(clock));
    let allow_unprotected_memory = true;
    let options = Options { manual_clock, allow_unprotected_memory, audit, ..Options::default() };
    let kms = Kms::open(place, &KEY_FILE, options).unwrap();
    let session = kms.session(ACCOUNT, REGION).unwrap();
    (kms, session)
}

pub fn call(session: &Session, action: &str, params: &Value) -> Outcome {
    match dispatch_json(session, action, Some(&params.to_string())) {
        Ok(answer) => Ok(serde_json::from_str(&answer).unwrap()),
        Err(error) => Err((error.code().wire_code().to_owned(), error.to_string())),
    }
}

pub fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// A store of its own for each test.
pub fn new_store() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("store");
    Kms::create(&place, &KEY_FILE).unwrap();
    (folder, place)
}

/// Not a test: what the other processes run.
#[test]
fn worker() {
    process::work();
}
