//! Destruction: of a key with all that belongs to it, and of imported material. Cryptographic: the
//! records are all that holds the keys that sealed them.

use crate::error::{ErrorCode, Result};
use crate::hsm::{Place, RecordKind};
use crate::kms::trail::Deed;
use crate::kms::transaction::Body;
use crate::kms::{KeyRecord, Transaction, places};
use crate::model::{KeyState, Space};
use crate::octets::{Reader, Writer};

const VERSION: u8 = 1;

impl Transaction<'_> {
    /// Destroys a key, its versions, wrapping pairs, aliases and tags, whatever has been done to entries
    /// of lists or to records that go with it. A tombstone remains, so that no backup brings it back.
    pub(super) fn destroy(&mut self, key: &KeyRecord) -> Result<()> {
        self.remove_aliases(key)?;
        self.remove_key(key)?;
        self.record_deed(Deed::DeleteKey, key)?;
        let storage_key = places::tombstone(&key.id);
        let id = key.id.as_bytes();
        let kind = RecordKind::Tombstone;
        let place = Place { kind, id, storage_key: &storage_key, immutables: &[] };
        self.put(&place, Body::Clear(&self.tombstone(key)))
    }

    /// The body of a tombstone: `01 | lp(account) | lp(region) | seq u64 | created u64 | destroyed u64 |
    /// u32 | version id ...`.
    fn tombstone(&self, key: &KeyRecord) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.u8(VERSION).lp(key.space.account.as_bytes()).lp(key.space.region.as_bytes());
        writer.u64(key.seq).u64(key.created.0).u64(self.now().0);
        writer.u32(key.versions.len() as u32);
        for version in &key.versions {
            writer.raw(version.id.as_bytes());
        }
        writer.finish()
    }

    /// Destroys imported material. The key waits for the same material again, unless it awaits its
    /// deletion.
    pub(crate) fn destroy_material(&mut self, key: &mut KeyRecord) -> Result<()> {
        let version = key.primary()?;
        self.put_empty_version(key, version)?;
        key.material_expires = None;
        key.has_material = false;
        if key.state != KeyState::PendingDeletion {
            key.state = KeyState::PendingImport;
        }
        Ok(())
    }
}

/// Reads the body of a tombstone to its end.
pub(super) fn read_tombstone(body: &[u8]) -> Result<()> {
    let mut reader = Reader::new(body);
    if reader.u8()? != VERSION {
        return Err(ErrorCode::StoreTooNew.into());
    }
    Space::new(&reader.text()?, &reader.text()?).map_err(|_| ErrorCode::StoreDamaged)?;
    let (_seq, _created, _destroyed) = (reader.u64()?, reader.u64()?, reader.u64()?);
    for _ in 0..reader.u32()? {
        reader.raw(16)?;
    }
    reader.finish()
}
