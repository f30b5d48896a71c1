//! Unlock slots, and the keys behind them: the root key and the domain keys.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::api::SecretText;
use crate::api::operator::Operation;
use crate::error::{Error, Result};
use crate::kms::{Kms, Unlock, UnlockSlot};

/// Lists the secrets that open the store: their numbers and kinds.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListUnlockSlots {}

/// The slots of a store.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UnlockSlots {
    /// In the order of their numbers.
    pub slots: Vec<UnlockSlot>,
}

impl Operation for ListUnlockSlots {
    const NAME: &'static str = "ListUnlockSlots";
    type Answer = UnlockSlots;

    fn run(self, kms: &Arc<Kms>) -> Result<UnlockSlots> {
        Ok(UnlockSlots { slots: kms.unlock_slots()? })
    }
}

/// Has one more secret open the store: a Passphrase, or what is in the file KeyFile.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AddUnlockSlot {
    #[serde(default)]
    passphrase: Option<SecretText>,
    #[serde(default)]
    key_file: Option<PathBuf>,
}

/// The slot of a secret.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SlotNumber {
    /// Its number.
    pub slot: u8,
}

impl Operation for AddUnlockSlot {
    const NAME: &'static str = "AddUnlockSlot";
    type Answer = SlotNumber;

    fn run(self, kms: &Arc<Kms>) -> Result<SlotNumber> {
        let secret = Secret::of(self.passphrase, self.key_file.as_deref())?;
        Ok(SlotNumber { slot: kms.add_unlock_slot(&secret.unlock())? })
    }
}

/// Has another secret open the store in place of that of Slot.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ReplaceUnlockSlot {
    slot: u32,
    #[serde(default)]
    passphrase: Option<SecretText>,
    #[serde(default)]
    key_file: Option<PathBuf>,
}

impl Operation for ReplaceUnlockSlot {
    const NAME: &'static str = "ReplaceUnlockSlot";
    type Answer = SlotNumber;

    fn run(self, kms: &Arc<Kms>) -> Result<SlotNumber> {
        let slot = number(self.slot)?;
        let secret = Secret::of(self.passphrase, self.key_file.as_deref())?;
        kms.replace_unlock_slot(slot, &secret.unlock())?;
        Ok(SlotNumber { slot })
    }
}

/// Has the secret of Slot open the store no more.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RemoveUnlockSlot {
    slot: u32,
}

impl Operation for RemoveUnlockSlot {
    const NAME: &'static str = "RemoveUnlockSlot";
    type Answer = SlotNumber;

    fn run(self, kms: &Arc<Kms>) -> Result<SlotNumber> {
        let slot = number(self.slot)?;
        kms.remove_unlock_slot(slot)?;
        Ok(SlotNumber { slot })
    }
}

/// Replaces the root key: only the secret given here opens the store from now on.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RekeyRoot {
    #[serde(default)]
    passphrase: Option<SecretText>,
    #[serde(default)]
    key_file: Option<PathBuf>,
}

impl Operation for RekeyRoot {
    const NAME: &'static str = "RekeyRoot";
    type Answer = SlotNumber;

    fn run(self, kms: &Arc<Kms>) -> Result<SlotNumber> {
        let secret = Secret::of(self.passphrase, self.key_file.as_deref())?;
        kms.rekey_root(&[secret.unlock()])?;
        Ok(SlotNumber { slot: 0 })
    }
}

/// Gives the store a new domain key. What lies under older ones is sealed anew by ticks.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RotateDomainKey {}

/// A domain key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DomainKeyNumber {
    /// Its number.
    pub domain_key: u32,
}

impl Operation for RotateDomainKey {
    const NAME: &'static str = "RotateDomainKey";
    type Answer = DomainKeyNumber;

    fn run(self, kms: &Arc<Kms>) -> Result<DomainKeyNumber> {
        Ok(DomainKeyNumber { domain_key: kms.rotate_domain_key()? })
    }
}

/// One of the secrets that open a store.
enum Secret {
    Passphrase(SecretText),
    KeyFile(Zeroizing<[u8; 32]>),
}

impl Secret {
    fn of(passphrase: Option<SecretText>, key_file: Option<&Path>) -> Result<Self> {
        match (passphrase, key_file) {
            (Some(passphrase), None) => Ok(Self::Passphrase(passphrase)),
            (None, Some(path)) => read_key_file(path).map(Self::KeyFile),
            (None, None) => Err(Error::missing("KeyFile")),
            (Some(_), Some(_)) => Err(Error::invalid("KeyFile", "There is a Passphrase, too.")),
        }
    }

    fn unlock(&self) -> Unlock<'_> {
        match self {
            Self::Passphrase(passphrase) => Unlock::Passphrase(passphrase.as_bytes()),
            Self::KeyFile(key) => Unlock::KeyFile(key),
        }
    }
}

fn read_key_file(path: &Path) -> Result<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 33]);
    let mut filled = 0;
    let read = File::open(path).and_then(|mut file| {
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match file.read(rest)? {
                0 => break,
                more => filled += more,
            }
        }
        Ok(())
    });
    read.map_err(|error| Error::invalid("KeyFile", format!("{}: {error}.", path.display())))?;
    match (filled, bytes.first_chunk()) {
        (32, Some(key)) => Ok(Zeroizing::new(*key)),
        _ => Err(Error::invalid("KeyFile", "A key file has 32 bytes.")),
    }
}

fn number(slot: u32) -> Result<u8> {
    u8::try_from(slot).map_err(|_| Error::invalid("Slot", "It must be a number from 0 to 255."))
}
