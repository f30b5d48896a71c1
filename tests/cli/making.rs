//! Making a store, and the secrets that open it.

use std::ffi::OsStr;
use std::io::Write;
use std::process::Stdio;

use crate::home::*;

#[test]
fn a_passphrase_file_loses_one_newline() {
    let home = Home::empty();
    home.write("words", b"open sesame\n");
    home.write("same", b"open sesame");
    home.write("two", b"open sesame\n\n");
    let made = home.run(&["init", "--store", "keys", "--passphrase-file", "words"]);
    assert_eq!(made, Run::says("Created a store in keys.\n"));
    assert_eq!(home.mode("keys"), 0o700);

    let list = |file| ["ListKeys", "--store", "keys", "--passphrase-file", file];
    assert_eq!(home.run(&list("same")).answer()["TotalCount"], 0);
    home.run(&list("two")).refusal(2, "Store.UnlockFailed");

    // The same from the environment, which options come before.
    let mut command = home.command(&["ListKeys"]);
    command.env("KMSHSM_STORE", "keys").env("KMSHSM_PASSPHRASE_FILE", "words");
    assert_eq!(run(&mut command).answer()["TotalCount"], 0);
    command.args(["--passphrase-file", "two"]);
    run(&mut command).refusal(2, "Store.UnlockFailed");
}

#[test]
fn a_descriptor_gives_the_passphrase() {
    let home = Home::empty();
    let with_input = |args: &[&str], input: &str| {
        let mut command = home.command(args);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Run::of(child.wait_with_output().unwrap())
    };
    let made = with_input(&["init", "--store", "keys", "--passphrase-fd", "0"], "open sesame\n");
    assert_eq!(made, Run::says("Created a store in keys.\n"));
    let list = ["ListKeys", "--store", "keys", "--passphrase-fd", "0"];
    assert_eq!(with_input(&list, "open sesame").answer()["TotalCount"], 0);
    with_input(&list, "open barley").refusal(2, "Store.UnlockFailed");

    let nobodys = i32::MAX.to_string();
    let refused = home.run(&["ListKeys", "--store", "keys", "--passphrase-fd", &nobodys]);
    refused.refusal(1, "InvalidParameter");
    home.run(&["ListKeys", "--store", "keys", "--passphrase-fd=-1"]).usage("--passphrase-fd");
}

#[test]
fn a_key_file_is_made_for_its_owner_alone() {
    let home = Home::with_store();
    assert_eq!(home.mode("keys.bin"), 0o600);
    assert_eq!(home.read("keys.bin").len(), 32);

    // One that is there is taken as it is.
    let made = home.run(&["init", "--store", "more", "--key-file", "keys.bin"]);
    assert_eq!(made, Run::says("Created a store in more.\n"));
    home.run(&["ListKeys", "--store", "more", "--key-file", "keys.bin"]).answer();

    home.write("other.bin", &[7; 32]);
    home.write("short.bin", &[7; 31]);
    home.write("words", b"open sesame\n");
    let list = |option, file| home.run(&["ListKeys", "--store", "keys", option, file]);
    list("--key-file", "other.bin").refusal(2, "Store.UnlockFailed");
    list("--key-file", "short.bin").refusal(1, "InvalidParameter");
    list("--key-file", "absent.bin").refusal(1, "InvalidParameter");
    list("--passphrase-file", "words").refusal(2, "Store.UnlockFailed");
    assert!(!home.path("absent.bin").exists());
}

#[test]
fn a_failed_init_leaves_nothing() {
    let home = Home::with_store();
    home.write("full/letter", b"dear");
    home.write("file", b"no directory");
    home.write("nothing", b"\n");
    let before = home.everything();

    let init = |store, option, file| home.run(&["init", "--store", store, option, file]);
    init("keys", "--key-file", "new.bin").refusal(6, "Store.Exists");
    init("full", "--key-file", "new.bin").refusal(6, "Store.Failed");
    init("file", "--key-file", "new.bin").refusal(6, "Store.NotAStore");
    init("new", "--key-file", "nowhere/new.bin").refusal(1, "InvalidParameter");
    init("new", "--passphrase-file", "nothing").refusal(1, "InvalidParameter");
    init("new", "--passphrase-file", "absent").refusal(1, "InvalidParameter");
    let refused = home.run(&["init", "--store", "new"]).refusal(1, "MissingParameter");
    assert!(message(&refused).contains("There is no terminal to ask on"));

    assert_eq!(home.everything(), before);
    home.ok("ListKeys", &[]);
}

#[test]
fn the_default_place_is_among_the_users_data() {
    let home = Home::empty();
    let init = |variables: &[(&str, &OsStr)], more: &[&str]| {
        let mut command = home.command(&["init", "--key-file", "keys.bin"]);
        command.args(more).env_remove("HOME").envs(variables.iter().copied());
        run(&mut command)
    };
    let (path, data) = (home.path(""), home.path("data"));
    let [at_home, in_data] = [("HOME", path.as_os_str()), ("XDG_DATA_HOME", data.as_os_str())];
    let named = ("KMSHSM_STORE", OsStr::new("named"));

    init(&[], &[]).refusal(1, "MissingParameter");
    for (variables, more, place) in [
        (&[at_home][..], &[][..], ".local/share/kmshsm"),
        (&[at_home, in_data], &[], "data/kmshsm"),
        (&[at_home, in_data, named], &[], "named"),
        (&[at_home, in_data, named], &["--store", "given"], "given"),
    ] {
        assert!(!home.path(place).exists(), "{place}");
        assert_eq!(init(variables, more).code, 0, "{place}");
        assert!(home.path(place).join("store.db").exists(), "{place}");
    }

    let refused = run(&mut home.command(&["ListKeys", "--store", "absent"]));
    let refused = refused.refusal(3, "Store.NotFound");
    assert!(message(&refused).contains("kmshsm init --store absent"));
}
