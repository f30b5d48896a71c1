//! Whatever is done to the entries of a store is found, named where it can be, and nothing else is.

mod forged;
mod walks;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::hsm::{AccessKey, RawMaterial, WrappingPair, fresh_user_id, permitted};
use crate::kms::principals::Attachment;
use crate::kms::record::sample;
use crate::kms::{KeyRecord, Options, PolicyRecord, Transaction, UserRecord, Version};
use crate::model::{
    Account, AliasName, KeyId, KeySpec, KeyState, KeyVersionId, Making, Origin, PolicyName,
    PolicyType, Space, Timestamp, UserName, WrappingAlgorithm,
};

const START: Timestamp = Timestamp(1_562_246_055);
const WEEK: u64 = 7 * 86_400;

type Contents = BTreeMap<Vec<u8>, Vec<u8>>;

fn memory() -> Arc<Kms> {
    Kms::in_memory(Options { manual_clock: Some(START), ..Options::default() }).unwrap()
}

/// A key with material, and a tag if its number is odd.
fn key(transaction: &mut Transaction<'_>, number: u32, space: Space) -> Result<KeyRecord> {
    let id = |kind: u8| {
        let mut bytes = [kind; 16];
        bytes[12..].copy_from_slice(&number.to_be_bytes());
        bytes
    };
    let version = Version { id: KeyVersionId::from_random(id(2)), created: START };
    let key = KeyRecord {
        space,
        id: KeyId::from_random(id(1)),
        spec: KeySpec::Aes256,
        origin: Origin::from_number(1)?,
        seq: transaction.next_seq(&space)?,
        state: KeyState::Enabled,
        has_material: true,
        rotation_interval: number.is_multiple_of(3).then_some(WEEK),
        tags: (number % 2 == 1).then(|| ("k".into(), "v".into())).into_iter().collect(),
        versions: vec![version],
        ..sample()
    };
    let material = RawMaterial::generate(permitted(KeySpec::Aes256, Making)?)?;
    transaction.put_version(&key, version, &material.version_body(START)?)?;
    transaction.put_key(None, &key)?;
    Ok(key)
}

fn space(region: &str) -> Space {
    Space::new("111122223333", region).unwrap()
}

/// A user with an access key and a policy.
fn add_user(kms: &Kms, name: &str) {
    let account = Account::parse("111122223333").unwrap();
    let (user_name, policy) = (UserName::parse(name).unwrap(), PolicyName::parse(name).unwrap());
    let user_id = fresh_user_id().unwrap();
    let access = AccessKey::generate(&account, &user_name, &user_id).unwrap();
    let body = access.body().unwrap();
    let document = r#"{"Version":"1","Statement":[]}"#.to_owned();
    kms.change(|transaction| {
        let attached =
            Attachment { kind: PolicyType::Custom, name: policy.clone(), attached: START };
        let mut user = UserRecord {
            account,
            name: user_name.clone(),
            id: user_id.clone(),
            display_name: String::new(),
            comments: String::new(),
            created: START,
            updated: START,
            access_keys: Vec::new(),
            policies: vec![attached],
            failures: 0,
            locked_until: None,
        };
        transaction.add_policy(&PolicyRecord::new(
            account,
            policy.clone(),
            String::new(),
            document.clone(),
            START,
        ))?;
        transaction.add_user(&user)?;
        transaction.add_access_key(&mut user, &access.id, &body)
    })
    .unwrap();
}

/// A store with something of everything.
fn store() -> Arc<Kms> {
    let kms = memory();
    for number in 0..6 {
        let place = space(if number < 4 { "cn-hongkong" } else { "cn-beijing" });
        kms.change(|transaction| {
            let old = key(transaction, number, place)?;
            let mut new = old.clone();
            for alias in 0..number % 3 {
                let name = format!("alias/{number}-{alias}");
                transaction.add_alias(&mut new, &AliasName::parse(&name).unwrap())?;
            }
            transaction.record_deed(crate::kms::trail::Deed::RotateKey, &new)?;
            transaction.put_key(Some(&old), &new)
        })
        .unwrap();
    }
    let waiting = kms.change(|transaction| {
        let version = Version { id: KeyVersionId::from_random([77; 16]), created: START };
        let key = KeyRecord {
            id: KeyId::from_random([7; 16]),
            seq: transaction.next_seq(&sample().space)?,
            versions: vec![version],
            ..sample()
        };
        let algorithm = WrappingAlgorithm::parse("SM2PKE").unwrap();
        let pair = WrappingPair::generate(
            permitted(KeySpec::EcSm2, Making)?,
            permitted(KeySpec::Aes256, algorithm)?,
            key.id,
            START.plus(60),
        )?;
        transaction.put_pair(pair.id(), &pair.body()?)?;
        transaction.put_empty_version(&key, version)?;
        let key = KeyRecord { wrapping_pairs: vec![(*pair.id(), START.plus(60))], ..key };
        transaction.put_key(None, &key)
    });
    waiting.unwrap();
    let doomed = |transaction: &mut Transaction<'_>| {
        let old = key(transaction, 9, space("cn-hongkong"))?;
        let new = KeyRecord {
            state: KeyState::PendingDeletion,
            delete_date: Some(START.plus(1)),
            ..old.clone()
        };
        transaction.put_key(Some(&old), &new)
    };
    kms.change(doomed).unwrap();
    kms.manual_clock().unwrap().advance(2);
    assert_eq!(kms.tick().unwrap().deleted, 1);
    add_user(&kms, "alice");
    add_user(&kms, "bob");
    kms.change(|transaction| transaction.sign()).unwrap();
    kms
}

fn walk(kms: &Kms) -> Report {
    let Verification { report, state } = kms.verify(None, &|_, _| true).unwrap();
    assert!(report.complete && state.is_none());
    assert_eq!(report.found, report.findings.len() as u64);
    report
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is found after `contents` were put in place of all else, and whether one is about `place`.
fn found(kms: &Kms, contents: &Contents, place: &[u8]) -> (Vec<Finding>, bool) {
    let gone = kms.contents().into_keys().filter(|key| !contents.contains_key(key)).collect();
    kms.forge(contents.clone().into_iter().collect(), gone);
    let report = walk(kms);
    let is_named = report.findings.iter().any(|finding| finding.place == hex(place));
    (report.findings, is_named)
}

#[test]
fn a_whole_store_has_no_findings() {
    let kms = store();
    let report = walk(&kms);
    assert_eq!(report.findings, []);
    assert_eq!((report.keys, report.records), (7, kms.header().unwrap().1.records));
    assert_eq!(report.events, kms.header().unwrap().1.events);
    assert_eq!(report.generation, kms.commits());
    let kinds: BTreeSet<u8> = kms.contents().keys().map(|key| key[0]).collect();
    let all = [1, 3, 4, 5].into_iter().chain(0x10..=0x19).chain([0x21, 0x30, 0x31, 0x40, 0x41]);
    assert!(kinds.into_iter().eq(all), "the store does not have something of everything");
}
