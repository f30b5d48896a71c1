//! Secrets that open the store, and what takes their place.

use std::fs::File;

use crate::home::{Home, run};

fn rekey(home: &Home) -> std::process::Command {
    let words = ["slot", "rekey", "--store", "keys", "--key-file", "keys.bin", "--output", "json"];
    let mut command = home.command(&words);
    command.args(["--new-shares", "2/3"]);
    command
}

/// Whoever cannot be told the shares keeps the secret that there is.
#[test]
fn shares_are_shown_before_they_are_all_that_opens() {
    let home = Home::with_store();
    let full = File::options().write(true).open("/dev/full").unwrap();
    assert_ne!(run(rekey(&home).stdout(full)).code, 0);
    home.ok("ListKeys", &[]);

    let answer = run(&mut rekey(&home)).answer();
    home.refuses(2, "Store.UnlockFailed", "ListKeys", &[]);
    for (at, share) in answer["Shares"].as_array().unwrap().iter().enumerate() {
        home.write(&format!("share-{at}"), share.as_str().unwrap().as_bytes());
    }
    let open = ["ListKeys", "--store", "keys", "--share", "share-2", "--share", "share-0"];
    home.run(&open).answer();
}

/// A new key file outlives a failure, after which nobody can say what opens the store.
#[test]
fn a_new_key_file_stays() {
    let home = Home::with_store();
    let place = ["--store", "keys", "--key-file", "keys.bin", "--new-key-file", "new.bin"];
    let refused = home.run(&[&["slot", "replace", "9"][..], &place].concat());
    refused.refusal(1, "InvalidParameter");
    let made = home.read("new.bin");
    home.run(&[&["slot", "add"][..], &place].concat()).answer();
    assert_eq!(home.read("new.bin"), made);
    home.run(&["ListKeys", "--store", "keys", "--key-file", "new.bin"]).answer();
}
