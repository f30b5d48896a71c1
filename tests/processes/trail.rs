//! The trail of several processes is one chain, whichever of them is killed when: and what was answered
//! is in it.

use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use kmshsm::api::verify_trail;
use kmshsm::audit::PublicKey;
use kmshsm::kms::{Kms, Session};
use serde_json::{Value, json};

use crate::process::Process;
use crate::{START, call, new_store, open, setting};

/// The length of a request's name, and a line feed.
const NAME: usize = 37;

#[test]
fn killed_processes_leave_one_chain() {
    let (_folder, place) = new_store();
    {
        let (_kms, session) = open(&place, START);
        call(&session, "CreateKey", &json!({})).unwrap();
    }
    let rounds = setting("KMSHSM_ROUNDS", 40) / 4;
    let mut answered = HashSet::new();
    let mut told = 0;
    for round in 0..rounds {
        let mut processes: Vec<_> = (0..3).map(|_| Process::recording(&place, START)).collect();
        for (number, process) in (round..).zip(&mut processes) {
            thread::sleep(Duration::from_micros(number * 7919 % 40_000));
            process.kill();
            answered.extend(names(&place, process.id()));
        }
        let (kms, _session) = open(&place, START);
        let events = events(&kms);
        told = events.len();
        let ids: HashSet<String> =
            events.iter().map(|event| event["requestId"].as_str().unwrap().to_owned()).collect();
        assert_eq!(ids.len(), told, "each event is there once");
        let missing: Vec<_> = answered.difference(&ids).collect();
        assert!(missing.is_empty(), "{missing:?}");
        assert_eq!(kms.ledger().unwrap(), [""; 0]);
    }
    assert!(!answered.is_empty());
    println!("{rounds} rounds, {} requests answered, {told} events", answered.len());
}

/// All events, of a trail that verifies.
pub fn events(kms: &Kms) -> Vec<Value> {
    let mut lines = Vec::new();
    let head = kms.export_trail(&mut lines).unwrap();
    let key = PublicKey::from_pem(&kms.trail_key().unwrap()).unwrap();
    let verified = verify_trail(&*lines, Some(&key), Some(&head)).unwrap();
    assert_eq!((verified.first, verified.events), (1, head.sequence));
    let lines = std::str::from_utf8(&lines).unwrap().lines();
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter_map(|mut line| line.get_mut("Event").map(Value::take)).collect()
}

/// Changes and uses the only key, and writes down the name of each request that is answered.
pub fn forever(session: &Session, place: &Path, has_begun: impl FnOnce()) {
    let keys = call(session, "ListKeys", &json!({})).unwrap();
    let key = &keys["Keys"]["Key"][0]["KeyId"];
    let mut has_begun = Some(has_begun);
    let path = answers(place, std::process::id());
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    let of_key = json!({ "KeyId": key });
    let tag = json!({ "KeyId": key, "Tags": [{ "TagKey": "k", "TagValue": "v" }] });
    let text = json!({ "KeyId": key, "Plaintext": "text !" });
    for nth in 0.. {
        let (action, with) = match nth % 3 {
            0 => ("Encrypt", &text),
            1 => ("TagResource", &tag),
            // Nothing changes.
            _ => ("EnableKey", &of_key),
        };
        let answer = call(session, action, with).unwrap();
        writeln!(file, "{}", answer["RequestId"].as_str().unwrap()).unwrap();
        if let Some(has_begun) = has_begun.take() {
            has_begun();
        }
    }
}

fn answers(place: &Path, process: u32) -> PathBuf {
    place.with_extension(format!("{process}.answers"))
}

fn names(place: &Path, process: u32) -> Vec<String> {
    let text = fs::read_to_string(answers(place, process)).unwrap();
    let whole = text.len() / NAME * NAME;
    text[..whole].lines().map(str::to_owned).collect()
}
