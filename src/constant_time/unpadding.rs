//! Taking padding off, RSA's and that of PKCS #7: the whole block is secret, and of the outcome the one verdict is told.
#![forbid(unsafe_code)]

use super::blocks::{self, CLASSES, Class};
use super::{OaepHash, Padding, Subject, concealed, demand, public, revealed};
use crate::crypto::block::{BlockKey, Cipher};
use crate::crypto::{ecb, rsa};
use crate::error::Result;
use crate::hsm::{WrappingPair, permitted};
use crate::model::{KeyId, KeySpec, Making, Timestamp, WrappingAlgorithm};

/// The length of the blocks: RSA-2048.
pub const BLOCK: usize = 256;
/// The length of the messages: a key of AES-256.
pub const MESSAGE: usize = 32;

pub(super) const SUBJECTS: &[Subject] = &[
    Subject::clean("PKCS#1 v1.5 taken off", || known_length(Padding::Pkcs1V15)),
    Subject::clean("OAEP with SHA-1 taken off", || known_length(OAEP_SHA1)),
    Subject::clean("OAEP with SHA-256 taken off", || known_length(OAEP_SHA256)),
    Subject::clean("OAEP with SHA-1 taken off, of any length", || any_length(OaepHash::Sha1)),
    Subject::clean("OAEP with SHA-256 taken off, of any length", || any_length(OaepHash::Sha256)),
    Subject::clean("AES-256-ECB decrypted, PKCS #7 taken off", ecb_padding),
];

const OAEP_SHA1: Padding = Padding::Oaep(OaepHash::Sha1);
const OAEP_SHA256: Padding = Padding::Oaep(OaepHash::Sha256);

/// Takes the padding off a message of `out`'s length, as import does.
pub fn decode(padding: Padding, block: &mut [u8], out: &mut [u8]) -> Result<()> {
    rsa::unpad(padding, block, out)
}

/// Takes OAEP off a message of any length, as AsymmetricDecrypt does; answers the length.
pub fn decode_any(hash: OaepHash, block: &mut [u8], out: &mut [u8]) -> Result<usize> {
    rsa::unpad_oaep(hash, block, out)
}

fn message() -> [u8; MESSAGE] {
    public(2).map(|byte| byte | 2)
}

fn known_length(padding: Padding) -> Result<()> {
    for class in CLASSES {
        let (mut block, mut out) = ([0; BLOCK], [0; MESSAGE]);
        blocks::write(padding, class, &message(), &mut block)?;
        let answer = decode(padding, &mut concealed(block), &mut out);
        let is_right = class == Class::WellFormed;
        demand(answer.is_ok() == is_right)?;
        demand(revealed(out) == if is_right { message() } else { [0; MESSAGE] })?;
    }
    Ok(())
}

fn any_length(hash: OaepHash) -> Result<()> {
    for class in CLASSES {
        let mut block = [0; BLOCK];
        blocks::write(Padding::Oaep(hash), class, &message(), &mut block)?;
        let answer = decode_any(hash, &mut concealed(block), &mut [0; BLOCK]);
        demand(match class {
            Class::WellFormed => answer == Ok(MESSAGE),
            Class::OtherLength => answer == Ok(MESSAGE - 1),
            _ => answer.is_err(),
        })?;
    }
    Ok(())
}

/// Paddings of every length, and such as are none: a zero, too long, one byte of it wrong.
fn ecb_padding() -> Result<()> {
    let key: [u8; 32] = public(1);
    for len in 0..18 {
        let mut padded = [len; 32];
        padded.iter_mut().take(32 - usize::from(len)).for_each(|byte| *byte = 0xaa);
        for at in [None, Some(32 - usize::from(len))] {
            let mut blocks = padded;
            blocks.iter_mut().skip(at.unwrap_or(32)).take(1).for_each(|byte| *byte ^= 0x40);
            let (whole, _) = blocks.as_chunks_mut::<16>();
            BlockKey::new(Cipher::Aes256, &key)?.encrypt_blocks(whole);
            let answer = ecb::decrypt_padded(&concealed(key), &mut concealed(blocks));
            let is_right = (1..=16).contains(&len) && at.is_none();
            demand(answer.is_ok() == is_right)?;
            demand(!is_right || answer == Ok(32 - usize::from(len)))?;
        }
    }
    Ok(())
}

/// A wrapping pair, without the count of failures that the API keeps.
pub struct Pair(WrappingPair);

impl Pair {
    /// A fresh one, for wrapping so.
    pub fn generate(algorithm: WrappingAlgorithm) -> Result<Self> {
        let making = permitted(algorithm.wrapping_key_spec().key_spec(), Making)?;
        let wrapping = permitted(KeySpec::Aes256, algorithm)?;
        WrappingPair::generate(making, wrapping, KeyId::from_bytes([1; 16]), Timestamp(1)).map(Self)
    }

    /// The public half, as DER SubjectPublicKeyInfo.
    pub fn public(&self) -> &[u8] {
        self.0.public()
    }

    /// Whether this is a wrapped message of [`MESSAGE`] bytes.
    pub fn unwrap(&self, wrapped: &[u8]) -> bool {
        permitted(KeySpec::Aes256, self.0.algorithm())
            .and_then(|permit| self.0.unwrap(permit, wrapped))
            .is_ok()
    }
}
