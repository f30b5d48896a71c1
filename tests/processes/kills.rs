//! A process that is killed in the midst of its changes leaves each of them done or not begun, and what
//! it has answered is written down.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::process::Process;
use crate::{DAY, START, call, consistency, new_store, open, outside, setting};

#[test]
fn a_killed_process_leaves_a_whole_store() {
    let (_folder, place) = new_store();
    let rounds = setting("KMSHSM_ROUNDS", 40);
    let mut keys = 0;
    for round in 0..rounds {
        // Later than anything that was written before.
        let clock = START + round * 400 * DAY;
        let bystander = (round % 3 == 0).then(|| open(&place, clock));
        let mut process = Process::churning(&place, clock);
        thread::sleep(Duration::from_micros(round * 7919 % 60_000));
        process.kill();
        let (kms, session) = bystander.unwrap_or_else(|| open(&place, clock));
        assert_eq!(kms.ledger().unwrap(), [""; 0]);
        keys += consistency::check(&session);
    }
    println!("{rounds} kills, {keys} keys looked at after them");
}

/// Failed imports would be free for whoever kills the process after each.
#[test]
fn failed_imports_are_counted_over_kills() {
    let (_folder, place) = new_store();
    let mut process = Process::serving(&place, START);
    let [four, five] = [(), ()].map(|()| {
        let external =
            json!({ "Origin": "EXTERNAL", "KeySpec": "Aliyun_AES_256", "ProtectionLevel": "HSM" });
        let key = process.call("CreateKey", external).unwrap()["KeyMetadata"]["KeyId"].take();
        process.wrapped_for(&key)
    });
    process.kill();
    let fail_and_die = |import: &Value| {
        let mut process = Process::serving(&place, START);
        let outcome = process.call("ImportKeyMaterial", damaged(import));
        process.kill();
        assert_eq!(outcome.unwrap_err().0, "InvalidKeyMaterial");
    };
    for _ in 0..4 {
        fail_and_die(&four);
        fail_and_die(&five);
    }
    fail_and_die(&five);
    let (_kms, session) = open(&place, START);
    let burnt = call(&session, "ImportKeyMaterial", &five).unwrap_err();
    assert_eq!(burnt.0, "InvalidImportToken");
    call(&session, "ImportKeyMaterial", &four).unwrap();
}

/// The same import of material that a bit is wrong in.
fn damaged(import: &Value) -> Value {
    let recipe = json!({ "Base64": import["EncryptedKeyMaterial"], "Bit": 8 * 100 });
    let mut import = import.clone();
    import["EncryptedKeyMaterial"] = outside::serve("flip", &recipe).unwrap()["Base64"].take();
    import
}
