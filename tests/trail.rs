//! The audit trail over threads, handles and forks. `tests/processes` kills processes.
#![allow(missing_docs)]

use std::path::Path;
use std::sync::Arc;
use std::thread;

use kmshsm::api::{dispatch_json, verify_trail};
use kmshsm::audit::PublicKey;
use kmshsm::error::{ErrorCode, Result};
use kmshsm::kms::{Audit, DataPlane, Kms, Options, Session, Unlock};
use serde_json::{Value, json};

const KEY_FILE: Unlock<'static> = Unlock::KeyFile(&[7; 32]);

fn open(place: &Path) -> Arc<Kms> {
    let audit = Audit { data_plane: DataPlane::All, is_strict: false };
    let options = Options { allow_unprotected_memory: true, audit, ..Options::default() };
    Kms::open(place, &KEY_FILE, options).unwrap()
}

fn session(kms: &Arc<Kms>) -> Session {
    kms.session("1", "cn-hongkong").unwrap()
}

fn call(session: &Session, action: &str, with: &Value) -> Result<Value> {
    let answer = dispatch_json(session, action, Some(&with.to_string()))?;
    Ok(serde_json::from_str(&answer).unwrap())
}

/// A store with one key.
fn store(place: &Path) -> Value {
    Kms::create(place, &KEY_FILE).unwrap();
    call(&session(&open(place)), "CreateKey", &json!({})).unwrap()["KeyMetadata"]["KeyId"].take()
}

fn encrypt(session: &Session, key: &Value) -> Result<Value> {
    call(session, "Encrypt", &json!({ "KeyId": key, "Plaintext": "text !" }))
}

/// How often an action is in the trail, which verifies.
fn told(kms: &Kms, action: &str) -> usize {
    let mut lines = Vec::new();
    let head = kms.export_trail(&mut lines).unwrap();
    let key = PublicKey::from_pem(&kms.trail_key().unwrap()).unwrap();
    verify_trail(&*lines, Some(&key), Some(&head)).unwrap();
    let lines = String::from_utf8(lines).unwrap();
    lines.matches(&format!(r#""eventName":"{action}""#)).count()
}

/// Threads of several handles, which are closed in between.
#[test]
fn threads_and_handles_are_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("store");
    let key = store(&place);
    for _ in 0..2 {
        let stores = [(); 3].map(|()| open(&place));
        thread::scope(|scope| {
            for kms in &stores {
                for _ in 0..4 {
                    scope.spawn(|| {
                        (0..500).for_each(|_| drop(encrypt(&session(kms), &key).unwrap()));
                    });
                }
                scope.spawn(|| (0..20).for_each(|_| kms.flush().unwrap()));
            }
        });
        // One is closed, the others are dropped.
        stores[0].close();
    }
    assert_eq!(told(&open(&place), "Encrypt"), 2 * 3 * 4 * 500);
}

/// Whoever was answered while the store was being closed has an event.
#[test]
fn answers_at_the_end_have_events() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("store");
    let key = store(&place);
    let mut answered = 0;
    for _ in 0..20 {
        let kms = open(&place);
        let session = session(&kms);
        let until_closed = || {
            let outcomes = std::iter::repeat_with(|| encrypt(&session, &key));
            outcomes.take_while(Result::is_ok).count()
        };
        answered += thread::scope(|scope| {
            let threads = [(); 3].map(|()| scope.spawn(until_closed));
            thread::yield_now();
            let before = [(); 50].map(|()| encrypt(&session, &key).unwrap());
            kms.close();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>() + before.len()
        });
    }
    // One that could not be answered any more may have been written.
    let told = told(&open(&place), "Encrypt");
    assert!((answered..=answered + 60).contains(&told), "{told} of {answered}");
}

/// A child writes none of its parent's events, and does not wait for its parent's threads.
#[test]
fn a_child_records_nothing_of_its_parent() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("store");
    let key = store(&place);
    let kms = open(&place);
    (0..3).for_each(|_| drop(encrypt(&session(&kms), &key).unwrap()));
    let parents = session(&kms);
    // SAFETY: the child ends below without returning.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: ends the child, whatever it waits for.
        unsafe { libc::alarm(300) };
        let code = |outcome: Result<()>| outcome.map_err(|error| error.code());
        let refused = code(kms.flush()) == Err(ErrorCode::Forked)
            && code(encrypt(&parents, &key).map(drop)) == Err(ErrorCode::Forked);
        drop(parents);
        kms.close();
        drop(kms);
        let own = open(&place);
        let is_done = encrypt(&session(&own), &key).is_ok();
        drop(own);
        // SAFETY: ends the child without running anything of the test binary.
        unsafe { libc::_exit(i32::from(!(refused && is_done))) };
    }
    let mut status = 0;
    // SAFETY: waits for the child made above.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!(status, 0);
    encrypt(&parents, &key).unwrap();
    kms.close();
    assert_eq!(told(&open(&place), "Encrypt"), 3 + 1 + 1);
}
