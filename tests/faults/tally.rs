//! What the runs have tried, for `docs/reliability.md`: a line for each in `target/tmp/reliability.jsonl`.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

/// Whether all is tried, and not a sample.
pub fn is_torture() -> bool {
    std::env::var_os("KMSHSM_TORTURE").is_some()
}

/// `points` were tried, `faults` of them met one, and nothing was lost: who finds that something was
/// fails before this.
pub fn tell(subject: &str, points: u64, faults: u64) {
    assert!(points > 0, "{subject}: nothing was tried");
    println!("{subject}: {points} points, {faults} faults, lost: 0");
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reliability.jsonl");
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let line = json!({
        "time": now,
        "subject": subject,
        "points": points,
        "faults": faults,
        "lost": 0,
        "torture": is_torture(),
    });
    // One write, so that lines of several processes stay whole.
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}
