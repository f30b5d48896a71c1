use proptest::prelude::*;

use super::*;
use crate::error::ErrorCode;

fn segment(events: &[impl AsRef<[u8]>], before: &Chain) -> Vec<u8> {
    let mut writer = SegmentWriter::default();
    assert!(writer.is_empty());
    events.iter().for_each(|event| assert!(writer.push(event.as_ref()).unwrap()));
    let bytes = writer.finish(before);
    assert!(writer.is_empty());
    bytes
}

fn check(events: &[String]) {
    let mut chain = Chain { count: 41, ..Chain::new(STORE) };
    let before = chain.clone();
    let segment = Segment::decode(&segment(events, &before)).unwrap();
    let read: Vec<_> = segment.events().map(|(number, text)| (number, text.to_owned())).collect();
    assert_eq!(read, (42..).zip(events.iter().cloned()).collect::<Vec<_>>());
    assert_eq!((segment.first(), segment.last()), (42, 41 + events.len() as u64));
    assert_eq!(segment.events().next_back().map(|(number, _)| number), Some(segment.last()));
    segment.replay(&mut chain).unwrap();
    let mut by_hand = before;
    events.iter().for_each(|event| by_hand.append(event.as_bytes()));
    assert_eq!(chain, by_hand);
}

#[test]
fn events_come_back() {
    check(&events(20));
    check(&["".into(), "".into(), "a".into(), "".into()]);
    check(&["aaaa".into(), "aa".into(), "aaaaaa".into(), "aaaaaa".into(), "aabaa".into()]);
    // Characters that share bytes.
    check(&["ü€".into(), "ö€".into(), "ö₭".into(), "ü₭".into()]);
}

/// A thousand uses of one key in a second take about a hundred bytes each.
#[test]
fn neighbours_cost_little() {
    let frame = Frame::new(Caller::Principal(&root(), None), &space(), None, "test");
    let keys = [KeyId::from_bytes([9; 16])];
    let same = encrypt(&frame, 0, &keys);
    let events: Vec<_> = (0..1000_u32)
        .map(|nth| {
            let mut id = [0; 16];
            random(&mut id).unwrap();
            text(&Event { id: RequestId(id), time: Timestamp(u64::from(nth / 500)), ..same })
        })
        .collect();
    let stored = segment(&events, &Chain::new(STORE)).len();
    let plain: usize = events.iter().map(String::len).sum();
    assert!(stored < 105_000 && plain > 600_000, "{stored} of {plain}");
}

#[test]
fn what_is_cut_or_changed_is_refused() {
    let before = Chain::new(STORE);
    let good = segment(&events(3), &before);
    assert!(Segment::decode(&good).is_ok());
    for len in 0..good.len() {
        assert_eq!(code(&good[..len]), ErrorCode::StoreDamaged, "{len}");
    }
    assert_eq!(code(&[&good[..], &[0]].concat()), ErrorCode::StoreDamaged);
    assert_eq!(code(&[&[2], &good[1..]].concat()), ErrorCode::StoreTooNew);
    // In the head: the numbers. Of the first entry: it shares nothing.
    for at in [41, 44, 45, 48, 49, 52, 53] {
        for value in [0xff, 4] {
            let mut bad = good.clone();
            bad[at] = value;
            assert_eq!(code(&bad), ErrorCode::StoreDamaged, "{at}");
        }
    }
    let mut bad = good.clone();
    bad[1..9].fill(0);
    assert_eq!(code(&bad), ErrorCode::StoreDamaged);
    bad[1..9].fill(0xff);
    assert_eq!(code(&bad), ErrorCode::StoreDamaged);
    let none = [&good[..41], &[0; 4]].concat();
    assert_eq!(code(&none), ErrorCode::StoreDamaged);
    // Half a character in each of two events.
    let halves = [[0xc3], [0xbc]];
    assert_eq!(code(&segment(&halves, &before)), ErrorCode::StoreDamaged);
    assert_eq!(code(&segment(&[[0xff]], &before)), ErrorCode::StoreDamaged);
}

fn code(bytes: &[u8]) -> ErrorCode {
    Segment::decode(bytes).unwrap_err().code()
}

/// Few bytes cannot make it take much memory.
#[test]
fn what_reading_takes_is_bounded() {
    let longer = vec![b'x'; MAX_EVENT + 1];
    let event = &longer[1..];
    let mut writer = SegmentWriter::default();
    assert_eq!(writer.push(&longer).unwrap_err().code(), ErrorCode::Internal);
    let taken = (0..100).take_while(|_| writer.push(event).unwrap()).count();
    assert_eq!(taken, 8);
    let full = writer.finish(&Chain::new(STORE));
    assert_eq!(Segment::decode(&full).unwrap().events().len(), 8);
    let entry = &full[full.len() - 12..];
    let mut more = [&full[..], entry].concat();
    more[44] = 9;
    assert_eq!(code(&more), ErrorCode::StoreDamaged);
}

#[test]
fn a_segment_has_its_place() {
    let texts = events(2);
    let mut chain = Chain::new(STORE);
    let segment = Segment::decode(&segment(&texts, &chain)).unwrap();
    segment.replay(&mut chain).unwrap();
    assert_eq!(chain.count, 2);
    assert_eq!(segment.replay(&mut chain).unwrap_err().code(), ErrorCode::TrailDamaged);
    let mut other = Chain::new([0; 16]);
    assert_eq!(segment.replay(&mut other).unwrap_err().code(), ErrorCode::TrailDamaged);
    assert_eq!(other, Chain::new([0; 16]));
}

#[test]
fn stored_checkpoints_come_back() {
    for curve in [Curve::P256, Curve::Sm2] {
        let signer = Signer::new(curve);
        let signed = signer.sign(&Chain { count: 7, ..Chain::new(STORE) }, 1_794_000_000);
        let bytes = signed.encode();
        assert_eq!(SignedCheckpoint::decode(STORE, &bytes), Ok(signed.clone()));
        assert!(signed.is_by(&signer.public) && !signed.is_by(&Signer::new(curve).public));
        let decoded = |bytes: &[u8]| SignedCheckpoint::decode(STORE, bytes).unwrap_err().code();
        for len in 0..bytes.len() {
            assert_eq!(decoded(&bytes[..len]), ErrorCode::StoreDamaged);
        }
        assert_eq!(decoded(&[&bytes[..], &[0]].concat()), ErrorCode::StoreDamaged);
        assert_eq!(decoded(&[&[2], &bytes[1..]].concat()), ErrorCode::StoreTooNew);
        for algorithm in [0, 1, 2, 5] {
            let mut bad = bytes.clone();
            bad[49] = algorithm;
            assert_eq!(decoded(&bad), ErrorCode::StoreDamaged);
        }
        let long = SignedCheckpoint { signature: vec![0; SIGNATURE_LEN + 1], ..signed };
        assert_eq!(decoded(&long.encode()), ErrorCode::StoreDamaged);
    }
}

proptest! {
    #[test]
    fn any_events_come_back(texts in prop::collection::vec("[ab€]{0,40}|.{0,60}", 1..20)) {
        check(&texts);
    }

    /// What can be read at all has the numbers it claims, whatever it is.
    #[test]
    fn any_bytes_are_survived(mut bytes: Vec<u8>, is_close: bool) {
        if is_close {
            bytes = [&segment(&events(2), &Chain::new(STORE))[..50], &bytes].concat();
        }
        if let Ok(segment) = Segment::decode(&bytes) {
            prop_assert_eq!(segment.events().last().map(|(number, _)| number), Some(segment.last()));
        }
    }
}
