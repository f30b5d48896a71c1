//! What the table of cases cannot show: many keys, several stores, several processes' worth of
//! changes at once.
#![allow(missing_docs)]

use std::sync::{Arc, Once};

use kmshsm::api::{
    AsymmetricSign, AsymmetricVerify, CreateKey, Decrypt, DescribeKey, DisableKey, EnableKey,
    Encrypt, GenerateDataKey, GetParametersForImport, Into, ListKeyVersions, dispatch_json,
};
use kmshsm::error::ErrorCode;
use kmshsm::kms::{Kms, Options, Session, Unlock};
use kmshsm::model::{
    EncryptionContext, KeyId, KeyRef, KeySpec, KeyVersionId, Origin, SigningAlgorithm, Timestamp,
    VersionRef, WrappingAlgorithm, WrappingKeySpec,
};
use serde_json::Value;

const KEY_FILE: Unlock<'static> = Unlock::KeyFile(&[7; 32]);
fn options() -> Options {
    Options { allow_unprotected_memory: true, ..Options::default() }
}

fn session(kms: &Arc<Kms>) -> Session {
    kms.session("111122223333", "cn-hongkong").unwrap()
}

/// A store in memory, in a process whose keys have little room: some 1000 symmetric ones. It is
/// always the fourth of July 2019.
fn in_memory() -> Arc<Kms> {
    make_small();
    let manual_clock = Some(Timestamp(1_562_246_055));
    Kms::in_memory(Options { manual_clock, ..options() }).unwrap()
}

/// Before anything else in every test: it counts only before the first store of the process.
fn make_small() {
    static SMALL: Once = Once::new();
    SMALL.call_once(|| kmshsm::kms::set_key_memory(512 << 10).unwrap());
}

fn create(session: &Session) -> (KeyId, KeyVersionId) {
    let key = session.call(CreateKey::default()).unwrap().answer.key_metadata;
    (key.key_id, key.primary_key_version.unwrap())
}

fn encrypt(session: &Session, key: KeyId) -> Vec<u8> {
    let request = Encrypt {
        key_id: KeyRef::Id(key),
        plaintext: b"hello".as_slice().into(),
        encryption_context: EncryptionContext::default(),
        into: Into::New,
    };
    session.call(request).unwrap().answer.ciphertext_blob.into_vec()
}

fn decrypt(session: &Session, blob: &[u8]) -> kmshsm::error::Result<Vec<u8>> {
    let request = Decrypt {
        ciphertext_blob: blob.into(),
        encryption_context: EncryptionContext::default(),
        into: Into::New,
    };
    session.call(request).map(|reply| reply.answer.plaintext.to_vec())
}

/// A key on P-256 and its version.
fn create_pair(session: &Session) -> (KeyId, VersionRef) {
    let request = CreateKey { key_spec: Some(KeySpec::EcP256), ..CreateKey::default() };
    let key_id = session.call(request).unwrap().answer.key_metadata.key_id;
    let versions =
        ListKeyVersions { key_id: KeyRef::Id(key_id), page_number: None, page_size: None };
    let versions = session.call(versions).unwrap().answer.key_versions;
    (key_id, VersionRef::Id(versions.key_version[0].key_version_id))
}

/// More key pairs than the provider's heap holds, used by two threads.
#[test]
fn more_pairs_than_fit() {
    let kms = in_memory();
    let first = session(&kms);
    let pairs: Vec<_> = (0..1200).map(|_| create_pair(&first)).collect();
    let (algorithm, digest) = (SigningAlgorithm::EcdsaSha256, [7; 32]);
    let check = |pairs: &[(KeyId, VersionRef)]| {
        let session = session(&kms);
        for (key, key_version_id) in pairs.iter().copied() {
            let key_id = KeyRef::Id(key);
            let digest = || digest.as_slice().into();
            let request = AsymmetricSign {
                key_id: key_id.clone(),
                key_version_id,
                algorithm,
                digest: digest(),
                into: Into::New,
            };
            let signature = session.call(request).unwrap().answer.value.into_vec();
            let value = signature.as_slice().into();
            let digest = digest();
            let request = AsymmetricVerify { key_id, key_version_id, algorithm, digest, value };
            assert!(session.call(request).unwrap().answer.value);
        }
    };
    std::thread::scope(|scope| {
        let (front, back) = pairs.split_at(700);
        scope.spawn(|| check(front));
        scope.spawn(|| check(back));
    });
    check(&pairs);
}

/// More keys than the arena holds, in two stores: idle ones make room for whatever needs it.
#[test]
fn more_keys_than_fit() {
    let stores = [0, 1].map(|_| in_memory());
    let [first, second] = [&stores[0], &stores[1]].map(session);
    let late = create(&second).0;
    let keys: Vec<_> = (0..3000).map(|_| create(&first).0).collect();
    let blobs: Vec<_> = keys.iter().map(|key| encrypt(&first, *key)).collect();
    assert_eq!(decrypt(&second, &encrypt(&second, late)).unwrap(), b"hello");
    for blob in &blobs {
        assert_eq!(decrypt(&first, blob).unwrap(), b"hello");
    }
    let request = GenerateDataKey {
        key_id: KeyRef::Id(keys[0]),
        key_spec: None,
        number_of_bytes: Some(1024),
        encryption_context: EncryptionContext::default(),
        plaintext_into: Into::New,
        ciphertext_into: Into::New,
    };
    assert_eq!(first.call(request).unwrap().answer.plaintext.len(), 1024);
    let external = CreateKey { origin: Some(Origin::External), ..CreateKey::default() };
    let external = first.call(external).unwrap().answer.key_metadata.key_id;
    let request = GetParametersForImport {
        key_id: KeyRef::Id(external),
        wrapping_key_spec: WrappingKeySpec::Rsa2048,
        wrapping_algorithm: WrappingAlgorithm::OaepSha256,
    };
    first.call(request).unwrap();
    // Also of the keys that have left.
    let bill = dispatch_json(&first, "QueryBill", Some(r#"{"BillingCycle":"2019-07"}"#)).unwrap();
    let bill: Value = serde_json::from_str(&bill).unwrap();
    let lines = bill["Items"]["Item"].as_array().unwrap();
    let calls = lines.iter().find(|line| line["Item"] == "CallsBasic").unwrap();
    assert_eq!(calls["Quantity"], (3000 + 3000 + 1).to_string());
}

/// Changes from several openings of one store get in each other's way and none is lost or refused.
#[test]
fn changes_from_all_sides() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("store");
    make_small();
    Kms::create(&place, &KEY_FILE).unwrap();
    let open = || Kms::open(&place, &KEY_FILE, options()).unwrap();
    let shared = create(&session(&open())).0;
    let made: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let kms = open();
                scope.spawn(move || {
                    let session = session(&kms);
                    let mut made = Vec::new();
                    for _ in 0..40 {
                        let key_id = KeyRef::Id(shared);
                        session.call(DisableKey { key_id: key_id.clone() }).unwrap();
                        made.push(create(&session).0);
                        session.call(EnableKey { key_id }).unwrap();
                    }
                    made
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let kms = open();
    let session = session(&kms);
    for key in &made {
        let key_id = KeyRef::Id(*key);
        session.call(DescribeKey { key_id }).unwrap();
    }
    let list = session.call(kmshsm::api::ListKeys::default()).unwrap().answer;
    assert_eq!(list.paging.total_count, 1 + 160);
}

/// What one opening of a store disables, the next call of every other refuses.
#[test]
fn a_disabled_key_is_disabled_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("store");
    make_small();
    Kms::create(&place, &KEY_FILE).unwrap();
    let stores = [0, 1].map(|_| Kms::open(&place, &KEY_FILE, options()).unwrap());
    let [one, other] = [&stores[0], &stores[1]].map(session);
    let key = create(&one).0;
    let blob = encrypt(&other, key);
    for _ in 0..20 {
        one.call(DisableKey { key_id: KeyRef::Id(key) }).unwrap();
        let refused = decrypt(&other, &blob).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::Disabled);
        one.call(EnableKey { key_id: KeyRef::Id(key) }).unwrap();
        assert_eq!(decrypt(&other, &blob).unwrap(), b"hello");
    }
}
