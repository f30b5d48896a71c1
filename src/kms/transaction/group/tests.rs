//! Groups that form while a commit is held up: who is in one, and what becomes of whom.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::thread;
use std::time::Duration;

use super::*;
use crate::error::Error;
use crate::health::Health;
use crate::hsm::{Hsm, Unlock, fresh_user_id, selftest};
use crate::keystore::{Batch, Changes, Cursor, Entry, Keystore, MemoryStore, Snapshot};
use crate::kms::open::found;
use crate::kms::record::sample;
use crate::kms::rollback::Rollback;
use crate::kms::trail::Deed;
use crate::kms::{KeyRecord, Options, UserRecord, Version};
use crate::model::{AliasName, IdentitySpec, KeyId, KeyState, KeyVersionId, Timestamp, UserName};

const START: Timestamp = Timestamp(1_562_246_055);

/// A store in memory that counts its commits, and can hold them up or fail them.
#[derive(Default)]
struct Watched {
    store: MemoryStore,
    commits: AtomicU64,
    gate: Mutex<Option<ErrorCode>>,
}

#[derive(Clone, Default)]
struct Shared(Arc<Watched>);

impl Keystore for Shared {
    fn get(&self, keys: &[&[u8]]) -> Result<Vec<Option<Entry>>> {
        self.0.store.get(keys)
    }
    fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Entry>> {
        self.0.store.scan(prefix, after, limit)
    }
    fn count(&self, prefix: &[u8]) -> Result<u64> {
        self.0.store.count(prefix)
    }
    fn nth(&self, prefix: &[u8], skip: u64) -> Result<Option<Vec<u8>>> {
        self.0.store.nth(prefix, skip)
    }
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>> {
        self.0.store.snapshot()
    }
    fn commit(&self, batch: Batch) -> Result<Revision> {
        Box::new(Next(&self.0, self.0.store.reserve()?)).commit(batch)
    }
    fn reserve(&self) -> Result<Box<dyn Reservation + '_>> {
        Ok(Box::new(Next(&self.0, self.0.store.reserve()?)))
    }
    fn purge(&self) -> Result<()> {
        self.0.store.purge()
    }
    fn sync(&self, since: &mut Cursor) -> Result<Changes> {
        self.0.store.sync(since)
    }
}

struct Next<'a>(&'a Watched, Box<dyn Reservation + 'a>);

impl Reservation for Next<'_> {
    fn commit(self: Box<Self>, batch: Batch) -> Result<Revision> {
        self.0.commits.fetch_add(1, Ordering::SeqCst);
        match *self.0.gate.lock().unwrap() {
            Some(failure) => Err(failure.into()),
            None => self.1.commit(batch),
        }
    }
}

fn watched() -> (Arc<Kms>, Shared) {
    let store = Shared::default();
    selftest::ready().unwrap();
    let (keyring, header) = found(&store, None, START, IdentitySpec::default()).unwrap();
    let options = Options { manual_clock: Some(START), ..Options::default() };
    let (shared, past) = (Box::new(store.clone()), Rollback::default());
    let hsm = Hsm::new(keyring, false, Health::now());
    let kms = Kms::over(shared, hsm, &header, past, options).unwrap();
    (kms, store)
}

/// A key that waits for its material, with an event; its number makes its id.
fn add_key(transaction: &mut Transaction<'_>, number: u64) -> Result<KeyRecord> {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    let version = Version { id: KeyVersionId::from_random(id), created: START };
    let key = KeyRecord {
        id: KeyId::from_random(id),
        seq: transaction.next_seq(&sample().space)?,
        state: KeyState::PendingImport,
        versions: vec![version],
        ..sample()
    };
    transaction.put_empty_version(&key, version)?;
    transaction.put_key(None, &key)?;
    transaction.record_deed(Deed::RotateKey, &key)?;
    Ok(key)
}

type Changed = Result<()>;

/// What changes answer that all came while the commit of another was held up, and how many commits
/// they took. Those of them fail with `failure`, if there is one.
fn together(
    (kms, store): &(Arc<Kms>, Shared),
    failure: Option<ErrorCode>,
    changes: u64,
    change: impl Fn(&mut Transaction<'_>, u64) -> Changed + Sync,
) -> (Vec<Changed>, u64) {
    let mut gate = store.0.gate.lock().unwrap();
    let before = store.0.commits.load(Ordering::SeqCst);
    let change = &change;
    let answers = thread::scope(|scope| {
        let first = scope
            .spawn(|| kms.change(|transaction| transaction.record_of_store(Deed::RotateKey, 1)));
        while store.0.commits.load(Ordering::SeqCst) == before && !first.is_finished() {
            thread::yield_now();
        }
        let run = |number| kms.change(|transaction| change(transaction, number));
        let threads: Vec<_> = (0..changes).map(|number| scope.spawn(move || run(number))).collect();
        let is_waiting = || kms.writing.coming.load(Ordering::SeqCst) < changes as usize;
        while is_waiting() && !threads.iter().any(thread::ScopedJoinHandle::is_finished) {
            thread::yield_now();
        }
        *gate = failure;
        drop(gate);
        let first = first.join().unwrap();
        assert_eq!(first.map_err(|error| error.code()), failure.map_or(Ok(()), Err));
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    (answers, store.0.commits.load(Ordering::SeqCst) - before - 1)
}

fn codes(answers: &[Changed]) -> Vec<Option<ErrorCode>> {
    answers.iter().map(|answer| answer.as_ref().err().map(Error::code)).collect()
}

fn keys(kms: &Kms) -> u64 {
    kms.store.count(&[0x10]).unwrap()
}

#[test]
fn changes_that_wait_are_committed_together() {
    let world = watched();
    let kms = &world.0;
    let before = kms.commits();
    let (answers, commits) = together(&world, None, 16, |t, number| add_key(t, number).map(drop));
    assert_eq!((codes(&answers), commits), (vec![None; 16], 1));
    assert_eq!((keys(kms), kms.commits() - before), (16, 17));
    assert_eq!(kms.verify_trail().unwrap().head.sequence, 17);
    assert_eq!(kms.ledger().unwrap(), Vec::<String>::new());
}

#[test]
fn a_group_has_an_end() {
    let world = watched();
    let (answers, commits) = together(&world, None, 100, |t, number| add_key(t, number).map(drop));
    assert_eq!((codes(&answers), commits), (vec![None; 100], 2));
    let (_, commits) = together(&world, None, 4, |t, number| {
        t.enter(vec![0x7f, number as u8], vec![0; MOST_BYTES]);
        Ok(())
    });
    assert_eq!((commits, keys(&world.0)), (4, 100));
}

#[test]
fn a_change_that_fails_takes_nobody_with_it() {
    let world = watched();
    let (answers, commits) = together(&world, None, 16, |transaction, number| {
        add_key(transaction, number)?;
        if number % 2 == 1 { Err(ErrorCode::InvalidParameter.into()) } else { Ok(()) }
    });
    assert_eq!(codes(&answers), [None, Some(ErrorCode::InvalidParameter)].repeat(8));
    assert_eq!((commits, keys(&world.0)), (1, 8));
    assert_eq!(world.0.verify_trail().unwrap().head.sequence, 9);
    assert_eq!(world.0.ledger().unwrap(), Vec::<String>::new());
}

/// All of a group that fails answer so; who has only looked at what it would have written does not
/// answer that it was there.
#[test]
fn what_was_never_written_is_nobodys_answer() {
    for _ in 0..20 {
        let world = watched();
        let failure = Some(ErrorCode::Degraded);
        let (answers, _) = together(&world, failure, 9, |transaction, number| {
            let is_there = transaction.key(&key_id(3))?.is_some();
            match number % 3 {
                0 => add_key(transaction, number).map(drop),
                1 if is_there => Err(ErrorCode::AliasExists.into()),
                2 if is_there => transaction.remove_key(&transaction.key(&key_id(3))?.unwrap()),
                _ => Ok(()),
            }
        });
        for (number, code) in codes(&answers).into_iter().enumerate() {
            match number % 3 {
                0 => assert_eq!(code, failure),
                1 => assert_eq!(code, None),
                // If it came after the third, it was to be written, too.
                _ => assert!(code.is_none() || code == failure, "{code:?}"),
            }
        }
        *world.1.0.gate.lock().unwrap() = None;
        assert_eq!(keys(&world.0), 0);
        assert_eq!(world.0.ledger().unwrap(), Vec::<String>::new());
        world.0.change(|transaction| add_key(transaction, 3)).unwrap();
    }
}

fn key_id(number: u64) -> KeyId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    KeyId::from_random(id)
}

/// What another process has written first is under all of them.
#[test]
fn a_group_that_is_overtaken_starts_over() {
    let directory = tempfile::tempdir().unwrap();
    let (place, unlock) = (directory.path().join("store"), Unlock::KeyFile(&[7; 32]));
    Kms::create(&place, &unlock).unwrap();
    let open = |_| Kms::open(&place, &unlock, Options::default()).unwrap();
    let both = [0, 1].map(open);
    thread::scope(|scope| {
        for number in 0..16 {
            let kms = &both[number as usize % 2];
            scope.spawn(move || {
                for round in 0..8 {
                    kms.change(|transaction| add_key(transaction, number * 8 + round)).unwrap();
                }
            });
        }
    });
    assert_eq!(both[0].commits(), 128);
    assert_eq!(keys(&both[1]), 128);
    assert_eq!(both[1].verify_trail().unwrap().head.sequence, 128);
    assert_eq!(both[0].ledger().unwrap(), Vec::<String>::new());
}

/// One that changes the store all the time does not keep out changes that take longer.
#[test]
fn a_slow_change_is_overtaken_once() {
    let directory = tempfile::tempdir().unwrap();
    let (place, unlock) = (directory.path().join("store"), Unlock::KeyFile(&[7; 32]));
    Kms::create(&place, &unlock).unwrap();
    let open = |_| Kms::open(&place, &unlock, Options::default()).unwrap();
    let [busy, slow] = [0, 1].map(open);
    let (is_over, mut runs) = (AtomicBool::new(false), 0);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::SeqCst) {
                busy.change(|transaction| transaction.record_of_store(Deed::RotateKey, 1)).unwrap();
            }
        });
        let changed = slow.change(|transaction| {
            runs += 1;
            thread::sleep(Duration::from_millis(50));
            add_key(transaction, runs)
        });
        is_over.store(true, Ordering::SeqCst);
        changed.unwrap();
    });
    assert!(runs <= 2, "{runs} runs");
    assert_eq!(keys(&busy), 1);
}

/// What is counted or looked through is what has been written.
#[test]
fn who_looks_through_the_store_comes_first() {
    let world = watched();
    let account = sample().space.account;
    let user = |number| UserRecord {
        account,
        name: UserName::parse(&format!("user{number}")).unwrap(),
        id: fresh_user_id().unwrap(),
        display_name: String::new(),
        comments: String::new(),
        created: START,
        updated: START,
        access_keys: Vec::new(),
        policies: Vec::new(),
        failures: 0,
        locked_until: None,
    };
    let base = {
        let keyring = world.0.hsm.keyring().unwrap();
        places::users(&keyring, &account).unwrap()
    };
    let fill = |transaction: &mut Transaction<'_>| {
        for number in 0..998_u128 {
            transaction.enter([&base[..], &number.to_be_bytes()].concat(), vec![0]);
        }
        Ok(())
    };
    world.0.change(fill).unwrap();
    let (answers, _) = together(&world, None, 8, |t, number| t.add_user(&user(number)));
    let there = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(there, 2, "{answers:?}");

    let key = world.0.change(|transaction| add_key(transaction, 1)).unwrap();
    let (answers, _) = together(&world, None, 8, |transaction, number| {
        let Some(mut now) = transaction.key(&key.id)? else { return Ok(()) };
        if number == 5 {
            return transaction.destroy(&now);
        }
        let old = now.clone();
        let name = AliasName::parse(&format!("alias/{number}")).unwrap();
        transaction.add_alias(&mut now, &name)?;
        transaction.put_key(Some(&old), &now)
    });
    assert_eq!(codes(&answers), [None; 8]);
    assert_eq!(world.0.store.count(places::ALIASES).unwrap(), 0);
}

#[test]
fn a_panic_is_the_affair_of_one() {
    let world = watched();
    let caught = thread::scope(|scope| {
        let panics = || {
            world.0.change(|transaction| {
                add_key(transaction, 9)?;
                assert_eq!(transaction.header.records, 0, "as the test asked");
                Ok(())
            })
        };
        scope.spawn(panics).join()
    });
    assert!(caught.is_err());
    let (answers, _) = together(&world, None, 4, |t, number| add_key(t, number).map(drop));
    assert_eq!((codes(&answers), keys(&world.0)), (vec![None; 4], 4));
    assert_eq!(world.0.ledger().unwrap(), Vec::<String>::new());
    world.0.close();
}
