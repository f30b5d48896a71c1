//! The customer's ciphertext (ARCHITECTURE.md, Formats: Ciphertext envelope 0x01).
//!
//! ```text
//! H (75) = 01 | flags | alg | key version id (16) | N (24) | C (32)      blob = H | ct | tag (16)
//! ```
//!
//! The message key and the commitment C come from the version's key and N[0..12] as in C2SP
//! XAES-256-GCM; ct and tag are GCM under the message key with N[12..24] and the AAD
//! `H | encryption context`. So there is no bound of 2^32 messages per key, and a ciphertext opens
//! under one key only (CMT-1).

use crate::crypto::aead;
use crate::crypto::block::Cipher;
use crate::crypto::xaes::DerivationKey;
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::arena::secluded;
use crate::hsm::{SymmetricKey, draw, rng};
use crate::model::{Drawing, EncryptionContext, KeyVersionId, Permit};
use crate::octets::Writer;
use crate::secret;

/// What an envelope adds to the plaintext, in bytes.
pub const OVERHEAD: usize = HEADER + TAG;

/// The longest plaintext in bytes.
pub const MAX_PLAINTEXT: usize = 6144;

/// The longest data key in bytes.
pub const MAX_DATA_KEY: usize = 1024;

const VERSION: u8 = 1;
const TEXT_FLAG: u8 = 1;
const NONCE: usize = 24;
const COMMITMENT: usize = 32;
const HEADER: usize = 3 + 16 + NONCE + COMMITMENT;
const TAG: usize = 16;

/// A ciphertext taken apart; nothing in it is believed yet.
pub struct Envelope<'a> {
    header: &'a [u8; HEADER],
    fields: Fields<'a>,
    is_text: bool,
    ciphertext: &'a [u8],
    tag: &'a [u8; TAG],
}

/// The fields of a header.
struct Fields<'a> {
    format: u8,
    flags: u8,
    alg: u8,
    version: KeyVersionId,
    derive_from: &'a [u8; 12],
    iv: &'a [u8; 12],
    commitment: &'a [u8; COMMITMENT],
}

impl<'a> Fields<'a> {
    fn of(header: &'a [u8; HEADER]) -> Option<Self> {
        let ([format, flags, alg], rest) = header.split_first_chunk()?;
        let (version, rest) = rest.split_first_chunk()?;
        let (derive_from, rest) = rest.split_first_chunk()?;
        let (iv, rest) = rest.split_first_chunk()?;
        let (format, flags, alg) = (*format, *flags, *alg);
        let version = KeyVersionId::from_bytes(*version);
        Some(Self {
            format,
            flags,
            alg,
            version,
            derive_from,
            iv,
            commitment: rest.try_into().ok()?,
        })
    }
}

impl<'a> Envelope<'a> {
    /// Takes a blob apart; [`ErrorCode::InvalidCiphertext`] if it is none.
    pub fn parse(blob: &'a [u8]) -> Result<Self> {
        Self::try_parse(blob).ok_or_else(|| ErrorCode::InvalidCiphertext.into())
    }

    fn try_parse(blob: &'a [u8]) -> Option<Self> {
        let (header, rest) = blob.split_first_chunk()?;
        let (ciphertext, tag) = rest.split_last_chunk()?;
        let fields = Fields::of(header)?;
        if fields.format != VERSION
            || fields.flags & !TEXT_FLAG != 0
            || ciphertext.len() > MAX_PLAINTEXT
        {
            return None;
        }
        let is_text = fields.flags == TEXT_FLAG;
        Some(Self { header, fields, is_text, ciphertext, tag })
    }

    /// The version whose key opens it.
    pub const fn version(&self) -> KeyVersionId {
        self.fields.version
    }

    /// Whether the plaintext is a text rather than bytes.
    pub const fn is_text(&self) -> bool {
        self.is_text
    }

    /// The length of the plaintext.
    pub const fn plaintext_len(&self) -> usize {
        self.ciphertext.len()
    }

    /// Opens the envelope into `plaintext`, which must be of [`Self::plaintext_len`].
    /// [`ErrorCode::InvalidCiphertext`] whatever is wrong; `plaintext` is then untouched or holds
    /// zeros.
    pub fn open(
        &self,
        key: &SymmetricKey,
        context: &EncryptionContext,
        plaintext: &mut [u8],
    ) -> Result<()> {
        let Fields { alg, derive_from, iv, commitment, .. } = self.fields;
        if alg != alg_of(key.cipher()) || plaintext.len() != self.ciphertext.len() {
            return Err(ErrorCode::InvalidCiphertext.into());
        }
        let cipher = key.cipher();
        with_aad(self.header, context, |aad| {
            let mut work = |key: &DerivationKey| {
                let derived = key.derive(derive_from);
                if !secret::eq(&derived.commitment, commitment) {
                    return Err(ErrorCode::InvalidCiphertext.into());
                }
                // Straight to its place: a scratch buffer would be one more copy of the plaintext.
                // The AEAD wipes what it wrote if the tag does not fit.
                let message_key = derived.message_key();
                aead::open(cipher, message_key, iv, aad, self.ciphertext, self.tag, plaintext)
            };
            key.with(&mut work)
        })
        .map_err(|_| ErrorCode::InvalidCiphertext.into())
    }

    /// Seals `plaintext` into `blob`, which must be [`OVERHEAD`] longer.
    pub fn seal(
        key: &SymmetricKey,
        version: &KeyVersionId,
        plaintext: &[u8],
        is_text: bool,
        context: &EncryptionContext,
        blob: &mut [u8],
    ) -> Result<()> {
        Self::seal_with(key, version, rng::nonce, plaintext, is_text, context, blob)
    }

    /// Draws a data key of 1024 bytes at most, seals it into `blob`, which must be [`OVERHEAD`] longer,
    /// and copies it to `plaintext` if wanted.
    pub fn seal_data_key(
        permit: Permit<Drawing>,
        key: &SymmetricKey,
        version: &KeyVersionId,
        context: &EncryptionContext,
        blob: &mut [u8],
        plaintext: Option<&mut [u8]>,
    ) -> Result<()> {
        let len = blob.len().checked_sub(OVERHEAD).ok_or(ErrorCode::Internal)?;
        secluded(|| {
            let mut room = [0; MAX_DATA_KEY];
            let data_key = room.get_mut(..len).ok_or(ErrorCode::Internal)?;
            let made = draw(permit, data_key)
                .and_then(|()| Self::seal(key, version, data_key, false, context, blob));
            if let (Ok(()), Some(plaintext)) = (&made, plaintext) {
                plaintext.copy_from_slice(data_key);
            }
            secret::wipe(data_key);
            made
        })
    }

    fn seal_with(
        key: &SymmetricKey,
        version: &KeyVersionId,
        nonce: impl FnOnce(&mut [u8; NONCE]) -> Result<()>,
        plaintext: &[u8],
        is_text: bool,
        context: &EncryptionContext,
        blob: &mut [u8],
    ) -> Result<()> {
        let internal = || Error::new(ErrorCode::Internal);
        // Each field goes straight to its place, and none is read right after it has been written:
        // on this path even copies are counted. The context's place holds the count of an empty one.
        let mut aad = [0; HEADER + 4];
        let header: &mut [u8; HEADER] = aad.first_chunk_mut().ok_or_else(internal)?;
        let (start, rest) = header.split_first_chunk_mut().ok_or_else(internal)?;
        let (id, rest) = rest.split_first_chunk_mut().ok_or_else(internal)?;
        let (nonce_field, _) = rest.split_first_chunk_mut().ok_or_else(internal)?;
        *start = [VERSION, u8::from(is_text), alg_of(key.cipher())];
        *id = *version.as_bytes();
        nonce(nonce_field)?;
        let cipher = key.cipher();
        let (head, rest) = blob.split_first_chunk_mut().ok_or_else(internal)?;
        let (ciphertext, tag) = rest.split_last_chunk_mut().ok_or_else(internal)?;
        let mut work = |key: &DerivationKey| {
            let header: &mut [u8; HEADER] = aad.first_chunk_mut().ok_or_else(internal)?;
            let Fields { derive_from, .. } = Fields::of(header).ok_or_else(internal)?;
            let derived = key.derive(derive_from);
            *header.last_chunk_mut().ok_or_else(internal)? = derived.commitment;
            let header: &[u8; HEADER] = aad.first_chunk().ok_or_else(internal)?;
            let Fields { iv, .. } = Fields::of(header).ok_or_else(internal)?;
            let mut seal = |aad: &[u8]| {
                let message_key = derived.message_key();
                aead::seal(cipher, message_key, iv, aad, plaintext, ciphertext, tag)
            };
            if context.is_empty() {
                seal(&aad)?;
            } else {
                seal(&aad_of(header, context))?;
            }
            *head = *header;
            Ok(())
        };
        // By reference: what goes to a secret stack is copied.
        key.with(&mut work)
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

/// Runs `f` with `H | encryption context`.
fn with_aad<R>(
    header: &[u8; HEADER],
    context: &EncryptionContext,
    f: impl FnOnce(&[u8]) -> R,
) -> R {
    if context.is_empty() {
        // The common case needs no heap: the header and a count of zero.
        let mut aad = [0; HEADER + 4];
        if let Some(front) = aad.first_chunk_mut() {
            *front = *header;
        }
        return f(&aad);
    }
    f(&aad_of(header, context))
}

/// `H | encryption context`.
#[cold]
fn aad_of(header: &[u8; HEADER], context: &EncryptionContext) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.raw(header);
    context.write(&mut writer);
    writer.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::hsm::material::RawMaterial;
    use crate::hsm::{KeyMaterial, permitted};
    use crate::model::{KeySpec, Sealing, Timestamp};

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct File {
        format: String,
        algorithm: String,
        sources: Vec<String>,
        number_of_tests: usize,
        tests: Vec<Case>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Case {
        src: usize,
        key_spec: String,
        key: String,
        key_version_id: String,
        nonce: String,
        flags: u8,
        context: BTreeMap<String, String>,
        msg: String,
        message_key: String,
        commitment: String,
        aad: String,
        blob: String,
        comment: Option<String>,
    }

    fn cases() -> Vec<Case> {
        let file = include_str!("../../tests/vectors/envelope_v1.json");
        let file: File = serde_json::from_str(file).unwrap();
        assert_eq!((file.format.as_str(), file.sources.len()), ("kmsvec-1", 1));
        assert!(file.algorithm.contains("envelope 0x01"));
        assert_eq!(file.tests.len(), file.number_of_tests);
        file.tests
    }

    fn material(case: &Case) -> KeyMaterial {
        let spec = KeySpec::from_name(&case.key_spec).unwrap();
        let raw = RawMaterial::of(&hex::decode(&case.key).unwrap()).unwrap();
        let body = raw.version_body(Timestamp(1)).unwrap();
        KeyMaterial::from_version_body(spec, &body).unwrap()
    }

    fn key<'a>(case: &Case, material: &'a KeyMaterial) -> &'a SymmetricKey {
        let spec = KeySpec::from_name(&case.key_spec).unwrap();
        material.symmetric(permitted(spec, Sealing).unwrap()).unwrap()
    }

    /// Computed with another implementation from the description of the format alone.
    #[test]
    fn published_envelopes() {
        for case in cases() {
            assert_eq!(case.src, 0);
            assert!(case.comment.as_ref().is_none_or(|comment| !comment.is_empty()));
            let material = material(&case);
            let key = key(&case, &material);
            let decode = |text: &str| hex::decode(text).unwrap();
            let nonce: [u8; NONCE] = decode(&case.nonce).try_into().unwrap();
            let version = KeyVersionId::parse(&case.key_version_id).unwrap();
            let context = EncryptionContext::from_pairs(case.context.clone(), "C").unwrap();
            let message = decode(&case.msg);
            let is_text = case.flags == TEXT_FLAG;

            key.with(|key| {
                let derived = key.derive(nonce.first_chunk().unwrap());
                assert_eq!(hex::encode(derived.message_key()), case.message_key);
                assert_eq!(hex::encode(derived.commitment), case.commitment);
                Ok(())
            })
            .unwrap();

            let mut blob = vec![0; message.len() + OVERHEAD];
            let given = |field: &mut [u8; NONCE]| {
                *field = nonce;
                Ok(())
            };
            Envelope::seal_with(key, &version, given, &message, is_text, &context, &mut blob)
                .unwrap();
            assert_eq!(hex::encode(&blob), case.blob);
            let header = blob.first_chunk().unwrap();
            with_aad(header, &context, |aad| assert_eq!(hex::encode(aad), case.aad));

            let envelope = Envelope::parse(&blob).unwrap();
            assert_eq!((envelope.version(), envelope.is_text()), (version, is_text));
            let mut opened = vec![0; envelope.plaintext_len()];
            envelope.open(key, &context, &mut opened).unwrap();
            assert_eq!(opened, message);
        }
    }

    /// Every bit, every cut and every other context is refused, and nothing but zeros is written.
    #[test]
    fn damage_is_refused() {
        for case in cases().into_iter().take(6) {
            let material = material(&case);
            let key = key(&case, &material);
            let context = EncryptionContext::from_pairs(case.context.clone(), "C").unwrap();
            let blob = hex::decode(&case.blob).unwrap();
            let refused = |blob: &[u8], context: &EncryptionContext| {
                let Ok(envelope) = Envelope::parse(blob) else { return true };
                let mut out = vec![0xa5; envelope.plaintext_len()];
                let outcome = envelope.open(key, context, &mut out);
                let is_clean = [0, 0xa5].iter().any(|clean| out.iter().all(|byte| byte == clean));
                assert!(is_clean || outcome.is_ok());
                outcome.is_err_and(|error| error.code() == ErrorCode::InvalidCiphertext)
            };
            assert!(!refused(&blob, &context));
            for bit in 0..blob.len() * 8 {
                let mut blob = blob.clone();
                blob[bit / 8] ^= 1 << (bit % 8);
                // The version id is checked by finding the key; here it is in the AAD.
                assert!(refused(&blob, &context), "bit {bit}");
            }
            for len in 0..blob.len() {
                assert!(refused(&blob[..len], &context), "cut to {len}");
            }
            let other = EncryptionContext::from_json(r#"{"other":"context"}"#, "C").unwrap();
            assert!(refused(&blob, &other));
        }
    }
}
