//! The header record: one small sealed record, rewritten with every change, that vouches for all
//! others (ARCHITECTURE.md, Formats: Header and index).

use crate::crypto::xaes;
use crate::error::{ErrorCode, Result};
use crate::hsm::domain::DomainTable;
use crate::hsm::keyring::NewRoot;
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
    /// How often the root key has been replaced.
    root: u32,
    /// SHA-256 of the unlock slots; `None` in format 1, which has none.
    pub slots: Option<[u8; 32]>,
    /// The last domain key under which material lay that has been destroyed since; 0 for none.
    destroyed: u32,
    /// When the active domain key came.
    pub rotated: Timestamp,
    domain: DomainTable,
    /// While records are being sealed anew: up to which storage key they have been.
    pub resealed: Option<Vec<u8>>,
}

const VERSION: u8 = 2;

/// The version of format 1: without what comes behind `due`, but the domain keys.
const FIRST: u8 = 1;

impl Header {
    /// The header of a store without records, whose trail begins at `audit_head`, with a first domain key.
    pub fn new(
        keyring: &Keyring,
        now: Timestamp,
        identity: IdentitySpec,
        audit_head: [u8; 32],
    ) -> Result<Self> {
        let mut domain = DomainTable::default();
        domain.push(keyring.fresh_domain_key(1)?);
        let root = keyring.root_number()?;
        keyring.learn(root, &domain)?;
        Ok(Self {
            generation: 0,
            lineage: random()?,
            time: now,
            records: 0,
            set: [0; 32],
            events: 0,
            audit_head,
            checkpoint: (0, Timestamp(0)),
            identity,
            due: now.hour(),
            root,
            slots: None,
            destroyed: 0,
            rotated: now,
            domain,
            resealed: None,
        })
    }

    /// Whether this is the header of a store of format 1.
    pub const fn is_of_first_format(&self) -> bool {
        self.slots.is_none()
    }

    /// Whether domain keys are gone that an earlier header had.
    pub fn has_retired_keys_since(&self, earlier: &Self) -> bool {
        self.domain.oldest() > earlier.domain.oldest()
    }

    /// Whether the keyring has the root key that this header speaks of.
    pub fn is_of_root(&self, keyring: &Keyring) -> Result<bool> {
        Ok(keyring.root_number()? == self.root)
    }

    /// A new domain key, which seals everything once this header has been committed. Answers its number.
    pub fn add_domain_key(&mut self, keyring: &Keyring, now: Timestamp) -> Result<u32> {
        let number = self.domain.active().checked_add(1).ok_or(ErrorCode::Internal)?;
        self.domain.push(keyring.fresh_domain_key(number)?);
        self.rotated = now;
        self.resealed = Some(Vec::new());
        Ok(number)
    }

    /// Nothing lies under any but the active domain key: the older ones are gone with this header.
    /// Answers how many.
    pub fn retire_domain_keys(&mut self) -> u64 {
        self.resealed = None;
        self.domain.retire()
    }

    /// Material has been destroyed. Copies of its record may be anywhere, but they lie under a domain key
    /// that is given up.
    pub fn destroyed(&mut self) {
        self.destroyed = self.domain.active();
    }

    /// Whether domain keys are still there under which destroyed material lay.
    pub fn awaits_shredding(&self) -> bool {
        self.destroyed >= self.domain.oldest()
    }

    /// The number of the domain key that seals.
    pub fn domain_key(&self) -> u32 {
        self.domain.active()
    }

    /// The domain keys under a new root key. Answers the root record for it.
    pub fn replace_root(&mut self, keyring: &Keyring, new: &NewRoot) -> Result<Vec<u8>> {
        let record;
        (self.root, self.domain, record) = keyring.rewrap(&self.domain, new)?;
        Ok(record)
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

    /// The header as it is stored: `02 | nonce (24) | body | tag`, XAES-256-GCM under the header key, AAD
    /// `"kmshsm/v1/header-record" | store uuid`.
    pub fn seal(&self, keyring: &Keyring) -> Result<Vec<u8>> {
        let mut writer = Writer::default();
        writer.u64(self.generation).raw(&self.lineage).u64(self.time.0).u64(self.records);
        writer.raw(&self.set).u64(self.events).raw(&self.audit_head);
        writer.u64(self.checkpoint.0).u64(self.checkpoint.1.0).u8(self.identity.number());
        writer.u64(self.due).u32(self.root).raw(&self.slots.unwrap_or_default());
        writer.u32(self.destroyed).u64(self.rotated.0);
        self.domain.encode(&mut writer)?;
        writer.u8(u8::from(self.resealed.is_some()));
        writer.lp(self.resealed.as_deref().unwrap_or_default());
        let body = writer.finish();
        let nonce = random::<24>()?;
        let sealed =
            keyring.header.read(|key| xaes::seal(key32(key)?, &nonce, &aad(keyring), &body))?;
        Ok(writer.u8(VERSION).raw(&nonce).raw(&sealed).finish())
    }

    /// Reads a stored header, and has `keyring` learn its domain keys unless they are under another root key.
    pub fn open(keyring: &Keyring, stored: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(stored);
        let version = reader.u8()?;
        if !(FIRST..=VERSION).contains(&version) {
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
        let mut header = Self {
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
            root: 0,
            slots: None,
            destroyed: 0,
            rotated: Timestamp(0),
            domain: DomainTable::default(),
            resealed: None,
        };
        if version > FIRST {
            header.root = reader.u32()?;
            header.slots = Some(reader.array()?);
            header.destroyed = reader.u32()?;
            header.rotated = Timestamp(reader.u64()?);
        }
        header.domain = DomainTable::decode(&mut reader)?;
        if version > FIRST {
            let is_resealing = reader.u8()?;
            let cursor = reader.lp()?.to_vec();
            header.resealed = match (is_resealing, cursor.is_empty()) {
                (0, true) => None,
                (1, _) => Some(cursor),
                _ => return Err(ErrorCode::StoreDamaged.into()),
            };
        }
        reader.finish()?;
        keyring.learn(header.root, &header.domain)?;
        Ok(header)
    }
}

fn aad(keyring: &Keyring) -> Vec<u8> {
    Writer::default().raw(b"kmshsm/v1/header-record").raw(keyring.store()).finish()
}
