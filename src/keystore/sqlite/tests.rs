//! The embedded store among processes, crashes and damage.

mod processes;
mod read_only;

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::error::{ErrorCode, Result};

use super::super::contract::{self, put, touch};
use super::super::{Batch, Changes, Cursor, Keystore, LOG_REVISIONS};
use super::store::SqliteStore;
use super::system::{self, Hold};
use super::{claim, epoch};
use processes::*;

#[test]
fn keeps_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    contract::check_all(&|| {
        count.set(count.get() + 1);
        Box::new(SqliteStore::create(&dir.path().join(count.get().to_string())).unwrap())
    });
}

#[test]
fn what_was_committed_is_there_after_reopening() {
    let (_dir, path) = new_place();
    let store = SqliteStore::create(&path).unwrap();
    let revision = store.commit(put(b"a", b"1")).unwrap();
    drop(store);
    assert_eq!(fs::metadata(path.join("store.db-wal")).unwrap().len(), 0, "checkpointed");
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.get(&[b"a"]).unwrap()[0].as_ref().unwrap().revision, revision);
    assert!(store.commit(Batch::default()).unwrap() > revision);
}

#[test]
fn two_handles_share_one_store() {
    let (_dir, path) = new_place();
    let one = SqliteStore::create(&path).unwrap();
    let two = SqliteStore::open(&path.join("..").join(path.file_name().unwrap())).unwrap();
    assert!(Arc::ptr_eq(&one.inner, &two.inner));
    let mut cursor = Cursor::default();
    two.sync(&mut cursor).unwrap();
    one.commit(touch(&[b"a"])).unwrap();
    assert_eq!(two.sync(&mut cursor).unwrap(), Changes::Keys(vec![b"a".to_vec()]));
    drop(one);
    two.commit(put(b"a", b"1")).unwrap();
}

#[test]
fn opening_and_closing_race_in_peace() {
    let (_dir, path) = new_place();
    drop(SqliteStore::create(&path).unwrap());
    thread::scope(|scope| {
        for n in 0..4u8 {
            let path = &path;
            scope.spawn(move || {
                for _ in 0..25 {
                    let store = SqliteStore::open(path).unwrap();
                    store.commit(put(&[n], b"v")).unwrap();
                    store.get(&[&[n], b"x"]).unwrap();
                }
            });
        }
    });
    assert_eq!(SqliteStore::open(&path).unwrap().commit(Batch::default()).unwrap().0, 101);
}

#[test]
fn the_log_is_pruned() {
    let (_dir, path) = new_place();
    let store = SqliteStore::create(&path).unwrap();
    store.commit(touch(&[b"old"])).unwrap();
    let mut old = Cursor::default();
    store.sync(&mut old).unwrap();
    // Thousands of commits without their syncs: the counter is moved instead.
    let moved = LOG_REVISIONS + 100;
    {
        let writer = writer(&store);
        let set = "UPDATE meta SET revision = ?1";
        writer.execute(set, [i64::try_from(moved).unwrap()]).unwrap();
    }
    let mut recent = Cursor { epoch: 0, revision: moved };
    store.commit(touch(&[b"new"])).unwrap();
    assert_eq!(store.sync(&mut old).unwrap(), Changes::Everything);
    assert_eq!(store.sync(&mut recent).unwrap(), Changes::Keys(vec![b"new".to_vec()]));
    let writer = writer(&store);
    let rows: i64 = writer.query_row("SELECT count(*) FROM log", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 1);
}

#[test]
fn create_takes_only_free_places() {
    let (_dir, path) = new_place();
    fs::create_dir(&path).unwrap();
    fs::write(path.join("note"), b"").unwrap();
    assert_eq!(code(SqliteStore::create(&path)), ErrorCode::StoreFailed);
    fs::remove_file(path.join("note")).unwrap();
    drop(SqliteStore::create(&path).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(code(SqliteStore::create(&path)), ErrorCode::StoreExists);
    assert_eq!(code(SqliteStore::create(&path.join("store.db"))), ErrorCode::NotAStore);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no scaffold stays");
}

#[test]
fn racing_creators_make_one_store() {
    let (_dir, path) = new_place();
    let outcomes: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|_| scope.spawn(|| SqliteStore::create(&path).map(drop))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for outcome in outcomes {
        assert!(outcome.is_ok() || code(outcome) == ErrorCode::StoreExists);
    }
}

#[test]
fn an_interrupted_create_leaves_no_store() {
    let (_dir, path) = new_place();
    let mut killed = 0;
    for pause in 0..12 {
        let mut child = spawn("create", &path);
        thread::sleep(Duration::from_millis(pause));
        child.kill().unwrap();
        child.wait().unwrap();
        match SqliteStore::open(&path) {
            Ok(store) => {
                assert_eq!(store.scan(b"", b"", 1).unwrap(), []);
                drop(store);
                fs::remove_dir_all(&path).unwrap();
            }
            Err(error) => {
                killed += 1;
                assert_eq!(error.code(), ErrorCode::StoreNotFound);
            }
        }
    }
    assert!(killed > 0);
    SqliteStore::create(&path).unwrap();
}

#[test]
fn places_that_are_no_store_are_told_apart() {
    let (_dir, path) = new_place();
    assert_eq!(code(SqliteStore::open(&path)), ErrorCode::StoreNotFound);
    fs::create_dir(&path).unwrap();
    assert_eq!(code(SqliteStore::open(&path)), ErrorCode::StoreNotFound);
    fs::remove_dir(&path).unwrap();
    fs::write(&path, b"a file").unwrap();
    assert_eq!(code(SqliteStore::open(&path)), ErrorCode::NotAStore);
    assert_eq!(code(SqliteStore::open(&path.join("below"))), ErrorCode::StoreNotFound);
    fs::remove_file(&path).unwrap();

    drop(SqliteStore::create(&path).unwrap());
    let database = path.join("store.db");
    let intact = fs::read(&database).unwrap();
    let mut foreign = intact.clone();
    foreign[71] ^= 1;
    let mut newer = intact.clone();
    newer[63] = 2;
    let cases: [(&[u8], ErrorCode); 4] = [
        (b"not a database at all, but as long as a header would be", ErrorCode::NotAStore),
        (&foreign, ErrorCode::NotAStore),
        (&newer, ErrorCode::StoreTooNew),
        (b"", ErrorCode::StoreDamaged),
    ];
    for (bytes, expected) in cases {
        fs::write(&database, bytes).unwrap();
        assert_eq!(code(SqliteStore::open(&path)), expected);
    }
    fs::write(&database, &intact).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreFailed);
    assert!(error.to_string().contains("chmod 700"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    SqliteStore::open(&path).unwrap();
}

#[test]
fn damage_is_told() {
    let (_dir, path) = new_place();
    let store = SqliteStore::create(&path).unwrap();
    for n in 0..64u8 {
        store.commit(put(&[n], &[n; 1000])).unwrap();
    }
    drop(store);
    let database = path.join("store.db");
    let intact = fs::read(&database).unwrap();
    let length = intact.len();
    for cut in [1, 15, 16, 99, 100, 511, 4095, 4096, length / 2, length - 4096, length - 1] {
        fs::write(&database, &intact[..cut]).unwrap();
        assert_eq!(code(SqliteStore::open(&path)), ErrorCode::StoreDamaged, "{cut} bytes");
    }
    // Pages of zeros behind a sound header.
    let mut wiped = intact.clone();
    wiped[4096..].fill(0);
    fs::write(&database, &wiped).unwrap();
    assert_eq!(code(SqliteStore::open(&path)), ErrorCode::StoreDamaged);
    fs::write(&database, &intact).unwrap();

    for (name, length) in [("epoch", 8), ("epoch", 8192)] {
        let bytes = fs::read(path.join(name)).unwrap();
        fs::write(path.join(name), vec![0; length]).unwrap();
        assert_eq!(code(SqliteStore::open(&path)), ErrorCode::StoreDamaged);
        fs::write(path.join(name), bytes).unwrap();
    }
    for name in ["epoch", "lock", "guard"] {
        fs::rename(path.join(name), path.join("away")).unwrap();
        assert_eq!(code(SqliteStore::open(&path)), ErrorCode::StoreDamaged);
        fs::rename(path.join("away"), path.join(name)).unwrap();
    }
    assert_eq!(SqliteStore::open(&path).unwrap().scan(b"", b"", 99).unwrap().len(), 64);
}

/// A walk that goes on behind the last key of each page comes to an end, whatever an index holds.
#[test]
fn keys_out_of_order_are_damage() {
    let (_dir, path) = new_place();
    let store = SqliteStore::create(&path).unwrap();
    for n in 0..64u8 {
        store.commit(put(format!("the key {n:02}").as_bytes(), b"value")).unwrap();
    }
    drop(store);
    let database = path.join("store.db");
    let intact = fs::read(&database).unwrap();
    // What is then missing, as after the last of these, is for who counts.
    for (key, other, is_told) in [
        ("63", "00", true),
        ("44", "20", true),
        ("20", "50", true),
        ("63", "63", false),
        ("07", "99", false),
    ] {
        let key = format!("the key {key}");
        let mut bytes = intact.clone();
        for at in 0..bytes.len() - key.len() {
            if bytes[at..].starts_with(key.as_bytes()) {
                bytes[at + key.len() - 2..][..2].copy_from_slice(other.as_bytes());
            }
        }
        fs::write(&database, &bytes).unwrap();
        let store = SqliteStore::open(&path).unwrap();
        let (mut after, mut pages) = (Vec::new(), 0);
        let outcome = loop {
            match store.scan(b"the", &after, 8) {
                Ok(page) => match page.last() {
                    Some(last) => after = last.key.clone(),
                    None => break Ok(()),
                },
                Err(error) => break Err(error),
            }
            pages += 1;
            assert!(pages < 9, "{key} as {other}");
        };
        let told = outcome.map_err(|error| error.code());
        assert_eq!(told, if is_told { Err(ErrorCode::StoreDamaged) } else { Ok(()) }, "{key}");
    }
}

#[test]
fn another_copy_of_the_library_is_refused() {
    let (_dir, path) = new_place();
    drop(SqliteStore::create(&path).unwrap());
    let guard = OpenOptions::new().read(true).write(true).open(path.join("guard")).unwrap();
    let byte = claim::own_byte();
    assert!(system::try_hold_bytes(&guard, byte, Hold::Exclusive).unwrap());
    assert_eq!(code(SqliteStore::open(&path)), ErrorCode::StoreInUse);
    system::hold_bytes(&guard, byte, Hold::Released).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    assert!(!system::try_hold_bytes(&guard, byte, Hold::Exclusive).unwrap());
    drop(store);
    assert!(system::try_hold_bytes(&guard, byte, Hold::Exclusive).unwrap());
}

#[test]
fn an_odd_epoch_is_repaired() {
    let (_dir, path) = new_place();
    let store = SqliteStore::create(&path).unwrap();
    store.commit(touch(&[b"a"])).unwrap();
    let mut cursor = Cursor::default();
    store.sync(&mut cursor).unwrap();
    let word = &store.inner.live().unwrap().claim.epoch;
    let before = word.load();

    // As a writer killed around its COMMIT leaves it, while another writer is at work.
    std::mem::forget(word.change());
    {
        let _turn = store.inner.live().unwrap().claim.turn().unwrap();
        assert_eq!(store.sync(&mut cursor).unwrap(), Changes::None);
        assert_eq!(cursor.epoch, 0, "nothing is relied on");
        assert!(!epoch::is_settled(word.load()));
    }
    // And when nobody is.
    assert_eq!(store.sync(&mut cursor).unwrap(), Changes::None);
    assert_eq!((word.load(), cursor.epoch), (before + 2, before + 2));

    // By a commit.
    std::mem::forget(word.change());
    store.commit(touch(&[b"b"])).unwrap();
    assert_eq!(word.load(), before + 4);
    assert_eq!(store.sync(&mut cursor).unwrap(), Changes::Keys(vec![b"b".to_vec()]));

    // By the next to open it.
    std::mem::forget(word.change());
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.inner.live().unwrap().claim.epoch.load(), before + 6);
}

#[test]
fn a_full_disk_degrades_until_reopened() {
    let (_dir, path) = new_place();
    let store = SqliteStore::create(&path).unwrap();
    store.commit(put(b"a", b"1")).unwrap();
    let revision = {
        let writer = writer(&store);
        writer.execute_batch("PRAGMA max_page_count = 8").unwrap();
        drop(writer);
        let error = store.commit(put(b"b", &[0; 100_000])).unwrap_err();
        assert_eq!(error.code(), ErrorCode::StoreFailed);
        store.get(&[b"a"]).unwrap()[0].as_ref().unwrap().revision
    };
    assert_eq!(code(store.commit(put(b"c", b"3"))), ErrorCode::Degraded);
    assert_eq!(store.scan(b"", b"", 9).unwrap().len(), 1, "reads go on");
    assert_eq!(store.sync(&mut Cursor::default()).unwrap(), Changes::None);

    let reopened = SqliteStore::open(&path).unwrap();
    assert!(reopened.commit(put(b"c", b"3")).unwrap() > revision);
    assert_eq!(code(store.commit(put(b"c", b"4"))), ErrorCode::Degraded);
    drop(store);
    reopened.commit(put(b"c", b"5")).unwrap();
}

#[test]
fn a_failed_write_degrades() {
    let (_dir, path) = new_place();
    drop(SqliteStore::create(&path).unwrap());
    let output = run("limited", &path);
    assert!(output.contains("Err(StoreFailed) Err(Degraded) read"), "{output}");
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.scan(b"", b"", 9).unwrap().len(), 1);
    store.commit(put(b"b", b"2")).unwrap();
}

/// A part of the log that has been written back may have brought a newer header than end of the file.
#[test]
fn a_header_may_be_newer_than_the_end() {
    let (dir, path) = new_place();
    let store = SqliteStore::create(&path).unwrap();
    for n in 0..64u8 {
        store.commit(put(&[n], &[n; 1000])).unwrap();
    }
    // As other processes find it, before anything has been brought into the database.
    let copy = dir.path().join("copy");
    fs::create_dir(&copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o700)).unwrap();
    for name in ["store.db", "store.db-wal", "epoch", "lock", "guard"] {
        fs::copy(path.join(name), copy.join(name)).unwrap();
    }
    assert!(fs::metadata(copy.join("store.db-wal")).unwrap().len() > 0);
    let mut database = fs::read(copy.join("store.db")).unwrap();
    database[31] += 9; // the count of pages
    fs::write(copy.join("store.db"), &database).unwrap();
    assert_eq!(SqliteStore::open(&copy).unwrap().scan(b"", b"", 99).unwrap().len(), 64);
    drop(store);
}

fn writer(store: &SqliteStore) -> MutexGuard<'_, Connection> {
    store.inner.live().unwrap().writer.as_ref().unwrap().lock().unwrap()
}

fn new_place() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    (dir, path)
}

fn code<T>(outcome: Result<T>) -> ErrorCode {
    outcome.err().unwrap().code()
}
