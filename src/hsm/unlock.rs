//! Unlock slots: what opens a store. Each wraps the store root key (SRK) on its own, so that any
//! one opens and each can be replaced without touching a key.

use crate::crypto::kdf::{self, Argon2Params};
use crate::crypto::{mac, xaes};
use crate::error::{ErrorCode, Result};
use crate::hsm::arena::{SecretBytes, arena, secluded_at_length};
use crate::hsm::random;
use crate::octets::{Reader, Writer};
use crate::secret::Zeroizing;

/// What the operator gives to open a store. Borrowed; the caller wipes it.
pub enum Unlock<'a> {
    /// A passphrase, stretched with Argon2id.
    Passphrase(&'a [u8]),
    /// The 32 bytes of a key file.
    KeyFile(&'a [u8; 32]),
}

/// An unlock slot as it is stored: `01 | kind | parameters | salt (16) | nonce (24) | wrapped SRK`.
/// Parameters are the three numbers of Argon2id (memory in KiB, passes, lanes; u32 each) for a
/// passphrase, nothing for a key file. The wrap is XAES-256-GCM with the AAD
/// `"kmshsm/v1/slot" | store uuid | slot number | all bytes before the nonce`.
pub struct Slot;

const VERSION: u8 = 1;
const PASSPHRASE: u8 = 1;
const KEY_FILE: u8 = 2;

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
        };
        let head = writer.raw(&salt).finish();
        let nonce = random::<24>()?;
        let aad = aad(store, number, &head);
        let wrapped =
            wrapping.read(|key| srk.read(|srk| xaes::seal(key32(key)?, &nonce, &aad, srk)))?;
        Ok(writer.raw(&head).raw(&nonce).raw(&wrapped).finish())
    }

    /// Whether bytes are in the form of a slot, which is all that can be told without what opens it.
    pub fn is_formed(slot: &[u8]) -> bool {
        match slot {
            [VERSION, PASSPHRASE, rest @ ..] => rest.len() == 12 + 16 + 24 + 48,
            [VERSION, KEY_FILE, rest @ ..] => rest.len() == 16 + 24 + 48,
            _ => false,
        }
    }

    /// The SRK, if `unlock` opens this slot; [`ErrorCode::UnlockFailed`] if not, and
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

fn from_key_file(file: &[u8; 32], salt: &[u8; 16], store: &[u8; 16]) -> Result<SecretBytes> {
    let mut key = room(32)?;
    key.write(|key| {
        let prk = Zeroizing::new(mac::hkdf_extract(salt, &[file]));
        mac::hkdf_expand_sha256(&prk, &[b"kmshsm/v1/key-file", store], key);
        Ok(())
    })?;
    Ok(key)
}

/// `len` zero bytes in the arena.
pub(super) fn room(len: usize) -> Result<SecretBytes> {
    arena().alloc(len).map_err(Into::into)
}

/// The bytes of a 256-bit key.
pub(super) fn key32(key: &[u8]) -> Result<&[u8; 32]> {
    key.try_into().map_err(|_| ErrorCode::Internal.into())
}
