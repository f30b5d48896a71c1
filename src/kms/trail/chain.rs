//! How events become part of the trail: chained, in the transaction that changes the header, and signed
//! now and then.

use std::sync::Arc;

use crate::audit::{Chain, Checkpoint, SegmentWriter, SignedCheckpoint};
use crate::error::{ErrorCode, Result};
use crate::hsm::{Header, Identity, Keyring, Place, RecordKind};
use crate::kms::trail::Texts;
use crate::kms::transaction::Body;
use crate::kms::{Transaction, places};
use crate::model::{IdentitySpec, Timestamp};

/// After how many events, and after how many seconds with any, a checkpoint is signed.
const EVENTS_PER_CHECKPOINT: u64 = 256;
const SECONDS_PER_CHECKPOINT: u64 = 60;

/// How many events a stored segment has at most, so that whoever looks for one reads no more.
const EVENTS_PER_SEGMENT: usize = 4096;

impl Transaction<'_> {
    /// Adds an event to the trail.
    pub(in crate::kms) fn record(&mut self, event: &[u8]) {
        self.events.push(event);
    }

    /// Adds events that have waited.
    pub(in crate::kms) fn record_all(&mut self, events: &Arc<[Texts]>) {
        self.waited = Some(Arc::clone(events));
    }

    /// Chains and stores what has been recorded, and signs if it is time; the last step of a change.
    pub(in crate::kms) fn put_events(&mut self) -> Result<()> {
        let (waited, new) = (self.waited.take(), std::mem::take(&mut self.events));
        let events = waited.iter().flat_map(|all| all.iter()).chain([&new]);
        if events.clone().all(Texts::is_empty) {
            return Ok(());
        }
        let mut chain = self.chain();
        let mut before = chain.clone();
        let mut segment = SegmentWriter::default();
        for event in events.flat_map(Texts::iter) {
            let is_full = chain.count - before.count >= EVENTS_PER_SEGMENT as u64;
            if is_full || !segment.push(event)? {
                self.put_segment(&before, &segment.finish(&before))?;
                before = chain.clone();
                if !segment.push(event)? {
                    return Err(ErrorCode::Internal.into());
                }
            }
            chain.append(event);
        }
        self.put_segment(&before, &segment.finish(&before))?;
        (self.header.events, self.header.audit_head) = (chain.count, chain.head);
        let (vouched, signed) = self.header.checkpoint;
        let is_due = chain.count - vouched >= EVENTS_PER_CHECKPOINT
            || self.now() >= signed.plus(SECONDS_PER_CHECKPOINT);
        if is_due { self.sign() } else { Ok(()) }
    }

    /// The chain as the header has it.
    pub(in crate::kms) fn chain(&self) -> Chain {
        let store = *self.keyring().store();
        Chain { store, count: self.header.events, head: self.header.audit_head }
    }

    /// Signs the trail as it is, if that is not done already.
    pub(in crate::kms) fn sign(&mut self) -> Result<()> {
        let chain = self.chain();
        let (vouched, signed) = self.header.checkpoint;
        // Nothing at all is signed, too: once.
        if chain.count <= vouched && signed > Timestamp(0) {
            return Ok(());
        }
        let record = self.current(places::IDENTITY)?.ok_or(ErrorCode::StoreDamaged)?;
        let signed = checkpoint(self.keyring(), &self.header, &record, chain, self.now())?;
        let Checkpoint { chain, time } = &signed.checkpoint;
        self.header.checkpoint = (chain.count, *time);
        let last = places::checkpoint(chain.count);
        self.put_sequenced(RecordKind::Checkpoint, &last, &signed.encode())
    }

    fn put_segment(&mut self, before: &Chain, segment: &[u8]) -> Result<()> {
        self.put_sequenced(RecordKind::Events, &places::events(before.count + 1), segment)
    }

    fn put_sequenced(&mut self, kind: RecordKind, storage_key: &[u8], body: &[u8]) -> Result<()> {
        let (_, id) = places::sequence(storage_key).ok_or(ErrorCode::Internal)?;
        let place = Place { kind, id: &id, storage_key, immutables: &[] };
        self.put(&place, Body::Clear(body))
    }
}

/// Where the key pair is that signs.
pub(in crate::kms) const fn identity_place(store: &[u8; 16]) -> Place<'_> {
    let kind = RecordKind::Identity;
    Place { kind, id: store, storage_key: places::IDENTITY, immutables: &[] }
}

/// Signs the trail up to the head of `chain`, with the key pair of the record.
pub(in crate::kms) fn checkpoint(
    keyring: &Keyring,
    header: &Header,
    record: &[u8],
    chain: Chain,
    time: Timestamp,
) -> Result<SignedCheckpoint> {
    let spec = header.identity;
    let checkpoint = Checkpoint { chain, time };
    let signature = identity(keyring, spec, record)?.sign(&checkpoint.message())?;
    Ok(SignedCheckpoint { checkpoint, algorithm: spec.algorithm(), signature })
}

/// The key pair that signs for the store, of the record in its place.
pub(in crate::kms) fn identity(
    keyring: &Keyring,
    spec: IdentitySpec,
    record: &[u8],
) -> Result<Identity> {
    let body = keyring.open_secret(&identity_place(keyring.store()), record)?;
    Identity::from_body(spec, &body)
}
