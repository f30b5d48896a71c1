//! The audit trail: events of any texts, segments and exported trails of any bytes.

use std::sync::OnceLock;

use kmshsm::api::verify_trail;
use kmshsm::audit::{
    Caller, Chain, Event, Frame, Kind, PublicKey, Refusal, Segment, SegmentWriter,
};
use kmshsm::error::RequestId;
use kmshsm::model::{Service, Space, Timestamp};

/// A trail that verifies.
const TRAIL: &[u8] = include_bytes!("../../tests/vectors/trail_p256.jsonl");

/// Texts, divided by NUL, in an event: it is JSON in its one spelling.
pub fn event(text: &str) {
    let mut texts = text.split('\0');
    let mut next = || texts.next().unwrap_or_default();
    let space = Space::new("1", "cn-hangzhou").expect("a space");
    let frame = Frame::new(Caller::System, &space, Some(next()), next());
    let event = Event {
        id: RequestId([7; 16]),
        time: Timestamp(text.len() as u64),
        service: Service::Kms,
        name: next(),
        kind: Kind::ApiCall,
        is_write: true,
        parameters: b"",
        keys: &[],
        resource: None,
        response: b"",
        refusal: Some(Refusal { code: next(), message: next() }),
        count: text.len() as u64,
        approved: None,
        decided_by: Some(next()),
        frame: &frame,
    };
    let mut out = Vec::new();
    event.write(&mut out);
    let value: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
    assert_eq!(value.to_string().as_bytes(), out, "another spelling");
}

/// What can be read as a segment is written and read again.
pub fn segment(bytes: &[u8]) {
    let Ok(segment) = Segment::decode(bytes) else { return };
    let mut writer = SegmentWriter::default();
    for (_, event) in segment.events() {
        assert!(writer.push(event.as_bytes()).expect("no event is too long"));
    }
    let before = Chain { count: segment.first() - 1, ..Chain::new([0; 16]) };
    let again = Segment::decode(&writer.finish(&before)).expect("what was written");
    assert!(again.events().eq(segment.events()), "other events");
}

/// Whatever is done to a trail, it verifies only if its events are the first ones that were signed.
pub fn exported(bytes: &[u8]) {
    let _ = verify_trail(bytes, None, None);
    let Some((&[a, b, cut], put)) = bytes.split_first_chunk() else { return };
    let at = usize::from(u16::from_be_bytes([a, b])) % TRAIL.len();
    let end = TRAIL.len().min(at + usize::from(cut));
    let changed = [&TRAIL[..at], put, &TRAIL[end..]].concat();
    if verify_trail(&*changed, Some(key()), None).is_ok() {
        assert!(events(TRAIL).starts_with(&events(&changed)), "other events verify");
    }
}

fn events(trail: &[u8]) -> Vec<&[u8]> {
    let lines = trail.split(|byte| *byte == b'\n');
    lines.filter(|line| line.starts_with(br#"{"Sequence""#)).collect()
}

fn key() -> &'static PublicKey {
    static KEY: OnceLock<PublicKey> = OnceLock::new();
    KEY.get_or_init(|| {
        let first = TRAIL.split(|byte| *byte == b'\n').next().expect("a line");
        let first: serde_json::Value = serde_json::from_slice(first).expect("JSON");
        let pem = first["Trail"]["PublicKey"].as_str().expect("a key");
        PublicKey::from_pem(pem).expect("a key")
    })
}
