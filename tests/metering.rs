//! Metering over threads, handles and forks. `tests/processes` kills processes.
#![allow(missing_docs)]

use std::path::Path;
use std::sync::Arc;
use std::thread;

use kmshsm::api::dispatch_json;
use kmshsm::error::ErrorCode;
use kmshsm::kms::{Kms, Options, Session, Unlock};
use kmshsm::model::{Clock, Month, SystemClock};
use serde_json::{Value, json};

const KEY_FILE: Unlock<'static> = Unlock::KeyFile(&[7; 32]);

fn open(place: &Path) -> Arc<Kms> {
    let options = Options { allow_unprotected_memory: true, ..Options::default() };
    Kms::open(place, &KEY_FILE, options).unwrap()
}

fn session(kms: &Arc<Kms>) -> Session {
    kms.session("1", "cn-hongkong").unwrap()
}

fn call(session: &Session, action: &str, with: &Value) -> Value {
    let answer = dispatch_json(session, action, Some(&with.to_string())).unwrap();
    serde_json::from_str(&answer).unwrap()
}

/// A store with one key.
fn store(place: &Path) -> Value {
    Kms::create(place, &KEY_FILE).unwrap();
    let kms = open(place);
    call(&session(&kms), "CreateKey", &json!({}))["KeyMetadata"]["KeyId"].take()
}

fn encrypt(session: &Session, key: &Value) {
    call(session, "Encrypt", &json!({ "KeyId": key, "Plaintext": "text !" }));
}

/// All calls from `month` to the present one.
fn metered(kms: &Arc<Kms>, mut month: Month) -> u64 {
    let now = SystemClock.now();
    let mut calls = 0;
    while month <= Month::of(now) {
        let bill = call(&session(kms), "QueryBill", &json!({ "BillingCycle": month.to_string() }));
        let lines = bill["Items"]["Item"].as_array().unwrap();
        let line = lines.iter().find(|line| line["Item"] == "CallsBasic");
        calls += line.map_or(0, |line| line["Quantity"].as_str().unwrap().parse::<u64>().unwrap());
        month = Month::of(month.end());
    }
    calls
}

/// Threads of several handles on one store call and write down at once, and handles are closed in
/// between.
#[test]
fn all_handles_add_up() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("store");
    let month = Month::of(SystemClock.now());
    let key = store(&place);
    for _ in 0..2 {
        let stores = [0, 1, 2].map(|_| open(&place));
        thread::scope(|scope| {
            for kms in &stores {
                for _ in 0..4 {
                    scope.spawn(|| (0..50).for_each(|_| encrypt(&session(kms), &key)));
                }
                scope.spawn(|| (0..20).for_each(|_| kms.flush().unwrap()));
            }
        });
        // One is closed, the others are dropped.
        stores[0].close();
    }
    assert_eq!(metered(&open(&place), month), 2 * 3 * 4 * 50);
}

/// A child writes down none of its parent's calls; those on a store of its own are its own.
#[test]
fn a_child_meters_nothing_of_its_parent() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("store");
    let month = Month::of(SystemClock.now());
    let key = store(&place);
    let kms = open(&place);
    (0..3).for_each(|_| encrypt(&session(&kms), &key));
    // SAFETY: the child ends below without returning.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: ends the child, whatever it waits for.
        unsafe { libc::alarm(300) };
        let refused = kms.flush().map_err(|error| error.code()) == Err(ErrorCode::Forked);
        kms.close();
        let own = open(&place);
        encrypt(&session(&own), &key);
        drop(own);
        // SAFETY: ends the child without running anything of the test binary.
        unsafe { libc::_exit(i32::from(!refused)) };
    }
    let mut status = 0;
    // SAFETY: waits for the child made above.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!(status, 0);
    encrypt(&session(&kms), &key);
    assert_eq!(metered(&kms, month), 3 + 1 + 1);
    assert_eq!(metered(&kms, month), 3 + 1 + 1);
}
