//! Reading the trail: single events by what they say, and all of it for export and verification.

use std::io::Write;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::audit::{Chain, ExportWriter, Head, PublicKey, Segment, SignedCheckpoint};
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::{Header, Place, RecordKind};
use crate::keystore::Entry;
use crate::kms::trail::chain::identity;
use crate::kms::transaction::one;
use crate::kms::{Kms, places};
use crate::model::Timestamp;

/// How many numbers of events are gone through at a time.
const WINDOW: u64 = 1024;

/// How many records are read at a time.
const PIECE: usize = 64;

/// How long after its time an event may have been written, in seconds: a second if all is well. Whoever
/// looks for events since some time stops at segments that are older by this.
const LATEST: u64 = 3600;

/// Which events are wanted. What is absent does not matter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// From this moment on.
    pub start: Option<Timestamp>,
    /// Up to this moment, inclusive.
    pub end: Option<Timestamp>,
    /// The name of the action.
    pub name: Option<String>,
    /// Read or Write.
    pub rw: Option<String>,
    /// The service: Kms, Ram, ...
    pub service: Option<String>,
    /// The name of the user; root for the account itself.
    pub user: Option<String>,
    /// The access key that opened the session.
    pub access_key_id: Option<String>,
    /// A key, or the name of what else it is about.
    pub resource: Option<String>,
    /// The id of the request.
    pub request: Option<String>,
    /// The code of the error.
    pub error: Option<String>,
}

/// What of an event is looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Seen<'a> {
    request_id: &'a str,
    event_time: &'a str,
    event_name: &'a str,
    #[serde(rename = "eventRW")]
    event_rw: &'a str,
    service_name: &'a str,
    recipient_account_id: &'a str,
    #[serde(borrow)]
    user_identity: Identity<'a>,
    #[serde(default)]
    referenced_resources: Referenced,
    #[serde(borrow, default)]
    resource_name: Option<std::borrow::Cow<'a, str>>,
    #[serde(default)]
    error_code: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    #[serde(borrow)]
    user_name: std::borrow::Cow<'a, str>,
    #[serde(default)]
    access_key_id: Option<&'a str>,
}

#[derive(Default, Deserialize)]
struct Referenced {
    #[serde(rename = "ACS::KMS::Key", default)]
    keys: Vec<String>,
}

impl Wanted {
    fn takes(&self, event: &Seen<'_>) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| match wanted {
            None => true,
            Some(wanted) => found == Some(wanted.as_str()),
        };
        let is_about = |wanted: &String| {
            event.referenced_resources.keys.contains(wanted)
                || event.resource_name.as_deref() == Some(wanted.as_str())
        };
        // Times in this form are in the order of their texts.
        self.start.is_none_or(|start| event.event_time >= &*start.to_string())
            && self.end.is_none_or(|end| event.event_time <= &*end.to_string())
            && is(&self.name, Some(event.event_name))
            && is(&self.rw, Some(event.event_rw))
            && is(&self.service, Some(event.service_name))
            && is(&self.user, Some(&event.user_identity.user_name))
            && is(&self.access_key_id, event.user_identity.access_key_id)
            && is(&self.request, Some(event.request_id))
            && is(&self.error, event.error_code)
            && self.resource.as_ref().is_none_or(is_about)
    }
}

/// A page of events.
pub(crate) struct EventPage {
    /// The events, the newest first, as they are in the trail.
    pub events: Vec<Box<RawValue>>,
    /// The number below which the next page begins, if there may be more.
    pub next: Option<u64>,
}

impl Kms {
    /// The newest events of an account with numbers below `below`, at most `limit`. Goes through the
    /// trail from there: a page costs as much as lies between it and its last event.
    pub(crate) fn look_up_events(
        &self,
        account: &str,
        wanted: &Wanted,
        below: Option<u64>,
        limit: usize,
    ) -> Result<EventPage> {
        self.flush()?;
        let last = self.read_header()?.events;
        let mut end = below.map_or(last, |below| below.saturating_sub(1).min(last));
        let too_old = wanted.start.map(|start| Timestamp(start.0.saturating_sub(LATEST)));
        let mut events = Vec::new();
        // A segment begins in one window and may reach into those after it.
        let mut window_end = end;
        while window_end > 0 {
            self.check()?;
            let window_start = window_end.saturating_sub(WINDOW);
            for segment in self.segments(window_start, window_end)?.iter().rev() {
                for (number, text) in segment.events().rev() {
                    if number > end {
                        continue;
                    }
                    let event: Seen<'_> =
                        serde_json::from_str(text).map_err(|_| ErrorCode::StoreDamaged)?;
                    if too_old.is_some_and(|too_old| event.event_time < &*too_old.to_string()) {
                        return Ok(EventPage { events, next: None });
                    }
                    if event.recipient_account_id == account && wanted.takes(&event) {
                        if events.len() == limit {
                            return Ok(EventPage { events, next: Some(end + 1) });
                        }
                        let text = RawValue::from_string(text.to_owned());
                        events.push(text.map_err(|_| ErrorCode::StoreDamaged)?);
                    }
                    end = number - 1;
                }
            }
            window_end = window_start;
        }
        Ok(EventPage { events, next: None })
    }

    /// The segments whose first event has a number above `after`, up to `last`, in order.
    fn segments(&self, after: u64, last: u64) -> Result<Vec<Segment>> {
        let mut all = Vec::new();
        let mut position = places::events(after);
        loop {
            let piece = self.store.scan(places::EVENTS, &position, PIECE)?;
            let is_last = piece.len() < PIECE;
            for entry in piece {
                let (first, _) = sequence_of(&entry)?;
                if first > last {
                    return Ok(all);
                }
                all.push(self.segment(&entry)?);
                position = entry.key;
            }
            if is_last {
                return Ok(all);
            }
        }
    }

    fn segment(&self, entry: &Entry) -> Result<Segment> {
        let (first, id) = sequence_of(entry)?;
        let place =
            Place { kind: RecordKind::Events, id: &id, storage_key: &entry.key, immutables: &[] };
        let body = self.hsm.keyring()?.open_record(&place, &entry.value)?;
        let segment = Segment::decode(&body)?;
        if segment.first() == first { Ok(segment) } else { Err(ErrorCode::StoreDamaged.into()) }
    }

    /// The public key that verifies the store's trail, as PEM (SubjectPublicKeyInfo).
    pub fn trail_key(&self) -> Result<String> {
        self.check()?;
        self.identity_key()?.pem()
    }

    fn identity_key(&self) -> Result<PublicKey> {
        let spec = self.read_header()?.identity;
        let keyring = self.hsm.keyring()?;
        PublicKey::from_spki(&identity(&*self.store, &keyring, spec)?.spki())
    }

    fn read_header(&self) -> Result<Header> {
        let (_, header) = one(&*self.store, places::HEADER)?.ok_or(ErrorCode::StoreDamaged)?;
        Header::open(&*self.hsm.keyring()?, &header)
    }

    /// Writes the whole trail, of all accounts, as JSON lines that anybody can verify who has the
    /// public key; signs it first. Answers its head, to be remembered. What happens meanwhile is left
    /// for the next time.
    ///
    /// [`TrailDamaged`](ErrorCode::TrailDamaged) if the trail is not what it was;
    /// [`StoreFailed`](ErrorCode::StoreFailed) if `out` cannot be written to.
    pub fn export_trail(&self, out: &mut dyn Write) -> Result<Head> {
        self.check()?;
        self.flush()?;
        let head = self.change(|transaction| {
            transaction.sign()?;
            Ok(transaction.chain().head())
        })?;
        let key = self.identity_key()?;
        let mut text = Vec::new();
        let before = Chain::new(*self.hsm.keyring()?.store());
        let mut writer = ExportWriter::begin(&key, before, &mut text)?;
        let mut last = 0;
        self.walk_trail_to(head.sequence, &mut |item| {
            match item {
                Item::Event(event) => writer.event(event, &mut text),
                Item::Checkpoint(signed) => writer.checkpoint(signed, &mut text)?,
            }
            last = writer.last();
            write_out(out, &mut text)
        })?;
        write_out(out, &mut text)?;
        out.flush().map_err(unwritable)?;
        if last != head.sequence {
            let detail = format!("Event {} is missing.", last + 1);
            return Err(Error::new(ErrorCode::TrailDamaged).because(detail));
        }
        Ok(head)
    }

    /// Goes through the whole trail and answers the chain of its events.
    #[cfg(any(test, feature = "testing"))]
    pub(in crate::kms) fn walk_trail(
        &self,
        see: &mut dyn FnMut(Item<'_>) -> Result<()>,
    ) -> Result<Chain> {
        self.walk_trail_to(u64::MAX, see)
    }

    /// The same for the events up to `last`.
    fn walk_trail_to(
        &self,
        last: u64,
        see: &mut dyn FnMut(Item<'_>) -> Result<()>,
    ) -> Result<Chain> {
        let store = *self.hsm.keyring()?.store();
        let mut chain = Chain::new(store);
        let mut checkpoints = self.checkpoints(store, last)?.into_iter().peekable();
        let mut position = Vec::new();
        loop {
            self.check()?;
            let piece = self.store.scan(places::EVENTS, &position, PIECE)?;
            let Some(end) = piece.last() else { return Ok(chain) };
            position.clone_from(&end.key);
            for entry in &piece {
                let segment = self.segment(entry)?;
                if segment.first() > last {
                    return Ok(chain);
                }
                if segment.first() != chain.count + 1 {
                    let detail = format!("Event {} is missing.", chain.count + 1);
                    return Err(Error::new(ErrorCode::TrailDamaged).because(detail));
                }
                for (_, event) in segment.events() {
                    chain.append(event.as_bytes());
                    see(Item::Event(event))?;
                    let stands_here =
                        |it: &SignedCheckpoint| it.checkpoint.chain.count <= chain.count;
                    while let Some(signed) = checkpoints.next_if(stands_here) {
                        see(Item::Checkpoint(&signed))?;
                    }
                }
            }
        }
    }

    fn checkpoints(&self, store: [u8; 16], last: u64) -> Result<Vec<SignedCheckpoint>> {
        let mut all = Vec::new();
        let mut position = Vec::new();
        loop {
            let piece = self.store.scan(places::CHECKPOINTS, &position, PIECE)?;
            let Some(end) = piece.last() else { return Ok(all) };
            position.clone_from(&end.key);
            for entry in piece {
                let (count, id) = sequence_of(&entry)?;
                let kind = RecordKind::Checkpoint;
                let place = Place { kind, id: &id, storage_key: &entry.key, immutables: &[] };
                let body = self.hsm.keyring()?.open_record(&place, &entry.value)?;
                if count <= last {
                    all.push(SignedCheckpoint::decode(store, &body)?);
                }
            }
        }
    }
}

/// What there is in a trail.
pub(in crate::kms) enum Item<'a> {
    /// The text of the next event.
    Event(&'a str),
    /// A checkpoint of all events before it.
    Checkpoint(&'a SignedCheckpoint),
}

fn sequence_of(entry: &Entry) -> Result<(u64, [u8; 16])> {
    places::sequence(&entry.key).ok_or_else(|| ErrorCode::StoreDamaged.into())
}

fn write_out(out: &mut dyn Write, text: &mut Vec<u8>) -> Result<()> {
    out.write_all(text).map_err(unwritable)?;
    text.clear();
    Ok(())
}

fn unwritable(error: std::io::Error) -> Error {
    Error::new(ErrorCode::StoreFailed).because(format!("The trail cannot be written out: {error}."))
}
