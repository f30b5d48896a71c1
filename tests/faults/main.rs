//! Faults: processes killed at any write, disks that fail or are full, files that are damaged, power that
//! is cut. Whatever has been answered is there afterwards, and the rest is as before or an error.
//!
//! Samples, all in a minute; everything if `KMSHSM_TORTURE` is set. Faults are injected into other
//! processes, which are this program again, running [`worker`] with `inject.c` loaded.
#![allow(missing_docs)]

mod copies;
mod damage;
mod disks;
mod errors;
mod injector;
mod kills;
mod kinds;
mod locks;
mod media;
mod power;
mod records;
mod tally;
mod world;

use std::process::Command;

use world::World;

const ROLE: &str = "KMSHSM_TEST_ROLE";

#[test]
fn kills_at_every_write() {
    run_injected("kills");
}

#[test]
fn errors_at_every_call() {
    run_injected("errors");
}

#[test]
fn faults_beside_a_store() {
    run_injected("copies");
}

#[test]
fn file_systems_without_locks() {
    run_injected("locks");
}

/// Not a test: what the other processes run.
#[test]
fn worker() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let world = World::new(folder());
    match role.as_str() {
        "kills" => kills::campaign(&world),
        "errors" => errors::campaign(&world),
        "copies" => copies::campaign(&world),
        "locks" => locks::refused(&world),
        other => panic!("no role {other}"),
    }
}

fn run_injected(role: &str) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "worker", "--nocapture", "--test-threads=1"])
        .env("LD_PRELOAD", injector::library())
        .env(ROLE, role)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    println!("{told}");
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
}

/// In memory if there is such a place: what is injected does not depend on the disk, which is slower.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}
