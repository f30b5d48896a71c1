//! Opening a store and using its keys, in a process that has never seen it.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use kmshsm::api::{DescribeKey, Encrypt, Into};
use kmshsm::kms::Session;
use kmshsm::model::{EncryptionContext, KeyId, KeyRef};
use serde_json::{Map, Value, json};

use crate::{open, part};

/// Where such a process finds the store; the ids of keys are in a file beside it.
pub const PLACE: &str = "KMSHSM_BENCH_PLACE";
/// Keys of each kind of use that no process has used before.
const COLD: usize = 1_000;
/// Keys that are in memory at the end.
const RESIDENT: usize = 10_000;
const HOT: usize = 50_000;

/// The medians of what so many processes measure, one after the other.
pub fn in_processes(place: &Path, keys: &[KeyId], number: usize) -> Value {
    let list = place.with_extension("keys");
    // Those that are used come from all over the store.
    let wanted = COLD * 2 + RESIDENT;
    let step = (keys.len() / wanted).max(1);
    let ids: Vec<_> = keys.iter().step_by(step).take(wanted).map(KeyId::to_string).collect();
    fs::write(&list, ids.join("\n")).unwrap();
    let run = || {
        let this = std::env::current_exe().unwrap();
        let done = Command::new(this).env(PLACE, place).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        serde_json::from_slice::<Map<String, Value>>(&done.stdout).unwrap()
    };
    let runs: Vec<_> = (0..number).map(|_| run()).collect();
    let mut medians = Map::new();
    for name in runs[0].keys() {
        // A store of few keys has none left to fill the memory with.
        let mut values: Vec<_> = runs.iter().filter_map(|run| run[name].as_f64()).collect();
        if !values.is_empty() {
            medians.insert(name.clone(), json!(part(&mut values, 0.5)));
        }
    }
    Value::Object(medians)
}

pub fn measure() {
    let place = std::env::var_os(PLACE).unwrap();
    let place = Path::new(&place);
    let list = fs::read_to_string(place.with_extension("keys")).unwrap();
    let keys: Vec<KeyId> = list.lines().map(|id| KeyId::parse(id).unwrap()).collect();
    let timed_opening = || {
        let begun = Instant::now();
        let session = open(place);
        (session, begun.elapsed().as_secs_f64())
    };
    let (session, open_cold) = timed_opening();
    session.kms().close();
    drop(session);
    let (session, open_warm) = timed_opening();
    let resident_open = resident();
    let (used, described) = keys.split_at(keys.len() / 2);
    let each = |keys: &[KeyId], f: &dyn Fn(KeyId)| {
        let time = |key: &KeyId| {
            let begun = Instant::now();
            f(*key);
            begun.elapsed().as_secs_f64()
        };
        keys.iter().take(COLD).map(time).collect::<Vec<_>>()
    };
    let mut first_use = each(used, &|key| encrypt(&session, key));
    let mut describe = each(described, &|key| drop(black_box(describe(&session, key))));
    let before = resident();
    let rest: Vec<_> = used.iter().chain(described).skip(COLD).collect();
    rest.iter().for_each(|key| encrypt(&session, **key));
    let resident_used = resident();
    let begun = Instant::now();
    (0..HOT).for_each(|_| encrypt(&session, keys[0]));
    let hot = begun.elapsed().as_secs_f64() / HOT as f64;
    let report = json!({
        "open": open_cold,
        "open_warm": open_warm,
        "first_use": part(&mut first_use.clone(), 0.5),
        "first_use_p99": part(&mut first_use, 0.99),
        "describe": part(&mut describe.clone(), 0.5),
        "describe_p99": part(&mut describe, 0.99),
        "hot": hot,
        "resident_open": resident_open,
        "resident_used": resident_used,
        "resident_each": (resident_used as f64 - before as f64) / rest.len() as f64,
    });
    println!("{report}");
}

fn encrypt(session: &Session, key: KeyId) {
    let mut out = [0; 256];
    let request = Encrypt {
        key_id: KeyRef::Id(key),
        plaintext: (&[7u8; 32][..]).into(),
        encryption_context: EncryptionContext::default(),
        into: Into::Memory(&mut out),
    };
    session.call(request).unwrap();
}

fn describe(session: &Session, key: KeyId) -> impl Sized {
    session.call(DescribeKey { key_id: KeyRef::Id(key) }).unwrap()
}

/// The bytes of memory that are this process's now.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kilobytes * 1024
}
