//! Several processes and threads on one store, forks and kills.
//!
//! Other processes are this test program again, running [`helper`] with a role.

use super::*;

#[test]
fn another_process_is_heard_of() {
    let (_dir, path) = new_place();
    let store = SqliteStore::create(&path).unwrap();
    let mut cursor = Cursor::default();
    store.sync(&mut cursor).unwrap();
    let mut child = spawn("touch-on-demand", &path);
    let mut demand = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap());
    for n in 0..50 {
        assert_eq!(store.sync(&mut cursor).unwrap(), Changes::None);
        writeln!(demand, "{n}").unwrap();
        assert_eq!(acknowledged(&mut answers), Some(n));
        let expected = Changes::Keys(vec![n.to_string().into_bytes()]);
        assert_eq!(store.sync(&mut cursor).unwrap(), expected);
    }
    drop(demand);
    assert!(child.wait().unwrap().success());
}

#[test]
fn processes_and_threads_write_together() {
    let (_dir, path) = new_place();
    let store = SqliteStore::create(&path).unwrap();
    let children: Vec<Child> = (0..2).map(|_| spawn("increment", &path)).collect();
    thread::scope(|scope| {
        scope.spawn(|| increment(&store));
        scope.spawn(|| increment(&store));
    });
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(counter(&store), 4 * INCREMENTS);
}

#[test]
fn what_was_acknowledged_survives_kills() {
    let (_dir, path) = new_place();
    // The parent has it open now and then, so that both recovery and shared use are met.
    drop(SqliteStore::create(&path).unwrap());
    let deadline = Instant::now() + Duration::from_secs(2);
    let mut last = 0;
    for round in 0u64.. {
        if Instant::now() > deadline {
            break;
        }
        let bystander = (round % 3 == 0).then(|| SqliteStore::open(&path).unwrap());
        let mut child = spawn("count", &path);
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let mut heard = acknowledged(&mut answers);
        thread::sleep(Duration::from_millis(round % 7));
        child.kill().unwrap();
        child.wait().unwrap();
        while let Some(number) = acknowledged(&mut answers) {
            heard = Some(number);
        }
        let store = bystander.unwrap_or_else(|| SqliteStore::open(&path).unwrap());
        let count = counter(&store);
        let heard = heard.unwrap();
        assert!(heard > last && count >= heard, "heard {heard}, found {count}, before {last}");
        assert_eq!(store.get(&[b"double"]).unwrap()[0].as_ref().unwrap().value, number(2 * count));
        last = count;
    }
    let store = SqliteStore::open(&path).unwrap();
    let writer = writer(&store);
    let verdict: String = writer.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}

#[test]
fn a_forked_child_opens_anew() {
    let (_dir, path) = new_place();
    drop(SqliteStore::create(&path).unwrap());
    let output = run("fork", &path);
    assert!(output.contains("fork is fine"), "{output}");
}

#[test]
fn a_forked_child_outlives_its_parent_in_the_store() {
    let (_dir, path) = new_place();
    drop(SqliteStore::create(&path).unwrap());
    let output = run("fork-and-leave", &path);
    assert!(output.contains("the child wrote"), "{output}");
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.scan(b"", b"", 9).unwrap().len(), 4);
}

#[test]
fn forks_wait_for_busy_threads() {
    let (_dir, path) = new_place();
    drop(SqliteStore::create(&path).unwrap());
    let output = run("fork-while-busy", &path);
    assert!(output.contains("all children wrote"), "{output}");
}

/// Not a test: what the other processes run.
#[test]
fn helper() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let path = PathBuf::from(std::env::var(PLACE).unwrap());
    give_up_in_time();
    match role.as_str() {
        "create" => drop(SqliteStore::create(&path)),
        "touch-on-demand" => {
            let store = SqliteStore::open(&path).unwrap();
            for line in std::io::stdin().lines() {
                let line = line.unwrap();
                store.commit(touch(&[line.as_bytes()])).unwrap();
                acknowledge(line.parse().unwrap());
            }
        }
        "increment" => increment(&SqliteStore::open(&path).unwrap()),
        "count" => {
            let store = SqliteStore::open(&path).unwrap();
            for count in counter(&store) + 1.. {
                set_counter(&store, count);
                acknowledge(count);
            }
        }
        "limited" => limited(&path),
        "fork" => fork_and_open(&path),
        "fork-and-leave" => fork_and_leave(&path),
        "fork-while-busy" => fork_while_busy(&path),
        "write" => drop(SqliteStore::open(&path).unwrap().commit(put(b"third", b"3")).unwrap()),
        other => panic!("no role {other}"),
    }
}

fn limited(path: &Path) {
    let store = SqliteStore::open(path).unwrap();
    store.commit(put(b"a", b"1")).unwrap();
    let limit = libc::rlimit { rlim_cur: 65536, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: both set what holds for this helper process only.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit), 0);
    }
    let first = store.commit(put(b"b", &[0; 200_000])).map_err(|error| error.code());
    let second = store.commit(put(b"b", b"2")).map_err(|error| error.code());
    assert_eq!(store.scan(b"", b"", 9).unwrap().len(), 1);
    println!("{first:?} {second:?} read");
}

fn fork_and_open(path: &Path) {
    let mut store = Some(SqliteStore::open(path).unwrap());
    let parents = store.as_ref().unwrap();
    parents.commit(put(b"a", b"1")).unwrap();
    let mut cursor = Cursor::default();
    parents.sync(&mut cursor).unwrap();
    wait(fork(|| {
        let parents = store.take().unwrap();
        for outcome in [
            parents.get(&[b"a"]).map(drop),
            parents.scan(b"", b"", 1).map(drop),
            parents.commit(put(b"b", b"2")).map(drop),
            parents.sync(&mut cursor.clone()).map(drop),
        ] {
            assert_eq!(code(outcome), ErrorCode::Forked);
        }
        let anew = SqliteStore::open(path).unwrap();
        assert!(!Arc::ptr_eq(&anew.inner, &parents.inner));
        anew.commit(Batch { touched: vec![b"a".to_vec()], ..put(b"a", b"2") }).unwrap();
        drop(parents);
        anew.commit(put(b"b", b"2")).unwrap();
    }));
    let store = store.unwrap();
    assert_eq!(store.sync(&mut cursor).unwrap(), Changes::Keys(vec![b"a".to_vec()]));
    store.commit(put(b"c", b"3")).unwrap();
    assert_eq!(store.scan(b"", b"", 9).unwrap().len(), 3);
    println!("fork is fine");
}

fn fork_and_leave(path: &Path) {
    let store = SqliteStore::open(path).unwrap();
    store.commit(put(b"first", b"1")).unwrap();
    let (from_parent, to_child) = std::io::pipe().unwrap();
    let (from_child, to_parent) = std::io::pipe().unwrap();
    let child = fork(|| {
        let anew = SqliteStore::open(path).unwrap();
        anew.commit(put(b"second", b"2")).unwrap();
        (&to_parent).write_all(b".").unwrap();
        (&from_parent).read_exact(&mut [0]).unwrap();
        // A process that came after the parent had left has written in between.
        assert_eq!(anew.scan(b"", b"", 9).unwrap().len(), 3);
        anew.commit(put(b"fourth", b"4")).unwrap();
        assert_eq!(anew.scan(b"", b"", 9).unwrap().len(), 4);
    });
    (&from_child).read_exact(&mut [0]).unwrap();
    drop(store);
    // The child is seen to be there by SQLite's own rule; else the next would wipe its memory.
    let shm = OpenOptions::new().read(true).write(true).open(path.join("store.db-shm")).unwrap();
    let switch = claim::DEAD_MANS_SWITCH;
    assert!(!system::try_hold_bytes(&shm, switch, Hold::Exclusive).unwrap());
    run("write", path);
    (&to_child).write_all(b".").unwrap();
    wait(child);
    println!("the child wrote");
}

fn fork_while_busy(path: &Path) {
    let store = SqliteStore::open(path).unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    let is_done = || done.load(std::sync::atomic::Ordering::Relaxed);
    thread::scope(|scope| {
        for n in 0..3u8 {
            let store = &store;
            scope.spawn(move || {
                while !is_done() {
                    store.commit(put(&[n], b"v")).unwrap();
                    store.get(&[b"a", b"b"]).unwrap();
                    drop(SqliteStore::open(path).unwrap());
                }
            });
        }
        for n in 0..20u8 {
            wait(fork(|| {
                let anew = SqliteStore::open(path).unwrap();
                anew.commit(put(&[b'c', n], b"v")).unwrap();
            }));
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(store.scan(b"c", b"", 99).unwrap().len(), 20);
    println!("all children wrote");
}

pub(super) fn fork(child: impl FnOnce()) -> libc::pid_t {
    // SAFETY: the child runs `child` and exits without returning into the test's threads.
    match unsafe { libc::fork() } {
        0 => {
            give_up_in_time();
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child));
            // SAFETY: ends the process.
            unsafe { libc::_exit(i32::from(outcome.is_err())) }
        }
        pid => pid,
    }
}

/// A process that waits for what never comes must not outlive the test.
fn give_up_in_time() {
    // SAFETY: asks for a signal that ends this helper process.
    unsafe { libc::alarm(300) };
}

pub(super) fn wait(child: libc::pid_t) {
    let mut status = 0;
    // SAFETY: `status` is writable.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0);
}

pub(super) fn increment(store: &SqliteStore) {
    let mut done = 0;
    while done < INCREMENTS {
        let found = store.get(&[b"count"]).unwrap().remove(0);
        let next = found.as_ref().map_or(0, |entry| parse(&entry.value)) + 1;
        let outcome = store.commit(Batch {
            expects: vec![(b"count".to_vec(), found.map(|entry| entry.revision))],
            ..put(b"count", &number(next))
        });
        match outcome {
            Ok(_) => done += 1,
            Err(error) => assert_eq!(error.code(), ErrorCode::Conflict),
        }
    }
}

pub(super) fn counter(store: &SqliteStore) -> u64 {
    store.get(&[b"count"]).unwrap()[0].as_ref().map_or(0, |entry| parse(&entry.value))
}

pub(super) fn set_counter(store: &SqliteStore, count: u64) {
    let puts = vec![
        (b"count".to_vec(), number(count)),
        (b"padding".to_vec(), vec![0; 3000]),
        (b"double".to_vec(), number(2 * count)),
    ];
    let touched = vec![b"count".to_vec()];
    store.commit(Batch { puts, touched, ..Batch::default() }).unwrap();
}

fn number(value: u64) -> Vec<u8> {
    value.to_be_bytes().to_vec()
}

fn parse(value: &[u8]) -> u64 {
    u64::from_be_bytes(value.try_into().unwrap())
}

fn acknowledge(number: u64) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{ACKNOWLEDGED}{number}").unwrap();
    out.flush().unwrap();
}

/// The next acknowledged number; the test program writes other lines too.
pub(super) fn acknowledged(answers: &mut impl BufRead) -> Option<u64> {
    loop {
        let mut line = String::new();
        if answers.read_line(&mut line).unwrap() == 0 || !line.ends_with('\n') {
            return None;
        }
        if let Some((_, number)) = line.split_once(ACKNOWLEDGED) {
            return Some(number.trim().parse().unwrap());
        }
    }
}

pub(super) fn spawn(role: &str, path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "keystore::sqlite::tests::processes::helper",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(ROLE, role)
        .env(PLACE, path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

pub(super) fn run(role: &str, path: &Path) -> String {
    let output = spawn(role, path).wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

const ROLE: &str = "KMSHSM_TEST_ROLE";
const PLACE: &str = "KMSHSM_TEST_PLACE";
const ACKNOWLEDGED: &str = "acknowledged ";
const INCREMENTS: u64 = 100;
