//! What stands beside a store: backups, stores restored from one, anchors. Faults while they are written leave
//! all of one or none, and the store as it was or changed.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kmshsm::api::dispatch_json;
use kmshsm::error::{Error, Result};
use kmshsm::kms::backup::{
    BackupRequest, Created, Quorum, Restoration, Secret, restore, verify_backup,
};
use kmshsm::kms::{Kms, Options, Share};
use kmshsm::model::Timestamp;
use serde_json::json;

use crate::injector::{self, Fault};
use crate::kills::fork;
use crate::tally;
use crate::world::{self, CLOSED, KEY_FILE, Open, START, World};

/// A folder with a store, a backup of it, and its anchor.
struct Folder<'a> {
    world: &'a World,
    place: &'a Path,
    /// The backup that was made before, and the words that open it: shares themselves cross no fork.
    backup: &'a (PathBuf, Vec<String>),
    before: &'a str,
    after: &'a str,
    /// Where the fault is.
    point: String,
}

struct Case {
    name: &'static str,
    run: fn(&Folder<'_>) -> Result<()>,
    /// Fails if what is there is neither before nor after, or before although it was answered.
    check: fn(&Folder<'_>, bool),
}

const CASES: [Case; 3] = [
    Case {
        name: "making a backup",
        run: |folder| {
            let open = Open::at(&folder.place.join("store"), START)?;
            back_up(&open.kms, &folder.place.join("backup")).map(drop)
        },
        check: |folder, was_answered| {
            assert_eq!(folder.world.look(&folder.place.join("store"), START), folder.before);
            let backup = folder.place.join("backup");
            match backup.exists() {
                true => drop(verify_backup(&backup, None, None, &mut |_, _| {}).unwrap()),
                false => assert!(!was_answered),
            }
        },
    },
    Case {
        name: "restoring a backup",
        run: |folder| {
            let (backup, words) = folder.backup;
            let shares = Share::parse_all(words.iter().map(String::as_str))?;
            let asked = Restoration {
                backup,
                secret: Secret::Shares(&shares),
                public_key: None,
                place: &folder.place.join("restored"),
                unlock: &KEY_FILE,
                newer: None,
            };
            restore(&asked, &mut |_, _| {}).map(drop)
        },
        check: |folder, was_answered| match Open::at(&folder.place.join("restored"), START) {
            Ok(open) => {
                let used = json!({ "KeyId": folder.world.used });
                open.call("DescribeKey", &used).unwrap();
                assert_eq!(open.kms.ledger().unwrap(), [""; 0]);
            }
            Err(error) => {
                assert!(!was_answered && is_absent(&error), "{}: {error}", folder.point);
            }
        },
    },
    Case {
        name: "changing a store with an anchor",
        run: |folder| {
            let kms = anchored(folder.place)?;
            let session = kms.session("111122223333", "cn-hangzhou")?;
            let with = json!({ "KeyId": folder.world.used, "Description": "new" });
            dispatch_json(&session, "UpdateKeyDescription", Some(&with.to_string())).map(drop)
        },
        check: |folder, was_answered| {
            let rollback = anchored(folder.place).unwrap().status().rollback;
            assert_ne!(rollback, "suspect", "{}", folder.point);
            let seen = folder.world.look(&folder.place.join("store"), START);
            assert!(
                seen == folder.after || (seen == folder.before && !was_answered),
                "{}: {seen}",
                folder.point
            );
        },
    },
];

pub fn campaign(world: &World) {
    kills(world);
    errors(world);
}

/// Kills at every write of each.
fn kills(world: &World) {
    each(world, &[Fault::Kill, Fault::Torn], |folder, case, at, fault| {
        let child = fork(|answers| {
            injector::arm(folder.place, at, fault);
            (case.run)(folder).unwrap();
            answers.write_all(b".").unwrap();
            injector::disarm();
        });
        child.is_killed.then_some(child.answers > 0)
    });
}

/// Has every call of each fail.
fn errors(world: &World) {
    let faults = [Fault::Io, Fault::SyncsFail, Fault::Space, Fault::NoSpaceLeft, Fault::Short];
    each(world, &faults, |folder, case, at, fault| {
        injector::arm(folder.place, at, fault);
        let done = (case.run)(folder);
        injector::disarm().then_some(done.is_ok())
    });
}

/// `strike` answers whether the caller got an answer; `None` if the fault was not met.
fn each(
    world: &World,
    faults: &[Fault],
    strike: impl Fn(&Folder<'_>, &Case, u64, Fault) -> Option<bool>,
) {
    let step = if tally::is_torture() { 1 } else { 5 };
    let copy = world.copy(CLOSED, "before");
    let before = world.look(&copy, START);
    let copy = world.copy(CLOSED, "after");
    let open = Open::at(&copy, START).unwrap();
    let new = json!({ "KeyId": world.used, "Description": "new" });
    open.call("UpdateKeyDescription", &new).unwrap();
    drop(open);
    let after = world.look(&copy, START);
    let copy = world.copy(CLOSED, "backed-up");
    let backup = copy.with_file_name("the-backup");
    let _absent = std::fs::remove_file(&backup);
    let created = back_up(&Open::at(&copy, START).unwrap().kms, &backup).unwrap();
    let words = created.shares[..2].iter().map(|share| share.words().unwrap().to_string());
    let backup = (backup, words.collect());
    for (number, case) in CASES.iter().enumerate() {
        let mut points = 0;
        for (offset, fault) in faults.iter().enumerate() {
            for at in (((number + offset) % step) as u64..).step_by(step) {
                let place = world.vacant("beside");
                std::fs::create_dir(&place).unwrap();
                world::copy(&world.copy(CLOSED, "closed-copy"), &place.join("store"));
                let (before, after) = (&before, &after);
                let point = format!("{}: {fault:?} at {at}", case.name);
                let folder = Folder { world, place: &place, backup: &backup, before, after, point };
                let Some(was_answered) = strike(&folder, case, at, *fault) else { break };
                (case.check)(&folder, was_answered);
                points += 1;
            }
        }
        let kind = if faults[0] == Fault::Kill { "kill -9" } else { "EIO, ENOSPC and the like" };
        tally::tell(&format!("{kind} while {}", case.name), points, points);
    }
}

fn back_up(kms: &Kms, path: &Path) -> Result<Created> {
    let shares = Some(Quorum { threshold: 2, count: 3 });
    let request = BackupRequest { shares, include_imported: true, ..BackupRequest::default() };
    kms.create_backup(path, &request, &mut |_, _| {})
}

fn anchored(folder: &Path) -> Result<Arc<Kms>> {
    let options = Options {
        allow_unprotected_memory: true,
        manual_clock: Some(Timestamp(START)),
        anchor: Some(folder.join("anchor")),
        ..Options::default()
    };
    Kms::open(&folder.join("store"), &KEY_FILE, options)
}

/// There is no store, or one that was moved to its place and killed before its first records.
pub fn is_absent(error: &Error) -> bool {
    match error.code().wire_code() {
        "Store.NotFound" => true,
        "Store.Damaged" => error.to_string().contains("never finished"),
        _ => false,
    }
}
