//! How the library scales with the number of keys in a store: `make bench-scale`, which draws the
//! picture in docs; with `KMSHSM_KEYS=1000000` it takes a quarter of an hour. Prints JSON, in seconds
//! and bytes. Each number of keys is measured in processes of their own, which have never seen the store.
#![allow(missing_docs)]

mod disk;
mod reading;
mod writing;

use std::path::Path;

use kmshsm::kms::{Kms, Options, Session, Unlock};
use serde_json::{Value, json};

const SIZES: [usize; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];
const KEY_FILE: Unlock<'static> = Unlock::KeyFile(&[7; 32]);
/// How often a store is opened in a process of its own.
const OPENINGS: usize = 9;

fn main() {
    if std::env::var_os(reading::PLACE).is_some() {
        return reading::measure();
    }
    let most = std::env::var("KMSHSM_KEYS").ok().and_then(|text| text.parse().ok());
    let most: usize = most.unwrap_or(100_000);
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let place = directory.path().join("store");
    Kms::create(&place, &KEY_FILE).unwrap();
    let (mut keys, mut points) = (Vec::new(), Vec::new());
    for size in SIZES.into_iter().filter(|size| *size <= most) {
        let filled = writing::fill(&place, size - keys.len(), &mut keys);
        let mut point = json!({ "keys": size, "bytes": disk::used(&place) });
        add(&mut point, filled);
        add(&mut point, reading::in_processes(&place, &keys, OPENINGS));
        add(&mut point, writing::alone(&place, &mut keys));
        eprintln!("{point}");
        points.push(point);
    }
    println!("{}", json!({ "points": points }));
}

fn add(to: &mut Value, from: Value) {
    let (Value::Object(to), Value::Object(from)) = (to, from) else { return };
    to.extend(from);
}

fn open(place: &Path) -> Session {
    let options = Options { allow_unprotected_memory: true, ..Options::default() };
    Kms::open(place, &KEY_FILE, options).unwrap().session("111122223333", "cn-hangzhou").unwrap()
}

/// The value below which this part of all values lies.
fn part(values: &mut [f64], part: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part).round() as usize]
}
