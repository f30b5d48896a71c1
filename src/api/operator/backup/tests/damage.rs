//! Whatever is done to a backup is found (T-BK-5), and whatever happens to one on its way leaves nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

fn small() -> (World, Value) {
    let world = World::new();
    let session = world.session();
    let key = create(&session, json!({}));
    call(&session, "CreateAlias", json!({ "KeyId": key, "AliasName": "alias/one" }));
    let created = world.back_up("good", json!({}));
    (world, created)
}

fn verify_bytes(world: &World, bytes: &[u8]) -> ErrorCode {
    let path = world.path("bad");
    fs::write(&path, bytes).unwrap();
    verify(&json!({ "Path": path })).unwrap_err().code()
}

#[test]
fn every_changed_byte_is_found() {
    let (world, _) = small();
    let good = fs::read(world.path("good")).unwrap();
    let mut bytes = good.clone();
    for at in 0..good.len() {
        bytes[at] ^= 1 << (at % 8);
        let code = verify_bytes(&world, &bytes);
        let expected = match at {
            0..8 => ErrorCode::NotABackup,
            8 => ErrorCode::StoreTooNew,
            _ => ErrorCode::BackupDamaged,
        };
        assert_eq!(code, expected, "byte {at} of {}", good.len());
        bytes[at] = good[at];
    }
    fs::write(world.path("bad"), &bytes).unwrap();
    verify(&json!({ "Path": world.path("bad") })).unwrap();
}

#[test]
fn every_cut_is_found() {
    let (world, _) = small();
    let good = fs::read(world.path("good")).unwrap();
    for len in 0..good.len() {
        let code = verify_bytes(&world, &good[..len]);
        let expected = if len < 8 { ErrorCode::NotABackup } else { ErrorCode::BackupDamaged };
        assert_eq!(code, expected, "{len} of {}", good.len());
    }
    assert_eq!(verify_bytes(&world, &[&good[..], b"\0"].concat()), ErrorCode::BackupDamaged);
}

/// One store does not pass for another, even with a genuine signature.
#[test]
fn the_signer_is_the_one_that_is_trusted() {
    let (world, created) = small();
    let (other, _) = small();
    let with = |world: &World| json!({ "Path": other.path("good"), "PublicKey": world.kms.trail_key().unwrap() });
    verify(&with(&other)).unwrap();
    assert_eq!(verify(&with(&world)).unwrap_err().code(), ErrorCode::BackupDamaged);
    let mut mixed = json!({ "Path": other.path("good"), "Shares": two(&created) });
    assert_eq!(verify(&mixed).unwrap_err().code(), ErrorCode::UnlockFailed);
    merge(&mut mixed, json!({ "Path": world.path("good") }));
    verify(&mixed).unwrap();
}

#[test]
fn nothing_is_overwritten_and_nothing_is_left() {
    let (world, created) = small();
    let before = fs::read(world.path("good")).unwrap();
    let mode = fs::metadata(world.path("good")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let with = |path: &Path| json!({ "Path": path, "Threshold": 2, "Shares": 3 });
    for path in [world.path("good"), world.path("nowhere/at/all"), world.path(".")] {
        let error = world.operate("CreateBackup", &with(&path)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidParameter);
    }
    let error = world.operate("CreateBackup", &json!({ "Path": world.path("new") })).unwrap_err();
    assert!(error.to_string().contains("Recipients"), "{error}");
    assert_eq!(fs::read(world.path("good")).unwrap(), before);
    let names = || {
        let files = fs::read_dir(world.folder.path()).unwrap();
        let mut names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(), ["good"]);
    // A restored store takes no place of another, and one that fails leaves none.
    fs::create_dir(world.path("taken")).unwrap();
    fs::write(world.path("taken/file"), b"x").unwrap();
    let with = |path: &str, shares: Value, place: &str| {
        let with = json!({
            "Path": world.path(path), "Place": world.path(place), "Passphrase": "p", "Shares": shares,
        });
        operate_alone("RestoreStore", Some(&with.to_string()))
    };
    let cut = [&before[..before.len() - 1]].concat();
    fs::write(world.path("cut"), cut).unwrap();
    assert!(with("good", two(&created), "taken").is_err());
    assert_eq!(with("cut", two(&created), "store").unwrap_err().code(), ErrorCode::BackupDamaged);
    let one = json!([created["Shares"][0]]);
    assert_eq!(with("good", one, "store").unwrap_err().code(), ErrorCode::InvalidShares);
    assert_eq!(names(), ["cut", "good", "taken"]);
    with("good", two(&created), "store").unwrap();
    assert_eq!(with("good", two(&created), "store").unwrap_err().code(), ErrorCode::StoreExists);
    assert_eq!(names(), ["cut", "good", "store", "taken"]);
}
