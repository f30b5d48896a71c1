//! The parts of what an event costs. Each figure is the median of many runs over a thousand events.

use std::hint::black_box;

use kmshsm::audit::{Caller, Chain, Event, Frame, Kind, SegmentWriter};
use kmshsm::error::RequestId;
use kmshsm::model::{Account, KeyId, Principal, Service, Space, Timestamp};

use crate::clock::{Cpu, median};

const EVENTS: usize = 1000;
const RUNS: usize = 501;
const PARAMETERS: &[u8] = br#"{"KeyId":"1234abcd-12ab-34cd-56ef-1234567890ab","EncryptionContext":"{\"app\":\"bench\"}"}"#;

pub fn parts() {
    let account = Account::parse("111122223333").unwrap();
    let principal = Principal::User {
        account,
        id: "200000000000000001".into(),
        name: "alice".into(),
        access_key_id: "LTAI5tExampleExample".into(),
    };
    let space = Space::new("111122223333", "cn-hangzhou").unwrap();
    let caller = Caller::Principal(&principal, None);
    let frame = Frame::new(caller, &space, Some("10.1.2.3"), "kmshsm/0.1.0");
    let key = KeyId::parse("1234abcd-12ab-34cd-56ef-1234567890ab").unwrap();
    let events: Vec<_> = (0..EVENTS).map(|nth| event(nth, &frame, &key)).collect();

    let mut out = Vec::new();
    let write = per_event(|| {
        for event in &events {
            out.clear();
            event.write(&mut out);
            black_box(&out);
        }
    });
    let texts: Vec<_> = events.iter().map(text).collect();
    let mut chain = Chain::new([7; 16]);
    let chained = per_event(|| texts.iter().for_each(|text| chain.append(text)));
    let mut stored = 0;
    let coded = per_event(|| {
        let mut writer = SegmentWriter::default();
        texts.iter().for_each(|text| assert!(writer.push(text).unwrap()));
        stored = writer.finish(&chain).len();
    });
    let bytes: usize = texts.iter().map(Vec::len).sum();
    println!("write the text ({} bytes)    {write:>8.0} ns", bytes / EVENTS);
    println!("chain it                     {chained:>8.0} ns");
    println!("code it ({} bytes)          {coded:>8.0} ns", stored / EVENTS);
}

/// A use of the key, as it comes five hundred times a second.
fn event<'a>(nth: usize, frame: &'a Frame, key: &'a KeyId) -> Event<'a> {
    // Any bytes that look random do.
    let id = (nth as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    Event {
        id: RequestId(id.to_be_bytes()),
        time: Timestamp(1_794_000_000 + nth as u64 / 500),
        service: Service::Kms,
        name: "Encrypt",
        kind: Kind::ApiCall,
        is_write: true,
        parameters: PARAMETERS,
        keys: std::slice::from_ref(key),
        resource: None,
        response: b"",
        refusal: None,
        count: 1,
        approved: Some(true),
        decided_by: None,
        frame,
    }
}

fn text(event: &Event<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    event.write(&mut out);
    out
}

/// Nanoseconds of this thread.
fn per_event(mut run: impl FnMut()) -> f64 {
    let mut time = || {
        let begun = Cpu::Thread.now();
        run();
        Cpu::Thread.now() - begun
    };
    median((0..RUNS).map(|_| time()).collect()) / EVENTS as f64
}
