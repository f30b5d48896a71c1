//! Verifying an exported trail with nothing but a public key.

use std::io::{BufRead, Read};

use serde::Serialize;

use super::{Chain, Head, MAX_EVENT, PublicKey, line};
use crate::error::{Error, Result};
use crate::model::{SigningAlgorithm, Timestamp};

/// The longest line: an event with its number and its hash. First lines and checkpoints are shorter.
const MAX_LINE: usize = MAX_EVENT + 256;

/// What a verified trail says of itself.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Verified {
    /// The store's UUID.
    pub store: String,
    /// How many events there are.
    pub events: u64,
    /// The number of the first event; what came before it, if it is not 1, is not in the trail.
    pub first: u64,
    /// The last event, as a later verification takes it.
    pub head: Head,
    /// How many signatures there are, all of them right.
    pub checkpoints: u64,
    /// When the last one was made, by the store's clock.
    pub signed_at: Timestamp,
    /// How the key signs.
    pub algorithm: SigningAlgorithm,
    /// SHA-256 of the key's SubjectPublicKeyInfo, in hexadecimal.
    pub key_fingerprint: String,
    /// Whether the key is the one that was given, or the store's own. If not, it is the one that the
    /// trail names, and anybody may have signed.
    pub is_key_trusted: bool,
    /// Whether it is of a store for tests, whose keys others can reproduce, this one, too.
    #[serde(rename = "TestOnly", skip_serializing_if = "std::ops::Not::not")]
    pub is_test_only: bool,
}

/// Verifies an exported trail; see [`Verifier`].
pub(crate) fn verify(
    reader: impl BufRead,
    trusted: Option<&PublicKey>,
    head: Option<&Head>,
) -> Result<Verified> {
    let mut lines = Lines { reader, line: Vec::new() };
    let mut verifier = Verifier::new(trusted, head.copied());
    while let Some(line) = lines.next(verifier.next())? {
        verifier.line(line)?;
    }
    verifier.finish()
}

/// Verifies a trail line by line: each event follows the one before it, and all are signed for by a
/// trusted key, or else by the key in the trail itself. Against a head that has been seen before it also
/// shows whether the end was cut off since.
///
/// [`TrailDamaged`](crate::error::ErrorCode::TrailDamaged) names the first event that is not as it was
/// signed.
pub(crate) struct Verifier<'k> {
    trusted: Option<&'k PublicKey>,
    head: Option<Head>,
    /// None before the first line.
    walk: Option<Walk>,
}

impl<'k> Verifier<'k> {
    pub(crate) const fn new(trusted: Option<&'k PublicKey>, head: Option<Head>) -> Self {
        Self { trusted, head, walk: None }
    }

    /// The number of the event that the next line is about; 0 for the first line.
    fn next(&self) -> u64 {
        self.walk.as_ref().map_or(0, Walk::next)
    }

    /// Takes the next line, without its line feed.
    pub(crate) fn line(&mut self, line: &str) -> Result<()> {
        match &mut self.walk {
            Some(walk) => walk.step(line),
            None => {
                self.walk = Some(self.begin(line)?);
                Ok(())
            }
        }
    }

    fn begin(&self, first_line: &str) -> Result<Walk> {
        let (key, chain, is_test_only) = line::read_header(first_line)?;
        if self.trusted.is_some_and(|trusted| trusted.spki() != key.spki()) {
            let other = line::hex(&key.fingerprint());
            return Err(line::damaged(0, format_args!("it names another key, {other}")));
        }
        let before = chain.count;
        let (head, signed) = (self.head, None);
        let mut walk = Walk { chain, before, key, is_test_only, checkpoints: 0, signed, head };
        walk.meet_head()?;
        Ok(walk)
    }

    /// The trail has ended.
    pub(crate) fn finish(self) -> Result<Verified> {
        let walk = match self.walk {
            Some(walk) => walk,
            None => self.begin("")?,
        };
        let signed_at = walk.finish()?;
        let Walk { chain, before, key, is_test_only, checkpoints, .. } = walk;
        Ok(Verified {
            store: uuid::Uuid::from_bytes(chain.store).to_string(),
            events: chain.count - before,
            first: before.saturating_add(1),
            head: chain.head(),
            checkpoints,
            signed_at,
            algorithm: key.algorithm(),
            key_fingerprint: line::hex(&key.fingerprint()),
            is_key_trusted: self.trusted.is_some(),
            is_test_only,
        })
    }
}

/// Where the verification has come to.
struct Walk {
    chain: Chain,
    /// How many events came before the first of the trail.
    before: u64,
    key: PublicKey,
    is_test_only: bool,
    checkpoints: u64,
    /// The last checkpoint: the event it stands at, and its time.
    signed: Option<(u64, Timestamp)>,
    head: Option<Head>,
}

impl Walk {
    /// The number of the next event.
    const fn next(&self) -> u64 {
        self.chain.count.saturating_add(1)
    }

    fn step(&mut self, line: &str) -> Result<()> {
        if line.starts_with(r#"{"Checkpoint":"#) {
            return self.checkpoint(line);
        }
        let next = self.next();
        let (sequence, hash, event) = line::read_event(line)
            .ok_or_else(|| line::damaged(next, "the line is not as it was written"))?;
        if sequence != next {
            return Err(line::damaged(next, format_args!("event {sequence} is in its place")));
        }
        self.chain.append(event.as_bytes());
        if self.chain.head != hash {
            return Err(line::damaged(next, "its text or its hash has been changed"));
        }
        self.meet_head()
    }

    fn checkpoint(&mut self, line: &str) -> Result<()> {
        let at = self.chain.count;
        let signed = line::read_checkpoint(line, self.chain.store, &self.key)
            .ok_or_else(|| line::damaged(at, "the checkpoint after it is not as it was written"))?;
        let stated = &signed.checkpoint.chain;
        if stated.count > at {
            let what =
                format_args!("it is missing before the checkpoint of event {}", stated.count);
            return Err(line::damaged(self.next(), what));
        }
        if stated.count < at {
            let what = format_args!("the checkpoint after it is of event {}", stated.count);
            return Err(line::damaged(at, what));
        }
        if stated.head != self.chain.head {
            return Err(line::damaged(at, "the checkpoint after it has another hash"));
        }
        if !signed.is_by(&self.key) {
            let what = "the signature of the checkpoint after it is not right";
            return Err(line::damaged(at, what));
        }
        self.checkpoints += 1;
        self.signed = Some((at, signed.checkpoint.time));
        Ok(())
    }

    /// Compares with the head, if that is where the trail has come to.
    fn meet_head(&mut self) -> Result<()> {
        let sequence = self.chain.count;
        match self.head.take_if(|head| head.sequence == sequence) {
            Some(head) if head.hash != self.chain.head => {
                Err(line::damaged(sequence, "it is not the one of the given head"))
            }
            _ => Ok(()),
        }
    }

    /// The time of the last signature, if nothing comes after it and the head has been met.
    fn finish(&self) -> Result<Timestamp> {
        let (before, last) = (self.before, self.chain.count);
        let signed_at = match self.signed {
            Some((sequence, time)) if sequence == last => time,
            signed => {
                let next = signed.map_or(before, |(sequence, _)| sequence).saturating_add(1);
                return Err(line::damaged(next, "from here on no checkpoint signs for the trail"));
            }
        };
        match self.head {
            Some(head) if head.sequence <= before => {
                let detail = "The trail begins after it and cannot be held against it.";
                Err(Error::invalid("Head", detail))
            }
            Some(_) => Err(line::damaged(self.next(), "it is missing, and there has been one")),
            None => Ok(signed_at),
        }
    }
}

/// The lines of a text, each whole and of bounded length.
struct Lines<R> {
    reader: R,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// The next line without its line feed; None at the end. `sequence` is the event that it is about.
    fn next(&mut self, sequence: u64) -> Result<Option<&str>> {
        self.line.clear();
        let limit = MAX_LINE as u64 + 1;
        let read = (&mut self.reader).take(limit).read_until(b'\n', &mut self.line);
        read.map_err(|error| Error::invalid("Trail", format!("It cannot be read: {error}.")))?;
        if self.line.is_empty() {
            return Ok(None);
        }
        let line = self.line.strip_suffix(b"\n");
        let line =
            line.ok_or_else(|| line::damaged(sequence, "its line is cut off or too long"))?;
        let text = std::str::from_utf8(line);
        text.map(Some).map_err(|_| line::damaged(sequence, "its line is no text"))
    }
}
