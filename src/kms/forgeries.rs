//! What whoever can write to a store's file does not achieve by it: entries are not sealed, and records
//! can be put back or taken away.

use std::sync::Arc;

use crate::error::{ErrorCode, Result};
use crate::keystore::Batch;
use crate::kms::cache::Meters;
use crate::kms::lists::List;
use crate::kms::record::sample;
use crate::kms::{AliasRecord, KeyRecord, Kms, Options, Tick, Version, places};
use crate::model::{AliasName, KeyId, KeyState, KeyVersionId, Timestamp};

const START: Timestamp = Timestamp(1_562_246_055);
const WEEK: u64 = 7 * 86_400;

fn store() -> Arc<Kms> {
    Kms::in_memory(Options { manual_clock: Some(START), ..Options::default() }).unwrap()
}

/// A key that waits for its material, and for its destruction in a week.
fn key(kms: &Kms, number: u8, aliases: &[&str]) -> KeyRecord {
    let version = Version { id: KeyVersionId::from_random([number; 16]), created: START };
    let made = kms.change(|transaction| {
        let mut key = KeyRecord {
            id: KeyId::from_random([number; 16]),
            seq: transaction.next_seq(&sample().space)?,
            state: KeyState::PendingDeletion,
            delete_date: Some(START.plus(WEEK)),
            versions: vec![version],
            ..sample()
        };
        transaction.put_empty_version(&key, version)?;
        for name in aliases {
            transaction.add_alias(&mut key, &AliasName::parse(name).unwrap())?;
        }
        transaction.put_key(None, &key)?;
        Ok(key)
    });
    kms.refresh().unwrap();
    made.unwrap()
}

impl Kms {
    /// What is written to the file behind the library's back.
    pub(super) fn forge(&self, puts: Vec<(Vec<u8>, Vec<u8>)>, deletes: Vec<Vec<u8>>) {
        self.store.commit(Batch { puts, deletes, ..Batch::default() }).unwrap();
    }

    pub(super) fn value(&self, storage_key: &[u8]) -> Option<Vec<u8>> {
        super::stored::one(&*self.store, storage_key).unwrap().map(|(_, value)| value)
    }

    fn named(&self, name: &str) -> Result<Option<AliasRecord>> {
        let name = AliasName::parse(name).unwrap();
        self.change(|transaction| transaction.alias(&sample().space, &name))
    }

    fn entry(&self, list: &List, seq: u64) -> Vec<u8> {
        let keyring = self.hsm.keyring().unwrap();
        places::list_entry(&places::list(&keyring, &sample().space, list).unwrap(), seq)
    }

    fn pass(&self, seconds: u64) {
        self.manual_clock().unwrap().advance(seconds);
    }
}

/// A key that is listed for several hours is destroyed and counted once.
#[test]
fn one_key_due_twice() {
    let kms = store();
    let (key, _other) = (key(&kms, 1, &[]), key(&kms, 2, &[]));
    let hour = places::due(&kms.hsm.keyring().unwrap(), START.plus(WEEK).hour() - 1).unwrap();
    let forged = places::due_entry(&hour, &key.id);
    kms.forge(vec![(forged.clone(), Vec::new())], vec![]);
    kms.pass(WEEK);
    assert_eq!(kms.tick().unwrap(), Tick { deleted: 2, ..Tick::default() });
    kms.forge(vec![], vec![forged]);
    assert_eq!(kms.ledger().unwrap(), Vec::<String>::new());
}

/// Entries of lists neither keep a key from being destroyed nor take aliases from another.
#[test]
fn lists_of_aliases() {
    let kms = store();
    let first = key(&kms, 1, &["alias/a", "alias/b"]);
    let second = KeyRecord { delete_date: None, ..key(&kms, 2, &["alias/c"]) };
    kms.change(|t| t.put_key(t.key(&second.id)?.as_ref(), &second)).unwrap();
    let (a, c) = (kms.named("alias/a").unwrap().unwrap(), kms.named("alias/c").unwrap().unwrap());
    let entry = |of: &KeyRecord, alias: &AliasRecord| kms.entry(&List::AliasesOf(of.id), alias.seq);
    let id_of_c = kms.value(&entry(&second, &c)).unwrap();
    kms.forge(vec![(entry(&first, &c), id_of_c)], vec![entry(&first, &a)]);
    kms.pass(WEEK);
    assert_eq!(kms.tick().unwrap(), Tick { deleted: 1, ..Tick::default() });
    assert_eq!(kms.named("alias/a"), Ok(None));
    assert_eq!(kms.named("alias/b"), Ok(None));
    assert_eq!(kms.named("alias/c"), Ok(Some(c.clone())));
    kms.forge(vec![], vec![entry(&first, &c)]);
    assert_eq!(kms.ledger().unwrap(), Vec::<String>::new());
}

/// What goes with a key is destroyed though it has been damaged, and the damage remains to be seen.
#[test]
fn a_damaged_version() {
    let kms = store();
    let key = key(&kms, 1, &[]);
    let version = places::version(&key.primary().unwrap().id);
    let mut record = kms.value(&version).unwrap();
    record.iter_mut().rev().take(1).for_each(|last| *last ^= 1);
    kms.forge(vec![(version.clone(), record)], vec![]);
    kms.pass(WEEK);
    assert_eq!(kms.tick().unwrap(), Tick { deleted: 1, ..Tick::default() });
    assert_eq!(kms.value(&version), None);
    let faults = kms.ledger().unwrap();
    assert!(matches!(&faults[..], [fault] if fault.contains("in the header")), "{faults:?}");
}

/// One key that cannot be read keeps no other from what is due, and is reported to who sweeps.
#[test]
fn a_damaged_key() {
    let kms = store();
    let keys = [key(&kms, 1, &[]), key(&kms, 2, &[]), key(&kms, 3, &[])];
    let storage_key = places::key(&keys[1].id);
    kms.forget_keys();
    kms.forge(vec![(storage_key.clone(), vec![1; 200])], vec![]);
    kms.pass(WEEK);
    assert_eq!(kms.tick().unwrap_err().code(), ErrorCode::StoreDamaged);
    let left = keys.each_ref().map(|key| kms.value(&places::key(&key.id)).is_some());
    assert_eq!(left, [false, true, false]);
    let (done, damage) = kms.sweep().unwrap();
    assert_eq!(
        (done, damage.map(|error| error.code())),
        (Tick::default(), Some(ErrorCode::StoreDamaged))
    );
}

/// The records of a destroyed key that are put back revive nothing.
#[test]
fn a_destroyed_key_is_put_back() {
    let kms = store();
    let key = key(&kms, 1, &[]);
    let places = [places::key(&key.id), places::version(&key.primary().unwrap().id)];
    let before = places.map(|place| (place.clone(), kms.value(&place).unwrap()));
    kms.pass(WEEK);
    kms.tick().unwrap();
    assert!(kms.find(&key.id).unwrap().is_none());
    kms.forge(before.to_vec(), vec![]);
    let damaged = Some(ErrorCode::StoreDamaged);
    assert_eq!(kms.find(&key.id).err().map(|error| error.code()), damaged);
    let changed = kms.change(|transaction| transaction.key(&key.id));
    assert_eq!(changed.err().map(|error| error.code()), damaged);
}

/// A sweep that leaves something undone does not write each time.
#[test]
fn sweeps_without_progress() {
    let kms = store();
    let key = key(&kms, 1, &[]);
    kms.forget_keys();
    kms.forge(vec![(places::key(&key.id), vec![1; 200])], vec![]);
    kms.pass(2 * WEEK);
    let mut revisions = Vec::new();
    for _ in 0..3 {
        assert_eq!(kms.tick().unwrap_err().code(), ErrorCode::StoreDamaged);
        revisions.push(kms.header_revision().unwrap());
    }
    assert_eq!(revisions[1], revisions[2]);
}

/// An entry at the end of all places leads nowhere.
#[test]
fn the_last_place_of_a_list() {
    let kms = store();
    let key = key(&kms, 1, &["alias/a"]);
    let entry = kms.entry(&List::AliasesOf(key.id), u64::MAX);
    kms.forge(vec![(entry, vec![0; 16])], vec![]);
    let listed = kms.aliases(&key.space, Some(&key), 1, 10);
    assert_eq!(listed.err().map(|error| error.code()), Some(ErrorCode::StoreDamaged));
}

/// A key that is destroyed between being found and being used is not found, and no damage.
#[test]
fn a_key_destroyed_meanwhile() {
    let kms = store();
    let key = key(&kms, 1, &[]);
    let found = kms.find(&key.id).unwrap().unwrap();
    kms.pass(WEEK);
    kms.tick().unwrap();
    let version = key.primary().unwrap().id;
    let used = kms.with_material(&found, version, Meters::Not, |_| Ok(()));
    assert_eq!(used.map_err(|error| error.code()), Err(ErrorCode::KeyNotFound));
}

/// What does not fit together because of another's change is looked at again, until nothing has changed between
/// two looks.
#[test]
fn damage_that_is_a_change() {
    let kms = store();
    let mut looks = 0;
    let seen = kms.look(|| {
        looks += 1;
        if looks == 1 {
            key(&kms, 1, &[]);
        }
        if looks == 2 { Ok(()) } else { Err(ErrorCode::StoreDamaged.into()) }
    });
    assert_eq!((seen, looks), (Ok(()), 2));
    let seen = kms.look(|| {
        looks += 1;
        Result::<()>::Err(ErrorCode::StoreDamaged.into())
    });
    assert_eq!((seen, looks), (Err(ErrorCode::StoreDamaged.into()), 4));
}
