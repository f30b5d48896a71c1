//! The records of a backup, each key together with all that belongs to it.

use crate::error::Result;
use crate::hsm::arena::SecretBytes;
use crate::hsm::{Identity, Keyring, Place};
use crate::kms::aliases::{AliasRecord, alias_place};
use crate::kms::room::with_room;
use crate::kms::stored::{opened_key, version_place};
use crate::kms::trail::identity_place;
use crate::kms::{KeyRecord, Version, places};

use super::read::{Records, Sealed, Unlocked};
use super::{damaged, of_backup};

/// A key, or a record that belongs to none.
pub(super) enum Item {
    /// A key.
    Key(Box<Belongings>),
    /// Anything else.
    Other(Sealed),
}

/// A key with its versions and aliases.
pub(super) struct Belongings {
    pub(super) key: KeyRecord,
    /// In the order of the key's record.
    versions: Vec<Sealed>,
    pub(super) aliases: Vec<AliasRecord>,
}

impl Item {
    /// How many records it is.
    pub(super) fn records(&self) -> usize {
        match self {
            Self::Key(own) => 1 + own.versions.len() + own.aliases.len(),
            Self::Other(_) => 1,
        }
    }

    /// About how many bytes it takes.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Key(own) => own.versions.iter().map(|one| one.record.len()).sum(),
            Self::Other(sealed) => sealed.record.len(),
        }
    }
}

impl Belongings {
    /// The versions, each with the body of its record.
    pub(super) fn versions<'a>(
        &'a self,
        keyring: &'a Keyring,
    ) -> impl Iterator<Item = Result<(Version, SecretBytes)>> + 'a {
        let immutables = self.key.immutables();
        self.key.versions.iter().zip(&self.versions).map(move |(version, sealed)| {
            let place = version_place(&version.id, &sealed.storage_key, &immutables);
            let body = keyring.open_secret(&place, &sealed.record).map_err(of_backup)?;
            Ok((*version, body))
        })
    }
}

impl Unlocked {
    /// The identity record that the records begin with, if the key in it has signed the backup.
    pub(super) fn identity(&self, records: &mut Records<'_>) -> Result<Sealed> {
        let sealed = records.expect(|storage_key| storage_key == places::IDENTITY)?;
        let spki = with_room(|| {
            let place = identity_place(self.keyring.store());
            let body = self.keyring.open_secret(&place, &sealed.record)?;
            Ok(Identity::from_body(self.header.identity, &body)?.spki())
        });
        match spki.map_err(of_backup)? == self.backup.signer.spki() {
            true => Ok(sealed),
            false => Err(damaged("It is signed by another store than it is of.")),
        }
    }

    /// The next key or other record.
    pub(super) fn item(&self, records: &mut Records<'_>) -> Result<Option<Item>> {
        let Some(sealed) = records.next()? else { return Ok(None) };
        let Some(id) = places::key_at(&sealed.storage_key) else {
            return Ok(Some(Item::Other(sealed)));
        };
        let key = opened_key(&self.keyring, &id, &sealed.storage_key, &sealed.record);
        let key = key.map_err(of_backup)?;
        let version = |version: &Version| {
            let place = places::version(&version.id);
            records.expect(|storage_key| storage_key == place)
        };
        let versions = key.versions.iter().map(version).collect::<Result<_>>()?;
        let alias = |_| {
            let sealed = records.expect(places::is_alias)?;
            self.alias(&sealed).map_err(of_backup).and_then(|alias| match alias.key == key.id {
                true => Ok(alias),
                false => Err(damaged("An alias in it follows another key.")),
            })
        };
        let aliases = (0..key.aliases).map(alias).collect::<Result<_>>()?;
        Ok(Some(Item::Key(Box::new(Belongings { key, versions, aliases }))))
    }

    fn alias(&self, sealed: &Sealed) -> Result<AliasRecord> {
        let id =
            sealed.storage_key.last_chunk().ok_or_else(|| damaged("It has no alias there."))?;
        let place = alias_place(id, &sealed.storage_key);
        AliasRecord::decode(&self.keyring.open_record(&place, &sealed.record)?)
    }

    /// Runs `f` with where a record belongs that is no version's.
    pub(super) fn with_place<R>(
        &self,
        sealed: &Sealed,
        f: impl FnOnce(&Place<'_>) -> Result<R>,
    ) -> Result<R> {
        let storage_key = &sealed.storage_key;
        let found = places::record_at(storage_key, self.keyring.store());
        let (kind, id) = found.ok_or_else(|| damaged("A record in it has no place in a store."))?;
        f(&Place { kind, id: &id, storage_key, immutables: &[] }).map_err(of_backup)
    }
}
