//! What every store must do, as tests that each of them runs.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// Runs everything against new stores.
pub(super) fn check_all(new: &dyn Fn() -> Box<dyn Keystore>) {
    get_answers_in_order(&*new());
    commits_are_all_or_nothing(&*new());
    revisions_grow(&*new());
    deletes_come_before_puts(&*new());
    scans_page_by_key(&*new());
    scans_reach_the_last_key(&*new());
    keys_are_counted_and_skipped(&*new());
    snapshots_stand_still(&*new());
    reservations_hold(&*new());
    sync_tells_what_was_touched(&*new());
    sync_forgets_in_the_end(&*new());
    empty_keys_are_refused(&*new());
}

/// A batch that puts one value.
pub(super) fn put(key: &[u8], value: &[u8]) -> Batch {
    Batch { puts: vec![(key.to_vec(), value.to_vec())], ..Batch::default() }
}

/// A batch that touches keys.
pub(super) fn touch(keys: &[&[u8]]) -> Batch {
    Batch { touched: keys.iter().map(|key| key.to_vec()).collect(), ..Batch::default() }
}

/// Whoever has reserved is not overtaken, though others try all the time.
fn reservations_hold(store: &dyn Keystore) {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::SeqCst) {
                store.commit(put(b"a", b"theirs")).unwrap();
            }
        });
        for _ in 0..20 {
            let reserved = store.reserve().unwrap();
            let before = store.get(&[b"a"]).unwrap().pop().flatten();
            (0..100).for_each(|_| std::thread::yield_now());
            let mut batch = put(b"a", b"ours");
            batch.expects.push((b"a".to_vec(), before.map(|entry| entry.revision)));
            reserved.commit(batch).unwrap();
            drop(store.reserve().unwrap());
        }
        is_over.store(true, Ordering::SeqCst);
    });
}

fn get_answers_in_order(store: &dyn Keystore) {
    assert_eq!(store.get(&[]).unwrap(), []);
    assert_eq!(store.get(&[b"a"]).unwrap(), [None]);
    let first = store.commit(put(b"a", b"1")).unwrap();
    let second = store.commit(put(b"b", b"")).unwrap();
    let a = Entry { key: b"a".to_vec(), value: b"1".to_vec(), revision: first };
    let b = Entry { key: b"b".to_vec(), value: Vec::new(), revision: second };
    let found = store.get(&[b"b", b"x", b"a", b"b"]).unwrap();
    assert_eq!(found, [Some(b.clone()), None, Some(a), Some(b)]);
}

fn commits_are_all_or_nothing(store: &dyn Keystore) {
    let first = store.commit(put(b"a", b"1")).unwrap();
    let mut cursor = Cursor::default();
    store.sync(&mut cursor).unwrap();
    let mut expecting = |expects: &[(&[u8], Option<Revision>)]| {
        let outcome = store.commit(Batch {
            expects: expects.iter().map(|(key, revision)| (key.to_vec(), *revision)).collect(),
            puts: vec![(b"b".to_vec(), b"2".to_vec())],
            deletes: vec![b"a".to_vec()],
            touched: vec![b"a".to_vec()],
        });
        (outcome, store.sync(&mut cursor).unwrap())
    };
    let wrong: [&[(&[u8], Option<Revision>)]; 3] = [
        &[(b"a", None)],
        &[(b"a", Some(Revision(first.0 + 1)))],
        &[(b"a", Some(first)), (b"b", Some(first))],
    ];
    for expects in wrong {
        let (outcome, changes) = expecting(expects);
        assert_eq!(outcome.unwrap_err().code(), ErrorCode::Conflict);
        assert_eq!(changes, Changes::None);
        assert_eq!(store.scan(b"", b"", 9).unwrap().len(), 1);
        assert_eq!(store.get(&[b"a"]).unwrap()[0].as_ref().unwrap().revision, first);
    }
    let (outcome, changes) = expecting(&[(b"a", Some(first)), (b"b", None)]);
    outcome.unwrap();
    assert_eq!(changes, Changes::Keys(vec![b"a".to_vec()]));
    assert_eq!(store.get(&[b"a"]).unwrap(), [None]);
    assert_eq!(store.get(&[b"b"]).unwrap()[0].as_ref().unwrap().value, b"2");
}

fn revisions_grow(store: &dyn Keystore) {
    let mut last = Revision(0);
    for batch in [Batch::default(), put(b"a", b"1"), put(b"a", b"1"), touch(&[b"a"])] {
        let revision = store.commit(batch).unwrap();
        assert!(revision > last);
        last = revision;
    }
    assert_eq!(store.get(&[b"a"]).unwrap()[0].as_ref().unwrap().revision, Revision(last.0 - 1));
}

fn deletes_come_before_puts(store: &dyn Keystore) {
    let batch = Batch {
        puts: vec![(b"a".to_vec(), b"1".to_vec()), (b"a".to_vec(), b"2".to_vec())],
        deletes: vec![b"a".to_vec(), b"absent".to_vec()],
        ..Batch::default()
    };
    store.commit(batch).unwrap();
    assert_eq!(store.get(&[b"a"]).unwrap()[0].as_ref().unwrap().value, b"2");
}

fn scans_page_by_key(store: &dyn Keystore) {
    let keys: Vec<Vec<u8>> = (0..25u8).map(|n| vec![b'k', n]).collect();
    for key in keys.iter().rev() {
        store.commit(put(key, b"v")).unwrap();
    }
    for other in [&b"j"[..], b"k", b"l", b"k\x05\x00"] {
        store.commit(put(other, b"v")).unwrap();
    }
    let mut seen = Vec::new();
    let mut after = Vec::new();
    loop {
        let page = store.scan(b"k", &after, 4).unwrap();
        let Some(last) = page.last() else { break };
        after.clone_from(&last.key);
        seen.extend(page.into_iter().map(|entry| entry.key));
    }
    let mut expected = keys;
    expected.extend([b"k".to_vec(), b"k\x05\x00".to_vec()]);
    expected.sort();
    assert_eq!(seen, expected);
    assert_eq!(store.scan(b"k", b"", 0).unwrap(), []);
    assert_eq!(store.scan(b"k", b"l", 9).unwrap(), []);
    assert_eq!(store.scan(b"k", b"a", 1).unwrap()[0].key, b"k");
    assert_eq!(store.scan(b"", b"k\x18", 9).unwrap()[0].key, b"l");
}

fn keys_are_counted_and_skipped(store: &dyn Keystore) {
    for key in [&b"a"[..], b"k", b"k1", b"k2", b"l", &[0xff], &[0xff, 0xff]] {
        store.commit(put(key, b"v")).unwrap();
    }
    for (prefix, count) in [(&b""[..], 7), (b"k", 3), (b"k1", 1), (b"m", 0), (&[0xff], 2)] {
        assert_eq!(store.count(prefix).unwrap(), count, "{prefix:?}");
        let all = store.scan(prefix, b"", 9).unwrap();
        for skip in 0..=count {
            let expected = all.get(skip as usize).map(|entry| entry.key.clone());
            assert_eq!(store.nth(prefix, skip).unwrap(), expected, "{prefix:?}");
        }
        assert_eq!(store.nth(prefix, u64::MAX).unwrap(), None);
    }
}

fn scans_reach_the_last_key(store: &dyn Keystore) {
    for key in [&[0xfe][..], &[0xff], &[0xff, 0], &[0xff, 0xff], &[0xff, 0xff, 7]] {
        store.commit(put(key, b"v")).unwrap();
    }
    let count = |prefix: &[u8], after: &[u8]| store.scan(prefix, after, 9).unwrap().len();
    assert_eq!(count(&[0xff], b""), 4);
    assert_eq!(count(&[0xff, 0xff], b""), 2);
    assert_eq!(count(&[0xff, 0xff], &[0xff, 0xff]), 1);
    assert_eq!(count(&[0xfe], b""), 1);
    assert_eq!(count(b"", b""), 5);
}

fn snapshots_stand_still(store: &dyn Keystore) {
    let first = store.commit(put(b"a", b"1")).unwrap();
    store.commit(put(b"b", b"1")).unwrap();
    let snapshot = store.snapshot().unwrap();
    store.commit(put(b"a", b"2")).unwrap();
    store.commit(Batch { deletes: vec![b"b".to_vec()], ..put(b"c", b"1") }).unwrap();
    let found = snapshot.get(&[b"a", b"b", b"c"]).unwrap();
    assert_eq!(
        found[0].as_ref().unwrap(),
        &Entry { key: b"a".to_vec(), value: b"1".to_vec(), revision: first }
    );
    assert!(found[1].is_some() && found[2].is_none());
    assert_eq!(snapshot.scan(b"", b"a", 9).unwrap().len(), 1);
    assert_eq!(store.snapshot().unwrap().scan(b"", b"", 9).unwrap().len(), 2);
    std::thread::scope(|scope| {
        scope.spawn(move || assert!(snapshot.get(&[b"c"]).unwrap()[0].is_none()));
    });
    assert_eq!(store.scan(b"", b"", 9).unwrap().len(), 2);
}

fn sync_tells_what_was_touched(store: &dyn Keystore) {
    let mut cursor = Cursor::default();
    assert_eq!(store.sync(&mut cursor).unwrap(), Changes::None);
    store.commit(put(b"new", b"1")).unwrap();
    assert_eq!(store.sync(&mut cursor).unwrap(), Changes::None);
    store.commit(touch(&[b"a", b"b"])).unwrap();
    store.commit(touch(&[b"c"])).unwrap();
    let Changes::Keys(mut keys) = store.sync(&mut cursor).unwrap() else { panic!("no keys") };
    keys.sort();
    assert_eq!(keys, [b"a", b"b", b"c"]);
    assert_eq!(store.sync(&mut cursor).unwrap(), Changes::None);
    store.commit(touch(&[b"a"])).unwrap();
    let mut late = cursor.clone();
    assert_eq!(store.sync(&mut cursor).unwrap(), Changes::Keys(vec![b"a".to_vec()]));
    assert_eq!(store.sync(&mut late).unwrap(), Changes::Keys(vec![b"a".to_vec()]));
    let mut ahead = Cursor { epoch: 0, revision: u64::MAX >> 1 };
    assert_eq!(store.sync(&mut ahead).unwrap(), Changes::Everything);
    assert_eq!(ahead, cursor);
}

fn sync_forgets_in_the_end(store: &dyn Keystore) {
    store.commit(touch(&[b"first"])).unwrap();
    let mut start = Cursor::default();
    store.sync(&mut start).unwrap();
    let many: Vec<Vec<u8>> = (0..=MOST_CHANGES as u32).map(|n| n.to_be_bytes().to_vec()).collect();
    store.commit(Batch { touched: many, ..Batch::default() }).unwrap();
    assert_eq!(store.sync(&mut start.clone()).unwrap(), Changes::Everything);
}

fn empty_keys_are_refused(store: &dyn Keystore) {
    assert_eq!(store.commit(put(b"", b"v")).unwrap_err().code(), ErrorCode::Internal);
}
