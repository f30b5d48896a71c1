//! `kmshsm doctor` in real conditions. What it says of those that are not at hand is in its own tests.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use serde_json::Value;

use crate::home::*;

const STORE: [&str; 2] = ["--store", "keys"];
const OPEN: [&str; 4] = ["--store", "keys", "--key-file", "keys.bin"];

/// What was found of a check, and the exit code.
struct Report(i32, Vec<Value>);

impl Report {
    fn of(command: &mut Command) -> Self {
        let run = run(command);
        assert_eq!(run.err, "");
        let report: Value = serde_json::from_str(&run.out).unwrap();
        let findings = report["Findings"].as_array().unwrap().clone();
        for (level, name) in [("problem", "Problems"), ("warning", "Warnings"), ("note", "Notes")] {
            let count = findings.iter().filter(|one| one["Level"] == level).count();
            assert_eq!(report[name], count);
        }
        Self(run.code, findings)
    }

    /// The one finding of this check that is no `ok`, or the `ok`.
    fn about(&self, check: &str) -> &Value {
        let all = || self.1.iter().filter(|finding| finding["Check"] == check);
        let found = all().find(|one| one["Level"] != "ok").or_else(|| all().next());
        found.unwrap_or_else(|| panic!("nothing about {check}: {:?}", self.1))
    }

    fn level(&self, check: &str) -> &str {
        text(&self.about(check)["Level"])
    }
}

fn doctor(home: &Home, args: &[&str]) -> Report {
    Report::of(&mut home.command(&[&["doctor"], args].concat()))
}

/// The exit code where nothing is wrong but what is wrong with the machine.
fn well() -> i32 {
    if needs_override() { 4 } else { 0 }
}

#[test]
fn a_new_store() {
    let home = Home::with_store();
    let report = doctor(&home, &OPEN);
    assert_eq!(report.0, well());
    for check in ["version", "self-tests", "kernel", "directory", "format", "state", "writing"] {
        let expected =
            if check == "version" && cfg!(feature = "testing") { "problem" } else { "ok" };
        assert_eq!(report.level(check), expected, "{check}");
    }
    for check in ["integrity", "anchor", "slots", "verified"] {
        assert_eq!(report.level(check), "note", "{check}");
    }
    let remedy = text(&report.about("verified")["Remedy"]);
    assert_eq!(remedy, "kmshsm verify --store keys");
    let table = home.run(&[&["doctor", "--output", "table"], &OPEN[..]].concat());
    assert!(table.out.contains("\n\nStore\nok       keys is private.\n"), "{}", table.out);
    assert!(table.out.ends_with(".\n"), "{}", table.out);
}

/// Without a store, and without a secret.
#[test]
fn what_it_could_not_look_at() {
    let home = Home::with_store();
    let report = doctor(&home, &[]);
    assert_eq!((report.0, report.level("store")), (well(), "note"));
    let report = doctor(&home, &["--store", "nowhere"]);
    assert_eq!((report.0, report.level("store")), (6, "problem"));
    let report = doctor(&home, &STORE);
    assert_eq!((report.0, report.level("store")), (well(), "note"));
    assert!(text(&report.about("store")["Finding"]).contains("want of a secret"));
    assert_eq!(report.level("directory"), "ok");
}

#[test]
fn stores_that_do_not_open() {
    let home = Home::with_store();
    home.write("other.bin", &[7; 32]);
    let mode = |name: &str, mode| {
        fs::set_permissions(home.path(name), Permissions::from_mode(mode)).unwrap();
    };
    mode("other.bin", 0o644);
    let report = doctor(&home, &[&STORE[..], &["--key-file", "other.bin"]].concat());
    assert_eq!(
        (report.0, report.level("store"), report.level("secret")),
        (6, "problem", "warning")
    );
    assert!(text(&report.about("store")["Finding"]).contains("Store.UnlockFailed"));
    assert_eq!(report.about("secret")["Remedy"], "chmod 600 other.bin");

    mode("keys", 0o755);
    let report = doctor(&home, &OPEN);
    assert_eq!((report.0, report.level("directory")), (6, "problem"));
    assert_eq!(report.about("directory")["Remedy"], "chmod 700 keys");
    mode("keys", 0o700);
    assert_eq!(doctor(&home, &OPEN).0, well());

    let database = home.path("keys/store.db");
    let whole = fs::read(&database).unwrap();
    fs::write(&database, &whole[..whole.len() / 2]).unwrap();
    let report = doctor(&home, &OPEN);
    assert_eq!((report.0, report.level("store"), report.level("format")), (6, "problem", "ok"));
    fs::write(&database, b"SQLite, or not").unwrap();
    assert_eq!(doctor(&home, &STORE).level("format"), "problem");
}

#[test]
fn anchors_and_what_goes_back() {
    let home = Home::with_store();
    let anchored = [&OPEN[..], &["--anchor", "anchor"]].concat();
    home.ok("CreateUser", &["--UserName", "alice", "--anchor", "anchor"]);
    // Beside the store it is of little use.
    assert_eq!(doctor(&home, &anchored).level("anchor"), "warning");
    let behind = [&OPEN[..], &["--min-generation", "1000000"]].concat();
    let report = doctor(&home, &behind);
    assert_eq!((report.0, report.level("rollback")), (6, "problem"));
}

/// As `ulimit -l 0` for somebody who is not privileged.
#[test]
fn memory_that_cannot_be_locked() {
    let home = Home::with_store();
    let mut command = home.command(&[&["doctor"], &OPEN[..]].concat());
    // SAFETY: both calls are async-signal-safe and touch no memory of this process.
    unsafe {
        command.pre_exec(|| {
            const CAP_IPC_LOCK: libc::c_ulong = 14;
            // Only who has privileges can give this one up; others do not have it.
            libc::prctl(libc::PR_CAPBSET_DROP, CAP_IPC_LOCK, 0, 0, 0);
            let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            match libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const none) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        });
    }
    let report = Report::of(&mut command);
    assert_eq!(report.0, 4);
    assert_eq!((report.level("protection"), report.level("memlock")), ("problem", "warning"));
    assert!(text(&report.about("protection")["Remedy"]).starts_with("ulimit -l 8192"));
    // The store opens all the same.
    assert_eq!(report.level("state"), "ok");
}

/// The program is not what stands beside it.
#[test]
fn a_damaged_program() {
    let home = Home(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap());
    let program = home.path("program");
    fs::hard_link(env!("CARGO_BIN_EXE_kmshsm"), &program).unwrap();
    home.write(".program.hmac", &[b'0'; 64]);
    let report = Report::of(&mut home.command_of(&program, &["doctor"]));
    assert_eq!((report.0, report.level("integrity")), (4, "problem"));
    assert_eq!(report.level("protection"), "problem");
}
