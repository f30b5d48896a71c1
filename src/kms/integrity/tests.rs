//! Whatever is done to the entries of a store is found, named where it can be, and nothing else is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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

/// Every entry but the header, which the walk reads first: changed, cut, removed.
#[test]
fn every_entry_counts() {
    let kms = store();
    let whole = kms.contents();
    for (place, value) in whole.iter().filter(|(place, _)| *place != places::HEADER) {
        let mut forged = whole.clone();
        forged.remove(place);
        let (findings, _) = found(&kms, &forged, place);
        assert!(!findings.is_empty(), "{} is removed", hex(place));
        let mut changed = Vec::new();
        for at in (0..value.len()).step_by(37).chain(value.len().checked_sub(1)) {
            let mut flipped = value.clone();
            flipped[at] ^= 1;
            changed.push(flipped);
        }
        changed.extend([value.get(1..).unwrap_or(b"x").to_vec(), [value, &b"x"[..]].concat()]);
        for value in changed {
            forged.insert(place.clone(), value);
            let (findings, is_named) = found(&kms, &forged, place);
            assert!(is_named, "{} is changed: {findings:?}", hex(place));
        }
    }
    assert_eq!(found(&kms, &whole, &[]).0, []);
}

/// T-ST-3: what belongs to one place is put in another of its kind, also from another store.
#[test]
fn records_in_the_place_of_others() {
    let (kms, other) = (store(), store().contents());
    let whole = kms.contents();
    for (place, value) in whole.iter().filter(|(place, _)| *place != places::HEADER) {
        let own = whole.iter().find(|(key, it)| key[0] == place[0] && *it != value);
        let foreign = other.iter().find(|(key, it)| key[0] == place[0] && *it != value);
        for (_, value) in own.into_iter().chain(foreign) {
            let mut forged = whole.clone();
            forged.insert(place.clone(), value.clone());
            let (findings, is_named) = found(&kms, &forged, place);
            assert!(is_named, "{}: {findings:?}", hex(place));
        }
    }
}

/// What is there twice, or where nothing belongs.
#[test]
fn entries_that_are_too_many() {
    let kms = store();
    let whole = kms.contents();
    for (place, value) in whole.iter().filter(|(place, _)| *place != places::HEADER) {
        let mut next = place.clone();
        match next.last_mut() {
            Some(last) if place.len() > 1 => *last ^= 0x40,
            _ => next.push(0),
        }
        let mut forged = whole.clone();
        forged.insert(next.clone(), value.clone());
        let (findings, is_named) = found(&kms, &forged, &next);
        assert!(is_named, "{}: {findings:?}", hex(&next));
    }
    for place in [&[0][..], &[6], &[0x20; 17], &[0x42; 9], &[0xff; 40], &[2, 0, 0], &[0x10; 18]] {
        let mut forged = whole.clone();
        forged.insert(place.to_vec(), vec![1; 200]);
        assert!(found(&kms, &forged, place).1, "{}", hex(place));
    }
}

/// T-ST-4: an earlier version of a record is genuine, but not the one that the header vouches for.
#[test]
fn earlier_records_are_found() {
    let kms = store();
    let before = kms.contents();
    kms.change(|transaction| {
        for (number, region) in [(0, "cn-hongkong"), (5, "cn-beijing")] {
            let mut id = [1; 16];
            id[12..].copy_from_slice(&u32::to_be_bytes(number));
            let old = transaction.key(&KeyId::from_random(id))?.unwrap();
            assert_eq!(old.space, space(region));
            let new = KeyRecord { state: KeyState::Disabled, ..old.clone() };
            transaction.put_key(Some(&old), &new)?;
        }
        transaction.record_of_store(crate::kms::trail::Deed::LoseEvents, 1)
    })
    .unwrap();
    let after = kms.contents();
    assert_eq!(found(&kms, &after, &[]).0, []);
    let changed = before.iter().filter(|(place, value)| after.get(*place) != Some(value));
    let changed: Vec<_> = changed.filter(|(place, _)| *place != places::HEADER).collect();
    assert!(changed.len() >= 4);
    for (place, value) in changed {
        let mut forged = after.clone();
        forged.insert(place.clone(), value.clone());
        let (findings, _) = found(&kms, &forged, place);
        let what = What::Records.as_str();
        // What is not sealed is no record of the header's.
        let is_sealed = places::record_kind(place[0]).is_some();
        assert!(findings.iter().any(|it| it.what == what) || !is_sealed, "{findings:?}");
        assert!(!findings.is_empty());
    }
    // All records of before under the header of now, and the reverse.
    for (records, header) in [(&before, &after), (&after, &before)] {
        let mut forged = records.clone();
        forged.insert(places::HEADER.to_vec(), header[places::HEADER].clone());
        assert!(!found(&kms, &forged, &[]).0.is_empty());
    }
}

/// What the library itself would write if it were wrong: the sums of the header are right then.
#[test]
fn what_does_not_fit_together_is_named() {
    let kms = store();
    let mut id = [1; 16];
    id[12..].copy_from_slice(&[0; 4]);
    let id = KeyId::from_random(id);
    let place = hex(&places::key(&id));
    let expect = |what: What, change: &dyn Fn(&mut Transaction<'_>, &KeyRecord) -> Result<()>| {
        let before = kms.contents();
        kms.change(|transaction| {
            let key = transaction.key(&id)?.unwrap();
            change(transaction, &key)
        })
        .unwrap();
        let report = walk(&kms);
        let is_named = report.findings.iter().any(|it| it.what == what.as_str());
        assert!(is_named, "{what:?}: {:?}", report.findings);
        assert!(report.findings.iter().all(|it| it.what != What::Records.as_str()));
        kms.generation.store(0, Ordering::SeqCst);
        found(&kms, &before, &[]);
        report
    };
    let raw = |transaction: &mut Transaction<'_>, key: &KeyRecord| {
        let storage_key = places::key(&key.id);
        let place = crate::kms::stored::key_place(&key.id, &storage_key);
        transaction.put(&place, crate::kms::transaction::Body::Clear(&key.encode()))
    };
    let report =
        expect(What::AliasCount, &|t, key| raw(t, &KeyRecord { aliases: 9, ..key.clone() }));
    assert!(report.findings.iter().any(|it| it.place == place && it.key == Some(id.to_string())));
    let moved = |key: &KeyRecord| KeyRecord { state: KeyState::Disabled, ..key.clone() };
    expect(What::Counters, &|t, key| raw(t, &moved(key)));
    expect(What::EntryMissing, &|t, key| raw(t, &moved(key)));
    expect(What::EntryLeft, &|t, key| raw(t, &moved(key)));
    expect(What::Metered, &|t, key| {
        raw(t, &KeyRecord { state: KeyState::PendingDeletion, ..key.clone() })
    });
    expect(What::BeyondSequence, &|t, key| raw(t, &KeyRecord { seq: 1 << 40, ..key.clone() }));
    expect(What::Material, &|t, key| raw(t, &KeyRecord { has_material: false, ..key.clone() }));
    expect(What::VersionMissing, &|t, key| raw(t, &KeyRecord { versions: vec![], ..key.clone() }));
    expect(What::Orphan, &|t, key| raw(t, &KeyRecord { versions: vec![], ..key.clone() }));
    expect(What::DueEarly, &|t, _| {
        t.header.due = u64::MAX;
        t.write_header();
        Ok(())
    });
    expect(What::Revived, &|t, key| {
        let storage_key = places::tombstone(&key.id);
        let kind = crate::hsm::RecordKind::Tombstone;
        let id = key.id.as_bytes();
        let place = crate::hsm::Place { kind, id, storage_key: &storage_key, immutables: &[] };
        let body = [&[1, 0, 0, 0, 1, b'1', 0, 0, 0, 11][..], b"cn-hongkong", &[0; 28]].concat();
        t.put(&place, crate::kms::transaction::Body::Clear(&body))
    });
    expect(What::TrailGap, &|t, _| {
        t.header.audit_head = [7; 32];
        t.write_header();
        Ok(())
    });
    assert_eq!(walk(&kms).findings, []);
}

/// T-ST-18: at the end of all numbers changes are refused, and nothing starts over.
#[test]
fn the_end_of_all_numbers() {
    let kms = store();
    let forge = |generation| {
        kms.change(|transaction| {
            transaction.header.generation = generation - 1;
            transaction.write_header();
            Ok(())
        })
    };
    forge(u64::MAX - 1).unwrap();
    assert_eq!(kms.commits(), u64::MAX - 1);
    let change = || kms.change(|transaction| transaction.next_seq(&space("cn-hongkong")));
    change().unwrap();
    assert_eq!(kms.commits(), u64::MAX);
    let refused = change().map_err(|error| error.code());
    assert_eq!(refused, Err(ErrorCode::LimitExceeded));
    assert_eq!(kms.commits(), u64::MAX);
    assert_eq!(walk(&kms).findings, []);

    let kms = store();
    let last = kms.change(|transaction| {
        let mut counters = transaction.counters(&space("cn-hongkong"))?;
        counters.skip_to(u64::MAX - 1);
        transaction.put_counters(&space("cn-hongkong"), &counters)?;
        transaction.next_seq(&space("cn-hongkong"))
    });
    assert_eq!(last, Ok(u64::MAX - 1));
    let refused = kms.change(|transaction| transaction.next_seq(&space("cn-hongkong")));
    assert_eq!(refused.map_err(|error| error.code()), Err(ErrorCode::LimitExceeded));
}

/// Walks that are interrupted, and others that go on from there.
#[test]
fn interrupted_walks_go_on() {
    let kms = store();
    let whole = walk(&kms);
    let mut state = None;
    for most in 1_u64.. {
        let looked = AtomicU64::new(0);
        let watch = |_: u64, _: u64| looked.fetch_add(1, Ordering::SeqCst) + 1 < 8;
        let done = kms.verify(state.as_deref(), &watch).unwrap();
        assert!(most < 100, "it never ends");
        state = match done.state {
            Some(state) => Some(state),
            None => {
                assert_eq!(done.report, whole);
                break;
            }
        };
        assert!(!done.report.complete);
    }
    // From the state of a walk that came far, with a change since, and with damage since.
    let looked = AtomicU64::new(0);
    let far = kms.verify(None, &|done, of| done < of || looked.fetch_add(1, Ordering::SeqCst) > 0);
    let state = far.unwrap().state.unwrap();
    kms.change(|transaction| key(transaction, 70, space("cn-beijing"))).unwrap();
    let report = kms.verify(Some(&state), &|_, _| true).unwrap().report;
    assert_eq!((&report.findings[..], report.keys, report.complete), (&[][..], 8, true));
    let place = kms.contents().into_keys().find(|place| place[0] == 0x11).unwrap();
    let mut record = kms.value(&place).unwrap();
    *record.last_mut().unwrap() ^= 1;
    kms.forge(vec![(place.clone(), record)], vec![]);
    let report = kms.verify(Some(&state), &|_, _| true).unwrap().report;
    assert!(report.findings.iter().any(|finding| finding.place == hex(&place)));
    let mut wrong = state.clone();
    *wrong.last_mut().unwrap() ^= 1;
    for (kms, state) in [(&store(), &state), (&kms, &wrong), (&kms, &Vec::new())] {
        let refused = kms.verify(Some(state), &|_, _| true).map(|_| ());
        assert_eq!(refused.map_err(|error| error.code()), Err(ErrorCode::InvalidParameter));
    }
}

/// A walk sees one moment, whatever happens meanwhile.
#[test]
fn a_store_in_use_has_no_findings() {
    let directory = tempfile::tempdir().unwrap();
    let (place, unlock) = (directory.path().join("store"), crate::kms::Unlock::KeyFile(&[7; 32]));
    Kms::create(&place, &unlock).unwrap();
    let open = || Kms::open(&place, &unlock, Options::default()).unwrap();
    let (kms, other) = (open(), open());
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0.. {
                other.change(|transaction| key(transaction, number, space("cn-hongkong"))).unwrap();
                if is_over.load(Ordering::SeqCst) {
                    break;
                }
            }
        });
        let mut keys = 0;
        while keys < 50 {
            let report = walk(&kms);
            assert_eq!(report.findings, []);
            assert!(report.keys >= keys);
            keys = report.keys;
        }
        is_over.store(true, Ordering::SeqCst);
    });
}

/// More than can be named are counted.
#[test]
fn a_thousand_findings_are_named() {
    let kms = memory();
    let junk = (0..1500_u32).map(|n| ([&[0x50][..], &n.to_be_bytes()].concat(), vec![])).collect();
    kms.forge(junk, vec![]);
    let report = kms.verify(None, &|_, _| true).unwrap().report;
    assert_eq!((report.found, report.findings.len()), (1500, 1000));
}

/// How long a walk takes, in memory and in a directory. In an optimized build:
/// `KMSHSM_KEYS=500000 cargo test --release --lib -- --ignored --nocapture the_speed_of_a_walk`.
#[test]
#[ignore = "it measures"]
fn the_speed_of_a_walk() {
    let keys = std::env::var("KMSHSM_KEYS").map_or(50_000, |keys| keys.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let (place, unlock) = (directory.path().join("store"), crate::kms::Unlock::KeyFile(&[7; 32]));
    Kms::create(&place, &unlock).unwrap();
    let kept = Kms::open(&place, &unlock, Options::default()).unwrap();
    for (name, kms) in [("memory", &memory()), ("directory", &kept)] {
        for first in (0..keys).step_by(500) {
            let made = kms.change(|transaction| {
                for number in first..keys.min(first + 500) {
                    let key = key(transaction, number, space("cn-hongkong"))?;
                    transaction.record_deed(crate::kms::trail::Deed::RotateKey, &key)?;
                }
                Ok(())
            });
            made.unwrap();
        }
        let start = std::time::Instant::now();
        let report = walk(kms);
        let seconds = start.elapsed().as_secs_f64();
        assert_eq!(report.findings, []);
        let rate = report.records as f64 / seconds;
        println!("{name}: {} records in {seconds:.2} s, {rate:.0} a second", report.records);
    }
}
