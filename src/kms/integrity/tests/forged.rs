//! Entries that were changed, moved, added or put back; records that the library never writes.

use std::sync::atomic::Ordering;

use super::*;

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
