//! Writing calls down.

use std::sync::Arc;

use crate::error::ErrorCode;
use crate::kms::record::sample;
use crate::kms::{Kms, Options, Transaction, Unlock};
use crate::model::{CallClass, Space};

fn options() -> Options {
    Options { allow_unprotected_memory: true, ..Options::default() }
}

fn space() -> Space {
    Space::new("1", "cn-hongkong").unwrap()
}

/// Calls that have been written down are no reason for anybody to read keys again.
#[test]
fn caches_stay() {
    let folder = tempfile::tempdir().unwrap();
    let (place, unlock) = (folder.path().join("store"), Unlock::KeyFile(&[7; 32]));
    Kms::create(&place, &unlock).unwrap();
    let directory = || Kms::open(&place, &unlock, options()).unwrap();
    let memory = Kms::in_memory(options()).unwrap();
    for pair in [[directory(), directory()], [Arc::clone(&memory), memory]] {
        pair.iter().for_each(|kms| kms.refresh().unwrap());
        let drops = pair.each_ref().map(|kms| kms.drops());
        let revision = pair[0].header_revision().unwrap();
        pair[0].pretend_calls(&space(), CallClass::Basic, 1);
        pair[0].flush().unwrap();
        assert!(pair[0].header_revision().unwrap() > revision);
        pair.iter().for_each(|kms| kms.refresh().unwrap());
        assert_eq!(pair.each_ref().map(|kms| kms.drops()), drops);
    }
}

#[test]
fn nothing_is_written_without_calls() {
    let kms = Kms::in_memory(options()).unwrap();
    let revision = kms.header_revision().unwrap();
    let _held = kms.meter.counter(&space(), CallClass::Basic);
    kms.flush().unwrap();
    kms.tick().unwrap();
    assert_eq!(kms.header_revision().unwrap(), revision);
}

/// What cannot be written stays counted.
#[test]
fn a_store_that_fails() {
    let kms = Kms::in_memory(options()).unwrap();
    kms.pretend_calls(&space(), CallClass::Basic, 3);
    kms.pretend_calls(&space(), CallClass::Advanced, 4);
    kms.hsm.drop_keyring();
    assert_eq!(kms.flush().unwrap_err().code(), ErrorCode::Closed);
    let mut left = kms.meter.drain().0;
    left.sort_by_key(|(_, _, calls)| *calls);
    assert_eq!(left, [(space(), CallClass::Basic, 3), (space(), CallClass::Advanced, 4)]);
}

/// A meter that says other than the keys is seen, also where there are none.
#[test]
fn a_meter_that_is_off() {
    let kms = Kms::in_memory(options()).unwrap();
    let key = sample();
    let faults = |kms: &Kms| kms.ledger().unwrap();
    assert_eq!(faults(&kms), [""; 0]);
    let more = |transaction: &mut Transaction<'_>| {
        transaction.meter_versions(&key.space, None, Some(&key))
    };
    kms.change(more).unwrap();
    assert!(matches!(&faults(&kms)[..], [fault] if fault.contains("meter")));
    let fewer = |transaction: &mut Transaction<'_>| {
        transaction.meter_versions(&key.space, Some(&key), None)
    };
    kms.change(fewer).unwrap();
    assert_eq!(faults(&kms), [""; 0]);
    let damaged = kms.change(fewer).map_err(|error| error.code());
    assert_eq!(damaged, Err(ErrorCode::StoreDamaged));
}
