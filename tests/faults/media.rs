//! Disks that are full, and media that cannot be written.

use std::fs;

use kmshsm::error::Result;
use serde_json::{Value, json};

use crate::disks::Disk;
use crate::tally;
use crate::world::{CLOSED, CRASHED, Open, START, WEEK, World, copy};

fn code(outcome: Result<Value>) -> &'static str {
    outcome.map_or_else(|error| error.code().wire_code(), |_| "ok")
}

/// All that was answered is there when there is room again, and until then it can be used.
#[test]
fn a_full_disk() {
    let world = World::new(crate::folder());
    let Some(disk) = Disk::mount(&["-t", "tmpfs", "-o", "size=1m", "tmpfs"]) else { return };
    let place = disk.path.join("store");
    copy(&world.copy(CLOSED, "full"), &place);
    let open = Open::at(&place, START).unwrap();
    let mut keys = Vec::new();
    let error = loop {
        match open.call("CreateKey", &json!({})) {
            Ok(answer) => keys.push(answer["KeyMetadata"]["KeyId"].clone()),
            Err(error) => break error,
        }
    };
    assert_eq!(error.code().wire_code(), "Store.Failed");
    assert!(!keys.is_empty());
    let check = |open: &Open| {
        for key in &keys {
            assert_eq!(code(open.call("DescribeKey", &json!({ "KeyId": key }))), "ok");
        }
        for blob in &world.blobs {
            let opened = open.call("Decrypt", &json!({ "CiphertextBlob": blob })).unwrap();
            assert_eq!(opened["Plaintext"], "text !");
        }
    };
    check(&open);
    assert_eq!(code(open.call("CreateKey", &json!({}))), "Store.Degraded");
    check(&open);
    drop(open);
    // Still full: it can be read.
    check(&Open::at(&place, START).unwrap());
    assert!(disk.remount("size=8m"));
    let open = Open::at(&place, START).unwrap();
    assert_eq!(code(open.call("CreateKey", &json!({}))), "ok");
    check(&open);
    assert_eq!(open.kms.ledger().unwrap(), [""; 0]);
    drop(open);
    tally::tell("changes on a disk that fills up", keys.len() as u64 + 1, 1);
}

/// Keys are used, and what is due behaves as if it had been done.
#[test]
fn a_medium_that_cannot_be_written() {
    let world = World::new(crate::folder());
    let place = world.copy(CLOSED, "medium");
    let Some(disk) = Disk::read_only(&place) else { return };
    let open = Open::at(&disk.path, START).unwrap();
    for _ in 0..1000 {
        let text = json!({ "KeyId": world.used, "Plaintext": "text !" });
        let blob = open.call("Encrypt", &text).unwrap()["CiphertextBlob"].take();
        let opened = open.call("Decrypt", &json!({ "CiphertextBlob": blob })).unwrap();
        assert_eq!(opened["Plaintext"], "text !");
    }
    assert_eq!(code(open.call("CreateKey", &json!({}))), "Store.ReadOnly");
    assert_eq!(open.kms.flush().unwrap_err().code().wire_code(), "Store.ReadOnly");
    open.kms.verify_trail().unwrap();
    assert_eq!(code(open.call("LookupEvents", &json!({}))), "ok");
    open.call("AdvanceClock", &json!({ "Seconds": WEEK })).unwrap();
    let of = |key: &Value| json!({ "KeyId": key });
    assert_eq!(code(open.call("DescribeKey", &of(&world.leaving))), "Forbidden.KeyNotFound");
    assert_eq!(code(open.call("DescribeKey", &of(&world.imported))), "Store.ReadOnly");
    // Without its new version, which is due.
    assert_eq!(code(open.call("DescribeKey", &of(&world.used))), "ok");
    assert_eq!(code(open.call("ListKeys", &json!({}))), "ok");
    open.kms.close();
    drop((open, disk));
    assert_eq!(world.look(&place, START), world.look(&world.copy(CLOSED, "other"), START));

    let place = world.copy(CRASHED, "medium");
    let Some(disk) = Disk::read_only(&place) else { return };
    let open = Open::at(&disk.path, START).unwrap();
    assert_eq!(code(open.call("Decrypt", &json!({ "CiphertextBlob": world.blobs[0] }))), "ok");
    drop((open, disk));

    fs::remove_file(place.join("store.db-shm")).unwrap();
    let Some(disk) = Disk::read_only(&place) else { return };
    let refused = Open::at(&disk.path, START).err().unwrap();
    assert!(refused.to_string().contains("open a copy"), "{refused}");
}
