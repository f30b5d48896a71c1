//! What whoever can write to a store's file does to its trail, and stores that cannot be written.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::audit::Head;
use crate::error::{ErrorCode, Result};
use crate::kms::trail::{Deed, Wanted};
use crate::kms::{Kms, Options, places};
use crate::model::{Space, Timestamp};

const START: Timestamp = Timestamp(1_562_246_055);

/// Hooks for tests of what requests leave behind.
impl Kms {
    /// How many changes have been written.
    pub(crate) fn commits(&self) -> u64 {
        self.header().unwrap().1.generation
    }

    /// All that is stored.
    pub(crate) fn contents(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let entries = self.store.scan(&[], &[], usize::MAX).unwrap();
        entries.into_iter().map(|entry| (entry.key, entry.value)).collect()
    }

    /// What `f` answers while nothing can be written.
    pub(crate) fn without_header<R>(&self, f: impl FnOnce() -> R) -> R {
        let header = self.value(places::HEADER).unwrap();
        self.forge(vec![], vec![places::HEADER.to_vec()]);
        let answer = f();
        self.forge(vec![(places::HEADER.to_vec(), header)], vec![]);
        answer
    }
}

/// A trail of nine events in five segments, three of which are signed for.
fn store() -> Arc<Kms> {
    let kms = Kms::in_memory(Options { manual_clock: Some(START), ..Options::default() }).unwrap();
    kms.close_books();
    add(&kms, 1);
    add(&kms, 3);
    kms.close_books();
    add(&kms, 1);
    add(&kms, 2);
    kms.close_books();
    add(&kms, 2);
    kms.close_books();
    kms
}

impl Kms {
    fn close_books(&self) {
        self.change(|transaction| transaction.sign()).unwrap();
    }

    fn look_up(&self) -> Result<usize> {
        let account = Space::of_store().unwrap().account;
        let page = self.look_up_events(account.as_str(), &Wanted::default(), None, 100)?;
        Ok(page.events.len())
    }

    fn export(&self) -> Result<Head> {
        self.export_trail(&mut Vec::new())
    }
}

/// So many events in one change.
fn add(kms: &Kms, events: u64) {
    kms.change(|transaction| {
        (0..events).try_for_each(|_| transaction.record_of_store(Deed::LoseEvents, 1))
    })
    .unwrap();
}

fn records(kms: &Kms, prefix: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let entries = kms.store.scan(prefix, &[], 100).unwrap();
    entries.into_iter().map(|entry| (entry.key, entry.value)).collect()
}

/// That something is wrong with the trail is told by all who read it.
fn is_seen(kms: &Kms, what: &str) {
    let codes = [kms.export().map(drop), kms.verify_trail().map(drop), kms.look_up().map(drop)];
    for outcome in codes {
        let code = outcome.expect_err(what).code();
        assert!(
            matches!(code, ErrorCode::TrailDamaged | ErrorCode::StoreDamaged),
            "{what}: {code:?}"
        );
    }
}

#[test]
fn every_record_of_events_counts() {
    let kms = store();
    let whole = kms.contents();
    let head = kms.export().unwrap();
    let count = usize::try_from(head.sequence).unwrap();
    assert_eq!((kms.look_up().unwrap(), kms.verify_trail().unwrap().checkpoints), (count, 4));
    let events = records(&kms, places::EVENTS);
    let restore = || {
        let now = kms.contents();
        let gone = now.into_keys().filter(|key| !whole.contains_key(key)).collect();
        kms.forge(whole.clone().into_iter().collect(), gone);
        assert_eq!(kms.export(), Ok(head));
    };
    for (at, (key, value)) in events.iter().enumerate() {
        kms.forge(vec![], vec![key.clone()]);
        is_seen(&kms, "removed");
        restore();
        for (other, its) in &events {
            if other != key {
                kms.forge(vec![(key.clone(), its.clone())], vec![]);
                is_seen(&kms, "another in its place");
                kms.forge(vec![(other.clone(), value.clone())], vec![]);
                is_seen(&kms, "swapped");
                restore();
            }
        }
        for len in (0..value.len()).rev().step_by(13) {
            kms.forge(vec![(key.clone(), value[..len].to_vec())], vec![]);
            is_seen(&kms, "truncated");
        }
        restore();
        // All from here on, with the header left.
        let tail = events[at..].iter().map(|(key, _)| key.clone());
        kms.forge(vec![], tail.clone().collect());
        is_seen(&kms, "cut off");
        let signed = records(&kms, places::CHECKPOINTS);
        let tail = tail.chain(signed.into_iter().map(|(key, _)| key));
        kms.forge(vec![], tail.collect());
        is_seen(&kms, "cut off, and no checkpoints");
        restore();
    }
    // One that was never written follows the last.
    let beyond = places::events(head.sequence + 1);
    kms.forge(vec![(beyond, events[0].1.clone())], vec![]);
    is_seen(&kms, "one too many");
}

#[test]
fn every_checkpoint_counts() {
    let kms = store();
    let whole = kms.contents();
    let checkpoints = records(&kms, places::CHECKPOINTS);
    let restore = || kms.forge(whole.clone().into_iter().collect(), vec![]);
    let damaged = |what: &str| {
        for outcome in [kms.export().map(drop), kms.verify_trail().map(drop)] {
            let code = outcome.expect_err(what).code();
            assert!(matches!(code, ErrorCode::TrailDamaged | ErrorCode::StoreDamaged), "{what}");
        }
        restore();
        kms.verify_trail().unwrap();
    };
    for (at, (key, value)) in checkpoints.iter().enumerate() {
        kms.forge(vec![], vec![key.clone()]);
        match at + 1 == checkpoints.len() {
            true => damaged("the last is removed"),
            // The events are signed for by a later one; the header tells that a record is missing.
            false => {
                let verified = kms.verify_trail().unwrap();
                assert_eq!(verified.checkpoints as usize, checkpoints.len() - 1);
                assert!(!kms.ledger().unwrap().is_empty());
                restore();
            }
        }
        for (_, other) in checkpoints.iter().filter(|(other, _)| other != key) {
            kms.forge(vec![(key.clone(), other.clone())], vec![]);
            damaged("another in its place");
        }
        for len in (0..value.len()).rev().step_by(13) {
            kms.forge(vec![(key.clone(), value[..len].to_vec())], vec![]);
            damaged("truncated");
        }
    }
}

/// What is sealed for the same place in another line of the store's history, where it was put back and went
/// on.
#[test]
fn records_of_another_history_are_seen() {
    let kms = store();
    let before = kms.contents();
    add(&kms, 2);
    add(&kms, 1);
    kms.close_books();
    let other = kms.contents();
    // The process has seen the later generation: another would not know.
    kms.generation.store(0, std::sync::atomic::Ordering::SeqCst);
    let added = other.keys().filter(|key| !before.contains_key(*key)).cloned().collect();
    kms.forge(before.into_iter().collect(), added);
    add(&kms, 2);
    add(&kms, 1);
    kms.close_books();
    let whole = kms.contents();
    kms.verify_trail().unwrap();
    let is_of_trail =
        |key: &Vec<u8>| key.starts_with(places::EVENTS) || key.starts_with(places::CHECKPOINTS);
    let foreign: Vec<_> = other
        .into_iter()
        .filter(|(key, value)| is_of_trail(key) && whole.get(key).is_some_and(|own| own != value))
        .collect();
    assert_eq!(foreign.len(), 3);
    for some in 1..8 {
        let chosen = foreign.iter().enumerate().filter(|(at, _)| some & (1 << at) != 0);
        kms.forge(chosen.map(|(_, entry)| entry.clone()).collect(), vec![]);
        let outcomes = [kms.export().map(drop), kms.verify_trail().map(drop)];
        for outcome in outcomes {
            assert_eq!(outcome.unwrap_err().code(), ErrorCode::TrailDamaged);
        }
        // Lookups read no checkpoints.
        assert_eq!(kms.look_up().is_err(), some & 3 != 0);
        kms.forge(whole.clone().into_iter().collect(), vec![]);
    }
}

/// A trail without events is exported, signed and verified like any other.
#[test]
fn a_trail_without_events() {
    let kms = Kms::in_memory(Options { manual_clock: Some(START), ..Options::default() }).unwrap();
    if kms.header().unwrap().1.events > 0 {
        return; // It has begun with unlocked memory.
    }
    for _ in 0..2 {
        let verified = kms.verify_trail().unwrap();
        assert_eq!((verified.events, verified.checkpoints), (0, 1));
    }
    add(&kms, 1);
    assert_eq!(kms.verify_trail().unwrap().events, 1);
}

/// What cannot be written waits, up to a bound; then the trail tells how much it misses.
#[test]
fn lost_events_are_told_of() {
    let kms = store();
    let before = kms.export().unwrap().sequence;
    let event = br#"{"a":1}"#;
    let big = [br#"{"a":""#, &vec![b'x'; 1 << 19][..], br#""}"#].concat();
    kms.without_header(|| {
        for _ in 0..20 {
            kms.enter_event(&big).unwrap();
        }
        assert_eq!(kms.flush().unwrap_err().code(), ErrorCode::StoreDamaged);
        assert_eq!(kms.flush().unwrap_err().code(), ErrorCode::StoreDamaged);
    });
    kms.enter_event(event).unwrap();
    let mut lines = Vec::new();
    kms.export_trail(&mut lines).unwrap();
    kms.verify_trail().unwrap();
    let text = String::from_utf8(lines).unwrap();
    let kept = text.matches("xxxx\"}}").count() as u64;
    let lost: u64 = 20 - kept;
    assert!(kept >= 15 && lost > 0, "{kept}");
    assert_eq!(text.matches(r#""eventName":"LoseEvents""#).count() as u64, before + 1);
    assert!(text.contains(&format!(r#""count":{lost}}}"#)) || lost == 1);
    assert_eq!(kms.header().unwrap().1.events, before + kept + 1 + u64::from(lost > 0));
}

/// A change with more events than a segment may have, or more text.
#[test]
fn long_trails_are_cut_into_segments() {
    let kms = store();
    let before = kms.export().unwrap().sequence;
    let many = 2 * 4096 + 5;
    add(&kms, many);
    assert_eq!(kms.verify_trail().unwrap().events, before + many);
    assert_eq!(records(&kms, places::EVENTS).len(), 5 + 3);
    let big = [br#"{"a":""#, &vec![b'x'; 1 << 19][..], br#""}"#].concat();
    kms.change(|transaction| {
        (0..20).for_each(|_| transaction.record(&big));
        Ok(())
    })
    .unwrap();
    assert_eq!(kms.verify_trail().unwrap().events, before + many + 20);
    assert_eq!(records(&kms, places::EVENTS).len(), 5 + 3 + 2);
    assert_eq!(kms.ledger().unwrap(), [""; 0]);
}

/// Checkpoints come after so many events, and after so much time with any.
#[test]
fn checkpoints_come_in_time() {
    let kms = store();
    let signed = || records(&kms, places::CHECKPOINTS).len();
    let before = signed();
    (0..255).for_each(|_| add(&kms, 1));
    assert_eq!(signed(), before);
    add(&kms, 1);
    assert_eq!(signed(), before + 1);
    kms.manual_clock().unwrap().advance(59);
    add(&kms, 1);
    assert_eq!(signed(), before + 1);
    kms.manual_clock().unwrap().advance(1);
    add(&kms, 1);
    assert_eq!(signed(), before + 2);
    kms.verify_trail().unwrap();
}

/// The recorder is a thread of stores in directories, and only once there is something to record.
#[test]
fn the_recorder_starts_when_it_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let (place, unlock) = (folder.path().join("store"), crate::kms::Unlock::KeyFile(&[7; 32]));
    Kms::create(&place, &unlock).unwrap();
    let options = Options { allow_unprotected_memory: true, ..Options::default() };
    let kms = Kms::open(&place, &unlock, options.clone()).unwrap();
    let memory = Kms::in_memory(options).unwrap();
    kms.verify_trail().unwrap();
    assert!(!kms.recorder.is_running());
    for kms in [&kms, &memory] {
        kms.enter_event(b"{}").unwrap();
    }
    assert!(kms.recorder.is_running() && !memory.recorder.is_running());
    // It writes by itself.
    while !kms.trail.is_empty() {
        std::thread::yield_now();
    }
    assert!(!memory.trail.is_empty());
    for kms in [&kms, &memory] {
        kms.close();
        assert!(!kms.recorder.is_running() && kms.trail.is_empty());
    }
}

/// Closing writes what waits; who comes later is not told that all is well.
#[test]
fn closing_writes_what_waits() {
    let folder = tempfile::tempdir().unwrap();
    let (place, unlock) = (folder.path().join("store"), crate::kms::Unlock::KeyFile(&[7; 32]));
    Kms::create(&place, &unlock).unwrap();
    let options = Options { allow_unprotected_memory: true, ..Options::default() };
    let open = || Kms::open(&place, &unlock, options.clone()).unwrap();
    let kms = open();
    let before = kms.header().unwrap().1.events;
    kms.enter_event(b"{}").unwrap();
    kms.close();
    assert_eq!(kms.enter_event(b"{}").unwrap_err().code(), ErrorCode::Closed);
    let events = open().header().unwrap().1.events;
    assert!((before + 1..=before + 2).contains(&events), "{events} after {before}");
}

/// The recorder goes on when a write fails, and writes later what it could not.
#[test]
fn the_recorder_survives_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let (place, unlock) = (folder.path().join("store"), crate::kms::Unlock::KeyFile(&[7; 32]));
    Kms::create(&place, &unlock).unwrap();
    let options = Options { allow_unprotected_memory: true, ..Options::default() };
    let kms = Kms::open(&place, &unlock, options).unwrap();
    kms.without_header(|| {
        kms.enter_event(b"{}").unwrap();
        let failures = kms.recorder.failures();
        while kms.recorder.failures() < failures + 2 {
            std::thread::yield_now();
        }
        assert!(kms.recorder.is_running() && !kms.trail.is_empty());
    });
    while !kms.trail.is_empty() {
        std::thread::yield_now();
    }
    kms.verify_trail().unwrap();
}
