//! The lines of an exported trail, each in one spelling only.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use uuid::Uuid;

use super::{Chain, Checkpoint, PublicKey, SignedCheckpoint, json};
use crate::error::{Error, ErrorCode, Result};
use crate::model::Timestamp;

/// The version of the form.
const VERSION: u32 = 1;

/// [`ErrorCode::TrailDamaged`] at this event; 0 is what stands before the first.
pub(super) fn damaged(sequence: u64, what: impl std::fmt::Display) -> Error {
    let detail = match sequence {
        0 => format!("First line: {what}."),
        _ => format!("Event {sequence}: {what}."),
    };
    Error::new(ErrorCode::TrailDamaged).about(sequence.to_string()).because(detail)
}

/// Lower case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// A hash in lower case hexadecimal.
pub(super) fn hash(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    if text.len() != 64 {
        return None;
    }
    let digit = |byte: u8| {
        matches!(byte, b'0'..=b'9' | b'a'..=b'f').then(|| char::from(byte).to_digit(16))?
    };
    for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let [high, low] = *pair else { return None };
        *byte = (digit(high)? * 16 + digit(low)?) as u8;
    }
    Some(hash)
}

/// A number as JSON writes it: decimal, without a sign or zeros before it.
pub(super) fn number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Begins {
    trail: Trail,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Trail {
    version: u32,
    store: String,
    public_key: String,
    first: u64,
    previous_hash: Option<String>,
    #[serde(default)]
    test_only: bool,
}

/// The first line: the key and the chain before the first event, and whether the store is one for tests.
pub(super) fn header(key: &PublicKey, before: &Chain, is_test_only: bool) -> Result<String> {
    let store = Uuid::from_bytes(before.store);
    let pem = serde_json::to_string(&key.pem()?).map_err(|_| ErrorCode::Internal)?;
    let previous = match before.count {
        0 => String::new(),
        _ => format!(r#","PreviousHash":"{}""#, hex(&before.head)),
    };
    let test_only = if is_test_only { r#","TestOnly":true"# } else { "" };
    let (algorithm, first) = (key.algorithm(), before.count.saturating_add(1));
    Ok(format!(
        r#"{{"Trail":{{"Version":{VERSION},"Store":"{store}","PublicKey":{pem},"Algorithm":"{algorithm}","First":{first}{previous}{test_only}}}}}"#
    ))
}

/// Reads the first line; an answer that writes it again as it is.
pub(super) fn read_header(line: &str) -> Result<(PublicKey, Chain, bool)> {
    let strange = || damaged(0, "it is not as the first line of a trail is written");
    let Begins { trail } = serde_json::from_str(line).map_err(|_| strange())?;
    if trail.version > VERSION {
        return Err(damaged(0, "it was written by a newer version of this library"));
    }
    let store = Uuid::parse_str(&trail.store).map_err(|_| strange())?;
    let key = PublicKey::from_pem(&trail.public_key).map_err(|_| strange())?;
    let mut chain = Chain::new(store.into_bytes());
    if let Some(previous) = trail.previous_hash {
        chain.count = trail.first.checked_sub(1).ok_or_else(strange)?;
        chain.head = hash(&previous).ok_or_else(strange)?;
    }
    if header(&key, &chain, trail.test_only)? != line {
        return Err(strange());
    }
    Ok((key, chain, trail.test_only))
}

/// The line of the event that the chain has come to.
pub(super) fn event(chain: &Chain, event: &str) -> String {
    let (sequence, hash) = (chain.count, hex(&chain.head));
    format!(r#"{{"Sequence":{sequence},"Hash":"{hash}","Event":{event}}}"#)
}

/// Number, hash and text of the event in a line.
pub(super) fn read_event(line: &str) -> Option<(u64, [u8; 32], &str)> {
    let rest = line.strip_prefix(r#"{"Sequence":"#)?.strip_suffix('}')?;
    let (sequence, rest) = rest.split_once(r#","Hash":""#)?;
    let (hash_text, event) = rest.split_once(r#"","Event":"#)?;
    let read = (number(sequence)?, hash(hash_text)?, event);
    json::is_canonical(event).then_some(read)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Signed {
    checkpoint: Stated,
    signature: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stated {
    sequence: u64,
    hash: String,
    time: u64,
}

/// The line of a checkpoint.
pub(super) fn checkpoint(signed: &SignedCheckpoint) -> String {
    let Checkpoint { chain, time } = &signed.checkpoint;
    let (sequence, hash, time) = (chain.count, hex(&chain.head), time.0);
    let signature = STANDARD.encode(&signed.signature);
    format!(
        r#"{{"Checkpoint":{{"Sequence":{sequence},"Hash":"{hash}","Time":{time}}},"Signature":"{signature}"}}"#
    )
}

/// The checkpoint in a line of a trail with this key.
pub(super) fn read_checkpoint(
    line: &str,
    store: [u8; 16],
    key: &PublicKey,
) -> Option<SignedCheckpoint> {
    let Signed { checkpoint: stated, signature } = serde_json::from_str(line).ok()?;
    let chain = Chain { store, count: stated.sequence, head: hash(&stated.hash)? };
    let signed = SignedCheckpoint {
        checkpoint: Checkpoint { chain, time: Timestamp(stated.time) },
        algorithm: key.algorithm(),
        signature: STANDARD.decode(signature).ok()?,
    };
    (checkpoint(&signed) == line).then_some(signed)
}
