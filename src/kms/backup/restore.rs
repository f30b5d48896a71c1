//! Restoring a backup as a store of its own: the same store with the same keys, in a new line of changes.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::audit::PublicKey;
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::rng::Scope;
use crate::hsm::{Header, Hsm, Keyring, Unlock, selftest};
use crate::keystore::SqliteStore;
use crate::kms::open::lay;
use crate::kms::rollback::Rollback;
use crate::kms::trail::Deed;
use crate::kms::transaction::Body;
use crate::kms::{Kms, Options, Transaction, places, slots};
use crate::model::{Clock, KeyId, SystemClock};

use super::items::{Belongings, Item};
use super::manifest::Counts;
use super::read::{Backup, Sealed, Unlocked};
use super::{LeftOut, Manifest, Progress, Reason, Restored, Secret};

/// How many records, and bytes of them, one change writes: as many as make the disk's part small.
const RECORDS: usize = 512;
const BYTES: usize = 4 << 20;

/// What is restored, and as what.
pub struct Restoration<'a> {
    /// The backup.
    pub backup: &'a Path,
    /// What opens it.
    pub secret: Secret<'a>,
    /// The public key of the store that must have signed it. Without it anybody may have made the backup to
    /// whom a recipient's public key is known.
    pub public_key: Option<&'a PublicKey>,
    /// The directory of the store: it must be absent, or empty.
    pub place: &'a Path,
    /// What opens the store from then on.
    pub unlock: &'a Unlock<'a>,
    /// A newer backup of the same store, and what opens it: keys that were destroyed by then stay so.
    pub newer: Option<(&'a Path, Secret<'a>)>,
}

/// Makes a store of a backup. It has the UUID, the keys, the users and the trail of the one that was backed
/// up, and the key that signs for it; its lineage is new, its generation is higher, and its trail tells of
/// this. Killed at any moment, there is either all of it or nothing but a directory `.NAME.new-...`.
///
/// [`StoreExists`](ErrorCode::StoreExists); what [`verify_backup`](super::verify_backup) answers;
/// [`InvalidParameter`](ErrorCode::InvalidParameter) for an empty passphrase, or (`Newer`) for a backup of
/// another store.
pub fn restore(asked: &Restoration<'_>, progress: Progress<'_>) -> Result<Restored> {
    let _draws = Scope::of_system();
    slots::check(asked.unlock)?;
    let health = selftest::ready()?;
    let backup = Backup::open(asked.backup, asked.public_key)?.unlock(&asked.secret)?;
    let tombstones = match &asked.newer {
        Some((path, secret)) => {
            let newer = Backup::open(path, Some(&backup.backup.signer))?.unlock(secret)?;
            tombstones_of(&newer, &backup.keyring)?
        }
        None => HashMap::new(),
    };
    SqliteStore::build(asked.place, |store| {
        let keyring = backup.keyring.restored()?;
        let header = header_after(&keyring, &backup.header)?;
        let mut records = backup.records()?;
        let signer = backup.identity(&mut records)?;
        let signer = backup.with_place(&signer, |place| {
            keyring.reseal(header.domain_key(), &backup.keyring, place, &signer.record)
        })?;
        let header = lay(&store, &keyring, Some(asked.unlock), header, signer)?;
        let (rollback, options) = (Rollback::default(), Options::default());
        let hsm = Hsm::new(keyring, options.allow_unprotected_memory, health);
        let kms = Kms::over(Box::new(store), hsm, &header, rollback, options)?;
        let restored = kms.take_all(&backup, tombstones, progress);
        kms.close();
        restored
    })
}

/// The header of a store that goes on where `before` ended, without records yet.
fn header_after(keyring: &Keyring, before: &Header) -> Result<Header> {
    let now = SystemClock.now().max(before.time);
    let mut header = Header::new(keyring, now, before.identity, before.audit_head)?;
    header.generation = before.generation;
    (header.events, header.checkpoint) = (before.events, before.checkpoint);
    Ok(header)
}

/// The keys that a backup knows to be destroyed, with the bodies of their tombstones.
type Tombstones = HashMap<KeyId, (Sealed, Vec<u8>)>;

fn tombstones_of(newer: &Unlocked, keyring: &Keyring) -> Result<Tombstones> {
    if !newer.keyring.is_of_store_of(keyring)? {
        return Err(Error::invalid("Newer", "It is a backup of another store."));
    }
    let (mut found, mut records) = (Tombstones::new(), newer.records()?);
    while let Some(sealed) = records.next()? {
        if let Some(id) = places::destroyed_at(&sealed.storage_key) {
            let body = newer
                .with_place(&sealed, |place| newer.keyring.open_record(place, &sealed.record))?;
            found.insert(id, (sealed, body.to_vec()));
        }
    }
    Ok(found)
}

impl Kms {
    /// Takes all that is in a backup into this store, which has nothing but its identity.
    fn take_all(
        self: &Arc<Self>,
        backup: &Unlocked,
        mut tombstones: Tombstones,
        progress: Progress<'_>,
    ) -> Result<Restored> {
        let mut restored = Restored::default();
        let mut records = backup.records()?;
        backup.identity(&mut records)?;
        let (mut batch, mut count, mut size) = (Vec::new(), 0, 0);
        while let Some(item) = backup.item(&mut records)? {
            match &item {
                Item::Key(own) if tombstones.contains_key(&own.key.id) => {
                    restored.leave(own.key.id, Reason::Destroyed);
                    continue;
                }
                Item::Key(own) => restored.taken.add_key(own),
                Item::Other(sealed) => {
                    // What both have destroyed is the newer one's no more.
                    if let Some(id) = places::destroyed_at(&sealed.storage_key) {
                        tombstones.remove(&id);
                    }
                    restored.taken.add(&sealed.storage_key, backup.keyring.store());
                }
            }
            (count, size) = (count + item.records(), size + item.size());
            batch.push(item);
            if count >= RECORDS || size >= BYTES {
                self.change(|change| batch.iter().try_for_each(|item| change.take(backup, item)))?;
                progress(records.done(), backup.header.records);
                batch.clear();
                (count, size) = (0, 0);
            }
        }
        let told = told(&backup.backup.manifest)?;
        self.change(|change| {
            batch.iter().try_for_each(|item| change.take(backup, item))?;
            for (sealed, body) in tombstones.values() {
                backup.with_place(sealed, |place| change.put(place, Body::Clear(body)))?;
            }
            change.record_backup(Deed::RestoreBackup, &[], &told)
        })?;
        progress(records.done(), backup.header.records);
        restored.taken.tombstones += tombstones.len() as u64;
        restored.taken.events = backup.header.events;
        Ok(restored)
    }
}

impl Transaction<'_> {
    /// Takes one item of a backup of this store.
    fn take(&mut self, backup: &Unlocked, item: &Item) -> Result<()> {
        match item {
            Item::Key(own) => {
                for version in own.versions(&backup.keyring) {
                    let (version, body) = version?;
                    self.put_version(&own.key, version, &body)?;
                }
                self.put_key(None, &own.key)?;
                own.aliases.iter().try_for_each(|alias| self.enter_alias(alias))
            }
            Item::Other(sealed) => backup.with_place(sealed, |place| {
                use crate::hsm::RecordKind::{Meter, Space};
                if place.kind.is_secret() {
                    let body = backup.keyring.open_secret(place, &sealed.record)?;
                    return self.put(place, Body::Secret(&body));
                }
                let body = backup.keyring.open_record(place, &sealed.record)?;
                match place.kind {
                    // What these count is counted as the keys come.
                    Space => self.continue_numbering(&body),
                    Meter => self.continue_metering(&body),
                    _ => self.put(place, Body::Clear(&body)),
                }
            }),
        }
    }
}

impl Restored {
    pub(super) fn leave(&mut self, key_id: KeyId, reason: Reason) {
        self.left_out.push(LeftOut { key_id, alias: None, reason });
    }
}

impl Counts {
    pub(super) fn add_key(&mut self, own: &Belongings) {
        self.keys += 1;
        self.versions += own.key.versions.len() as u64;
        self.aliases += own.aliases.len() as u64;
        self.records += 1 + (own.key.versions.len() + own.aliases.len()) as u64;
    }
}

/// What the trail says of a backup that has been restored from.
pub(super) fn told(manifest: &Manifest) -> Result<Vec<u8>> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Told<'a> {
        store: &'a str,
        lineage: &'a str,
        generation: u64,
        time: &'a str,
    }
    let Manifest { store, lineage, time, generation, .. } = manifest;
    let told = Told { store, lineage, generation: *generation, time };
    serde_json::to_vec(&told).map_err(|_| ErrorCode::Internal.into())
}
