//! What is made for other stores while a thread draws what a test-only store draws.

use super::*;
use crate::hsm::shares::fresh_shares;
use crate::kms::backup::{BackupRequest, Quorum, Restoration, Secret, restore};

const UNLOCK: Unlock<'_> = Unlock::KeyFile(&[7; 32]);

/// Does it in a scope of a seed, and answers what the seed gives next.
fn next_after(work: impl FnOnce()) -> [u8; 16] {
    let seeded = Seeded::new("a").unwrap();
    let _scope = seeded.enter();
    work();
    random().unwrap()
}

#[test]
fn it_draws_nothing_of_the_seed() {
    let folder = tempfile::tempdir().unwrap();
    let [store, copy, backup] = ["store", "copy", "backup"].map(|name| folder.path().join(name));
    let untouched = next_after(|| {});
    let mut drew = Vec::new();
    let mut look = |name, work: &mut dyn FnMut()| {
        if next_after(work) != untouched {
            drew.push(name);
        }
    };
    look("a key", &mut || drop(fresh_key().unwrap()));
    look("shares", &mut || drop(fresh_shares(2, 3).unwrap()));
    look("in memory", &mut || drop(Kms::in_memory(Options::default()).unwrap()));
    look("create", &mut || Kms::create(&store, &UNLOCK).unwrap());
    look("open", &mut || {
        // It changes a store that is suspect and is taken as it is.
        let options =
            Options { min_generation: Some(1000), accept_rollback: true, ..Options::default() };
        drop(Kms::open(&store, &UNLOCK, options).unwrap());
    });
    let kms = Kms::open(&store, &UNLOCK, Options::default()).unwrap();
    let shares = Some(Quorum { threshold: 2, count: 2 });
    let request = BackupRequest { shares, ..BackupRequest::default() };
    let made = kms.create_backup(&backup, &request, &mut |_, _| ()).unwrap();
    let asked = Restoration {
        backup: &backup,
        secret: Secret::Shares(&made.shares),
        public_key: None,
        place: &copy,
        unlock: &UNLOCK,
        newer: None,
    };
    look("restore", &mut || drop(restore(&asked, &mut |_, _| ()).unwrap()));
    assert_eq!(drew, [""; 0]);
}
