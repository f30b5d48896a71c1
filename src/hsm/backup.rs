//! The keys of a backup. In it a backup key has the place of the store's root key: under it lie the same
//! master key and a domain key of the backup's own.
#![forbid(unsafe_code)]

use crate::error::{Error, ErrorCode, Result};
use crate::hsm::arena::SecretBytes;
use crate::hsm::keyring::random_secret;
use crate::hsm::unlock::room;
use crate::hsm::{Keyring, Place, Recipient, Share, shares};

/// The key of one backup. Whoever has it has all that is in the backup.
pub struct BackupKey(SecretBytes);

impl BackupKey {
    /// A fresh key.
    pub fn fresh() -> Result<Self> {
        random_secret().map(Self)
    }

    /// A key that has been recovered outside.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self> {
        let mut key = room(32)?;
        key.write(|key| {
            key.copy_from_slice(bytes);
            Ok(())
        })?;
        Ok(Self(key))
    }

    /// What shares or a recipient's private key have given back; [`ErrorCode::UnlockFailed`] if it is no
    /// such key.
    pub fn from_secret(secret: SecretBytes) -> Result<Self> {
        match secret.len() {
            32 => Ok(Self(secret)),
            _ => Err(strange()),
        }
    }

    /// The key as shares in words, of which any `threshold` give it back, as [`shares::split`] says.
    pub fn split(&self, threshold: u8, count: u8) -> Result<Vec<Share>> {
        shares::split(&self.0, threshold, count)
    }

    /// The key encrypted to a public key.
    pub fn seal_to(&self, recipient: &Recipient) -> Result<Vec<u8>> {
        self.0.read(|key| recipient.seal(key))
    }

    /// The keys of a backup of the store whose keys are `store`.
    pub fn keyring_for(&self, store: &Keyring) -> Result<Keyring> {
        store.rerooted(copied(&self.0)?)
    }

    /// The keys of the backup that has this root record; [`ErrorCode::UnlockFailed`] if its key is
    /// another.
    pub fn open(&self, store: [u8; 16], root: &[u8]) -> Result<Keyring> {
        Keyring::open(store, copied(&self.0)?, root).map_err(|error| match error.code() {
            ErrorCode::StoreDamaged => strange(),
            _ => error,
        })
    }
}

fn strange() -> Error {
    Error::new(ErrorCode::UnlockFailed).because("This is not the key of the backup.")
}

impl Keyring {
    /// The keys of the store that a backup with these keys becomes: under a fresh root key.
    pub fn restored(&self) -> Result<Self> {
        self.rerooted(random_secret()?)
    }

    /// A record of `from`, another keyring of the same store, as a record of this one. Material stays in
    /// secret memory.
    pub fn reseal(&self, from: &Self, place: &Place<'_>, record: &[u8]) -> Result<Vec<u8>> {
        let revision = Self::revision(record)?;
        match place.kind.is_secret() {
            true => self.seal_secret(place, revision, &from.open_secret(place, record)?),
            false => self.seal(place, revision, &from.open_record(place, record)?),
        }
    }
}

/// The same bytes once more.
pub(super) fn copied(secret: &SecretBytes) -> Result<SecretBytes> {
    let mut copy = room(secret.len())?;
    secret.read(|secret| {
        copy.write(|copy| {
            copy.copy_from_slice(secret);
            Ok(())
        })
    })?;
    Ok(copy)
}
