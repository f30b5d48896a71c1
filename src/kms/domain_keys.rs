//! Rotation of domain keys: a new one seals everything that is written, then what lies under older ones is
//! sealed anew, some records at a time, and the older ones are gone. No customer's data is touched. So
//! what has been destroyed cannot be read in old copies of its record either: it is shredded.

use serde::Serialize;

use crate::error::{Error, ErrorCode, Result};
use crate::hsm::{Header, Keyring, Place, RecordKind};
use crate::keystore::Revision;
use crate::kms::stored::{one, opened_key};
use crate::kms::trail::Deed;
use crate::kms::transaction::Body;
use crate::kms::{Kms, Transaction, places};
use crate::model::{KeyId, KeyVersionId, Timestamp};

/// A domain key older than this is replaced by [`Kms::tick`].
const AGE: u64 = 30 * 86_400;

/// Material that has been destroyed is shredded by [`Kms::tick`], all of a day at once.
const BETWEEN_SHREDDINGS: u64 = 86_400;

/// How many records are sealed anew in one change, and how many bytes.
const AT_ONCE: usize = 256;
const BYTES_AT_ONCE: usize = 4 << 20;

/// How many changes of a tick are for that.
const CHANGES_OF_A_TICK: usize = 64;

/// Whether what has been destroyed can still be read in old copies of the store, by whoever has its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Shred {
    /// The domain key under which it lay is still there.
    Pending,
    /// It is gone, or nothing has been destroyed.
    Done,
}

impl Shred {
    pub(super) fn of(header: &Header) -> Self {
        match header.awaits_shredding() {
            true => Self::Pending,
            false => Self::Done,
        }
    }
}

/// How far records have been sealed anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resealed {
    /// How many records have been in this step.
    pub records: u64,
    /// How many there are in the store.
    pub total: u64,
    /// Whether none is left.
    pub is_done: bool,
}

impl Kms {
    /// Gives the store a new domain key. It seals everything from now on; what lies under older ones is
    /// sealed anew by [`Kms::tick`] or [`Kms::reseal`]. Answers its number.
    pub fn rotate_domain_key(&self) -> Result<u32> {
        self.check()?;
        self.change(|transaction| transaction.rotate_domain_key())
    }

    /// Seals some records anew, if a new domain key has come. Any number of processes may do so at once,
    /// and any of them goes on where another was killed.
    pub fn reseal(&self) -> Result<Resealed> {
        self.check()?;
        let header = self.header()?.1;
        if header.resealed.is_none() {
            return Ok(Resealed { records: 0, total: header.records, is_done: true });
        }
        let resealed = self.change(|transaction| transaction.reseal())?;
        if resealed.is_done {
            // The last copies go with the log.
            self.store.purge()?;
        }
        Ok(resealed)
    }

    /// Gives the store a new domain key if it is time, and seals some records anew.
    pub(super) fn tend_domain_keys(&self) -> Result<()> {
        let (_, header) = self.header()?;
        let age = self.now().0.saturating_sub(header.rotated.0);
        let is_due = age >= AGE || (header.awaits_shredding() && age >= BETWEEN_SHREDDINGS);
        if is_due && header.resealed.is_none() {
            self.change(|transaction| transaction.rotate_if_still(header.rotated))?;
        }
        for _ in 0..CHANGES_OF_A_TICK {
            if self.reseal()?.is_done {
                break;
            }
        }
        Ok(())
    }

    /// The header as it is stored now, whose domain keys this process then has.
    pub(super) fn header(&self) -> Result<(Revision, Header)> {
        let (revision, header) =
            one(&*self.store, places::HEADER)?.ok_or(ErrorCode::StoreDamaged)?;
        Ok((revision, Header::open(&*self.hsm.keyring()?, &header)?))
    }

    /// Learns the domain keys of the store as it is now, and says which change wrote them.
    pub(super) fn learn(&self) -> Result<Revision> {
        let (revision, header) = self.header()?;
        match header.is_of_root(&*self.hsm.keyring()?)? {
            true => Ok(revision),
            false => Err(ErrorCode::StoreRekeyed.into()),
        }
    }
}

impl Transaction<'_> {
    /// Adds a domain key unless somebody else has done so since.
    fn rotate_if_still(&mut self, rotated: Timestamp) -> Result<()> {
        match self.header.rotated == rotated && self.header.resealed.is_none() {
            true => self.rotate_domain_key().map(drop),
            false => Ok(()),
        }
    }

    fn rotate_domain_key(&mut self) -> Result<u32> {
        // On the root and domain keys that the keyring has.
        self.stored()?;
        let (now, keyring) = (self.now(), self.shared_keyring());
        let number = self.header.add_domain_key(&keyring, now)?;
        self.record_of_store(Deed::RotateDomainKey, 1)?;
        Ok(number)
    }

    /// The next records in the order of their storage keys, or the end of it.
    fn reseal(&mut self) -> Result<Resealed> {
        let kms = self.stored()?;
        let total = self.header.records;
        let Some(mut cursor) = self.header.resealed.clone() else {
            return Ok(Resealed { records: 0, total, is_done: true });
        };
        let (mut records, mut bytes) = (0, 0);
        for (prefix, _) in places::SEALED {
            if cursor.first().is_some_and(|done| *done > prefix) {
                continue;
            }
            let entries = kms.store.scan(&[prefix], &cursor, AT_ONCE - records)?;
            for entry in entries {
                bytes += entry.value.len();
                self.reseal_record(kms, &entry.key, &entry.value)?;
                records += 1;
                cursor = entry.key;
                if records == AT_ONCE || bytes >= BYTES_AT_ONCE {
                    self.header.resealed = Some(cursor);
                    return Ok(Resealed { records: records as u64, total, is_done: false });
                }
            }
        }
        let retired = self.header.retire_domain_keys();
        self.record_of_store(Deed::RetireDomainKeys, retired)?;
        Ok(Resealed { records: records as u64, total, is_done: true })
    }

    fn reseal_record(&mut self, kms: &Kms, storage_key: &[u8], record: &[u8]) -> Result<()> {
        if Keyring::domain_key_of(record)? == self.header.domain_key() {
            return Ok(());
        }
        let found = places::record_at(storage_key, self.keyring().store());
        let (kind, id) = found.ok_or(ErrorCode::StoreDamaged)?;
        let immutables = match kind {
            RecordKind::Version => self.immutables_of(kms, KeyVersionId::from_bytes(id))?,
            _ => Vec::new(),
        };
        let place = Place { kind, id: &id, storage_key, immutables: &immutables };
        let keyring = self.shared_keyring();
        match kind.is_secret() {
            true => {
                let body = keyring.open_secret(&place, record)?;
                self.put(&place, Body::Secret(&body))
            }
            false => {
                let body = keyring.open_record(&place, record)?;
                self.put(&place, Body::Clear(&body))
            }
        }
    }

    /// What never changes about the key of a version.
    fn immutables_of(&self, kms: &Kms, version: KeyVersionId) -> Result<Vec<u8>> {
        let index = places::version_index(self.keyring(), &version)?;
        let damaged = || Error::new(ErrorCode::StoreDamaged);
        let (_, id) = one(&*kms.store, &index)?.ok_or_else(damaged)?;
        let id = KeyId::from_bytes(id.try_into().map_err(|_| damaged())?);
        let storage_key = places::key(&id);
        let record = self.current(&storage_key)?.ok_or_else(damaged)?;
        Ok(opened_key(self.keyring(), &id, &storage_key, &record)?.immutables())
    }
}

/// For tests: what whoever had an old copy of the store would find in it.
#[cfg(feature = "testing")]
impl Kms {
    /// The record of a key as it is stored now.
    #[doc(hidden)]
    pub fn copy_of_key(&self, id: &str) -> Result<(Vec<u8>, Vec<u8>)> {
        let id = KeyId::parse(id).ok_or(ErrorCode::KeyNotFound)?;
        let (_, record) = one(&*self.store, &places::key(&id))?.ok_or(ErrorCode::KeyNotFound)?;
        Ok((places::key(&id), record))
    }

    /// Whether a copy can be opened with the keys that the store has now.
    #[doc(hidden)]
    pub fn opens_copy(&self, (storage_key, record): &(Vec<u8>, Vec<u8>)) -> Result<bool> {
        self.learn()?;
        let id = places::key_at(storage_key).ok_or(ErrorCode::KeyNotFound)?;
        Ok(opened_key(&*self.hsm.keyring()?, &id, storage_key, record).is_ok())
    }
}
