//! Reading all of the trail, for export and verification.

use std::io::Write;
use std::vec::IntoIter;

use zeroize::Zeroizing;

use crate::audit::{
    Chain, ExportWriter, Head, PublicKey, Segment, SignedCheckpoint, Verified, Verifier,
};
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::{Place, RecordKind};
use crate::keystore::Entry;
use crate::kms::stored::one;
use crate::kms::trail::chain::{checkpoint, identity};
use crate::kms::{Kms, places};
use crate::model::Timestamp;

/// How many records are read at a time: a segment's may be long.
const PIECE: usize = 16;

/// What there is in a trail.
enum Item<'a> {
    /// The text of the next event.
    Event(&'a str),
    /// A checkpoint of all events before it.
    Checkpoint(&'a SignedCheckpoint),
}

impl Kms {
    /// The public key that verifies the store's trail, as PEM (SubjectPublicKeyInfo).
    pub fn trail_key(&self) -> Result<String> {
        self.check()?;
        self.identity_key()?.pem()
    }

    fn identity_record(&self) -> Result<Vec<u8>> {
        let stored = one(&*self.store, places::IDENTITY)?;
        stored.map(|(_, record)| record).ok_or_else(|| ErrorCode::StoreDamaged.into())
    }

    fn identity_key(&self) -> Result<PublicKey> {
        let spec = self.header()?.1.identity;
        let keyring = self.hsm.keyring()?;
        let identity = self.look(|| identity(&keyring, spec, &self.identity_record()?))?;
        PublicKey::from_spki(&identity.spki())
    }

    /// Writes the whole trail, of all accounts, as JSON lines that anybody can verify who has the
    /// public key; signs it first. Answers its head, to be remembered. What happens meanwhile is left
    /// for the next time.
    ///
    /// [`TrailDamaged`](ErrorCode::TrailDamaged) if the trail is not what it was;
    /// [`StoreFailed`](ErrorCode::StoreFailed) if `out` cannot be written to.
    pub fn export_trail(&self, out: &mut dyn Write) -> Result<Head> {
        let (head, unwritten) = self.sign_trail()?;
        let put = &mut |line: &[u8]| out.write_all(line).map_err(unwritable);
        self.export_lines(head, unwritten.as_ref(), put)?;
        out.flush().map_err(unwritable)?;
        Ok(head)
    }

    /// Verifies the whole trail, of all accounts, against the head that the store has of it and with the
    /// store's own key; signs it first. Whoever does not trust who has the store open verifies an
    /// exported one.
    ///
    /// [`TrailDamaged`](ErrorCode::TrailDamaged) names the first event that is not as it was signed.
    pub fn verify_trail(&self) -> Result<Verified> {
        let (head, unwritten) = self.sign_trail()?;
        let key = self.identity_key()?;
        let mut verifier = Verifier::new(Some(&key), Some(head));
        self.export_lines(head, unwritten.as_ref(), &mut |line| {
            let line = line.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok());
            verifier.line(line.ok_or(ErrorCode::Internal)?)
        })?;
        verifier.finish()
    }

    /// The head of the trail, signed; with the checkpoint if it cannot be written.
    fn sign_trail(&self) -> Result<(Head, Option<SignedCheckpoint>)> {
        self.check()?;
        if !self.takes_changes() {
            let ((_, header), keyring) = (self.header()?, self.hsm.keyring()?);
            let chain =
                Chain { store: *keyring.store(), count: header.events, head: header.audit_head };
            let head = chain.head();
            let (vouched, signed) = header.checkpoint;
            if vouched == header.events && signed > Timestamp(0) {
                return Ok((head, None));
            }
            let signed = self.look(|| {
                let record = self.identity_record()?;
                checkpoint(&keyring, &header, &record, chain.clone(), self.now())
            })?;
            return Ok((head, Some(signed)));
        }
        self.flush()?;
        let head = self.change(|transaction| {
            transaction.sign()?;
            Ok(transaction.chain().head())
        })?;
        Ok((head, None))
    }

    /// The lines of the trail up to `head`, one after the other, each with its line feed; at the end, the
    /// checkpoint that is not stored.
    fn export_lines(
        &self,
        head: Head,
        unwritten: Option<&SignedCheckpoint>,
        put: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let key = self.identity_key()?;
        let before = Chain::new(*self.hsm.keyring()?.store());
        let mut line = Vec::new();
        let mut writer = ExportWriter::begin(&key, before, self.is_test_only(), &mut line)?;
        put(&line)?;
        let last = self.walk_trail(head.sequence, &mut |item| {
            line.clear();
            match item {
                Item::Event(event) => writer.event(event, &mut line),
                Item::Checkpoint(signed) => writer.checkpoint(signed, &mut line)?,
            }
            put(&line)
        })?;
        if last != head.sequence {
            return Err(missing(last + 1));
        }
        if let Some(signed) = unwritten {
            line.clear();
            writer.checkpoint(signed, &mut line)?;
            put(&line)?;
        }
        if writer.finish()? != head {
            let detail = format!("Event {last} is not the one that was written.");
            return Err(Error::new(ErrorCode::TrailDamaged).because(detail));
        }
        Ok(())
    }

    /// Goes through the trail up to event `last` at most, and answers which was the last.
    fn walk_trail(&self, last: u64, see: &mut dyn FnMut(Item<'_>) -> Result<()>) -> Result<u64> {
        let mut segments = self.segments(Vec::new());
        let mut checkpoints = Checkpoints::begin(self)?;
        checkpoints.pass(0, see)?;
        let mut count = 0;
        while let Some(segment) = segments.next()? {
            if segment.first() > last {
                break;
            }
            if segment.first() != count + 1 {
                return Err(missing(count + 1));
            }
            for (number, event) in segment.events() {
                see(Item::Event(event))?;
                checkpoints.pass(number, see)?;
                count = number;
            }
        }
        Ok(count)
    }

    /// The segments with storage keys after this one, in order.
    pub(super) fn segments(&self, after: Vec<u8>) -> Segments<'_> {
        Segments(Records::of(self, RecordKind::Events, places::EVENTS, after))
    }
}

/// Segments, read as they are asked for.
pub(super) struct Segments<'k>(Records<'k>);

impl Segments<'_> {
    pub(super) fn next(&mut self) -> Result<Option<Segment>> {
        let Some((first, body)) = self.0.next()? else { return Ok(None) };
        let segment = Segment::decode(&body)?;
        if segment.first() == first {
            Ok(Some(segment))
        } else {
            Err(ErrorCode::StoreDamaged.into())
        }
    }
}

/// The checkpoints of a trail that is gone through.
struct Checkpoints<'k> {
    records: Records<'k>,
    store: [u8; 16],
    next: Option<SignedCheckpoint>,
}

impl<'k> Checkpoints<'k> {
    fn begin(kms: &'k Kms) -> Result<Self> {
        let kind = RecordKind::Checkpoint;
        let records = Records::of(kms, kind, places::CHECKPOINTS, Vec::new());
        let store = *kms.hsm.keyring()?.store();
        let mut checkpoints = Self { records, store, next: None };
        checkpoints.advance()?;
        Ok(checkpoints)
    }

    fn advance(&mut self) -> Result<()> {
        let record = self.records.next()?;
        let read = record.map(|(_, body)| SignedCheckpoint::decode(self.store, &body));
        self.next = read.transpose()?;
        Ok(())
    }

    /// Shows those that vouch for the events up to this one.
    fn pass(&mut self, count: u64, see: &mut dyn FnMut(Item<'_>) -> Result<()>) -> Result<()> {
        while let Some(signed) = self.next.take_if(|it| it.checkpoint.chain.count <= count) {
            see(Item::Checkpoint(&signed))?;
            self.advance()?;
        }
        Ok(())
    }
}

/// Numbered records of a kind, in order, read piece by piece.
struct Records<'k> {
    kms: &'k Kms,
    kind: RecordKind,
    prefix: &'static [u8],
    position: Vec<u8>,
    piece: IntoIter<Entry>,
}

impl<'k> Records<'k> {
    fn of(kms: &'k Kms, kind: RecordKind, prefix: &'static [u8], position: Vec<u8>) -> Self {
        Self { kms, kind, prefix, position, piece: Vec::new().into_iter() }
    }

    fn next(&mut self) -> Result<Option<(u64, Zeroizing<Vec<u8>>)>> {
        let kms = self.kms;
        kms.look(|| {
            if self.piece.as_slice().is_empty() {
                // Who closes the store need not wait for the end.
                kms.check()?;
                self.piece = kms.store.scan(self.prefix, &self.position, PIECE)?.into_iter();
            }
            let Some(entry) = self.piece.as_slice().first() else { return Ok(None) };
            let (number, id) = places::sequence(&entry.key).ok_or(ErrorCode::StoreDamaged)?;
            let place =
                Place { kind: self.kind, id: &id, storage_key: &entry.key, immutables: &[] };
            let body = kms.hsm.keyring()?.open_record(&place, &entry.value);
            // What has been sealed anew since is read anew.
            let body = body.inspect_err(|_| self.piece = Vec::new().into_iter())?;
            self.position = self.piece.next().map_or(Vec::new(), |entry| entry.key);
            Ok(Some((number, body)))
        })
    }
}

pub(super) fn missing(number: u64) -> Error {
    Error::new(ErrorCode::TrailDamaged).because(format!("Event {number} is missing."))
}

fn unwritable(error: std::io::Error) -> Error {
    Error::new(ErrorCode::StoreFailed).because(format!("The trail cannot be written out: {error}."))
}
