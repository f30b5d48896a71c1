//! Key material: raw bytes on their way between a generator, a wrapped import and a sealed record,
//! and keys ready for use. Neither can be printed, cloned or serialized.

use crate::crypto::block::Cipher;
use crate::crypto::mac;
use crate::crypto::xaes::DerivationKey;
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::Keyring;
use crate::hsm::arena::{SecretBox, SecretBytes, arena};
use crate::hsm::rng;
use crate::hsm::unlock::room;
use crate::model::{KeyId, KeySpec, Timestamp};
use crate::octets::{Reader, Writer};
use crate::secret;

/// The bytes of a symmetric key, in the arena.
pub struct RawMaterial(SecretBytes);

/// A key ready for use: its expanded schedule, in the arena.
pub struct KeyMaterial {
    cipher: Cipher,
    key: SecretBox<DerivationKey>,
}

impl RawMaterial {
    /// Fresh material for a key of `spec`.
    pub fn generate(spec: KeySpec) -> Result<Self> {
        let len = spec.material_len().ok_or(ErrorCode::UnsupportedOperation)?;
        let mut bytes = room(len)?;
        bytes.write(rng::fill)?;
        Ok(Self(bytes))
    }

    /// Material that has been unwrapped into the arena.
    pub(super) const fn unwrapped(bytes: SecretBytes) -> Self {
        Self(bytes)
    }

    /// Material that is known, for vectors.
    #[cfg(test)]
    pub(super) fn of(known: &[u8]) -> Result<Self> {
        let mut bytes = room(known.len())?;
        bytes.write(|bytes| {
            bytes.copy_from_slice(known);
            Ok(())
        })?;
        Ok(Self(bytes))
    }

    /// `HMAC-SHA256(fingerprint key, key id | lp(spec) | material)`: tells whether a later import is
    /// the same material, and nothing else.
    pub fn fingerprint(&self, keyring: &Keyring, key: &KeyId, spec: KeySpec) -> Result<[u8; 32]> {
        let head = Writer::default().raw(key.as_bytes()).lp(spec.as_str().as_bytes()).finish();
        keyring
            .fingerprint
            .read(|mac_key| self.0.read(|bytes| Ok(mac::hmac_sha256(mac_key, &[&head, bytes]))))
    }

    /// Whether this is the material with that fingerprint.
    pub fn is(
        &self,
        first: &[u8; 32],
        keyring: &Keyring,
        key: &KeyId,
        spec: KeySpec,
    ) -> Result<bool> {
        Ok(secret::eq(first, &self.fingerprint(keyring, key, spec)?))
    }

    /// The body of a version record: `01 | created u64 | lp(material)`.
    pub fn version_body(&self, created: Timestamp) -> Result<SecretBytes> {
        let mut body = room(1 + 8 + 4 + self.0.len())?;
        let len = u32::try_from(self.0.len()).map_err(|_| ErrorCode::Internal)?;
        self.0.read(|bytes| {
            body.write(|body| {
                let head = [&[1][..], &created.0.to_be_bytes(), &len.to_be_bytes()].concat();
                for (to, from) in body.iter_mut().zip(head.iter().chain(bytes)) {
                    *to = *from;
                }
                Ok(())
            })
        })?;
        Ok(body)
    }
}

impl KeyMaterial {
    /// The key in the body of a version record; [`ErrorCode::PendingImport`] if its material has
    /// been destroyed.
    pub fn from_version_body(spec: KeySpec, body: &SecretBytes) -> Result<Self> {
        let cipher = cipher_of(spec)?;
        let key = body.read(|body| {
            let mut reader = Reader::new(body);
            if reader.u8()? != 1 {
                return Err(Error::new(ErrorCode::StoreTooNew));
            }
            reader.u64()?;
            let material = reader.lp()?;
            reader.finish()?;
            if material.is_empty() {
                return Err(ErrorCode::PendingImport.into());
            }
            arena().keep(|| DerivationKey::new(cipher, material))
        })?;
        Ok(Self { cipher, key })
    }

    /// The cipher of the key.
    pub const fn cipher(&self) -> Cipher {
        self.cipher
    }

    /// Runs `f` with the key.
    pub(super) fn with<R>(&self, f: impl FnOnce(&DerivationKey) -> Result<R>) -> Result<R> {
        self.key.read(f)
    }
}

/// The body of a version record whose material has been destroyed.
pub(crate) fn destroyed_version_body(created: Timestamp) -> Vec<u8> {
    Writer::default().u8(1).u64(created.0).lp(&[]).finish()
}

fn cipher_of(spec: KeySpec) -> Result<Cipher> {
    match spec {
        KeySpec::Aes256 => Ok(Cipher::Aes256),
        KeySpec::Aes192 => Ok(Cipher::Aes192),
        KeySpec::Aes128 => Ok(Cipher::Aes128),
        KeySpec::Sm4 => Ok(Cipher::Sm4),
        _ => Err(ErrorCode::UnsupportedOperation.into()),
    }
}
