//! Calls of processes that are killed: each that was answered before calls were last written down is
//! metered, and none twice.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use kmshsm::kms::{Kms, Session};
use serde_json::json;

use crate::process::Process;
use crate::{START, call, new_store, open, setting};

/// How many calls of a process are under way at most.
const THREADS: u64 = 2;

#[test]
fn killed_processes_are_metered() {
    let (_folder, place) = new_store();
    call(&open(&place, START).1, "CreateKey", &json!({})).unwrap();
    let rounds = setting("KMSHSM_ROUNDS", 40) / 4;
    let (mut metered, mut answered) = (0, 0);
    for round in 0..rounds {
        let mut processes: Vec<_> = (0..3).map(|_| Process::metering(&place, START)).collect();
        let (mut least, mut most) = (metered, metered);
        for (number, process) in (round..).zip(&mut processes) {
            thread::sleep(Duration::from_micros(number * 7919 % 40_000));
            process.kill();
            let number = length(&answers(&place, process.id()));
            answered += number;
            least += last_flushed(&place, process.id());
            most += number + THREADS;
        }
        let (kms, session) = open(&place, START);
        metered = calls(&session);
        assert!((least..=most).contains(&metered), "{metered}, not {least} to {most}");
        assert_eq!(kms.ledger().unwrap(), [""; 0]);
    }
    println!("{rounds} rounds, {answered} calls answered, {metered} metered");
}

/// What a store says has been called.
fn calls(session: &Session) -> u64 {
    let bill = call(session, "QueryBill", &json!({ "BillingCycle": "2100-01" })).unwrap();
    let lines = bill["Items"]["Item"].as_array().unwrap();
    let calls = lines.iter().find(|line| line["Item"] == "CallsBasic");
    calls.map_or(0, |line| line["Quantity"].as_str().unwrap().parse().unwrap())
}

/// Threads that use the only key, and write down each answer in a file; and this one, which has the
/// calls written down in the store, and then in another file how many had been answered before.
pub fn forever(kms: &Kms, session: &Session, place: &Path, has_begun: impl FnOnce()) {
    let keys = call(session, "ListKeys", &json!({})).unwrap();
    let with = json!({ "KeyId": keys["Keys"]["Key"][0]["KeyId"], "Plaintext": "text !" });
    let answers = answers(place, std::process::id());
    let answer = |mut file: &File| {
        call(session, "Encrypt", &with).unwrap();
        file.write_all(b".").unwrap();
    };
    let answered = append(&answers);
    let mut flushed = append(&flushes(place, std::process::id()));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    answer(&answered);
                }
            });
        }
        has_begun();
        loop {
            let before = length(&answers);
            kms.flush().unwrap();
            flushed.write_all(&before.to_be_bytes()).unwrap();
        }
    });
}

fn append(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).unwrap()
}

fn answers(place: &Path, process: u32) -> PathBuf {
    place.with_extension(format!("{process}.answers"))
}

fn flushes(place: &Path, process: u32) -> PathBuf {
    place.with_extension(format!("{process}.flushes"))
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

fn last_flushed(place: &Path, process: u32) -> u64 {
    let flushes = fs::read(flushes(place, process)).unwrap();
    flushes.chunks_exact(8).last().map_or(0, |last| u64::from_be_bytes(last.try_into().unwrap()))
}
