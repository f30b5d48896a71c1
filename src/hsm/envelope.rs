//! The customer's ciphertext (`formats`, Ciphertext envelope 0x01).
//!
//! ```text
//! H (75) = 01 | flags | alg | key version id (16) | N (24) | C (32)      blob = H | ct | tag (16)
//! ```
//!
//! The message key and the commitment C come from the version's key and N[0..12] as in C2SP
//! XAES-256-GCM; ct and tag are GCM under the message key with N[12..24] and the AAD
//! `H | encryption context`. So there is no bound of 2^32 messages per key, and a ciphertext opens
//! under one key only (CMT-1).

use crate::crypto::block::Cipher;
use crate::crypto::{aead, rng};
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::arena::arena;
use crate::hsm::{KeyMaterial, random};
use crate::model::{EncryptionContext, KeyVersionId};
use crate::octets::{Reader, Writer};
use crate::secret;

/// What an envelope adds to the plaintext, in bytes.
pub const OVERHEAD: usize = HEADER + TAG;

/// The longest plaintext in bytes.
pub const MAX_PLAINTEXT: usize = 6144;

const VERSION: u8 = 1;
const TEXT_FLAG: u8 = 1;
const BEFORE_NONCE: usize = 19;
const NONCE: usize = 24;
const COMMITMENT: usize = 32;
const HEADER: usize = BEFORE_NONCE + NONCE + COMMITMENT;
const TAG: usize = 16;

/// A ciphertext taken apart; nothing in it is believed yet.
pub struct Envelope<'a> {
    header: &'a [u8; HEADER],
    alg: u8,
    is_text: bool,
    version: KeyVersionId,
    ciphertext: &'a [u8],
    tag: &'a [u8; TAG],
}

impl<'a> Envelope<'a> {
    /// Takes a blob apart; [`ErrorCode::InvalidCiphertext`] if it is none.
    pub fn parse(blob: &'a [u8]) -> Result<Self> {
        Self::try_parse(blob).map_err(|_| ErrorCode::InvalidCiphertext.into())
    }

    fn try_parse(blob: &'a [u8]) -> Result<Self> {
        let text_len = blob.len().checked_sub(OVERHEAD).ok_or(ErrorCode::InvalidCiphertext)?;
        let mut reader = Reader::new(blob);
        let header: &[u8; HEADER] =
            reader.raw(HEADER)?.try_into().map_err(|_| ErrorCode::InvalidCiphertext)?;
        let ciphertext = reader.raw(text_len)?;
        let tag = reader.raw(TAG)?.try_into().map_err(|_| ErrorCode::InvalidCiphertext)?;
        let mut fields = Reader::new(header);
        let (format, flags, alg) = (fields.u8()?, fields.u8()?, fields.u8()?);
        if format != VERSION || flags & !TEXT_FLAG != 0 || text_len > MAX_PLAINTEXT {
            return Err(ErrorCode::InvalidCiphertext.into());
        }
        let version = KeyVersionId::from_bytes(fields.array()?);
        Ok(Self { header, alg, is_text: flags == TEXT_FLAG, version, ciphertext, tag })
    }

    /// The version whose key opens it.
    pub const fn version(&self) -> KeyVersionId {
        self.version
    }

    /// Whether the plaintext is a text rather than bytes.
    pub const fn is_text(&self) -> bool {
        self.is_text
    }

    /// The length of the plaintext.
    pub const fn plaintext_len(&self) -> usize {
        self.ciphertext.len()
    }

    /// Opens the envelope into `plaintext`, which must be of [`Self::plaintext_len`] and stays
    /// untouched unless all is well. [`ErrorCode::InvalidCiphertext`] whatever is wrong.
    pub fn open(
        &self,
        key: &KeyMaterial,
        context: &EncryptionContext,
        plaintext: &mut [u8],
    ) -> Result<()> {
        let refused = || Error::new(ErrorCode::InvalidCiphertext);
        if self.alg != alg_of(key.cipher()) {
            return Err(refused());
        }
        let (nonce, commitment) =
            self.header.split_at(BEFORE_NONCE).1.split_at_checked(NONCE).ok_or_else(refused)?;
        let (derive_from, iv) = halves(nonce).ok_or_else(refused)?;
        let derived = key.with(|key| key.derive(derive_from))?;
        if !secret::eq(&derived.commitment, commitment) {
            return Err(refused());
        }
        let mut scratch = Scratch([0; MAX_PLAINTEXT]);
        let scratch = scratch.0.get_mut(..self.ciphertext.len()).ok_or_else(refused)?;
        with_aad(self.header, context, |aad| {
            let cipher = key.cipher();
            aead::open(cipher, derived.message_key(), iv, aad, self.ciphertext, self.tag, scratch)
        })
        .map_err(|_| refused())?;
        plaintext.copy_from_slice(scratch);
        Ok(())
    }

    /// Seals `plaintext` into `blob`, which must be [`OVERHEAD`] longer.
    pub fn seal(
        key: &KeyMaterial,
        version: &KeyVersionId,
        plaintext: &[u8],
        is_text: bool,
        context: &EncryptionContext,
        blob: &mut [u8],
    ) -> Result<()> {
        Self::seal_with(key, version, &random()?, plaintext, is_text, context, blob)
    }

    /// Makes a data key in the arena, seals it into `blob`, which must be [`OVERHEAD`] longer, and
    /// copies it to `plaintext` if wanted.
    pub fn seal_data_key(
        key: &KeyMaterial,
        version: &KeyVersionId,
        context: &EncryptionContext,
        blob: &mut [u8],
        plaintext: Option<&mut [u8]>,
    ) -> Result<()> {
        let len = blob.len().checked_sub(OVERHEAD).ok_or(ErrorCode::Internal)?;
        let mut data_key = arena().alloc(len)?;
        data_key.write(rng::fill)??;
        data_key.read(|data_key| {
            Self::seal(key, version, data_key, false, context, blob)?;
            if let Some(plaintext) = plaintext {
                plaintext.copy_from_slice(data_key);
            }
            Ok(())
        })?
    }

    fn seal_with(
        key: &KeyMaterial,
        version: &KeyVersionId,
        nonce: &[u8; NONCE],
        plaintext: &[u8],
        is_text: bool,
        context: &EncryptionContext,
        blob: &mut [u8],
    ) -> Result<()> {
        let internal = || Error::new(ErrorCode::Internal);
        let (derive_from, iv) = halves(nonce).ok_or_else(internal)?;
        let derived = key.with(|key| key.derive(derive_from))?;

        let mut header = [0; HEADER];
        let fields = [&[VERSION, u8::from(is_text), alg_of(key.cipher())][..], version.as_bytes()];
        let fields = fields.into_iter().chain([&nonce[..], &derived.commitment[..]]);
        for (to, from) in header.iter_mut().zip(fields.flatten()) {
            *to = *from;
        }

        let (head, rest) = blob.split_at_mut_checked(HEADER).ok_or_else(internal)?;
        let (ciphertext, tail) = rest.split_at_mut_checked(plaintext.len()).ok_or_else(internal)?;
        let tail: &mut [u8; TAG] = tail.try_into().map_err(|_| internal())?;
        head.copy_from_slice(&header);
        with_aad(&header, context, |aad| {
            let cipher = key.cipher();
            aead::seal(cipher, derived.message_key(), iv, aad, plaintext, ciphertext, tail)
        })
    }
}

/// Where a plaintext is before its tag has been checked; wiped.
struct Scratch([u8; MAX_PLAINTEXT]);

impl Drop for Scratch {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0[..]);
    }
}

const fn alg_of(cipher: Cipher) -> u8 {
    match cipher {
        Cipher::Aes256 => 1,
        Cipher::Sm4 => 2,
        Cipher::Aes128 => 3,
        Cipher::Aes192 => 4,
    }
}

/// N as what the message key is derived from, and the IV.
fn halves(nonce: &[u8]) -> Option<(&[u8; 12], &[u8; 12])> {
    let (a, b) = nonce.split_at_checked(12)?;
    Some((a.try_into().ok()?, b.try_into().ok()?))
}

fn with_aad<R>(
    header: &[u8; HEADER],
    context: &EncryptionContext,
    f: impl FnOnce(&[u8]) -> R,
) -> R {
    if context.is_empty() {
        // The common case needs no heap: the header and a count of zero.
        let mut aad = [0; HEADER + 4];
        for (to, from) in aad.iter_mut().zip(header) {
            *to = *from;
        }
        return f(&aad);
    }
    let mut writer = Writer::default();
    writer.raw(header);
    context.write(&mut writer);
    f(&writer.finish())
}
