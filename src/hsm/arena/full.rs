//! A heap full of keys: nothing goes elsewhere, nothing is lost, and there is room again. Played in a
//! process of its own, since the heap is the process's.

use super::heap::Grabbed;
use super::*;
use crate::crypto::rsa::{OaepHash, Padding, RsaPrivateKey, Scheme};
use crate::hsm::{rng, selftest};

/// What is done with a key, each with the answer that it gives where there is room.
fn work(key: &RsaPrivateKey, pkcs8: &[u8]) -> [Result<()>; 5] {
    let (wrapped, mut out) = (wrapped_text(key), [0; 256]);
    [
        RsaPrivateKey::from_pkcs8(pkcs8, rng::fill).map(drop),
        key.sign(Scheme::PssSha256, &[1; 32], rng::fill, &mut out),
        key.decrypt_oaep(OaepHash::Sha256, &wrapped, &mut out).map(drop),
        key.decrypt(Padding::Oaep(OaepHash::Sha256), &wrapped, 4, &mut out),
        key.public_spki().map(drop),
    ]
}

fn wrapped_text(key: &RsaPrivateKey) -> [u8; 256] {
    static TEXT: std::sync::OnceLock<[u8; 256]> = std::sync::OnceLock::new();
    *TEXT.get_or_init(|| {
        let mut out = [0; 256];
        let public = key.public().unwrap();
        public.encrypt_oaep(OaepHash::Sha256, b"text", rng::fill, &mut out).unwrap();
        out
    })
}

pub(super) fn of_keys() {
    let Some(heap) = memory().heap.as_ref().filter(|heap| heap.size() > 1 << 20) else {
        eprintln!("skipped: too little memory can be locked here");
        return;
    };
    let mut pkcs8 = vec![0; 2048];
    let key = RsaPrivateKey::generate(2048, rng::fill).unwrap();
    let len = key.write_pkcs8(&mut pkcs8).unwrap();
    pkcs8.truncate(len);
    let load = || keep_pair(|| RsaPrivateKey::from_pkcs8(&pkcs8, rng::fill));
    assert!(work(&key, &pkcs8).iter().all(Result::is_ok));
    let empty = heap::used();

    // Keys that are kept leave room for work, which there is with every one of them: a key takes more
    // from its first use on.
    let mut keys = Vec::new();
    let refusal = loop {
        match load() {
            Ok(key) => keys.push(key),
            Err(error) => break error,
        }
        let last = keys.last().unwrap();
        assert!(last.read(|key| Ok(work(key, &pkcs8))).unwrap().iter().all(Result::is_ok));
    };
    assert_eq!(refusal.code(), ErrorCode::MemoryExhausted);
    eprintln!("{} keys of {} bytes", keys.len(), (heap::used() - empty) / keys.len());
    assert!(keys.len() > 100 && heap.size() - heap::used() > 128 << 10);
    for key in &keys {
        assert!(key.read(|key| Ok(work(key, &pkcs8))).unwrap().iter().all(Result::is_ok));
    }
    drop(key);
    let mut keys = keys.into_iter();
    let key = keys.next().unwrap();

    // Not a byte is left; then a page at a time: whatever fails in the middle gives all of it back.
    let mut grabbed = Grabbed::everything();
    let mut refusals = 0;
    assert!(selftest::run().passed, "published keys need none of it");
    loop {
        let full = heap::used();
        for answer in key.read(|key| Ok(work(key, &pkcs8))).unwrap() {
            if let Err(error) = answer {
                assert_eq!(error.code(), ErrorCode::MemoryExhausted);
                refusals += 1;
            }
        }
        assert_eq!(heap::used(), full);
        let generated = RsaPrivateKey::generate(2048, rng::fill);
        if let Err(error) = &generated {
            assert_eq!(error.code(), ErrorCode::MemoryExhausted);
        }
        if generated.is_ok() || !grabbed.give_one() {
            break;
        }
    }
    eprintln!("{refusals} refusals");
    assert!(refusals > 4 && grabbed.give_one());
    drop(grabbed);

    // There is room again, for as many as before.
    let count = keys.len();
    drop((key, keys));
    assert!(heap::used() <= empty);
    let again: Vec<_> = (0..count).map(|_| load().unwrap()).collect();
    assert!(again[count - 1].read(|key| Ok(work(key, &pkcs8))).unwrap().iter().all(Result::is_ok));
}
