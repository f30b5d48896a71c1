//! What keeps a store openable and its secrets secret over the years: unlock slots, the root key, domain keys.
//! Two stores opened on one directory stand for two processes: each has keys and caches of its own.
#![allow(missing_docs)]

use std::path::Path;
use std::sync::Arc;

use kmshsm::api::{dispatch_json, operate};
use kmshsm::error::Result;
use kmshsm::kms::{Kms, Options, Share, Shred, SlotKind, Unlock};
use kmshsm::model::Timestamp;
use serde_json::{Value, json};

const KEY_FILE: Unlock<'static> = Unlock::KeyFile(&[7; 32]);
const OTHER: Unlock<'static> = Unlock::KeyFile(&[8; 32]);
const THIRD: Unlock<'static> = Unlock::KeyFile(&[9; 32]);
const START: u64 = 4_000_000_000;
const DAY: u64 = 86_400;

fn open_with(place: &Path, unlock: &Unlock<'_>) -> Result<Arc<Kms>> {
    let options = Options {
        allow_unprotected_memory: true,
        manual_clock: Some(Timestamp(START)),
        ..Options::default()
    };
    Kms::open(place, unlock, options)
}

fn open(place: &Path) -> Arc<Kms> {
    open_with(place, &KEY_FILE).unwrap()
}

fn store() -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("store");
    Kms::create(&place, &KEY_FILE).unwrap();
    (dir, place)
}

fn call(kms: &Arc<Kms>, action: &str, with: &Value) -> Result<Value> {
    let session = kms.session("111122223333", "cn-hongkong")?;
    let answer = dispatch_json(&session, action, Some(&with.to_string()))?;
    Ok(serde_json::from_str(&answer).unwrap())
}

fn create(kms: &Arc<Kms>) -> String {
    let made = call(kms, "CreateKey", &json!({"ProtectionLevel": "HSM"})).unwrap();
    made["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
}

fn encrypt(kms: &Arc<Kms>, key: &str) -> String {
    let sealed = call(kms, "Encrypt", &json!({"KeyId": key, "Plaintext": "a secret"})).unwrap();
    sealed["CiphertextBlob"].as_str().unwrap().to_owned()
}

fn decrypts(kms: &Arc<Kms>, blob: &str) -> Result<()> {
    let opened = call(kms, "Decrypt", &json!({ "CiphertextBlob": blob }))?;
    assert_eq!(opened["Plaintext"], "a secret");
    Ok(())
}

fn code<T>(outcome: Result<T>) -> &'static str {
    outcome.map_or_else(|error| error.code().wire_code(), |_| "ok")
}

fn reseal_all(kms: &Kms) -> u64 {
    let mut records = 0;
    loop {
        let step = kms.reseal().unwrap();
        records += step.records;
        if step.is_done {
            return records;
        }
    }
}

fn assert_ledger(kms: &Kms) {
    assert_eq!(kms.ledger().unwrap(), Vec::<String>::new());
}

fn events(kms: &Kms) -> String {
    let mut trail = Vec::new();
    kms.export_trail(&mut trail).unwrap();
    String::from_utf8(trail).unwrap()
}

/// Every record comes under the new key, whoever has the store open meanwhile, and another process goes on
/// where one stopped.
#[test]
fn domain_keys_rotate_under_use() {
    let (_dir, place) = store();
    let (one, other) = (open(&place), open(&place));
    let keys: Vec<_> = (0..300).map(|_| create(&one)).collect();
    let blob = encrypt(&one, &keys[0]);
    decrypts(&other, &blob).unwrap();
    assert!(one.reseal().unwrap().is_done);
    assert_eq!(one.rotate_domain_key().unwrap(), 2);
    // What is written from now on is already under it, and the other has not met it yet.
    let late = create(&one);
    let late = encrypt(&one, &late);
    decrypts(&other, &late).unwrap();
    let first = one.reseal().unwrap();
    assert_eq!((first.records, first.is_done), (256, false));
    let more = encrypt(&other, &create(&other));
    // More than two records of each key.
    assert!(reseal_all(&other) > 300);
    assert!(one.reseal().unwrap().is_done);
    for kms in [&one, &other, &open(&place)] {
        for blob in [&blob, &late, &more] {
            decrypts(kms, blob).unwrap();
        }
        for key in &keys {
            decrypts(kms, &encrypt(kms, key)).unwrap();
        }
        assert_ledger(kms);
        kms.verify_trail().unwrap();
    }
    assert_eq!(other.rotate_domain_key().unwrap(), 3);
    assert_eq!(one.rotate_domain_key().unwrap(), 4);
    reseal_all(&one);
    assert_ledger(&other);
    let trail = events(&one);
    assert_eq!(trail.matches(r#""eventName":"RotateDomainKey""#).count(), 3);
    assert_eq!(trail.matches(r#""eventName":"RetireDomainKeys""#).count(), 2);
}

/// Destroyed material is shredded by ticks, within a day.
#[test]
fn what_is_destroyed_is_shredded() {
    let (_dir, place) = store();
    let kms = open(&place);
    let key = create(&kms);
    create(&kms);
    let pass = |seconds| call(&kms, "AdvanceClock", &json!({ "Seconds": seconds })).unwrap();
    assert_eq!(kms.status().shred.unwrap(), Shred::Done);
    call(&kms, "ScheduleKeyDeletion", &json!({"KeyId": key, "PendingWindowInDays": 7})).unwrap();
    pass(7 * DAY);
    // Its own turn comes with the tick, and so does that of the domain key it lay under.
    assert_eq!(kms.tick().unwrap().deleted, 1);
    assert_eq!(kms.status().shred.unwrap(), Shred::Done);
    let other = create(&kms);
    call(&kms, "ScheduleKeyDeletion", &json!({"KeyId": other, "PendingWindowInDays": 7})).unwrap();
    pass(7 * DAY);
    assert_eq!(
        code(call(&kms, "DescribeKey", &json!({ "KeyId": other }))),
        "Forbidden.KeyNotFound"
    );
    assert_eq!(kms.status().shred.unwrap(), Shred::Pending);
    assert_ledger(&kms);
    kms.tick().unwrap();
    assert_eq!(kms.status().shred.unwrap(), Shred::Done);
    let rotations = || events(&kms).matches("RotateDomainKey").count();
    let before = rotations();
    kms.tick().unwrap();
    assert_eq!(rotations(), before);
    pass(30 * DAY);
    kms.tick().unwrap();
    assert_eq!(rotations(), before + 1);
    assert_ledger(&kms);
}

/// Old copies of a destroyed key's record open under no key that the store still has.
#[test]
fn shredded_records_stay_shut() {
    let (_dir, place) = store();
    let kms = open(&place);
    let key = create(&kms);
    let blob = encrypt(&kms, &key);
    let kept = kms.copy_of_key(&key).unwrap();
    call(&kms, "ScheduleKeyDeletion", &json!({"KeyId": key, "PendingWindowInDays": 7})).unwrap();
    call(&kms, "AdvanceClock", &json!({"Seconds": 7 * DAY})).unwrap();
    assert_eq!(code(decrypts(&kms, &blob)), "Forbidden.KeyNotFound");
    assert!(kms.opens_copy(&kept).unwrap());
    kms.tick().unwrap();
    assert!(!kms.opens_copy(&kept).unwrap());
}

#[test]
fn slots_open_come_and_go() {
    let (_dir, place) = store();
    let kms = open(&place);
    let blob = encrypt(&kms, &create(&kms));
    let slots =
        || kms.unlock_slots().unwrap().iter().map(|s| (s.number, s.kind)).collect::<Vec<_>>();
    assert_eq!(slots(), [(0, SlotKind::KeyFile)]);
    assert_eq!(code(open_with(&place, &OTHER)), "Store.UnlockFailed");
    assert_eq!(kms.add_unlock_slot(&OTHER).unwrap(), 1);
    assert_eq!(kms.add_unlock_slot(&Unlock::Passphrase(b"correct horse")).unwrap(), 2);
    assert_eq!(slots()[2].1, SlotKind::Passphrase { memory_kib: 65536, passes: 3, lanes: 1 });
    for unlock in [&KEY_FILE, &OTHER, &Unlock::Passphrase(b"correct horse")] {
        decrypts(&open_with(&place, unlock).unwrap(), &blob).unwrap();
    }
    kms.replace_unlock_slot(0, &THIRD).unwrap();
    assert_eq!(code(open_with(&place, &KEY_FILE)), "Store.UnlockFailed");
    kms.remove_unlock_slot(2).unwrap();
    kms.remove_unlock_slot(1).unwrap();
    assert_eq!(code(open_with(&place, &OTHER)), "Store.UnlockFailed");
    assert_eq!(code(kms.remove_unlock_slot(0)), "InvalidParameter");
    assert_eq!(code(kms.remove_unlock_slot(9)), "InvalidParameter");
    assert_eq!(code(kms.replace_unlock_slot(9, &THIRD)), "InvalidParameter");
    assert_eq!(code(kms.add_unlock_slot(&Unlock::Passphrase(b""))), "InvalidParameter");
    decrypts(&open_with(&place, &THIRD).unwrap(), &blob).unwrap();
    let trail = events(&kms);
    for name in ["AddUnlockSlot", "ReplaceUnlockSlot", "RemoveUnlockSlot"] {
        assert!(trail.contains(&format!("\"eventName\":\"{name}\"")), "{name}");
    }
    let memory = Kms::in_memory(Options::default()).unwrap();
    assert_eq!(memory.unlock_slots().unwrap(), []);
    assert_eq!(code(memory.add_unlock_slot(&OTHER)), "InvalidParameter");
    assert_eq!(code(memory.rekey_root(&[OTHER])), "InvalidParameter");
}

/// Many at once get numbers of their own.
#[test]
fn slots_are_added_at_once() {
    let (_dir, place) = store();
    let stores = [open(&place), open(&place)];
    let mut numbers: Vec<u8> = std::thread::scope(|scope| {
        let add = |n: usize| stores[n % 2].add_unlock_slot(&Unlock::KeyFile(&[n as u8; 32]));
        let threads: Vec<_> = (0..8).map(|n| scope.spawn(move || add(n).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    numbers.sort_unstable();
    assert_eq!(numbers, (1..9).collect::<Vec<_>>());
    for n in 0..8 {
        open_with(&place, &Unlock::KeyFile(&[n; 32])).unwrap();
    }
}

/// Who had the store open before goes on using keys, and changes nothing until it opens the store again.
#[test]
fn the_root_key_is_replaced() {
    let (_dir, place) = store();
    let (kms, stale) = (open(&place), open(&place));
    kms.add_unlock_slot(&OTHER).unwrap();
    let keys: Vec<_> = (0..3).map(|_| create(&kms)).collect();
    let blob = encrypt(&stale, &keys[0]);
    assert_eq!(code(kms.rekey_root(&[])), "InvalidParameter");
    kms.rekey_root(&[THIRD]).unwrap();
    let after = create(&kms);
    for unlock in [&KEY_FILE, &OTHER] {
        assert_eq!(code(open_with(&place, unlock)), "Store.UnlockFailed");
    }
    decrypts(&stale, &blob).unwrap();
    assert_eq!(code(call(&stale, "CreateKey", &json!({}))), "Store.Rekeyed");
    assert_eq!(code(call(&stale, "DescribeKey", &json!({ "KeyId": after }))), "Store.Rekeyed");
    assert_eq!(code(stale.add_unlock_slot(&OTHER)), "Store.Rekeyed");
    reseal_all(&kms);
    decrypts(&stale, &blob).unwrap();
    assert_eq!(code(call(&stale, "DescribeKey", &json!({ "KeyId": keys[1] }))), "Store.Rekeyed");
    drop(stale);
    kms.rekey_root(&[OTHER, THIRD]).unwrap();
    reseal_all(&kms);
    for unlock in [&OTHER, &THIRD] {
        let kms = open_with(&place, unlock).unwrap();
        decrypts(&kms, &blob).unwrap();
        assert_ledger(&kms);
    }
    assert_eq!(events(&kms).matches("\"eventName\":\"RekeyRoot\"").count(), 2);
}

/// What the operator asks for in JSON.
#[test]
fn operations_read_and_answer_json() {
    let (_dir, place) = store();
    let kms = open(&place);
    let file = "BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=";
    let ask = |name: &str, with: &Value| -> Result<Value> {
        let answer = operate(&kms, name, Some(&with.to_string()))?;
        Ok(serde_json::from_str(&answer).unwrap())
    };
    let added = ask("AddUnlockSlot", &json!({ "KeyFile": file })).unwrap();
    assert_eq!(added, json!({"Slot": 1}));
    open_with(&place, &Unlock::KeyFile(&[5; 32])).unwrap();
    ask("ReplaceUnlockSlot", &json!({"Slot": 1, "Passphrase": "correct horse"})).unwrap();
    let slots = ask("ListUnlockSlots", &json!({})).unwrap();
    let passphrase =
        json!({"Number": 1, "Kind": "Passphrase", "MemoryKib": 65536, "Passes": 3, "Lanes": 1});
    assert_eq!(slots, json!({"Slots": [{"Number": 0, "Kind": "KeyFile"}, passphrase]}));
    ask("RemoveUnlockSlot", &json!({"Slot": 0})).unwrap();
    assert_eq!(code(open_with(&place, &KEY_FILE)), "Store.UnlockFailed");
    assert_eq!(ask("RotateDomainKey", &json!({})).unwrap(), json!({"DomainKey": 2}));
    let split = ask("AddUnlockSlot", &json!({"Threshold": 2, "Count": 3})).unwrap();
    let words: Vec<_> =
        split["Shares"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!((split["Slot"].as_u64(), words.len()), (Some(0), 3));
    let two = Share::parse_all([words[2], words[0]]).unwrap();
    open_with(&place, &Unlock::Shares(&two)).unwrap();
    assert_eq!(code(open_with(&place, &Unlock::Shares(&two[1..]))), "Shares.Invalid");
    ask("RekeyRoot", &json!({ "KeyFile": file })).unwrap();
    assert_eq!(code(open_with(&place, &Unlock::Shares(&two))), "Store.UnlockFailed");
    open_with(&place, &Unlock::KeyFile(&[5; 32])).unwrap();
    for (name, with, expected) in [
        ("AddUnlockSlot", json!({}), "MissingParameter"),
        ("AddUnlockSlot", json!({"KeyFile": file, "Passphrase": "x"}), "InvalidParameter"),
        ("AddUnlockSlot", json!({"KeyFile": "BQUF"}), "InvalidParameter"),
        ("AddUnlockSlot", json!({"Passphrase": ""}), "InvalidParameter"),
        ("AddUnlockSlot", json!({"Threshold": 2}), "MissingParameter"),
        ("AddUnlockSlot", json!({"Threshold": 1, "Count": 3}), "InvalidParameter"),
        ("RemoveUnlockSlot", json!({"Slot": 300}), "InvalidParameter"),
        ("RemoveUnlockSlot", json!({}), "MissingParameter"),
        ("ListUnlockSlots", json!({"All": true}), "InvalidParameter"),
        ("Nothing", json!({}), "InvalidAction.NotFound"),
    ] {
        assert_eq!(code(ask(name, &with)), expected, "{name} {with}");
    }
    assert_eq!(
        code(operate(&kms, "ListUnlockSlots", Some("[]"))),
        "ParseRequestParameterException"
    );
}
