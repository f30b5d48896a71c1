//! A plaintext on its way from one key to another, which nobody sees meanwhile (API reference,
//! chapter 12.5).

use crate::error::{ErrorCode, Result};
use crate::hsm::arena::{SecretBytes, secluded_at_length};
use crate::hsm::unlock::room;
use crate::hsm::{Ciphertext, Envelope, Permitted, PublicKey, SymmetricKey, draw};
use crate::model::{Drawing, EncryptionAlgorithm, EncryptionContext, KeyVersionId, Permit};

/// A plaintext in the arena.
pub struct Transfer {
    bytes: SecretBytes,
    len: usize,
    is_text: bool,
}

impl Transfer {
    /// What an envelope holds.
    pub fn open(
        key: &SymmetricKey,
        envelope: &Envelope<'_>,
        context: &EncryptionContext,
    ) -> Result<Self> {
        let len = envelope.plaintext_len();
        let mut bytes = room(len)?;
        bytes.write(|bytes| envelope.open(key, context, bytes))?;
        Ok(Self { bytes, len, is_text: envelope.is_text() })
    }

    /// What has been encrypted with the public half of `pair`.
    pub fn decrypt(
        pair: Permitted<'_, EncryptionAlgorithm>,
        ciphertext: &Ciphertext<'_>,
    ) -> Result<Self> {
        let mut bytes = room(ciphertext.max_plaintext())?;
        let len = secluded_at_length(|| bytes.write(|out| pair.decrypt(ciphertext, out)))?;
        Ok(Self { bytes, len, is_text: false })
    }

    /// A fresh data key of so many bytes.
    pub fn data_key(permit: Permit<Drawing>, len: usize) -> Result<Self> {
        let mut bytes = room(len)?;
        bytes.write(|bytes| draw(permit, bytes))?;
        Ok(Self { bytes, len, is_text: false })
    }

    /// The length of the plaintext in bytes.
    pub const fn plaintext_len(&self) -> usize {
        self.len
    }

    /// Seals it into `blob`, which must be [`OVERHEAD`](crate::hsm::OVERHEAD) longer.
    pub fn seal(
        &self,
        key: &SymmetricKey,
        version: &KeyVersionId,
        context: &EncryptionContext,
        blob: &mut [u8],
    ) -> Result<()> {
        self.read(|bytes| Envelope::seal(key, version, bytes, self.is_text, context, blob))
    }

    /// Encrypts it with a public key of the permit's spec, as [`PublicKey::encrypt`] does.
    pub fn wrap(
        &self,
        permit: Permit<EncryptionAlgorithm>,
        key: &PublicKey,
        out: &mut [u8],
    ) -> Result<()> {
        let algorithm = permit.algorithm_for(key.spec()?)?;
        self.read(|bytes| key.encrypt(algorithm, bytes, out))
    }

    fn read<R>(&self, f: impl FnOnce(&[u8]) -> Result<R>) -> Result<R> {
        self.bytes.read(|bytes| f(bytes.get(..self.len).ok_or(ErrorCode::Internal)?))
    }
}
