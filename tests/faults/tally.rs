//! What the runs have tried, for `docs/reliability.md`: a line for each in `target/tmp/reliability.jsonl`.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use kmshsm::model::{Clock, SystemClock};
use serde_json::json;

/// Whether all is tried, and not a sample.
pub fn is_torture() -> bool {
    std::env::var_os("KMSHSM_TORTURE").is_some()
}

/// What is tested, as far as the machine can tell.
fn commit() -> String {
    let words = ["describe", "--always", "--dirty", "--exclude=*"];
    let told = Command::new("git").args(words).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let told = told.ok().filter(|told| told.status.success());
    told.map_or("unknown".into(), |told| String::from_utf8_lossy(&told.stdout).trim().to_owned())
}

/// `points` were tried, `faults` of them met one, and nothing was lost: who finds that something was
/// fails before this.
pub fn tell(subject: &str, points: u64, faults: u64) {
    assert!(points > 0, "{subject}: nothing was tried");
    println!("{subject}: {points} points, {faults} faults, lost: 0");
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reliability.jsonl");
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    let line = json!({
        "commit": commit(),
        "time": SystemClock.now().0,
        "subject": subject,
        "points": points,
        "faults": faults,
        "lost": 0,
        "torture": is_torture(),
    });
    // One write, so that lines of several processes stay whole.
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}
