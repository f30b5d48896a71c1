//! Sealed records (ARCHITECTURE.md, Formats: Sealed record 0x01): each written under a fresh key of its own, bound
//! to its place in this store and to what may never change about its key.
//!
//! ```text
//! 01 | kind u8 | id (16) | revision u64 | dk u32 | nonce (24) | wrapped DEK (48) | body | tag (16)
//! ```

use zeroize::Zeroizing;

use crate::crypto::block::Cipher;
use crate::crypto::{aead, mac, xaes};
use crate::error::{ErrorCode, Result};
use crate::hsm::arena::{SecretBytes, secluded};
use crate::hsm::unlock::room;
use crate::hsm::{Keyring, random, rng};
use crate::octets::{Reader, Writer};

const VERSION: u8 = 1;
const HEAD: usize = 30;
const BEFORE_BODY: usize = HEAD + 24 + 48;
const TAG: usize = 16;

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RecordKind {
    /// A customer master key: all but its material.
    Key = 1,
    /// One version of a key: its material.
    Version = 2,
    /// The lists of an account in a region: their counters.
    Space = 3,
    /// A key pair that wraps material for import.
    WrappingPair = 4,
    /// An alias: its name and its key.
    Alias = 5,
    /// What remains of a key that has been destroyed.
    Tombstone = 6,
    /// The key pair that signs checkpoints of the audit trail.
    Identity = 7,
    /// A RAM user.
    User = 8,
    /// A policy of an account.
    Policy = 9,
    /// The access key of a user: its secret.
    AccessKey = 10,
    /// What an account uses in a region.
    Meter = 11,
    /// Events of the audit trail.
    Events = 12,
    /// A signed checkpoint of the audit trail.
    Checkpoint = 13,
}

impl RecordKind {
    /// Whether bodies of this kind hold keys or secrets.
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::Version | Self::WrappingPair | Self::Identity | Self::AccessKey)
    }
}

/// Where a record belongs. Part of what is authenticated, so that no record can be moved.
pub struct Place<'a> {
    /// What the record is about.
    pub kind: RecordKind,
    /// The id of the key, version, space, pair or alias.
    pub id: &'a [u8; 16],
    /// The key under which the keystore holds it.
    pub storage_key: &'a [u8],
    /// What may never change about its key; empty but for version records.
    pub immutables: &'a [u8],
}

/// A record's contribution to the set hash of the header.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Term(pub(super) [u8; 32]);

impl Term {
    /// The number that is added, most significant byte first.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Keyring {
    /// `body` as a record of its `revision`.
    pub fn seal(&self, place: &Place<'_>, revision: u64, body: &[u8]) -> Result<Vec<u8>> {
        secluded(|| self.seal_here(place, revision, body))
    }

    /// The same for a body that holds key material.
    pub fn seal_secret(
        &self,
        place: &Place<'_>,
        revision: u64,
        body: &SecretBytes,
    ) -> Result<Vec<u8>> {
        body.read(|body| self.seal_here(place, revision, body))
    }

    fn seal_here(&self, place: &Place<'_>, revision: u64, body: &[u8]) -> Result<Vec<u8>> {
        let mut dek = Zeroizing::new([0; 32]);
        rng::fill(dek.as_mut())?;
        let nonce = random::<24>()?;
        let (head, wrapped) = self.domain.with_active(|number, key| {
            let mut head = Writer::default();
            head.u8(VERSION).u8(place.kind as u8).raw(place.id).u64(revision).u32(number);
            let head = head.finish();
            let wrapped = xaes::seal(key, &nonce, &self.aad(place, &head, false), dek.as_ref())?;
            Ok((head, wrapped))
        })?;
        let mut record = Writer::with_capacity(BEFORE_BODY + body.len() + TAG)
            .raw(&head)
            .raw(&nonce)
            .raw(&wrapped)
            .finish();
        let aad = self.aad(place, &record, true);
        record.resize(BEFORE_BODY + body.len(), 0);
        let (_, ciphertext) = record.split_at_mut(BEFORE_BODY);
        let mut tag = [0; TAG];
        aead::seal(Cipher::Aes256, dek.as_ref(), &IV, &aad, body, ciphertext, &mut tag)?;
        record.extend_from_slice(&tag);
        Ok(record)
    }

    /// The body of `record`; [`ErrorCode::StoreDamaged`] unless it is what was sealed for `place`.
    pub fn open_record(&self, place: &Place<'_>, record: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let parts = Parts::of(record)?;
        let mut body = Zeroizing::new(vec![0; parts.ciphertext.len()]);
        self.open_parts(place, &parts, &mut body)?;
        Ok(body)
    }

    /// The same for a body that holds key material: it goes from the record into the arena.
    pub fn open_secret(&self, place: &Place<'_>, record: &[u8]) -> Result<SecretBytes> {
        let parts = Parts::of(record)?;
        let mut body = room(parts.ciphertext.len())?;
        body.write(|body| self.open_parts(place, &parts, body))?;
        Ok(body)
    }

    /// The record's revision: how often it has been written.
    pub fn revision(record: &[u8]) -> Result<u64> {
        Ok(Parts::of(record)?.revision)
    }

    /// Whether the record lies under the active domain key.
    pub fn is_active(&self, record: &[u8]) -> Result<bool> {
        let domain = Parts::of(record)?.domain;
        self.domain.with_active(|number, _| Ok(number == domain))
    }

    /// `HMAC-SHA256(set key, lp(storage key) | revision | record tag)`.
    pub fn term(&self, storage_key: &[u8], record: &[u8]) -> Result<Term> {
        let parts = Parts::of(record)?;
        let message = Writer::default().lp(storage_key).u64(parts.revision).raw(parts.tag).finish();
        self.set.read(|key| Ok(Term(mac::hmac_sha256(key, &[&message]))))
    }

    fn open_parts(&self, place: &Place<'_>, parts: &Parts<'_>, body: &mut [u8]) -> Result<()> {
        secluded(|| self.open_parts_here(place, parts, body))
    }

    fn open_parts_here(&self, place: &Place<'_>, parts: &Parts<'_>, body: &mut [u8]) -> Result<()> {
        if parts.kind != place.kind as u8 || parts.id != place.id {
            return Err(ErrorCode::StoreDamaged.into());
        }
        let damaged = |_| ErrorCode::StoreDamaged;
        let mut dek = Zeroizing::new([0; 32]);
        self.domain
            .with(parts.domain, |key| {
                let aad = self.aad(place, parts.head, false);
                xaes::open(key, parts.nonce, &aad, parts.wrapped, dek.as_mut())
            })
            .map_err(damaged)?;
        let aad = self.aad(place, parts.before_body, true);
        aead::open(Cipher::Aes256, dek.as_ref(), &IV, &aad, parts.ciphertext, parts.tag, body)
            .map_err(damaged)?;
        Ok(())
    }

    fn aad(&self, place: &Place<'_>, before: &[u8], with_immutables: bool) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.raw(self.store()).lp(place.storage_key).raw(before);
        if with_immutables {
            writer.raw(place.immutables);
        }
        writer.finish()
    }
}

/// Every record has a key of its own, which is used once.
const IV: [u8; 12] = [0; 12];

struct Parts<'a> {
    head: &'a [u8],
    before_body: &'a [u8],
    kind: u8,
    id: &'a [u8],
    revision: u64,
    domain: u32,
    nonce: &'a [u8; 24],
    wrapped: &'a [u8],
    ciphertext: &'a [u8],
    tag: &'a [u8; TAG],
}

impl<'a> Parts<'a> {
    fn of(record: &'a [u8]) -> Result<Self> {
        let before_body = Reader::new(record).raw(BEFORE_BODY)?;
        let head = Reader::new(record).raw(HEAD)?;
        let mut reader = Reader::new(record);
        if reader.u8()? != VERSION {
            return Err(ErrorCode::StoreTooNew.into());
        }
        let (kind, id) = (reader.u8()?, reader.raw(16)?);
        let (revision, domain) = (reader.u64()?, reader.u32()?);
        let nonce = reader.raw(24)?.try_into().map_err(|_| ErrorCode::StoreDamaged)?;
        let wrapped = reader.raw(48)?;
        let (_, rest) = record.split_at(BEFORE_BODY);
        let body_len = rest.len().checked_sub(TAG).ok_or(ErrorCode::StoreDamaged)?;
        let (ciphertext, tag) = rest.split_at(body_len);
        let tag = tag.try_into().map_err(|_| ErrorCode::StoreDamaged)?;
        Ok(Self { head, before_body, kind, id, revision, domain, nonce, wrapped, ciphertext, tag })
    }
}
