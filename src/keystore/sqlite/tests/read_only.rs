//! Stores that cannot be written: on read-only mounts, which only some test machines allow.

use super::*;
use crate::keystore::StoreState;

/// A directory mounted once more, read-only, until dropped. The kernel has to agree.
struct ReadOnly {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

impl ReadOnly {
    fn of(path: &Path) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().to_path_buf();
        let mount = |words: &[&str]| {
            let done = Command::new("mount").args(words).arg(&target).output();
            done.is_ok_and(|done| done.status.success())
        };
        if !mount(&["--bind", path.to_str().unwrap()]) {
            println!("skipped: this machine lets nobody mount");
            return None;
        }
        let mounted = Self { _dir: dir, path: target.clone() };
        assert!(mount(&["-o", "remount,bind,ro"]));
        Some(mounted)
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        // Children that other tests fork may have its files a little longer: it goes when they do.
        let done = Command::new("umount").arg("--lazy").arg(&self.path).status();
        assert!(done.unwrap().success());
    }
}

/// A closed store with 64 entries.
fn closed() -> (tempfile::TempDir, PathBuf) {
    let (dir, path) = new_place();
    let store = SqliteStore::create(&path).unwrap();
    for n in 0..64u8 {
        store.commit(Batch { touched: vec![vec![n]], ..put(&[n], &[n; 1000]) }).unwrap();
    }
    (dir, path)
}

fn check(store: &SqliteStore) {
    assert_eq!(store.state(), StoreState::ReadOnly);
    assert_eq!(store.scan(b"", b"", 99).unwrap().len(), 64);
    assert_eq!(store.snapshot().unwrap().scan(b"", b"", 99).unwrap().len(), 64);
    assert_eq!(code(store.commit(put(b"a", b"1"))), ErrorCode::StoreReadOnly);
    let mut cursor = Cursor::default();
    store.sync(&mut cursor).unwrap();
    assert_eq!(store.sync(&mut cursor).unwrap(), Changes::None);
}

#[test]
fn what_cannot_be_written_is_read() {
    // With SQLite's files beside the database, as closing leaves them; without them, as in a copy.
    for removed in [&[][..], &["store.db-shm"], &["store.db-wal", "store.db-shm"]] {
        let (_dir, path) = closed();
        for name in removed {
            fs::remove_file(path.join(name)).unwrap();
        }
        let Some(mounted) = ReadOnly::of(&path) else { return };
        let before = fs::read(path.join("store.db")).unwrap();
        check(&SqliteStore::open(&mounted.path).unwrap());
        assert_eq!(fs::read(path.join("store.db")).unwrap(), before);
        assert_eq!(path.join("store.db-shm").exists(), removed.is_empty());
    }
}

/// As a power failure leaves it: all of it in the log.
#[test]
fn logs_are_read_too() {
    let (dir, path) = new_place();
    let store = SqliteStore::create(&path).unwrap();
    for n in 0..64u8 {
        store.commit(put(&[n], &[n; 1000])).unwrap();
    }
    let copy = dir.path().join("copy");
    fs::create_dir(&copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o700)).unwrap();
    for name in ["store.db", "store.db-wal", "store.db-shm", "epoch", "lock", "guard"] {
        fs::copy(path.join(name), copy.join(name)).unwrap();
    }
    drop(store);
    let Some(mounted) = ReadOnly::of(&copy) else { return };
    check(&SqliteStore::open(&mounted.path).unwrap());
    fs::remove_file(copy.join("store.db-shm")).unwrap();
    assert_eq!(code(SqliteStore::open(&mounted.path)), ErrorCode::StoreFailed);
}

/// Another process comes by a way on which it can write: what it has acknowledged is seen.
#[test]
fn writers_by_another_way_are_seen() {
    for was_copied in [false, true] {
        let (_dir, path) = closed();
        if was_copied {
            for name in ["store.db-wal", "store.db-shm"] {
                fs::remove_file(path.join(name)).unwrap();
            }
        }
        let Some(mounted) = ReadOnly::of(&path) else { return };
        let store = SqliteStore::open(&mounted.path).unwrap();
        let mut cursor = Cursor::default();
        store.sync(&mut cursor).unwrap();
        let mut child = spawn("touch-on-demand", &path);
        let mut demand = child.stdin.take().unwrap();
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        for n in 100..150 {
            assert_eq!(store.sync(&mut cursor).unwrap(), Changes::None);
            writeln!(demand, "{n}").unwrap();
            assert_eq!(acknowledged(&mut answers), Some(n));
            let expected = Changes::Keys(vec![n.to_string().into_bytes()]);
            assert_eq!(store.sync(&mut cursor).unwrap(), expected, "{was_copied}");
        }
        drop(demand);
        assert!(child.wait().unwrap().success());
        check(&store);
    }
}
