//! Unlock slots: what opens a store. Each wraps the store root key (SRK) on its own, so that any
//! one opens and each can be replaced without touching a key.

use serde::Serialize;

use crate::crypto::kdf::{self, Argon2Params};
use crate::crypto::{mac, xaes};
use crate::error::{ErrorCode, Result};
use crate::hsm::arena::{SecretBytes, arena, secluded_at_length};
use crate::hsm::random;
use crate::hsm::shares::{Share, combine};
use crate::octets::{Reader, Writer};
use crate::secret::Zeroizing;

/// What the operator gives to open a store. Borrowed; the caller wipes it.
pub enum Unlock<'a> {
    /// A passphrase, stretched with Argon2id.
    Passphrase(&'a [u8]),
    /// The 32 bytes of a key file.
    KeyFile(&'a [u8; 32]),
    /// Shares of a secret that only they have; to make a slot all of them, then as many as are needed.
    Shares(&'a [Share]),
}

/// What opens a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "Kind")]
pub enum SlotKind {
    /// A passphrase, stretched with Argon2id.
    #[serde(rename_all = "PascalCase")]
    Passphrase {
        /// Memory in KiB.
        memory_kib: u32,
        /// Passes over it.
        passes: u32,
        /// Lanes.
        lanes: u32,
    },
    /// A key file.
    KeyFile,
    /// Shares.
    #[serde(rename_all = "PascalCase")]
    Shares {
        /// How many are needed.
        threshold: u8,
        /// How many were made.
        count: u8,
    },
}

/// An unlock slot as it is stored: `01 | kind | parameters | salt (16) | nonce (24) | wrapped SRK`.
/// Parameters are the three numbers of Argon2id (memory in KiB, passes, lanes; u32 each) for a
/// passphrase, nothing for a key file, for shares how many are needed (u8) and how many there are (u8),
/// which only inform. The wrap is XAES-256-GCM with the AAD
/// `"kmshsm/v1/slot" | store uuid | slot number | all bytes before the nonce`.
pub struct Slot;

const VERSION: u8 = 1;
const PASSPHRASE: u8 = 1;
const KEY_FILE: u8 = 2;
const SHARES: u8 = 3;

impl Slot {
    /// The slot's bytes: `srk` wrapped for `unlock`.
    pub fn seal(
        unlock: &Unlock<'_>,
        store: &[u8; 16],
        number: u8,
        srk: &SecretBytes,
    ) -> Result<Vec<u8>> {
        let salt = random::<16>()?;
        let mut writer = Writer::default();
        let wrapping = match unlock {
            Unlock::Passphrase(passphrase) => {
                let params = Argon2Params::default();
                writer.u8(VERSION).u8(PASSPHRASE);
                writer.u32(params.memory_kib).u32(params.iterations).u32(params.lanes);
                stretch(passphrase, &salt, params)?
            }
            Unlock::KeyFile(key) => {
                writer.u8(VERSION).u8(KEY_FILE);
                from_key_file(key, &salt, store)?
            }
            Unlock::Shares(shares) => {
                let threshold = shares.first().map_or(0, Share::threshold);
                let count = u8::try_from(shares.len()).map_err(|_| ErrorCode::Internal)?;
                writer.u8(VERSION).u8(SHARES).u8(threshold).u8(count);
                from_shares(shares, &salt, store)?
            }
        };
        let head = writer.raw(&salt).finish();
        let nonce = random::<24>()?;
        let aad = aad(store, number, &head);
        let wrapped =
            wrapping.read(|key| srk.read(|srk| xaes::seal(key32(key)?, &nonce, &aad, srk)))?;
        Ok(writer.raw(&head).raw(&nonce).raw(&wrapped).finish())
    }

    /// What opens the slot.
    pub fn kind(slot: &[u8]) -> Result<SlotKind> {
        let mut reader = Reader::new(slot);
        match (reader.u8()?, reader.u8()?) {
            (VERSION, PASSPHRASE) => Ok(SlotKind::Passphrase {
                memory_kib: reader.u32()?,
                passes: reader.u32()?,
                lanes: reader.u32()?,
            }),
            (VERSION, KEY_FILE) => Ok(SlotKind::KeyFile),
            (VERSION, SHARES) => {
                Ok(SlotKind::Shares { threshold: reader.u8()?, count: reader.u8()? })
            }
            _ => Err(ErrorCode::StoreTooNew.into()),
        }
    }

    /// The SRK, if `unlock` opens this slot; [`ErrorCode::UnlockFailed`] if not,
    /// [`ErrorCode::InvalidShares`] for shares that give no secret together, which open no slot, and
    /// [`ErrorCode::StoreTooNew`] or [`ErrorCode::StoreDamaged`] for a slot that cannot be read.
    pub fn open(
        unlock: &Unlock<'_>,
        store: &[u8; 16],
        number: u8,
        slot: &[u8],
    ) -> Result<SecretBytes> {
        let mut reader = Reader::new(slot);
        if reader.u8()? != VERSION {
            return Err(ErrorCode::StoreTooNew.into());
        }
        let (kind, head_len) = match reader.u8()? {
            PASSPHRASE => (PASSPHRASE, 2 + 12 + 16),
            KEY_FILE => (KEY_FILE, 2 + 16),
            SHARES => (SHARES, 2 + 2 + 16),
            _ => return Err(ErrorCode::StoreTooNew.into()),
        };
        let wrapping = match (kind, unlock) {
            (PASSPHRASE, Unlock::Passphrase(passphrase)) => {
                let params = Argon2Params {
                    memory_kib: reader.u32()?,
                    iterations: reader.u32()?,
                    lanes: reader.u32()?,
                };
                stretch(passphrase, &reader.array()?, params)?
            }
            (KEY_FILE, Unlock::KeyFile(key)) => from_key_file(key, &reader.array()?, store)?,
            (SHARES, Unlock::Shares(shares)) => {
                // How many are needed and how many there are: the shares know it.
                reader.raw(2)?;
                from_shares(shares, &reader.array()?, store)?
            }
            _ => return Err(ErrorCode::UnlockFailed.into()),
        };
        let nonce: [u8; 24] = reader.array()?;
        let wrapped: [u8; 48] = reader.array()?;
        reader.finish()?;
        let head = Reader::new(slot).raw(head_len)?;
        let aad = aad(store, number, head);
        let mut srk = room(32)?;
        wrapping
            .read(|key| srk.write(|srk| xaes::open(key32(key)?, &nonce, &aad, &wrapped, srk)))
            .map_err(|_| ErrorCode::UnlockFailed)?;
        Ok(srk)
    }
}

fn aad(store: &[u8; 16], number: u8, head: &[u8]) -> Vec<u8> {
    Writer::default().raw(b"kmshsm/v1/slot").raw(store).u8(number).raw(head).finish()
}

fn stretch(passphrase: &[u8], salt: &[u8; 16], params: Argon2Params) -> Result<SecretBytes> {
    secluded_at_length(|| {
        let mut stretched = Zeroizing::new([0; 32]);
        kdf::argon2id(passphrase, salt, params, &mut stretched)?;
        let mut key = room(32)?;
        key.write(|key| {
            key.copy_from_slice(&*stretched);
            Ok(())
        })?;
        Ok(key)
    })
}

/// HKDF-SHA-256 (RFC 5869) of a secret that needs no stretching, for one store and one kind of slot.
fn derive(
    secret: &[u8; 32],
    salt: &[u8; 16],
    label: &[u8],
    store: &[u8; 16],
) -> Result<SecretBytes> {
    let mut key = room(32)?;
    key.write(|key| {
        let prk = Zeroizing::new(mac::hkdf_extract(salt, &[secret]));
        mac::hkdf_expand_sha256(&prk, &[label, store], key);
        Ok(())
    })?;
    Ok(key)
}

fn from_key_file(file: &[u8; 32], salt: &[u8; 16], store: &[u8; 16]) -> Result<SecretBytes> {
    derive(file, salt, b"kmshsm/v1/key-file", store)
}

/// All that are given must fit.
fn from_shares(shares: &[Share], salt: &[u8; 16], store: &[u8; 16]) -> Result<SecretBytes> {
    let secret = combine(shares)?;
    if secret.len() != 32 {
        // Somebody else's: here, only secrets of 32 bytes are shared.
        return Err(ErrorCode::UnlockFailed.into());
    }
    secret.read(|secret| derive(key32(secret)?, salt, b"kmshsm/v1/shares", store))
}

/// `len` zero bytes in the arena.
pub(super) fn room(len: usize) -> Result<SecretBytes> {
    arena().alloc(len).map_err(Into::into)
}

/// The bytes of a 256-bit key.
pub(super) fn key32(key: &[u8]) -> Result<&[u8; 32]> {
    key.try_into().map_err(|_| ErrorCode::Internal.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hsm::shares::fresh_shares;

    const STORE: [u8; 16] = [7; 16];

    fn code(unlock: &Unlock<'_>, number: u8, slot: &[u8]) -> ErrorCode {
        Slot::open(unlock, &STORE, number, slot).map(drop).unwrap_err().code()
    }

    #[test]
    fn as_many_shares_as_are_needed() {
        let mut srk = room(32).unwrap();
        srk.write(crate::hsm::rng::fill).unwrap();
        let shares = fresh_shares(2, 3).unwrap();
        let slot = Slot::seal(&Unlock::Shares(&shares), &STORE, 4, &srk).unwrap();
        assert_eq!((slot.len(), &slot[..4]), (4 + 16 + 24 + 48, &[1, 3, 2, 3][..]));
        assert_eq!(Slot::kind(&slot), Ok(SlotKind::Shares { threshold: 2, count: 3 }));
        for two in shares.windows(2).chain([&shares[..]]) {
            let opened = Slot::open(&Unlock::Shares(two), &STORE, 4, &slot).unwrap();
            assert_eq!(srk.read(|srk| opened.read(|opened| Ok(srk == opened))), Ok(true));
        }
        let two = Unlock::Shares(&shares[..2]);
        assert_eq!(code(&Unlock::Shares(&shares[..1]), 4, &slot), ErrorCode::InvalidShares);
        assert_eq!(code(&Unlock::Shares(&[]), 4, &slot), ErrorCode::InvalidShares);
        assert_eq!(code(&two, 5, &slot), ErrorCode::UnlockFailed);
        assert_eq!(code(&Unlock::KeyFile(&[1; 32]), 4, &slot), ErrorCode::UnlockFailed);
        let others = fresh_shares(2, 3).unwrap();
        assert_eq!(code(&Unlock::Shares(&others), 4, &slot), ErrorCode::UnlockFailed);
        // Nor with other numbers in it, which nobody has sealed.
        for at in 2..4 {
            let mut forged = slot.clone();
            forged[at] += 1;
            assert_eq!(code(&two, 4, &forged), ErrorCode::UnlockFailed);
        }
    }
}
