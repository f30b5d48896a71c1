//! Taking RSA's padding off: the whole block is secret, and of the outcome the one verdict is told.
#![forbid(unsafe_code)]

use super::blocks::{self, CLASSES, Class, Scheme};
use super::{Subject, concealed, demand, public, revealed};
use crate::crypto::digest::{sha1_parts, sha256_parts};
use crate::crypto::unpad;
use crate::error::Result;
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
