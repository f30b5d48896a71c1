//! Unlock slots, and the keys behind them: the root key and the domain keys.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::api::operator::Operation;
use crate::api::{Base64Bytes, SecretText};
use crate::error::{Error, Result};
use crate::kms::{Kms, Share, Unlock, UnlockSlot, fresh_shares};

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

/// Has one more secret open the store: a Passphrase, the 32 bytes of a KeyFile in Base64, or the fresh secret of
/// Count shares, of which Threshold are needed.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AddUnlockSlot {
    #[serde(default)]
    passphrase: Option<SecretText>,
    #[serde(default)]
    key_file: Option<Base64Bytes<'static>>,
    #[serde(default)]
    threshold: Option<u32>,
    #[serde(default)]
    count: Option<u32>,
}

/// The slot of a secret.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SlotAnswer {
    /// Its number.
    slot: u8,
    /// The shares in words, if it is shares that open it. They are nowhere else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shares: Vec<SecretText>,
}

impl Operation for AddUnlockSlot {
    const NAME: &'static str = "AddUnlockSlot";
    type Answer = SlotAnswer;

    fn run(self, kms: &Arc<Kms>) -> Result<SlotAnswer> {
        let secret =
            Secret::of(self.passphrase, self.key_file.as_ref(), (self.threshold, self.count))?;
        let shares = secret.words()?;
        Ok(SlotAnswer { slot: kms.add_unlock_slot(&secret.unlock())?, shares })
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
    key_file: Option<Base64Bytes<'static>>,
    #[serde(default)]
    threshold: Option<u32>,
    #[serde(default)]
    count: Option<u32>,
}

impl Operation for ReplaceUnlockSlot {
    const NAME: &'static str = "ReplaceUnlockSlot";
    type Answer = SlotAnswer;

    fn run(self, kms: &Arc<Kms>) -> Result<SlotAnswer> {
        let slot = number(self.slot)?;
        let secret =
            Secret::of(self.passphrase, self.key_file.as_ref(), (self.threshold, self.count))?;
        let answer = SlotAnswer { slot, shares: secret.words()? };
        kms.replace_unlock_slot(slot, &secret.unlock())?;
        Ok(answer)
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
    type Answer = SlotAnswer;

    fn run(self, kms: &Arc<Kms>) -> Result<SlotAnswer> {
        let slot = number(self.slot)?;
        kms.remove_unlock_slot(slot)?;
        Ok(SlotAnswer { slot, shares: Vec::new() })
    }
}

/// Replaces the root key: only the secret given here opens the store from now on.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RekeyRoot {
    #[serde(default)]
    passphrase: Option<SecretText>,
    #[serde(default)]
    key_file: Option<Base64Bytes<'static>>,
    #[serde(default)]
    threshold: Option<u32>,
    #[serde(default)]
    count: Option<u32>,
}

impl Operation for RekeyRoot {
    const NAME: &'static str = "RekeyRoot";
    type Answer = SlotAnswer;

    fn run(self, kms: &Arc<Kms>) -> Result<SlotAnswer> {
        let secret =
            Secret::of(self.passphrase, self.key_file.as_ref(), (self.threshold, self.count))?;
        let answer = SlotAnswer { slot: 0, shares: secret.words()? };
        kms.rekey_root(&[secret.unlock()])?;
        Ok(answer)
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
    Shares(Vec<Share>),
}

impl Secret {
    fn of(
        passphrase: Option<SecretText>,
        key_file: Option<&Base64Bytes<'_>>,
        shares: (Option<u32>, Option<u32>),
    ) -> Result<Self> {
        match (passphrase, key_file, shares) {
            (Some(passphrase), None, (None, None)) => Ok(Self::Passphrase(passphrase)),
            (None, Some(bytes), (None, None)) => {
                let key: &[u8; 32] = bytes
                    .0
                    .as_ref()
                    .try_into()
                    .map_err(|_| Error::invalid("KeyFile", "A key file has 32 bytes."))?;
                Ok(Self::KeyFile(Zeroizing::new(*key)))
            }
            (None, None, (Some(threshold), Some(count))) => {
                fresh_shares(small("Threshold", threshold)?, small("Count", count)?)
                    .map(Self::Shares)
            }
            (None, None, (None, None)) => Err(Error::missing("KeyFile")),
            (None, None, (None, Some(_))) => Err(Error::missing("Threshold")),
            (None, None, (Some(_), None)) => Err(Error::missing("Count")),
            _ => Err(Error::invalid("KeyFile", "Only one secret can be given for a slot.")),
        }
    }

    fn unlock(&self) -> Unlock<'_> {
        match self {
            Self::Passphrase(passphrase) => Unlock::Passphrase(passphrase.as_bytes()),
            Self::KeyFile(key) => Unlock::KeyFile(key),
            Self::Shares(shares) => Unlock::Shares(shares),
        }
    }

    /// The shares in words, which nobody has yet. Made before the slot: nothing may fail once it is there.
    fn words(&self) -> Result<Vec<SecretText>> {
        match self {
            Self::Shares(shares) => shares.iter().map(words).collect(),
            _ => Ok(Vec::new()),
        }
    }
}

fn words(share: &Share) -> Result<SecretText> {
    SecretText::new(share.words()?.as_bytes())
}

fn small(name: &'static str, number: u32) -> Result<u8> {
    u8::try_from(number).map_err(|_| Error::invalid(name, "It must be a number from 2 to 16."))
}

fn number(slot: u32) -> Result<u8> {
    u8::try_from(slot).map_err(|_| Error::invalid("Slot", "It must be a number from 0 to 255."))
}
