//! Taking RSA's padding off: the whole block is secret, and of the outcome the one verdict is told.
#![forbid(unsafe_code)]

use super::blocks::{self, CLASSES, Class, Scheme};
use super::{Subject, concealed, demand, public, revealed};
use crate::crypto::digest::{sha1_parts, sha256_parts};
use crate::crypto::unpad;
use crate::error::Result;
use crate::hsm::WrappingPair;
use crate::model::{KeyId, Timestamp, WrappingAlgorithm};
use crate::secret;

/// The length of the blocks: RSA-2048.
pub const BLOCK: usize = 256;
/// The length of the messages: a key of AES-256.
pub const MESSAGE: usize = 32;

pub(super) const SUBJECTS: &[Subject] = &[
    Subject::clean("PKCS#1 v1.5 taken off", || all_classes(Scheme::Pkcs1V15)),
    Subject::clean("OAEP with SHA-1 taken off", || all_classes(Scheme::OaepSha1)),
    Subject::clean("OAEP with SHA-256 taken off", || all_classes(Scheme::OaepSha256)),
];

/// Decodes a block whose message has the length of `out`; answers whether it was well formed.
pub fn decode(scheme: Scheme, block: &mut [u8], out: &mut [u8]) -> bool {
    secret::verdict(match scheme {
        Scheme::Pkcs1V15 => unpad::pkcs1v15(block, out),
        Scheme::OaepSha1 => unpad::oaep(sha1_parts, block, out),
        Scheme::OaepSha256 => unpad::oaep(sha256_parts, block, out),
    })
}

fn all_classes(scheme: Scheme) -> Result<()> {
    let message = public::<MESSAGE>(2).map(|byte| byte | 2);
    for class in CLASSES {
        let (mut block, mut out) = ([0; BLOCK], [0; MESSAGE]);
        blocks::write(scheme, class, &message, &mut block)?;
        let told = decode(scheme, &mut concealed(block), &mut out);
        let expected = class == Class::WellFormed;
        demand(told == expected)?;
        demand(revealed(out) == if expected { message } else { [0; MESSAGE] })?;
    }
    Ok(())
}

/// A wrapping pair, without the count of failures that the API keeps.
pub struct Pair(WrappingPair);

impl Pair {
    /// A fresh one, for wrapping so.
    pub fn generate(scheme: Scheme) -> Result<Self> {
        let algorithm = match scheme {
            Scheme::Pkcs1V15 => WrappingAlgorithm::Pkcs1V15,
            Scheme::OaepSha1 => WrappingAlgorithm::OaepSha1,
            Scheme::OaepSha256 => WrappingAlgorithm::OaepSha256,
        };
        WrappingPair::generate(KeyId::from_bytes([1; 16]), algorithm, Timestamp(1)).map(Self)
    }

    /// The public half, as DER SubjectPublicKeyInfo.
    pub fn public(&self) -> &[u8] {
        self.0.public()
    }

    /// Whether this is a wrapped message of [`MESSAGE`] bytes.
    pub fn unwrap(&self, wrapped: &[u8]) -> bool {
        self.0.unwrap(wrapped, MESSAGE).is_ok()
    }
}
