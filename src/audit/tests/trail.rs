use super::*;
use crate::error::{Error, ErrorCode, Result};

const LINES: usize = 9;

/// An exported trail of six events, with checkpoints after the second, the fourth and the last:
/// the first line, two events, a checkpoint, and so on.
fn trail(signer: &Signer) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    let chain = write(signer, Chain::new(STORE), &events(6), &mut out);
    assert_eq!(chain.count, 6);
    split(&out)
}

fn write(signer: &Signer, mut chain: Chain, events: &[String], out: &mut Vec<u8>) -> Chain {
    let mut writer = ExportWriter::begin(&signer.public, chain.clone(), false, out).unwrap();
    for event in events {
        writer.event(event, out);
        chain.append(event.as_bytes());
        if chain.count.is_multiple_of(2) {
            writer
                .checkpoint(&signer.sign(&chain, 1_794_000_000 + chain.count % 100), out)
                .unwrap();
        }
    }
    assert_eq!(writer.finish(), Ok(chain.head()));
    chain
}

fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

fn check(lines: &[Vec<u8>]) -> Result<Verified> {
    verify(&*lines.concat(), None, None)
}

/// The event at which the damage is said to be; 0 is the first line.
fn damage(verified: Result<Verified>) -> u64 {
    let error = verified.unwrap_err();
    assert_eq!(error.code(), ErrorCode::TrailDamaged, "{error}");
    let (_, sequence, detail) = error.into_parts();
    let sequence = sequence.parse().unwrap();
    let names = if sequence == 0 { "First line: ".into() } else { format!("Event {sequence}: ") };
    assert!(detail.starts_with(&names), "{detail}");
    sequence
}

/// The line of an event: the first is of the trail, and each second has a checkpoint behind.
fn at(sequence: u64) -> usize {
    (sequence + (sequence - 1) / 2) as usize
}

fn both() -> [Signer; 2] {
    [Curve::P256, Curve::Sm2].map(Signer::new)
}

#[test]
fn what_is_written_verifies() {
    for signer in both() {
        let lines = trail(&signer);
        let verified = verify(&*lines.concat(), Some(&signer.public), None).unwrap();
        assert_eq!((verified.events, verified.first, verified.head.sequence), (6, 1, 6));
        assert_eq!((verified.checkpoints, verified.signed_at), (3, Timestamp(1_794_000_006)));
        assert_eq!(verified.algorithm, signer.public.algorithm());
        assert_eq!(verified.key_fingerprint, hex::encode(sha256(&signer.public.spki())));
        assert!(verified.is_key_trusted && !check(&lines).unwrap().is_key_trusted);
        let json = serde_json::to_value(&verified).unwrap();
        assert_eq!(json["Head"], verified.head.to_string());
        assert_eq!(json["Store"], "73746f72-6520-7374-6f72-652075756964");
        assert_eq!(Head::parse(&verified.head.to_string()), Ok(verified.head));
    }
}

#[test]
fn every_byte_of_every_line_counts() {
    let signer = Signer::new(Curve::P256);
    let lines = trail(&signer);
    assert_eq!(lines.len(), 1 + LINES);
    for (line, bytes) in lines.iter().enumerate() {
        let is_event = line % 3 != 0;
        let sequence = (line / 3 * 2 + line % 3) as u64;
        assert!(!is_event || at(sequence) == line);
        for at in 0..bytes.len() {
            let mut changed = lines.clone();
            changed[line][at] ^= 1 << (at % 8);
            let found = damage(check(&changed));
            // Another store's UUID does not fit the first event; what is no checkpoint any more stands
            // in the place of the next event.
            let is_next = !is_event && found == sequence + 1;
            assert!(found == sequence || is_next, "line {line}, byte {at}: {found}");
        }
    }
}

#[test]
fn every_digit_counts() {
    let lines = trail(&Signer::new(Curve::P256));
    for sequence in 1..=6 {
        let line = at(sequence);
        for place in 0..lines[line].len() {
            let digit = lines[line][place];
            if digit.is_ascii_digit() {
                let mut changed = lines.clone();
                changed[line][place] = (digit - b'0' + 1) % 10 + b'0';
                assert_eq!(damage(check(&changed)), sequence);
            }
        }
    }
}

#[test]
fn removed_swapped_and_repeated_lines_are_found() {
    let lines = trail(&Signer::new(Curve::P256));
    for sequence in 1..=6 {
        let line = at(sequence);
        let mut removed = lines.clone();
        removed.remove(line);
        assert_eq!(damage(check(&removed)), sequence);
        let mut repeated = lines.clone();
        repeated.insert(line, lines[line].clone());
        assert_eq!(damage(check(&repeated)), sequence + 1);
        if sequence < 6 {
            let mut swapped = lines.clone();
            swapped.swap(line, at(sequence + 1));
            assert_eq!(damage(check(&swapped)), sequence);
        }
    }
    // Checkpoints are not needed between, but are where they belong.
    let mut fewer = lines.clone();
    fewer.remove(6);
    fewer.remove(3);
    assert_eq!(check(&fewer).unwrap().checkpoints, 1);
    let mut late = lines.clone();
    late.swap(3, 4);
    assert_eq!(damage(check(&late)), 3);
    let mut twice = lines.clone();
    twice.insert(3, lines[3].clone());
    assert_eq!(check(&twice).unwrap().checkpoints, 4);
}

#[test]
fn a_cut_is_found_or_ends_at_a_checkpoint() {
    let lines = trail(&Signer::new(Curve::P256));
    let whole = check(&lines).unwrap().head;
    for count in 0..lines.len() {
        let bytes = lines[..count].concat();
        let cut = || verify(&*bytes, None, None);
        match count {
            0 => assert_eq!(damage(cut()), 0),
            _ if count > 1 && (count - 1) % 3 == 0 => {
                let last = cut().unwrap().head.sequence;
                assert_eq!(last, (count as u64 - 1) / 3 * 2);
                // Only who remembers the end can tell.
                let found = damage(verify(&*bytes, None, Some(&whole)));
                assert_eq!(found, last + 1);
            }
            _ => assert_eq!(damage(cut()), (count as u64 - 1) / 3 * 2 + 1),
        }
    }
    let bytes = lines.concat();
    for missing in 1..lines[LINES].len() {
        assert_eq!(damage(verify(&bytes[..bytes.len() - missing], None, None)), 7);
    }
    assert_eq!(damage(verify(&*[&bytes[..], b"\n"].concat(), None, None)), 7);
}

#[test]
fn heads_are_met() {
    let signer = Signer::new(Curve::P256);
    let bytes = trail(&signer).concat();
    let mut chain = Chain::new(STORE);
    let texts = events(6);
    for nth in 0..=6 {
        let head = chain.head();
        assert!(verify(&*bytes, None, Some(&head)).is_ok());
        let other = Head { hash: [7; 32], ..head };
        assert_eq!(damage(verify(&*bytes, None, Some(&other))), nth);
        if let Some(text) = texts.get(nth as usize) {
            chain.append(text.as_bytes());
        }
    }
    for text in ["", "1", "1:", ":00", "1:00", "+1:00", "x:y"] {
        assert_eq!(Head::parse(text).unwrap_err().code(), ErrorCode::InvalidParameter);
    }
    let (upper, signed) = ("AB".repeat(32), "ab".repeat(32));
    assert_eq!(Head::parse(&format!("3:{upper}")).unwrap().hash, [0xab; 32]);
    assert!(Head::parse(&format!("+3:{signed}")).is_err());
    assert!(Head::parse(&format!("3:+{}", &signed[1..])).is_err());
}

/// Who can hash but not sign: everything fits but the signature.
#[test]
fn a_trail_written_anew_is_found() {
    for signer in both() {
        let lines = trail(&signer);
        let mut texts = events(6);
        texts[2] = texts[2].replace("Encrypt", "Decrypt");
        let mut out = Vec::new();
        write(&Signer::new(signer.curve), Chain::new(STORE), &texts, &mut out);
        let mut forged = split(&out);
        // Signed by another key, which the trail names.
        assert!(check(&forged).is_ok());
        let given = verify(&*forged.concat(), Some(&signer.public), None);
        assert_eq!(damage(given), 0);
        // The same under the name of the right one.
        forged[0] = lines[0].clone();
        assert_eq!(damage(check(&forged)), 2);
        // With the signatures of the true one.
        for line in [3, 6, 9] {
            forged[line] = lines[line].clone();
        }
        assert_eq!(damage(check(&forged)), 4);
    }
}

#[test]
fn a_key_of_the_other_kind_is_found() {
    let [p256, sm2] = both();
    for (signer, other) in [(&p256, &sm2), (&sm2, &p256)] {
        let mut lines = trail(signer);
        assert_eq!(damage(verify(&*lines.concat(), Some(&other.public), None)), 0);
        lines[0] = trail(other)[0].clone();
        assert_eq!(damage(check(&lines)), 2);
    }
    let mut chain = Chain::new(STORE);
    chain.append(b"{}");
    let signed = SignedCheckpoint { algorithm: sm2.public.algorithm(), ..p256.sign(&chain, 1) };
    assert!(!signed.is_by(&p256.public) && !signed.is_by(&sm2.public));
}

#[test]
fn a_trail_may_begin_later() {
    let signer = Signer::new(Curve::P256);
    let texts = events(6);
    let mut chain = Chain::new(STORE);
    texts[..3].iter().for_each(|text| chain.append(text.as_bytes()));
    let before = chain.clone();
    let mut out = Vec::new();
    chain = write(&signer, chain, &texts[3..], &mut out);
    let verified = verify(&*out, Some(&signer.public), Some(&before.head())).unwrap();
    assert_eq!((verified.first, verified.events, verified.head), (4, 3, chain.head()));
    let early = Head { sequence: 2, hash: [0; 32] };
    let error = verify(&*out, None, Some(&early)).unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().contains("\"Head\"")),
        (ErrorCode::InvalidParameter, true)
    );
    for (from, to) in [
        (hex::encode(before.head), hex::encode([1; 32])),
        (r#""First":4"#.into(), r#""First":5"#.into()),
        (r#""First":4"#.into(), r#""First":0"#.into()),
    ] {
        let changed = String::from_utf8(out.clone()).unwrap().replacen(&from, &to, 1);
        assert!(matches!(damage(verify(changed.as_bytes(), None, None)), 0 | 4 | 5));
    }
    // Another store's events and a right signature are no right trail.
    let changed = String::from_utf8(out).unwrap().replacen("7374", "7375", 1);
    assert_eq!(damage(verify(changed.as_bytes(), None, None)), 4);
}

#[test]
fn an_empty_trail_is_signed_too() {
    let signer = Signer::new(Curve::Sm2);
    let (chain, mut out) = (Chain::new(STORE), Vec::new());
    let mut writer = ExportWriter::begin(&signer.public, chain.clone(), false, &mut out).unwrap();
    writer.checkpoint(&signer.sign(&chain, 5), &mut out).unwrap();
    writer.finish().unwrap();
    let verified = verify(&*out, None, Some(&chain.head())).unwrap();
    assert_eq!((verified.events, verified.first, verified.checkpoints), (0, 1, 1));
}

/// Formats are for ever: events are written as they were, and trails of before verify.
#[test]
fn trails_of_before() {
    let texts = assorted();
    for (trail, first, algorithm) in [
        (&include_bytes!("../../../tests/vectors/trail_p256.jsonl")[..], 1, "ECDSA_SHA_256"),
        (&include_bytes!("../../../tests/vectors/trail_sm2.jsonl")[..], 3, "SM2DSA"),
    ] {
        let verified = verify(trail, None, None).unwrap();
        assert_eq!((verified.first, verified.head.sequence), (first, texts.len() as u64));
        assert_eq!(verified.algorithm.as_str(), algorithm);
        let lines = split(trail);
        let events = lines.iter().filter_map(|line| {
            let line = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
            line::read_event(line).map(|(_, _, event)| event.to_owned())
        });
        assert_eq!(events.collect::<Vec<_>>(), texts[first as usize - 1..]);
    }
}

#[test]
fn a_writer_notices_what_does_not_fit() {
    let signer = Signer::new(Curve::P256);
    let mut out = Vec::new();
    let mut writer =
        ExportWriter::begin(&signer.public, Chain::new(STORE), false, &mut out).unwrap();
    writer.event("{}", &mut out);
    let (len, signed) = (out.len(), signer.sign(&Chain::new(STORE), 1));
    assert_eq!(
        writer.checkpoint(&signed, &mut out).map_err(|error| error.code()),
        Err(ErrorCode::TrailDamaged)
    );
    assert_eq!(out.len(), len);
    assert_eq!(writer.finish().map_err(|error| error.code()), Err(ErrorCode::TrailDamaged));
}

#[test]
fn lines_are_bounded() {
    struct Endless(u64);
    impl std::io::Read for Endless {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            out.fill(b' ');
            self.0 += out.len() as u64;
            assert!(self.0 < 4 * MAX_EVENT as u64, "it goes on reading");
            Ok(out.len())
        }
    }
    assert_eq!(damage(verify(std::io::BufReader::new(Endless(0)), None, None)), 0);
    let signer = Signer::new(Curve::P256);
    let longest = format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_EVENT - 8));
    assert_eq!(longest.len(), MAX_EVENT);
    let mut out = Vec::new();
    let before = Chain { count: u64::MAX - 4, ..Chain::new(STORE) };
    write(&signer, before, &[longest], &mut out);
    assert!(verify(&*out, None, None).is_ok());
}

#[test]
fn what_cannot_be_read_is_said() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("broken"))
        }
    }
    let error = verify(std::io::BufReader::new(Broken), None, None).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidParameter);
    assert!(error.to_string().ends_with("It cannot be read: broken."), "{error}");
}

#[test]
fn keys_have_one_spelling() {
    for signer in both() {
        let key = &signer.public;
        let pem = key.pem().unwrap();
        for given in [pem.clone(), format!(" \n{pem}\n \r\n"), pem.trim().to_owned()] {
            assert_eq!(PublicKey::from_pem(&given).unwrap().spki(), key.spki());
        }
        for other in [pem.replace("PUBLIC", "PRIVATE"), pem.replacen('\n', "\n\n", 1), "".into()] {
            let error: Error = PublicKey::from_pem(&other).map(drop).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidParameter);
        }
        // In the trail a compressed point would be another spelling of the same key.
        let mut lines = trail(&signer);
        let first = String::from_utf8(lines[0].clone()).unwrap();
        lines[0] = first.replacen("KEY-----\\n", "KEY-----\\r\\n", 1).into_bytes();
        assert_eq!(damage(check(&lines)), 0);
    }
    let secp256k1 = ec::spki(Curve::Secp256k1, fresh(Curve::Secp256k1).last_chunk().unwrap());
    assert!(PublicKey::from_spki(&secp256k1).is_err());
}

fn fresh(curve: Curve) -> [u8; PAIR_LEN] {
    let mut pair = [0; PAIR_LEN];
    ec::generate(curve, random, &mut pair).unwrap();
    pair
}
