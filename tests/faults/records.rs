//! Sealed records in the places of others, of other stores and of earlier times.

use std::collections::BTreeMap;
use std::path::Path;

use kmshsm::error::Result;
use rusqlite::{Connection, params};
use serde_json::json;

use crate::damage::is_of_the_store;
use crate::tally;
use crate::world::{CLOSED, Open, START, World};

/// Sealed records, by storage key.
type Records = BTreeMap<Vec<u8>, Vec<u8>>;

fn connect(place: &Path) -> Connection {
    Connection::open(place.join("store.db")).unwrap()
}

fn records(place: &Path) -> Records {
    let database = connect(place);
    let mut all = database.prepare("SELECT key, value FROM kv").unwrap();
    let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let records = rows.map(std::result::Result::unwrap);
    records.filter(|(key, _): &(Vec<u8>, _)| is_sealed(key[0])).collect()
}

fn is_sealed(kind: u8) -> bool {
    matches!(kind, 0x04 | 0x05 | 0x10..0x20 | 0x40 | 0x41)
}

fn put(place: &Path, storage_key: &[u8], value: &[u8]) {
    let set = "INSERT INTO kv (key, value, revision) VALUES (?1, ?2, 1)
               ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    assert_eq!(connect(place).execute(set, params![storage_key, value]).unwrap(), 1);
}

/// That something is wrong is seen when the store is opened, or by who walks through it; and its keys
/// answer what is right, or not at all.
fn is_noticed(world: &World, place: &Path, what: &str) {
    let walked = Open::at(place, START).and_then(|open| {
        for blob in &world.blobs {
            if let Ok(opened) = open.call("Decrypt", &json!({ "CiphertextBlob": blob })) {
                assert_eq!(opened["Plaintext"], "text !", "{what}");
            }
        }
        open.kms.ledger()
    });
    assert!(walked.as_ref().map_or(true, |faults| !faults.is_empty()), "{what} goes unseen");
    if let Err(error) = walked {
        assert!(is_of_the_store(&error), "{what}: {error}");
    }
}

/// Two records of a kind change places; a record is in the place of another as well.
#[test]
fn swapped_records() {
    let world = World::new(crate::folder());
    let base = world.copy(CLOSED, "base");
    let records = records(&base);
    let mut points = 0;
    for (one, first) in &records {
        for (other, second) in records.range(one.clone()..).skip(1) {
            if one[0] != other[0] {
                continue;
            }
            let place = world.copy(CLOSED, "swapped");
            put(&place, one, second);
            if points % 2 == 0 {
                put(&place, other, first);
            }
            is_noticed(&world, &place, &format!("{one:02x?} and {other:02x?}"));
            points += 1;
            if !tally::is_torture() && points % 4 == 3 {
                break;
            }
        }
    }
    tally::tell("records in the places of others", points, points);
}

/// Records of another store with the same secret.
#[test]
fn records_of_another_store() {
    let (world, other) = (World::new(crate::folder()), World::new(crate::folder()));
    let (mine, theirs) = (world.copy(CLOSED, "base"), other.copy(CLOSED, "base"));
    let (mine, theirs) = (records(&mine), records(&theirs));
    let mut points = 0;
    for (storage_key, value) in &theirs {
        let place = world.copy(CLOSED, "foreign");
        put(&place, storage_key, value);
        // Into a place of the same kind as well, where there is one.
        if let Some((at, _)) = mine.range(vec![storage_key[0]]..vec![storage_key[0] + 1]).next() {
            put(&place, at, value);
        }
        is_noticed(&world, &place, &format!("{storage_key:02x?}"));
        points += 1;
    }
    tally::tell("records of another store", points, points);
}

/// Each record as it was before a change, and all that the change replaced but the header; records that
/// were deleted come back, and new ones go.
#[test]
fn records_of_an_earlier_time() -> Result<()> {
    let world = World::new(crate::folder());
    let before = records(&world.copy(CLOSED, "base"));
    let later = world.copy(CLOSED, "later");
    {
        let open = Open::at(&later, START)?;
        open.call("DisableKey", &json!({ "KeyId": world.used }))?;
        open.call("DeleteAlias", &json!({ "AliasName": "alias/used" }))?;
        open.call("CreateUser", &json!({ "UserName": "new" }))?;
        open.call("DeleteKeyMaterial", &json!({ "KeyId": world.imported }))?;
    }
    let after = records(&later);
    let replaced: Records =
        before.into_iter().filter(|(key, value)| after.get(key) != Some(value)).collect();
    assert!(replaced.len() > 4);
    let again = |name: &str| {
        let place = world.vacant(name);
        crate::world::copy(&later, &place);
        place
    };
    for (storage_key, value) in &replaced {
        let place = again("replayed");
        put(&place, storage_key, value);
        is_noticed(&world, &place, &format!("{storage_key:02x?}"));
    }
    let place = again("replayed");
    for (storage_key, value) in replaced.iter().filter(|(key, _)| key[0] != 0x04) {
        put(&place, storage_key, value);
    }
    is_noticed(&world, &place, "all but the header");
    for storage_key in after.keys() {
        let place = again("replayed");
        let gone = connect(&place).execute("DELETE FROM kv WHERE key = ?1", [storage_key]);
        assert_eq!(gone.unwrap(), 1);
        is_noticed(&world, &place, &format!("without {storage_key:02x?}"));
    }
    let points = (replaced.len() + 1 + after.len()) as u64;
    tally::tell("records of an earlier time, and missing ones", points, points);
    Ok(())
}
