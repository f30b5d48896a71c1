//! Walks: interrupted ones, those of a store in use, long ones.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::*;

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
        let writer = scope.spawn(|| {
            for number in 0.. {
                other.change(|transaction| key(transaction, number, space("cn-hongkong"))).unwrap();
                if is_over.load(Ordering::SeqCst) {
                    break;
                }
            }
        });
        let _over = Over(&is_over);
        let mut keys = 0;
        while keys < 50 && !writer.is_finished() {
            let report = walk(&kms);
            assert_eq!(report.findings, []);
            assert!(report.keys >= keys);
            keys = report.keys;
        }
    });
}

/// Tells a thread to end, also if this one fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
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
