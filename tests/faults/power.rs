//! Power that is cut: an ext4 of the test's own is shut down at once, with all that was not synced.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::disks::Disk;
use crate::tally;
use crate::world::{KEY_FILE, Open, START};
use kmshsm::kms::Kms;

/// EXT4_IOC_SHUTDOWN and EXT4_GOING_FLAGS_NOLOGFLUSH of the kernel's fs/ext4/ext4.h.
const SHUTDOWN: libc::c_ulong = 0x8004_587d;
const NO_LOG_FLUSH: u32 = 2;

/// Keys whose descriptions are changed in turn.
const KEYS: usize = 4;

#[test]
fn power_cuts() {
    let folder = crate::folder();
    let image = folder.path().join("disk");
    File::create(&image).unwrap().set_len(48 << 20).unwrap();
    let made = Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&image).status();
    if !made.is_ok_and(|status| status.success()) {
        println!("skipped: no mkfs.ext4");
        return;
    }
    let image = image.to_str().unwrap();
    let mount = || Disk::mount(&["-o", "loop", image]);
    let Some(disk) = mount() else { return };
    drop(disk);
    let points = if tally::is_torture() { 500 } else { 10 };
    let (mut answered, mut unfinished) = (0, 0);
    // What each key of the store was last known to say.
    let mut known = BTreeMap::new();
    for point in 0..points {
        // Now and then it is cut while the store is made.
        let is_new = point % 10 == 0;
        let disk = mount().unwrap();
        let place = disk.path.join("store");
        if is_new {
            let _absent = fs::remove_dir_all(&place);
            known.clear();
        }
        let told = cut(&disk, &place, is_new, point);
        drop(disk);
        let disk = mount().unwrap();
        let place = disk.path.join("store");
        answered += told.len();
        known.extend(told);
        // One that nobody was told of may be there, or not, or without its first records.
        if known.is_empty() && Open::at(&place, START).is_err() {
            unfinished += 1;
            let _absent = fs::remove_dir_all(&place);
            Kms::create(&place, &KEY_FILE).unwrap();
        }
        check(&place, &known);
    }
    tally::tell("power cuts of an ext4 during changes", points, points);
    println!("{answered} changes answered before them, {unfinished} stores unfinished");
}

/// Lets a child change the store and cuts the power meanwhile. What it was answered: what it had set.
fn cut(disk: &Disk, place: &Path, is_new: bool, point: u64) -> Vec<(String, u64)> {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "power::load", "--nocapture", "--test-threads=1"])
        .env(PLACE, place)
        .env(NEW, u8::from(is_new).to_string())
        .stdout(writer)
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let lines = thread::spawn(move || std::io::read_to_string(reader).unwrap());
    // The first milliseconds are those of its self-tests. What makes a store is cut sooner.
    let begin = if is_new { 50_000 } else { 300_000 };
    thread::sleep(Duration::from_micros(begin + point * 7_919_317 % 300_000));
    let root = File::open(&disk.path).unwrap();
    let last_moment = now();
    let flag = NO_LOG_FLUSH;
    // SAFETY: the ioctl reads the flag, which outlives the call.
    let done = unsafe { libc::ioctl(root.as_raw_fd(), SHUTDOWN, &raw const flag) };
    assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
    child.kill().unwrap();
    child.wait().unwrap();
    let lines = lines.join().unwrap();
    let whole = lines.rfind('\n').map_or("", |end| &lines[..end]);
    let told = whole.lines().filter_map(|line| line.split_once(SET));
    let told = told.map(|(_, set)| serde_json::from_str::<(u64, String, u64)>(set).unwrap());
    // Only what was answered before the cut began counts: with the power gone nobody would have heard the
    // rest. Without times, a run once found an answered change missing; that jbd2 reports the sync of a
    // transaction that it gave up as done would explain it, and is not proven.
    told.filter(|(moment, ..)| *moment < last_moment).map(|(_, key, set)| (key, set)).collect()
}

/// What was answered last of each key is there, or what was asked for after that.
fn check(place: &Path, known: &BTreeMap<String, u64>) {
    let open = Open::at(place, START).unwrap();
    assert_eq!(open.kms.ledger().unwrap(), [""; 0]);
    open.kms.verify_trail().unwrap();
    for (key, number) in known {
        let described = open.call("DescribeKey", &json!({ "KeyId": key })).unwrap();
        let found: u64 = described["KeyMetadata"]["Description"].as_str().unwrap().parse().unwrap();
        assert!(
            found >= *number && (found - number).is_multiple_of(KEYS as u64),
            "{found} for {number}"
        );
    }
}

const PLACE: &str = "KMSHSM_TEST_PLACE";
const NEW: &str = "KMSHSM_TEST_NEW";
/// The harness writes to the same pipe.
const SET: &str = "set: ";

/// Not a test: the process that changes the store.
#[test]
fn load() {
    let Some(place) = std::env::var_os(PLACE) else { return };
    let place = Path::new(&place);
    if std::env::var(NEW).unwrap() == "1" {
        Kms::create(place, &KEY_FILE).unwrap();
    }
    let open = Open::at(place, START).unwrap();
    let keys: Vec<Value> = (0..KEYS)
        .map(|number| {
            let with = json!({ "Description": number.to_string() });
            let answer = open.call("CreateKey", &with).unwrap();
            let key = answer["KeyMetadata"]["KeyId"].clone();
            tell(&key, number as u64);
            key
        })
        .collect();
    for number in KEYS as u64.. {
        let key = &keys[number as usize % KEYS];
        let description = number.to_string();
        let with = json!({ "KeyId": key, "Description": description });
        open.call("UpdateKeyDescription", &with).unwrap();
        tell(key, number);
    }
}

fn tell(key: &Value, number: u64) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{SET}{}", json!([now(), key, number])).unwrap();
    out.flush().unwrap();
}

/// CLOCK_MONOTONIC in nanoseconds: the same for all processes.
fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is writable.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) }, 0);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
