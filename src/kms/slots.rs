//! Unlock slots: the secrets that open a store. Any one does, and each can be added, replaced and removed
//! while keys are in use, for none of them is touched. Replacing the root key behind the slots is for a
//! secret that has become known: who has an old copy of the store could still open it, and so has what
//! was sealed then; from then on nothing more.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::crypto::digest;
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::{Keyring, Slot, SlotKind, Unlock};
use crate::keystore::Snapshot;
use crate::kms::trail::Deed;
use crate::kms::{Kms, Transaction, places};
use crate::octets::Writer;

/// The slots of a store: storage keys and what is stored there.
pub(super) type Slots = BTreeMap<Vec<u8>, Vec<u8>>;

/// An unlock slot, as far as anybody may know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UnlockSlot {
    /// Its number, 0 to 255.
    pub number: u8,
    /// What opens it.
    #[serde(flatten)]
    pub kind: SlotKind,
}

/// Reads the slots.
pub(super) fn read(store: &dyn Snapshot) -> Result<Slots> {
    let slots = store.scan(places::SLOTS, &[], 256)?;
    Ok(slots.into_iter().map(|entry| (entry.key, entry.value)).collect())
}

/// What the header says of the slots, so that none can be put back: SHA-256 of `lp(storage key) |
/// lp(slot)` of each.
pub(super) fn digest(slots: &Slots) -> [u8; 32] {
    let mut writer = Writer::default();
    for (key, slot) in slots {
        writer.lp(key).lp(slot);
    }
    digest::sha256(&writer.finish())
}

/// The number of the slot at a storage key.
pub(super) fn number(storage_key: &[u8]) -> Result<u8> {
    match storage_key {
        [_, number] => Ok(*number),
        _ => Err(ErrorCode::StoreDamaged.into()),
    }
}

impl Kms {
    /// The slots of the store, in the order of their numbers. A store in memory has none.
    pub fn unlock_slots(&self) -> Result<Vec<UnlockSlot>> {
        self.check()?;
        let described = read(&*self.store.snapshot()?)?
            .into_iter()
            .map(|(key, slot)| Ok(UnlockSlot { number: number(&key)?, kind: Slot::kind(&slot)? }));
        described.collect()
    }

    /// Has one more secret open the store. Answers the number of its slot.
    ///
    /// [`InvalidParameter`](ErrorCode::InvalidParameter) for an empty passphrase and for a store in memory,
    /// [`LimitExceeded`](ErrorCode::LimitExceeded) if there are 256.
    pub fn add_unlock_slot(&self, unlock: &Unlock<'_>) -> Result<u8> {
        self.seal_slot(Deed::AddUnlockSlot, unlock, |slots| {
            let free = (0..=u8::MAX).find(|number| !slots.contains_key(&places::slot(*number)));
            free.ok_or_else(|| ErrorCode::LimitExceeded.into())
        })
    }

    /// Has another secret open the store in place of that of a slot.
    pub fn replace_unlock_slot(&self, number: u8, unlock: &Unlock<'_>) -> Result<()> {
        let replaced = self.seal_slot(Deed::ReplaceUnlockSlot, unlock, |slots| {
            existing(slots, number).map(|()| number)
        });
        replaced.map(drop)
    }

    /// Has the secret of a slot open the store no more.
    ///
    /// [`InvalidParameter`](ErrorCode::InvalidParameter) if there is no such slot, or no other.
    pub fn remove_unlock_slot(&self, number: u8) -> Result<()> {
        self.check()?;
        self.change(|transaction| {
            let mut slots = transaction.slots()?;
            existing(&slots, number)?;
            if slots.len() == 1 {
                let detail = "It is the last one: without it nothing opens the store.";
                return Err(Error::invalid("Slot", detail));
            }
            slots.remove(&places::slot(number));
            transaction.delete(places::slot(number));
            transaction.header.slots = Some(digest(&slots));
            transaction.record_of_store(Deed::RemoveUnlockSlot, 1)
        })
    }

    /// Replaces the root key of the store: only the secrets given here open it from now on, in slots 0, 1
    /// and so on, and everything is sealed anew under a new domain key in the background. Other processes that have the
    /// store open answer [`StoreRekeyed`](ErrorCode::StoreRekeyed) to changes until they open it again.
    pub fn rekey_root(&self, unlocks: &[Unlock<'_>]) -> Result<()> {
        self.check()?;
        if unlocks.is_empty() {
            return Err(Error::invalid("Unlocks", "Nothing would open the store any more."));
        }
        unlocks.iter().try_for_each(check)?;
        let keyring = self.hsm.keyring()?;
        let new = Keyring::fresh_root()?;
        let mut slots = Slots::new();
        for (number, unlock) in (0..=u8::MAX).zip(unlocks) {
            slots.insert(places::slot(number), new.seal_slot(unlock, keyring.store(), number)?);
        }
        drop(keyring);
        self.change(|transaction| {
            let old = transaction.slots()?;
            if old.is_empty() {
                return Err(in_memory());
            }
            let now = transaction.now();
            let keyring = transaction.shared_keyring();
            transaction.header.add_domain_key(&keyring, now)?;
            let root = transaction.header.replace_root(&keyring, &new)?;
            transaction.header.slots = Some(digest(&slots));
            transaction.enter(places::ROOT.to_vec(), root);
            old.into_keys().for_each(|slot| transaction.delete(slot));
            slots.iter().for_each(|(key, slot)| transaction.enter(key.clone(), slot.clone()));
            transaction.record_of_store(Deed::RekeyRoot, unlocks.len() as u64)
        })?;
        // It is done; whoever comes next learns as much.
        let _learned = self.learn();
        Ok(())
    }

    /// Seals a slot with the number that `choose` finds, and again if somebody has changed the slots meanwhile:
    /// what stretches a passphrase is not done while others wait.
    fn seal_slot(
        &self,
        deed: Deed,
        unlock: &Unlock<'_>,
        choose: impl Fn(&Slots) -> Result<u8>,
    ) -> Result<u8> {
        self.check()?;
        check(unlock)?;
        loop {
            let before = read(&*self.store.snapshot()?)?;
            if before.is_empty() {
                return Err(in_memory());
            }
            let number = choose(&before)?;
            let slot = self.hsm.keyring()?.seal_slot(unlock, number)?;
            let is_written = self.change(|transaction| {
                let mut slots = transaction.slots()?;
                if slots != before {
                    return Ok(false);
                }
                slots.insert(places::slot(number), slot.clone());
                transaction.enter(places::slot(number), slot.clone());
                transaction.header.slots = Some(digest(&slots));
                transaction.record_of_store(deed, 1)?;
                Ok(true)
            })?;
            if is_written {
                return Ok(number);
            }
        }
    }
}

impl Transaction<'_> {
    /// The slots as they are. Nobody changes them twice in one change.
    pub(super) fn slots(&mut self) -> Result<Slots> {
        read(&*self.stored()?.store.snapshot()?)
    }
}

/// Refuses a secret that anybody could guess at once.
pub(super) fn check(unlock: &Unlock<'_>) -> Result<()> {
    match unlock {
        Unlock::Passphrase([]) => Err(Error::invalid("Passphrase", "It must not be empty.")),
        _ => Ok(()),
    }
}

fn existing(slots: &Slots, number: u8) -> Result<()> {
    match slots.contains_key(&places::slot(number)) {
        true => Ok(()),
        false => Err(Error::invalid("Slot", "There is no such slot.")),
    }
}

fn in_memory() -> Error {
    Error::invalid("Slot", "A store in memory has no slots.")
}
