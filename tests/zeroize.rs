//! Keys taken from under the calls that use them: by closing, by zeroizing, by making room. One test at
//! a time, for zeroizing closes every store of the process.
#![allow(missing_docs)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use kmshsm::api::{CreateKey, Decrypt, Encrypt, GenerateDataKey, Into};
use kmshsm::error::{ErrorCode, Result};
use kmshsm::kms::{self, Kms, Options, Session};
use kmshsm::model::{EncryptionContext, KeyId, KeyRef};

fn options() -> Options {
    Options { allow_unprotected_memory: true, ..Options::default() }
}
const THREADS: usize = 16;

fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    static SMALL: Once = Once::new();
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // Room for some 1000 keys, so that 3000 do not fit.
    SMALL.call_once(|| kms::set_key_memory(512 << 10).unwrap());
    assert_eq!(kms::set_key_memory(4).unwrap_err().code(), ErrorCode::InvalidParameter);
    // The thread of the test before may be ending only now: its generator is not to be counted.
    kms::zeroize();
    alone
}

fn open() -> (Arc<Kms>, Session) {
    let kms = Kms::in_memory(options()).unwrap();
    let session = kms.session("111122223333", "cn-hongkong").unwrap();
    (kms, session)
}

/// Bytes of secret memory in use while no store is open.
fn used_at_rest() -> usize {
    let (kms, session) = open();
    use_once(&session, create(&session), b"hello").unwrap();
    kms.close();
    assert!(kms.status().memory.size < 512 << 10);
    assert!(kms::set_key_memory(1 << 20).is_err());
    kms.status().memory.used
}

fn create(session: &Session) -> KeyId {
    session.call(CreateKey::default()).unwrap().answer.key_metadata.key_id
}

fn encrypt(session: &Session, key: KeyId, text: &[u8]) -> Result<Vec<u8>> {
    let request = Encrypt {
        key_id: KeyRef::Id(key),
        plaintext: text.into(),
        encryption_context: EncryptionContext::default(),
        into: Into::New,
    };
    Ok(session.call(request)?.answer.ciphertext_blob.into_vec())
}

fn decrypt(session: &Session, blob: &[u8]) -> Result<Vec<u8>> {
    let request = Decrypt {
        ciphertext_blob: blob.into(),
        encryption_context: EncryptionContext::default(),
        into: Into::New,
    };
    Ok(session.call(request)?.answer.plaintext.to_vec())
}

/// One of everything, with a right result.
fn use_once(session: &Session, key: KeyId, text: &[u8]) -> Result<()> {
    let blob = encrypt(session, key, text)?;
    assert_eq!(decrypt(session, &blob)?, text);
    let made = session.call(GenerateDataKey {
        key_id: KeyRef::Id(key),
        key_spec: None,
        number_of_bytes: Some(1024),
        encryption_context: EncryptionContext::default(),
        plaintext_into: Into::New,
        ciphertext_into: Into::New,
    })?;
    assert_eq!(decrypt(session, &made.answer.ciphertext_blob)?, *made.answer.plaintext);
    Ok(())
}

/// Many threads use one session, on a key they share and keys of their own, until `end` ends it.
fn under_use(session: &Session, end: impl FnOnce()) {
    let (key, calls) = (create(session), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let calls = &calls;
                scope.spawn(move || {
                    let text = [thread as u8; 100];
                    loop {
                        let outcome = use_once(session, key, &text).and_then(|()| {
                            let own = session.call(CreateKey::default())?.answer;
                            use_once(session, own.key_metadata.key_id, &text)
                        });
                        if let Err(error) = outcome {
                            return error.code();
                        }
                        calls.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        while calls.load(Ordering::Relaxed) < THREADS && !threads.iter().any(|t| t.is_finished()) {
            std::thread::yield_now();
        }
        end();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), ErrorCode::Closed);
        }
    });
}

#[test]
fn closing_wipes() {
    let _alone = alone();
    let at_rest = used_at_rest();
    let (kms, session) = open();
    let key = create(&session);
    use_once(&session, key, b"hello").unwrap();
    assert!(kms.status().memory.used > at_rest);
    kms.close();
    assert_eq!(kms.status().memory.used, at_rest);
    assert_eq!(kms.status().state, "closed");
    assert_eq!(use_once(&session, key, b"hello").unwrap_err().code(), ErrorCode::Closed);
    kms.close();
    // Dropped without having been closed, while this thread still knows the key.
    let (kms, session) = open();
    use_once(&session, create(&session), b"hello").unwrap();
    drop((kms, session));
    assert_eq!(used_at_rest(), at_rest);
}

#[test]
fn closing_in_the_error_state_wipes() {
    let _alone = alone();
    let at_rest = used_at_rest();
    let (kms, session) = open();
    use_once(&session, create(&session), b"hello").unwrap();
    kmshsm::health::fail("as planned");
    assert_eq!(kms.status().state, "error");
    kms.close();
    assert_eq!((kms.status().state, kms.status().memory.used), ("closed", at_rest));
}

#[test]
fn closing_under_use() {
    let _alone = alone();
    let at_rest = used_at_rest();
    for _ in 0..10 {
        let (kms, session) = open();
        under_use(&session, || {
            std::thread::scope(|scope| {
                let other = scope.spawn(|| kms.close());
                kms.close();
                // Its generator, which sealed the last calls, is there until the thread has ended.
                other.join().unwrap();
            });
        });
        assert_eq!(kms.status().memory.used, at_rest);
    }
}

#[test]
fn zeroizing_under_use() {
    let _alone = alone();
    for _ in 0..5 {
        let ((first, of_first), (second, of_second)) = (open(), open());
        let key = create(&of_second);
        under_use(&of_first, kms::zeroize);
        // The generators' states have gone, too.
        assert_eq!(first.status().memory.used, 0);
        assert_eq!(encrypt(&of_second, key, b"hello").unwrap_err().code(), ErrorCode::Closed);
        assert_eq!(second.session("1", "cn-hongkong").err().unwrap().code(), ErrorCode::Closed);
        assert_eq!(second.status().state, "closed");
    }
    let (_kms, session) = open();
    use_once(&session, create(&session), b"hello").unwrap();
}

/// Threads on one key go on while others use more keys than fit, in another store.
#[test]
fn making_room_under_use() {
    let _alone = alone();
    let ((_first, of_first), (_second, of_second)) = (open(), open());
    let hot = create(&of_first);
    let many: Vec<_> = (0..3000).map(|_| create(&of_second)).collect();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (of_first, over) = (&of_first, &over);
                scope.spawn(move || {
                    while !over.load(Ordering::Relaxed) {
                        use_once(of_first, hot, &[thread as u8; 100]).unwrap();
                    }
                })
            })
            .collect();
        let takers: Vec<_> = many
            .chunks(1500)
            .map(|some| {
                let of_second = &of_second;
                scope.spawn(move || {
                    for key in some.iter().chain(some) {
                        use_once(of_second, *key, b"hello").unwrap();
                    }
                })
            })
            .collect();
        let outcomes: Vec<_> = takers.into_iter().map(|taker| taker.join()).collect();
        over.store(true, Ordering::Relaxed);
        assert!(outcomes.iter().all(|outcome| outcome.is_ok()));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}
