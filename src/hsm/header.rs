//! The header record: one small sealed record, rewritten with every change, that vouches for all
//! others (ARCHITECTURE.md, Formats: Header and index).

use crate::crypto::xaes;
use crate::error::{ErrorCode, Result};
use crate::hsm::keyring::WrappedDomainKey;
use crate::hsm::unlock::key32;
use crate::hsm::{Keyring, Term, random};
use crate::model::{IdentitySpec, Timestamp};
use crate::octets::{Reader, Writer};

/// What the header says of the store.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    /// Counts the changes of the store.
    pub generation: u64,
    /// Names this line of changes; a restored copy starts another.
    pub lineage: [u8; 16],
    /// The latest time at which the store was changed: the clock never counts as earlier.
    pub time: Timestamp,
    /// How many records there are.
    pub records: u64,
    /// The sum of all records' terms, modulo 2^256.
    pub set: [u8; 32],
    /// How many events the audit trail has.
    pub events: u64,
    /// The head of its chain.
    pub audit_head: [u8; 32],
    /// How many events its last checkpoint vouches for, and when that was signed.
    pub checkpoint: (u64, Timestamp),
    /// The kind of the key that signs checkpoints.
    pub identity: IdentitySpec,
    /// The hour since 1970 before which no key is listed as falling due.
    pub due: u64,
}

const VERSION: u8 = 1;

impl Header {
    /// The header of a store without records, whose trail begins at `audit_head`.
    pub fn new(now: Timestamp, identity: IdentitySpec, audit_head: [u8; 32]) -> Result<Self> {
        let lineage = random()?;
        Ok(Self {
            generation: 0,
            lineage,
            time: now,
            records: 0,
            set: [0; 32],
            events: 0,
            audit_head,
            checkpoint: (0, Timestamp(0)),
            identity,
            due: now.hour(),
        })
    }

    /// A record has been added.
    pub fn add(&mut self, term: Term) {
        self.records += 1;
        self.combine(term, false);
    }

    /// A record has been removed; adding the new after removing the old replaces it.
    pub fn remove(&mut self, term: Term) -> Result<()> {
        self.records = self.records.checked_sub(1).ok_or(ErrorCode::StoreDamaged)?;
        self.combine(term, true);
        Ok(())
    }

    fn combine(&mut self, term: Term, subtract: bool) {
        let mut carry = u16::from(subtract);
        for (sum, byte) in self.set.iter_mut().rev().zip(term.0.iter().rev()) {
            // Subtracting is adding the two's complement.
            let byte = if subtract { !byte } else { *byte };
            let total = u16::from(*sum) + u16::from(byte) + carry;
            let [high, low] = total.to_be_bytes();
            (carry, *sum) = (u16::from(high), low);
        }
    }

    /// The header as it is stored, with the domain keys of `keyring`:
    /// `01 | nonce (24) | body | tag`, XAES-256-GCM under the header key, AAD
    /// `"kmshsm/v1/header-record" | store uuid`.
    pub fn seal(&self, keyring: &Keyring) -> Result<Vec<u8>> {
        let table = keyring.domain_table()?;
        let mut writer = Writer::default();
        writer.u64(self.generation).raw(&self.lineage).u64(self.time.0).u64(self.records);
        writer.raw(&self.set).u64(self.events).raw(&self.audit_head);
        writer.u64(self.checkpoint.0).u64(self.checkpoint.1.0).u8(self.identity.number());
        writer.u64(self.due);
        writer.u32(u32::try_from(table.len()).map_err(|_| ErrorCode::Internal)?);
        for key in &table {
            writer.u32(key.number).raw(&key.nonce).raw(&key.wrapped);
        }
        let body = writer.finish();
        let nonce = random::<24>()?;
        let sealed =
            keyring.header.read(|key| xaes::seal(key32(key)?, &nonce, &aad(keyring), &body))?;
        Ok(writer.u8(VERSION).raw(&nonce).raw(&sealed).finish())
    }

    /// Reads a stored header and teaches `keyring` its domain keys.
    pub fn open(keyring: &Keyring, stored: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(stored);
        if reader.u8()? != VERSION {
            return Err(ErrorCode::StoreTooNew.into());
        }
        let nonce: [u8; 24] = reader.array()?;
        let sealed = reader.raw(stored.len().checked_sub(25).ok_or(ErrorCode::StoreDamaged)?)?;
        let mut body = vec![0; sealed.len().checked_sub(16).ok_or(ErrorCode::StoreDamaged)?];
        keyring
            .header
            .read(|key| xaes::open(key32(key)?, &nonce, &aad(keyring), sealed, &mut body))
            .map_err(|_| ErrorCode::StoreDamaged)?;
        let mut reader = Reader::new(&body);
        let header = Self {
            generation: reader.u64()?,
            lineage: reader.array()?,
            time: Timestamp(reader.u64()?),
            records: reader.u64()?,
            set: reader.array()?,
            events: reader.u64()?,
            audit_head: reader.array()?,
            checkpoint: (reader.u64()?, Timestamp(reader.u64()?)),
            identity: IdentitySpec::from_number(reader.u8()?)?,
            due: reader.u64()?,
        };
        let count = reader.u32()?;
        let mut table = Vec::new();
        for _ in 0..count {
            let (number, nonce, wrapped) = (reader.u32()?, reader.array()?, reader.array()?);
            table.push(WrappedDomainKey { number, nonce, wrapped });
        }
        reader.finish()?;
        keyring.learn(&table)?;
        Ok(header)
    }
}

fn aad(keyring: &Keyring) -> Vec<u8> {
    Writer::default().raw(b"kmshsm/v1/header-record").raw(keyring.store()).finish()
}
