//! Rules on the store.
#![forbid(unsafe_code)]

use std::path::Path;

use super::facts::{Inside, Outside, Status, Store};
use super::finding::{Area, Finding, Findings, Level};

/// Less free space than this ends in a failed write soon.
const LITTLE: u64 = 16 << 20;
/// Less than this is worth knowing.
const SCARCE: u64 = 256 << 20;
/// A log is brought into the database at some 16 MiB, unless somebody reads an old state all the time.
const LONG: u64 = 128 << 20;
/// How far clocks of one machine may be apart, in seconds.
const LEEWAY: u64 = 60;
/// File systems whose locks and mappings do not hold between machines, as mount(8) names them.
const REMOTE: [&str; 9] = ["nfs", "nfs4", "cifs", "smb3", "9p", "afs", "ceph", "coda", "lustre"];

/// Everything about the store, as of now (seconds since 1970).
pub fn findings(store: &Store, now: u64) -> Vec<Finding> {
    let mut found = Findings::of(Area::Store);
    match store {
        Store::Nowhere => found.found(
            "store",
            Level::Note,
            "No store was looked at: neither HOME nor --store says where it is.",
            "kmshsm doctor --store DIR",
        ),
        Store::Missing { place, is_named } => found.found(
            "store",
            if *is_named { Level::Problem } else { Level::Note },
            format!("There is no store at {}.", place.display()),
            format!("kmshsm init --store {}", quoted(place)),
        ),
        Store::There { outside, inside } => {
            from_outside(outside, now, &mut found);
            from_inside(outside, inside, &mut found);
        }
    }
    found.list
}

fn from_outside(store: &Outside, now: u64, found: &mut Findings) {
    let Outside { place, mode, .. } = store;
    match (mode & 0o077, store.is_own) {
        (0, true) => found.ok("directory", format!("{} is private.", place.display())),
        (0, false) => found.found(
            "directory",
            Level::Warning,
            format!("{} belongs to another user.", place.display()),
            "Run the doctor as its owner.",
        ),
        _ => found.found(
            "directory",
            Level::Problem,
            format!("Others may enter {} (mode {mode:o}), so it is not opened.", place.display()),
            format!("chmod 700 {}", quoted(place)),
        ),
    }
    match store.file_system.as_deref() {
        Some(name) if REMOTE.contains(&name) => found.found(
            "file system",
            Level::Problem,
            format!("The store is on {name}, whose locks do not hold between machines."),
            "Move it to a local disk while nothing uses it.",
        ),
        Some(name) if name.starts_with("fuse") => found.found(
            "file system",
            Level::Note,
            format!("The store is on {name}: whether that is local, only you know."),
            "Move it to a local disk unless this is one.",
        ),
        Some("tmpfs" | "ramfs") => found.found(
            "file system",
            Level::Warning,
            "The store is in memory, and gone when the machine is switched off.",
            "Move it to a disk while nothing uses it.",
        ),
        Some(name) => found.ok("file system", format!("It is on a local file system ({name}).")),
        None => {}
    }
    space(store, found);
    match store.format {
        Some(1) => found.ok("format", "The database is one of this library's."),
        Some(format) => found.found(
            "format",
            Level::Problem,
            format!("The database has the format {format}, which this version does not know."),
            "Use the version that has written it, or a newer one.",
        ),
        None => found.found(
            "format",
            Level::Problem,
            "store.db is no database of this library's.",
            "kmshsm backup restore, from a backup",
        ),
    }
    if store.written.is_some_and(|written| written > now + LEEWAY) {
        found.found(
            "clock",
            Level::Warning,
            "The store was written in the future: the clock has gone back, and the store's stands still.",
            "sudo timedatectl set-ntp true",
        );
    }
    for (path, mode, is_inside) in &store.secrets {
        if mode & 0o077 != 0 {
            found.found(
                "secret",
                Level::Warning,
                format!("Others may read {} (mode {mode:o}).", path.display()),
                format!("chmod 600 {}", quoted(path)),
            );
        }
        if *is_inside {
            found.found(
                "secret",
                Level::Warning,
                format!("{} lies in the store, and opens every copy of it.", path.display()),
                "Keep it elsewhere.",
            );
        }
    }
}

fn space(store: &Outside, found: &mut Findings) {
    let mib = |bytes: u64| bytes >> 20;
    match store.free {
        Some(free) if free < LITTLE => found.found(
            "space",
            Level::Problem,
            format!(
                "{} MiB are free: the next changes fail, and the store turns read-only.",
                mib(free)
            ),
            "Make room on its file system.",
        ),
        Some(free) if free < SCARCE => found.found(
            "space",
            Level::Warning,
            format!("{} MiB are free.", mib(free)),
            "Make room on its file system.",
        ),
        Some(free) => found.ok("space", format!("{} MiB are free.", mib(free))),
        None => {}
    }
    match store.log {
        Some(log) if log > LONG => found.found(
            "log",
            Level::Warning,
            format!("The log has {} MiB: some program reads an old state all the time.", mib(log)),
            "Close programs that have had it open for long; kmshsm tick then shortens it.",
        ),
        log => {
            let kib = |bytes: Option<u64>| bytes.unwrap_or(0).div_ceil(1024);
            let sizes = (kib(store.database), kib(log));
            found.ok("log", format!("The database has {} KiB, its log {} KiB.", sizes.0, sizes.1));
        }
    }
}

fn from_inside(outside: &Outside, inside: &Inside, found: &mut Findings) {
    let at = format!("--store {}", quoted(&outside.place));
    match inside {
        Inside::NotTried => {}
        Inside::Closed => found.found(
            "store",
            Level::Note,
            "It was not opened for want of a secret: state, rollback, shredding, slots and anchor are not known.",
            format!("kmshsm doctor {at} --key-file FILE, or another option with the secret"),
        ),
        Inside::Failed { code, why } => found.found(
            "store",
            Level::Problem,
            format!("It does not open: {code}: {why}"),
            match code.as_str() {
                "Store.UnlockFailed" => "Give another secret, or see who has one of its shares.",
                "Store.Damaged" => "kmshsm backup restore, from a backup",
                _ => "",
            },
        ),
        Inside::Open { status, slots } => opened(status, *slots, outside, &at, found),
    }
}

fn opened(status: &Status, slots: usize, outside: &Outside, at: &str, found: &mut Findings) {
    match status.state.as_str() {
        "operational" => {
            found.ok("state", format!("It works, at generation {}.", status.generation))
        }
        state => found.found(
            "state",
            Level::Problem,
            format!(
                "Its state is {state}: {}",
                status.failure.as_deref().unwrap_or("no reason is known.")
            ),
            "kmshsm self-test",
        ),
    }
    match status.store.as_str() {
        "writable" => found.ok("writing", "It can be written."),
        "read-only" => found.found(
            "writing",
            Level::Warning,
            "It cannot be written, only read: the files or the file system do not allow it.",
            format!("ls -l {}; mount", quoted(&outside.place)),
        ),
        _ => found.found(
            "writing",
            Level::Problem,
            "Writing failed, so it takes no changes.",
            "Look after disk, space and anchor; programs open it again after that.",
        ),
    }
    if status.hsm_keys == "overridden" {
        found.found(
            "level HSM",
            Level::Warning,
            "Keys at level HSM are used although memory cannot be locked.",
            "Leave out --allow-unprotected-memory, and see what is said of memory above.",
        );
    }
    match status.rollback.as_str() {
        "suspect" => found.found(
            "rollback",
            Level::Problem,
            "It is behind a state that it is known to have reached: an old copy was put back. It takes no changes.",
            format!("Find the newer one; if it is lost: kmshsm status {at} --anchor FILE --accept-rollback"),
        ),
        "anchored" => found.ok("rollback", "It continues what its anchor remembers."),
        _ => {}
    }
    match status.anchor.as_str() {
        "none" => found.found(
            "anchor",
            Level::Note,
            "It has no anchor, so nobody would notice if an old copy of it was put back.",
            format!("kmshsm status {at} --anchor FILE, on other media; all programs name it from then on"),
        ),
        "damaged" | "failed" => found.found(
            "anchor",
            Level::Problem,
            format!("The anchor is {}: the store takes no changes.", status.anchor),
            "See whether its media are there and can be written.",
        ),
        _ if outside.anchor_is_beside => found.found(
            "anchor",
            Level::Warning,
            "The anchor is on the file system of the store: who puts back the one puts back the other.",
            "Move it to other media.",
        ),
        _ => {}
    }
    match status.shred.as_deref() {
        Some("pending") => found.found(
            "shred",
            Level::Note,
            "What has been destroyed can still be read in old copies of the store.",
            format!("kmshsm tick {at}, once a day; or kmshsm domain-key rotate {at}, now"),
        ),
        Some(_) => {
            found.ok("shred", "What has been destroyed cannot be read in old copies either.")
        }
        None => {}
    }
    match slots {
        1 => found.found(
            "slots",
            Level::Note,
            "One secret opens it, and without that nothing does.",
            format!("kmshsm slot add {at} --new-key-file FILE, and keep that file apart"),
        ),
        slots => found.ok("slots", format!("{slots} secrets open it.")),
    }
    found.found(
        "verified",
        Level::Note,
        "Whether all of it is as it was written, and when that was last looked at, is not known.",
        format!("kmshsm verify {at}"),
    );
}

/// The path as a word of a shell.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:,@".contains(c);
    match text.chars().all(is_plain) && !text.is_empty() {
        true => text.into_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}
