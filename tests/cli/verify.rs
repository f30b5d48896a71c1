//! `kmshsm verify`, and stores that are put back as a whole.

use std::fs;

use crate::home::*;

/// Copies the store, which no command has open.
fn copy(home: &Home, from: &str, to: &str) {
    let _before = fs::remove_dir_all(home.path(to));
    fs::create_dir(home.path(to)).unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(home.path(to), private).unwrap();
    for file in fs::read_dir(home.path(from)).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), home.path(to).join(file.file_name())).unwrap();
    }
}

#[test]
fn a_whole_store() {
    let home = Home::with_store();
    home.key(&[]);
    home.ok("CreateUser", &["--UserName", "alice"]);
    let report = home.ok("verify", &[]);
    assert_eq!((&report["Complete"], &report["Found"]), (&true.into(), &0.into()));
    assert_eq!((&report["Keys"], &report["Findings"]), (&1.into(), &serde_json::json!([])));
    assert_eq!(report["Generation"], home.ok("status", &[])["generation"]);
    let quiet = home.action("verify", &["--quiet"]);
    assert_eq!((quiet.code, quiet.out.as_str(), quiet.err.as_str()), (0, "", ""));
    // Nothing is left of a state that has been used up; what is none is refused.
    home.ok("verify", &["--resume", "state"]);
    assert!(!home.path("state").exists());
    home.write("state", b"nothing");
    home.refuses(1, "InvalidParameter", "verify", &["--resume", "state"]);
}

/// The report comes first, then the failure.
#[test]
fn a_damaged_store() {
    let home = Home::with_store();
    home.key(&[]);
    let database = home.path("keys/store.db");
    let mut bytes = fs::read(&database).unwrap();
    // The material of a version: `11 | id` and its record, of kind 2.
    let at = bytes.windows(18).position(|it| it[0] == 0x11 && it[17] == 1).unwrap();
    bytes[at + 17 + 102] ^= 1;
    fs::write(&database, bytes).unwrap();
    let damaged = home.action("verify", &[]);
    assert_eq!(damaged.code, 6);
    let report: serde_json::Value = serde_json::from_str(&damaged.out).unwrap();
    assert!(report["Found"].as_u64().unwrap() >= 1, "{report}");
    assert!(damaged.err.contains("Store.Damaged"), "{}", damaged.err);
}

#[test]
fn a_store_that_is_put_back() {
    let home = Home::with_store();
    let anchored = ["--anchor", "anchor"];
    let status = home.ok("status", &anchored);
    assert_eq!((&status["anchor"], &status["rollback"]), (&"new".into(), &"anchored".into()));
    assert_eq!(home.mode("anchor"), 0o600);
    copy(&home, "keys", "copy");
    home.ok("CreateUser", &[&["--UserName", "alice"], &anchored[..]].concat());
    copy(&home, "copy", "keys");
    let status = home.ok("status", &anchored);
    assert_eq!((&status["anchor"], &status["rollback"]), (&"found".into(), &"suspect".into()));
    let bob = ["--UserName", "bob"];
    home.refuses(6, "Store.Suspect", "CreateUser", &[&bob, &anchored[..]].concat());
    home.ok("ListKeys", &anchored);
    home.ok("verify", &anchored);
    let generation = status["generation"].as_u64().unwrap();
    home.ok("status", &[&["--accept-rollback"], &anchored[..]].concat());
    home.ok("CreateUser", &[&bob, &anchored[..]].concat());
    let after = home.ok("status", &anchored);
    assert!(after["generation"].as_u64().unwrap() > generation + 1);
    assert_eq!(after["rollback"], "anchored");
    let behind = (u64::MAX - 1).to_string();
    home.refuses(6, "Store.Suspect", "CreateKey", &["--min-generation", &behind]);
    home.refuses(1, "InvalidParameter", "status", &["--anchor", "keys/anchor"]);
}
