//! What is stored now: the header's revision, keys and versions as changes have left them.

use zeroize::Zeroizing;

use crate::error::{Error, ErrorCode, Result};
use crate::hsm::arena::SecretBytes;
use crate::hsm::{Keyring, Place, RecordKind};
use crate::keystore::{Keystore, Revision, StoreState};
use crate::kms::transaction::ATTEMPTS;
use crate::kms::{KeyRecord, Kms, places};
use crate::model::{KeyId, KeyVersionId};

/// Reading what changes have written.
impl Kms {
    /// What `read` finds, again if the store has been changed since: what does not fit together then, or lies
    /// under a domain key that this process has not met, is no damage.
    pub(super) fn look<R>(&self, mut read: impl FnMut() -> Result<R>) -> Result<R> {
        let mut before = None;
        for _ in 0..ATTEMPTS {
            match read() {
                Err(error) if error.is_damage() => {
                    let now = self.learn()?;
                    if before.replace(now) == Some(now) {
                        return Err(error);
                    }
                }
                outcome => return outcome,
            }
        }
        Err(ErrorCode::Conflict.into())
    }

    /// Whether changes can be written at all.
    pub(super) fn takes_changes(&self) -> bool {
        self.admit_changes().is_ok()
    }

    /// Whether the store takes changes: [`StoreReadOnly`](ErrorCode::StoreReadOnly) or
    /// [`Degraded`](ErrorCode::Degraded) if it cannot be written,
    /// [`StoreSuspect`](ErrorCode::StoreSuspect) if it has gone back.
    pub(super) fn admit_changes(&self) -> Result<()> {
        match self.store.state() {
            StoreState::Writable => self.rollback.admit_changes(),
            StoreState::Degraded => Err(ErrorCode::Degraded.into()),
            StoreState::ReadOnly => Err(ErrorCode::StoreReadOnly.into()),
        }
    }

    /// The commit that wrote the header: the last change.
    pub(super) fn header_revision(&self) -> Result<Option<Revision>> {
        Ok(one(&*self.store, places::HEADER)?.map(|(revision, _)| revision))
    }

    /// The key as it is stored now.
    pub(super) fn read_key(&self, id: &KeyId) -> Result<Option<KeyRecord>> {
        self.look(|| self.read_key_once(id))
    }

    fn read_key_once(&self, id: &KeyId) -> Result<Option<KeyRecord>> {
        let storage_key = places::key(id);
        let mut found = self.store.get(&[&storage_key, &places::tombstone(id)])?.into_iter();
        match (found.next().flatten(), found.next().flatten()) {
            (Some(key), None) => {
                opened_key(&*self.hsm.keyring()?, id, &storage_key, &key.value).map(Some)
            }
            (Some(_), Some(_)) => Err(back()),
            (None, _) => Ok(None),
        }
    }

    /// The body of a version's record.
    pub(super) fn read_version(
        &self,
        keyring: &Keyring,
        key: &KeyRecord,
        id: &KeyVersionId,
    ) -> Result<SecretBytes> {
        self.look(|| self.read_version_once(keyring, key, id))
    }

    fn read_version_once(
        &self,
        keyring: &Keyring,
        key: &KeyRecord,
        id: &KeyVersionId,
    ) -> Result<SecretBytes> {
        let storage_key = places::version(id);
        let Some((_, record)) = one(&*self.store, &storage_key)? else {
            // The key may have been destroyed since it was found.
            let is_there = self.read_key(&key.id)?.is_some();
            let code = if is_there { ErrorCode::StoreDamaged } else { ErrorCode::KeyNotFound };
            return Err(code.into());
        };
        let immutables = key.immutables();
        keyring.open_secret(&version_place(id, &storage_key, &immutables), &record)
    }
}

pub(super) fn opened_key(
    keyring: &Keyring,
    id: &KeyId,
    storage_key: &[u8],
    record: &[u8],
) -> Result<KeyRecord> {
    let body: Zeroizing<Vec<u8>> = keyring.open_record(&key_place(id, storage_key), record)?;
    KeyRecord::decode(*id, &body)
}

/// A key's record beside its tombstone has been put back.
pub(super) fn back() -> Error {
    Error::new(ErrorCode::StoreDamaged).because("A key that has been destroyed is back.")
}

/// One entry: its revision and value.
pub(super) fn one(store: &dyn Keystore, key: &[u8]) -> Result<Option<(Revision, Vec<u8>)>> {
    let entry = store.get(&[key])?.pop().flatten();
    Ok(entry.map(|entry| (entry.revision, entry.value)))
}

pub(super) const fn key_place<'a>(id: &'a KeyId, storage_key: &'a [u8]) -> Place<'a> {
    Place { kind: RecordKind::Key, id: id.as_bytes(), storage_key, immutables: &[] }
}

pub(super) const fn version_place<'a>(
    id: &'a KeyVersionId,
    storage_key: &'a [u8],
    immutables: &'a [u8],
) -> Place<'a> {
    Place { kind: RecordKind::Version, id: id.as_bytes(), storage_key, immutables }
}

pub(super) const fn pair_place<'a>(id: &'a [u8; 16], storage_key: &'a [u8]) -> Place<'a> {
    Place { kind: RecordKind::WrappingPair, id, storage_key, immutables: &[] }
}
