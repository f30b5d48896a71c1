//! The audit trail: each segment leads from one point of the chain to the next, and checkpoints vouch for
//! points between segments.

use super::books::Side;
use super::finding::What;
use super::page::Page;
use crate::audit::{Chain, Segment, SignedCheckpoint};
use crate::error::{ErrorCode, Result};
use crate::hsm::{Identity, RecordKind};
use crate::keystore::Entry;
use crate::kms::places;
use crate::kms::trail::identity_place;

impl Page<'_, '_> {
    pub(super) fn segment(&mut self, entry: &Entry) -> Result<()> {
        let Some(segment) = self.opened(RecordKind::Events, entry, Segment::decode)? else {
            return Ok(());
        };
        self.belongs(entry, &places::events(segment.first()));
        let before = segment.before();
        let store = *self.keyring.store();
        let mut chain = Chain { store, count: before.sequence, head: before.hash };
        let replayed = segment.replay(&mut chain);
        self.sound(replayed, What::Formed, &entry.key, None)?;
        self.link(Side::Owed, before.sequence, &before.hash, &entry.key);
        self.link(Side::There, chain.count, &chain.head, &entry.key);
        self.tally.events += chain.count - before.sequence;
        Ok(())
    }

    pub(super) fn checkpoint(&mut self, entry: &Entry) -> Result<()> {
        if !self.books.is_first() {
            return Ok(());
        }
        let store = *self.keyring.store();
        let decode = |body: &[u8]| SignedCheckpoint::decode(store, body);
        let Some(signed) = self.opened(RecordKind::Checkpoint, entry, decode)? else {
            return Ok(());
        };
        let (chain, time) = (&signed.checkpoint.chain, signed.checkpoint.time);
        self.belongs(entry, &places::checkpoint(chain.count));
        let header = &self.walk.header;
        let is_last = chain.count == header.checkpoint.0;
        if self.head_at(chain.count)? != Some(chain.head) || is_last && time != header.checkpoint.1
        {
            self.find(What::Checkpoint, &entry.key, None);
        }
        // Without an identity key, that is the finding.
        if self.walk.verifier.as_ref().is_some_and(|key| !signed.is_by(key)) {
            self.find(What::Signature, &entry.key, None);
        }
        Ok(())
    }

    /// The hash of an event that is the last of its segment, as the next one or the header has it.
    fn head_at(&self, sequence: u64) -> Result<Option<[u8; 32]>> {
        let header = &self.walk.header;
        if sequence == header.events {
            return Ok(Some(header.audit_head));
        }
        let next = places::events(sequence.saturating_add(1));
        let Some(entry) = self.walk.get(&[&next])?.pop().flatten() else { return Ok(None) };
        let Some((_, id)) = places::sequence(&next) else { return Ok(None) };
        let kind = RecordKind::Events;
        let place = crate::hsm::Place { kind, id: &id, storage_key: &next, immutables: &[] };
        let body = self.keyring.open_record(&place, &entry.value);
        match body.and_then(|body| Segment::decode(&body)) {
            Ok(segment) => Ok(Some(segment.before().hash)),
            Err(error) if error.is_damage() => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn identity(&mut self, entry: &Entry) -> Result<()> {
        if !self.books.is_first() {
            return Ok(());
        }
        let store = *self.keyring.store();
        let spec = self.walk.header.identity;
        let place = identity_place(&store);
        let pair = self.opened_secret(&place, &entry.value, None, |body| {
            // Whatever is wrong with a key pair is damage here.
            Identity::from_body(spec, body).map_err(|error| match error.code() {
                ErrorCode::MemoryExhausted => error,
                _ => ErrorCode::StoreDamaged.into(),
            })
        })?;
        if pair.is_none() || self.walk.verifier.is_none() {
            self.find(What::Identity, &entry.key, None);
        }
        Ok(())
    }
}
