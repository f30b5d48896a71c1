//! Eight processes that change and read the same keys and the same alias, and are killed at random: each
//! key, and the alias, is as if all calls had come one after the other.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use kmshsm::kms::Session;
use serde_json::{Value, json};

use crate::churn::Numbers;
use crate::history::{Ask, Call, State, contradiction};
use crate::process::Process;
use crate::{START, call, new_store, open, setting, tally};

const PROCESSES: usize = 8;
const KEYS: usize = 3;
/// The alias, behind the keys.
const ALIAS: usize = KEYS;

/// A store with the keys and the alias.
fn prepared() -> (tempfile::TempDir, PathBuf) {
    let (folder, place) = new_store();
    let keys: Vec<Value> = {
        let (_kms, session) = open(&place, START);
        let key = || {
            let with = json!({ "Description": "0" });
            call(&session, "CreateKey", &with).unwrap()["KeyMetadata"]["KeyId"].take()
        };
        let keys = (0..KEYS).map(|_| key()).collect::<Vec<_>>();
        let alias = json!({ "AliasName": "alias/a", "KeyId": keys[0] });
        call(&session, "CreateAlias", &alias).unwrap();
        keys
    };
    fs::write(names(&place), json!(keys).to_string()).unwrap();
    (folder, place)
}

#[test]
fn histories_are_linear() {
    let (_folder, place) = prepared();
    let mut numbers = Numbers::from(7);
    let mut histories: [Vec<Call>; KEYS + 1] = Default::default();
    let begin = || Process::registering(&place, START);
    let mut processes: Vec<_> = (0..PROCESSES).map(|_| begin()).collect();
    let (mut kills, mut calls) = (0, 0);
    let deadline = Instant::now() + Duration::from_secs(setting("KMSHSM_SECONDS", 4));
    let mut end = |mut process: Process, histories: &mut [Vec<Call>; KEYS + 1]| {
        process.kill();
        let found = read(&place, process.id(), now());
        calls += found.len() as u64;
        found.into_iter().for_each(|(register, call)| histories[register].push(call));
    };
    while Instant::now() < deadline {
        thread::sleep(Duration::from_millis(numbers.below(200) as u64));
        let at = numbers.below(PROCESSES);
        let killed = std::mem::replace(&mut processes[at], begin());
        end(killed, &mut histories);
        kills += 1;
    }
    processes.into_iter().for_each(|process| end(process, &mut histories));
    let first = State { is_enabled: true, value: 0 };
    for (register, history) in histories.iter().enumerate() {
        assert!(!history.is_empty());
        let wrong = contradiction(&first, history);
        assert!(wrong.is_none(), "{register}: {wrong:?} in {history:#?}");
    }
    let (kms, _session) = open(&place, START);
    assert_eq!(kms.ledger().unwrap(), [""; 0]);
    kms.verify_trail().unwrap();
    tally::tell("calls of eight processes in linear histories", calls, kills + PROCESSES as u64);
}

/// While eight processes change the store as fast as they can, each of them comes to its turn.
#[test]
fn none_starves() {
    const MANY: usize = 800;
    let (_folder, place) = prepared();
    let mut processes: Vec<_> =
        (0..PROCESSES).map(|_| Process::registering(&place, START)).collect();
    let changes = |processes: &[Process]| -> Vec<usize> {
        let of = |process: &Process| {
            let calls = read(&place, process.id(), u64::MAX);
            calls.iter().filter(|(_, call)| call.is_answered && call.ask != Ask::Read).count()
        };
        processes.iter().map(of).collect()
    };
    let before = changes(&processes);
    let done = loop {
        assert!(processes.iter_mut().all(Process::is_running));
        let done: Vec<_> =
            changes(&processes).iter().zip(&before).map(|(now, then)| now - then).collect();
        if done.iter().sum::<usize>() >= MANY {
            break done;
        }
        thread::sleep(Duration::from_millis(20));
    };
    let fewest = *done.iter().min().unwrap();
    assert!(fewest >= MANY / PROCESSES / 10, "{done:?}");
    println!("{MANY} changes by {PROCESSES} processes: {done:?}");
}

/// Calls at random until it is killed. Each is written down before and after.
pub fn forever(session: &Session, place: &Path, has_begun: impl FnOnce()) {
    let keys: Vec<Value> =
        serde_json::from_str(&fs::read_to_string(names(place)).unwrap()).unwrap();
    let own = u64::from(std::process::id());
    let mut log = OpenOptions::new().create(true).append(true).open(log(place, own)).unwrap();
    let mut numbers = Numbers::from(own);
    let mut has_begun = Some(has_begun);
    for number in 1.. {
        let register = numbers.below(KEYS + 1);
        let target = numbers.below(KEYS);
        // No two processes set the same description.
        let ask = match (register, numbers.below(6)) {
            (ALIAS, 0 | 1) => Ask::Set(target as u64),
            (ALIAS, _) => Ask::Read,
            (_, 0) => Ask::Enable(false),
            (_, 1) => Ask::Enable(true),
            (_, 2) => Ask::Set(own << 32 | number),
            _ => Ask::Read,
        };
        let asked = match ask {
            Ask::Enable(is_enabled) => json!({ "enable": is_enabled }),
            Ask::Set(value) => json!({ "set": value }),
            Ask::Read => json!({}),
        };
        writeln!(log, "{}", json!([register, now(), asked])).unwrap();
        let seen = step(session, &keys, register, ask);
        writeln!(log, "{}", json!([now(), seen])).unwrap();
        if let Some(has_begun) = has_begun.take() {
            has_begun();
        }
    }
}

/// What is seen by a read: whether the key is enabled, and its description or the alias's key.
fn step(session: &Session, keys: &[Value], register: usize, ask: Ask) -> Option<(bool, u64)> {
    let key = keys.get(register).cloned().unwrap_or_else(|| json!("alias/a"));
    let of_key = json!({ "KeyId": key });
    let (action, with) = match ask {
        Ask::Enable(true) => ("EnableKey", of_key),
        Ask::Enable(false) => ("DisableKey", of_key),
        Ask::Set(target) if register == ALIAS => {
            ("UpdateAlias", json!({ "AliasName": key, "KeyId": keys[target as usize] }))
        }
        Ask::Set(value) => {
            ("UpdateKeyDescription", json!({ "KeyId": key, "Description": value.to_string() }))
        }
        Ask::Read => ("DescribeKey", of_key),
    };
    let answer = call(session, action, &with).unwrap();
    let described = &answer["KeyMetadata"];
    (ask == Ask::Read).then(|| match register {
        // Whether that key is enabled is another register's.
        ALIAS => {
            let found = keys.iter().position(|key| *key == described["KeyId"]);
            (true, found.unwrap() as u64)
        }
        _ => {
            let value = described["Description"].as_str().unwrap().parse().unwrap();
            (described["KeyState"] == "Enabled", value)
        }
    })
}

/// What a process has written down, which is gone since `end`.
fn read(place: &Path, process: u32, end: u64) -> Vec<(usize, Call)> {
    let text = fs::read_to_string(log(place, u64::from(process))).unwrap_or_default();
    // The last line may have been cut.
    let whole = text.rfind('\n').map_or("", |at| &text[..at]);
    let lines: Vec<Value> = whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let calls = lines.chunks(2).map(|lines| {
        let (register, start, asked): (usize, u64, BTreeMap<String, Value>) =
            serde_json::from_value(lines[0].clone()).unwrap();
        let ask = match (asked.get("enable"), asked.get("set")) {
            (Some(is_enabled), _) => Ask::Enable(is_enabled.as_bool().unwrap()),
            (_, Some(value)) => Ask::Set(value.as_u64().unwrap()),
            _ => Ask::Read,
        };
        let answer: Option<(u64, Option<(bool, u64)>)> =
            lines.get(1).map(|line| serde_json::from_value(line.clone()).unwrap());
        let call = match answer {
            Some((end, seen)) => {
                let seen = seen.map(|(is_enabled, value)| State { is_enabled, value });
                Call { ask, start, end, seen, is_answered: true }
            }
            None => Call { ask, start, end, seen: None, is_answered: false },
        };
        (register, call)
    });
    calls.collect()
}

/// CLOCK_MONOTONIC in nanoseconds: the same for all processes.
fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is writable.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) }, 0);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn names(place: &Path) -> PathBuf {
    place.with_extension("keys")
}

fn log(place: &Path, process: u64) -> PathBuf {
    place.with_extension(format!("{process}.history"))
}
