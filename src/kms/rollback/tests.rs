//! T-ST-5: stores that are put back as a whole, with an anchor and without one.

mod overtaken;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::kms::record::sample;
use crate::kms::{Audit, DataPlane, Unlock, places};

const UNLOCK: Unlock<'_> = Unlock::KeyFile(&[7; 32]);

/// A store in a directory, an anchor beside it, and a copy of the store.
struct World(TempDir);

impl World {
    fn new() -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        Kms::create(&world.store(), &UNLOCK).unwrap();
        world
    }

    fn store(&self) -> PathBuf {
        self.0.path().join("store")
    }

    fn anchor(&self) -> PathBuf {
        self.0.path().join("anchor")
    }

    fn options(&self) -> Options {
        Options { anchor: Some(self.anchor()), ..Options::default() }
    }

    fn open(&self, options: Options) -> Arc<Kms> {
        Kms::open(&self.store(), &UNLOCK, options).unwrap()
    }

    fn refused(&self, options: Options) -> ErrorCode {
        Kms::open(&self.store(), &UNLOCK, options).map(drop).unwrap_err().code()
    }

    /// Copies the store, which nobody has open.
    fn copy(&self, from: &str, to: &str) {
        let (from, to) = (self.0.path().join(from), self.0.path().join(to));
        let _before = fs::remove_dir_all(&to);
        fs::create_dir(&to).unwrap();
        fs::set_permissions(&to, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        for file in fs::read_dir(from).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
}

fn change(kms: &Kms) -> Result<u64, ErrorCode> {
    let changed = kms.change(|transaction| transaction.next_seq(&sample().space));
    changed.map_err(|error| error.code())
}

fn stands(kms: &Kms) -> (&'static str, &'static str, &'static str) {
    let status = kms.status();
    (status.store, status.rollback, status.anchor)
}

#[test]
fn without_an_anchor_nothing_is_known() {
    let world = World::new();
    world.copy("store", "copy");
    let kms = world.open(Options::default());
    change(&kms).unwrap();
    drop(kms);
    world.copy("copy", "store");
    let kms = world.open(Options::default());
    assert_eq!(stands(&kms), ("writable", "none", "none"));
    assert_eq!(change(&kms), Ok(1));
    assert_eq!(kms.accept_rollback(), Ok(false));
}

#[test]
fn an_anchored_store_that_is_put_back_is_suspect() {
    let world = World::new();
    let kms = world.open(world.options());
    assert_eq!(stands(&kms), ("writable", "anchored", "new"));
    change(&kms).unwrap();
    drop(kms);
    world.copy("store", "copy");
    let kms = world.open(world.options());
    assert_eq!(stands(&kms), ("writable", "anchored", "found"));
    assert_eq!(change(&kms), Ok(2));
    let (reached, lineage) = (kms.commits(), kms.header().unwrap().1.lineage);
    drop(kms);

    world.copy("copy", "store");
    let strict = Audit { is_strict: false, data_plane: DataPlane::All };
    let kms = world.open(Options { audit: strict, ..world.options() });
    let before = kms.contents();
    assert_eq!(stands(&kms), ("writable", "suspect", "found"));
    assert_eq!(change(&kms), Err(ErrorCode::StoreSuspect));
    assert_eq!(kms.tick().unwrap_err().code(), ErrorCode::StoreSuspect);
    assert_eq!(kms.flush().unwrap_err().code(), ErrorCode::StoreSuspect);
    kms.sweep().unwrap();
    assert_eq!(kms.read_counters(&sample().space).unwrap().next_seq(), 2);
    assert_eq!(kms.verify(None, &|_, _| true).unwrap().report.findings, []);
    drop(kms);
    let kms = world.open(Options::default());
    assert_eq!(kms.contents(), before, "a suspect store has been changed");
    drop(kms);

    let kms = world.open(Options { accept_rollback: true, ..world.options() });
    assert_eq!(stands(&kms), ("writable", "anchored", "found"));
    let header = kms.header().unwrap().1;
    assert!(header.generation > reached && header.lineage != lineage && header.events == 1);
    assert_eq!(change(&kms), Ok(2));
    drop(kms);
    // The line that was given up is behind it for good.
    let kms = world.open(Options { accept_rollback: true, ..world.options() });
    assert_eq!((stands(&kms).1, kms.accept_rollback()), ("anchored", Ok(false)));
    assert_eq!(kms.verify(None, &|_, _| true).unwrap().report.findings, []);
}

/// Two copies of a store go on from the same state: the one that comes second is another line.
#[test]
fn a_copy_that_goes_on_by_itself_is_suspect() {
    let world = World::new();
    drop(world.open(world.options()));
    world.copy("store", "copy");
    let kms = world.open(world.options());
    change(&kms).unwrap();
    drop(kms);
    world.copy("copy", "store");
    let kms = world.open(Options::default());
    change(&kms).unwrap();
    drop(kms);
    let kms = world.open(world.options());
    assert_eq!(stands(&kms).1, "suspect");
    assert_eq!(kms.accept_rollback(), Ok(true));
    assert_eq!(stands(&kms), ("writable", "anchored", "found"));
    change(&kms).unwrap();
}

/// Of two that are open at once on one anchor, the second to come to a generation hears of it at once.
#[test]
fn two_lines_at_once() {
    let world = World::new();
    drop(world.open(world.options()));
    world.copy("store", "copy");
    let one = world.open(world.options());
    let place = world.0.path().join("copy");
    let other = Kms::open(&place, &UNLOCK, world.options()).unwrap();
    for kms in [&one, &other] {
        kms.change(|t| t.record_of_store(Deed::LoseEvents, 1)).unwrap();
    }
    assert_eq!((stands(&one).1, stands(&other).1), ("anchored", "suspect"));
    assert_eq!((change(&one), change(&other)), (Ok(1), Err(ErrorCode::StoreSuspect)));
}

#[test]
fn a_generation_that_was_reached() {
    let world = World::new();
    let kms = world.open(Options::default());
    change(&kms).unwrap();
    let reached = kms.commits();
    drop(kms);
    let least =
        |min_generation| Options { min_generation: Some(min_generation), ..Options::default() };
    let kms = world.open(least(reached));
    assert_eq!(stands(&kms), ("writable", "anchored", "none"));
    drop(kms);
    let kms = world.open(least(reached + 5));
    assert_eq!(stands(&kms), ("writable", "suspect", "none"));
    assert_eq!(change(&kms), Err(ErrorCode::StoreSuspect));
    drop(kms);
    let kms = world.open(Options { accept_rollback: true, ..least(reached + 5) });
    assert_eq!(stands(&kms).1, "anchored");
    assert!(kms.commits() > reached + 5);
}

/// What goes back under an open store is noticed, too.
#[test]
fn an_open_store_that_goes_back_is_suspect() {
    let world = World::new();
    let kms = world.open(Options::default());
    change(&kms).unwrap();
    let before = kms.contents().into_iter().collect();
    change(&kms).unwrap();
    kms.forge(before, vec![]);
    assert_eq!(change(&kms), Err(ErrorCode::StoreSuspect));
    assert_eq!((stands(&kms).1, kms.accept_rollback()), ("suspect", Ok(true)));
    assert_eq!(change(&kms), Ok(2));
}

/// A domain key that was lost with the later state seals nothing any more, nor does it pass for the next one
/// of its number.
#[test]
fn domain_keys_that_were_lost() {
    for is_retired in [false, true] {
        lose_a_domain_key(is_retired);
    }
}

fn lose_a_domain_key(is_retired: bool) {
    let world = World::new();
    let kms = world.open(Options::default());
    let before = kms.contents();
    assert_eq!(kms.rotate_domain_key(), Ok(2));
    if is_retired {
        assert!(kms.reseal().unwrap().is_done);
    }
    let since = kms.contents().into_keys().filter(|key| !before.contains_key(key)).collect();
    kms.forge(before.into_iter().collect(), since);
    assert_eq!(change(&kms), Err(ErrorCode::StoreSuspect));
    assert_eq!((kms.accept_rollback(), change(&kms)), (Ok(true), Ok(1)));
    assert_eq!(
        world.open(Options::default()).read_counters(&sample().space).unwrap().next_seq(),
        2
    );
    assert_eq!((kms.rotate_domain_key(), change(&kms)), (Ok(2), Ok(2)));
    drop(kms);
    let kms = world.open(Options::default());
    assert_eq!(change(&kms), Ok(3));
    assert!(kms.reseal().unwrap().is_done);
    assert_eq!(kms.verify(None, &|_, _| true).unwrap().report.findings, []);
}

/// Every change of every handle is in the anchor before it is answered.
#[test]
fn the_anchor_is_never_behind() {
    let world = World::new();
    let (one, other) = (world.open(world.options()), world.open(world.options()));
    thread::scope(|scope| {
        for kms in [&one, &other, &one, &other] {
            scope.spawn(|| {
                for _ in 0..10 {
                    let mine = kms.change(|t| {
                        t.next_seq(&sample().space)?;
                        Ok(t.header.generation + 1)
                    });
                    let keyring = kms.hsm.keyring().unwrap();
                    let held = kms.rollback.anchor.as_ref().unwrap().read(&keyring).unwrap();
                    let Held::Mark(mark, _) = held else { panic!("no mark") };
                    assert!(mark.generation >= mine.unwrap());
                }
            });
        }
    });
    assert_eq!(one.commits(), 40);
}

/// A slot that was torn leaves the other; where neither is whole, nothing is known, and that is suspect.
#[test]
fn anchors_that_are_damaged() {
    let world = World::new();
    let kms = world.open(world.options());
    assert_eq!([change(&kms), change(&kms), change(&kms)], [Ok(1), Ok(2), Ok(3)]);
    drop(kms);
    let whole = fs::read(world.anchor()).unwrap();
    assert_eq!(whole.len(), 1024);
    for slot in [0, 512] {
        for at in [0, 20, 100, 511] {
            let mut torn = whole.clone();
            torn[slot + at] ^= 0x80;
            fs::write(world.anchor(), &torn).unwrap();
            // A version that is not known is no damage.
            match at {
                0 => assert_eq!(world.refused(world.options()), ErrorCode::StoreTooNew),
                _ => assert_eq!(stands(&world.open(world.options())).1, "anchored", "{slot} {at}"),
            }
            fs::write(world.anchor(), &whole).unwrap();
        }
    }
    let mut torn = whole.clone();
    (torn[300], torn[900]) = (!torn[300], !torn[900]);
    fs::write(world.anchor(), &torn).unwrap();
    let kms = world.open(world.options());
    assert_eq!(stands(&kms), ("writable", "suspect", "damaged"));
    assert_eq!(kms.accept_rollback(), Ok(true));
    drop(kms);
    assert_eq!(stands(&world.open(world.options())), ("writable", "anchored", "found"));
}

/// Files that are no anchor of this store are left alone.
#[test]
fn files_that_are_no_anchors() {
    let (world, other) = (World::new(), World::new());
    drop(other.open(other.options()));
    for content in [b"text".to_vec(), vec![9; 1023], fs::read(other.anchor()).unwrap()] {
        fs::write(world.anchor(), &content).unwrap();
        assert_eq!(world.refused(world.options()), ErrorCode::InvalidParameter);
        assert_eq!(fs::read(world.anchor()).unwrap(), content);
    }
    let inside = Options { anchor: Some(world.store().join("anchor")), ..Options::default() };
    assert_eq!(world.refused(inside), ErrorCode::InvalidParameter);
    let nowhere = Options { anchor: Some("/nowhere/anchor".into()), ..Options::default() };
    assert_eq!(world.refused(nowhere), ErrorCode::InvalidParameter);
    let memory = Kms::in_memory(world.options()).map(drop);
    assert_eq!(memory.unwrap_err().code(), ErrorCode::InvalidParameter);
}

/// The change that was committed is answered; those that come after it are not made.
#[test]
fn an_anchor_that_cannot_be_written() {
    let world = World::new();
    let kms = world.open(world.options());
    assert_eq!(change(&kms), Ok(1));
    fs::write(world.anchor(), b"something else").unwrap();
    assert_eq!(change(&kms), Ok(2));
    assert_eq!(change(&kms), Err(ErrorCode::Degraded));
    assert_eq!(stands(&kms), ("degraded", "anchored", "failed"));
    assert_eq!(kms.read_counters(&sample().space).unwrap().next_seq(), 3);
    drop(kms);
    fs::remove_file(world.anchor()).unwrap();
    let kms = world.open(world.options());
    assert_eq!((stands(&kms), change(&kms)), (("writable", "anchored", "new"), Ok(3)));
}

/// Events and calls of a suspect store wait, and nothing is tried again and again.
#[test]
fn a_suspect_store_is_quiet() {
    let world = World::new();
    let audit = Audit { is_strict: false, data_plane: DataPlane::All };
    let kms = world.open(Options { min_generation: Some(99), audit, ..Options::default() });
    kms.enter_event(b"{}").unwrap();
    thread::sleep(std::time::Duration::from_millis(2500));
    assert!(!kms.trail.is_empty());
    assert_eq!(kms.recorder.failures(), 0);
    assert_eq!(kms.accept_rollback(), Ok(true));
    kms.flush().unwrap();
    assert!(kms.trail.is_empty());
    assert!(kms.value(places::HEADER).is_some());
}
