//! Making keys: many at once, and one by one.

use std::path::Path;
use std::thread;
use std::time::Instant;

use kmshsm::api::CreateKey;
use kmshsm::kms::Session;
use kmshsm::model::KeyId;
use serde_json::{Value, json};

use crate::{disk, open, part};

/// Threads that fill a store: as many as a commit takes changes of.
const FILLING: usize = 64;
/// Threads whose rate is measured.
const THREADS: usize = 16;
/// Keys that the 16 threads make, or as many as the store has.
const MEASURED: usize = 4_096;
/// Keys that one thread makes, or three times as many as the store has: enough that most find the log as
/// long as it gets, for until then each also makes it longer.
const ALONE: usize = 2_000;

fn create(session: &Session) -> KeyId {
    session.call(CreateKey::default()).unwrap().answer.key_metadata.key_id
}

fn many(session: &Session, threads: usize, number: usize) -> Vec<KeyId> {
    let share = |thread: usize| number / threads + usize::from(thread < number % threads);
    thread::scope(|scope| {
        let make = |thread| move || (0..share(thread)).map(|_| create(session)).collect::<Vec<_>>();
        let all: Vec<_> = (0..threads).map(|thread| scope.spawn(make(thread))).collect();
        all.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// Makes so many keys, the last of them by 16 threads.
pub fn fill(place: &Path, number: usize, keys: &mut Vec<KeyId>) -> Value {
    let measured = MEASURED.min(number / 2);
    let session = open(place);
    keys.extend(many(&session, FILLING, number - measured));
    session.kms().close();
    drop(session);
    let before = commits(place);
    let session = open(place);
    let begun = Instant::now();
    keys.extend(many(&session, THREADS, measured));
    let seconds = begun.elapsed().as_secs_f64();
    session.kms().close();
    drop(session);
    let commits = commits(place) - before;
    json!({
        "create_16_rate": measured as f64 / seconds,
        "keys_per_commit": measured as f64 / commits as f64,
    })
}

/// How many commits a store that nobody has open has seen.
fn commits(place: &Path) -> i64 {
    let database = rusqlite::Connection::open(place.join("store.db")).unwrap();
    database.query_row("SELECT revision FROM meta", [], |row| row.get(0)).unwrap()
}

/// Makes keys in turn with the disk's own work. These stay: the store is measured before.
pub fn alone(place: &Path, keys: &mut Vec<KeyId>) -> Value {
    let session = open(place);
    let mut file = disk::Appending::beside(place);
    let (mut ours, mut disks) = (Vec::new(), Vec::new());
    for _ in 0..ALONE.min(keys.len() * 3) {
        let begun = Instant::now();
        keys.push(create(&session));
        ours.push(begun.elapsed().as_secs_f64());
        disks.push(file.page());
    }
    session.kms().close();
    let mean = |times: &[f64]| times.iter().sum::<f64>() / times.len() as f64;
    json!({
        "create": mean(&ours),
        "append": mean(&disks),
        "create_median": part(&mut ours, 0.5),
        "append_median": part(&mut disks, 0.5),
    })
}
