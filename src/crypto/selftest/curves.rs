//! The self-tests of the curves: the known signature is verified, and a fresh one, since no two are
//! the same; a damaged one is refused.
#![forbid(unsafe_code)]

use super::answers::ec;
use super::{scatter, with};
use crate::crypto::ec::{Curve, PAIR_LEN, SIGNATURE_LEN, halves, is_pair, sign, verify};
use crate::crypto::sm2::{Sm2Ciphertext, Sm2PrivateKey};
use crate::error::{ErrorCode, Result};

pub(super) fn p256(flaw: u8) -> Result<bool> {
    use ec::p256::{DIGEST, PAIR, SIGNATURE};
    signature(Curve::P256, &PAIR, DIGEST, &SIGNATURE, flaw)
}

pub(super) fn secp256k1(flaw: u8) -> Result<bool> {
    use ec::secp256k1::{DIGEST, PAIR, SIGNATURE};
    signature(Curve::Secp256k1, &PAIR, DIGEST, &SIGNATURE, flaw)
}

pub(super) fn sm2_sign(flaw: u8) -> Result<bool> {
    use ec::sm2::{DIGEST, PAIR, SIGNATURE};
    signature(Curve::Sm2, &PAIR, DIGEST, &SIGNATURE, flaw)
}

fn signature(
    curve: Curve,
    pair: &[u8; PAIR_LEN],
    digest: [u8; 32],
    known: &[u8],
    flaw: u8,
) -> Result<bool> {
    let ((_, point), mut fresh) = (halves(pair)?, [0; SIGNATURE_LEN]);
    let len = sign(curve, pair, &digest, scatter, &mut fresh)?;
    let fresh = fresh.get(..len).ok_or(ErrorCode::Internal)?;
    Ok(verify(curve, point, &with(digest, flaw), known)?
        && verify(curve, point, &digest, fresh)?
        && !verify(curve, point, &digest, &damaged(known))?)
}

pub(super) fn sm2_decrypt(flaw: u8) -> Result<bool> {
    use ec::sm2::{CIPHERTEXT, MESSAGE, PAIR};
    let (private, mut out) = (Sm2PrivateKey::new(&with(PAIR, flaw))?, [0; MESSAGE.len()]);
    private.decrypt(&Sm2Ciphertext::parse(&CIPHERTEXT)?, &mut out)?;
    let damaged = damaged(&CIPHERTEXT);
    let refused = private.decrypt(&Sm2Ciphertext::parse(&damaged)?, &mut [0; MESSAGE.len()]);
    Ok(out == MESSAGE && refused.is_err())
}

pub(super) fn are_pairs() -> Result<bool> {
    Ok(is_pair(Curve::P256, &ec::p256::PAIR, scatter)?
        && is_pair(Curve::Secp256k1, &ec::secp256k1::PAIR, scatter)?
        && is_pair(Curve::Sm2, &ec::sm2::PAIR, scatter)?)
}

/// Another last byte: of s, or of what is encrypted.
fn damaged(input: &[u8]) -> Vec<u8> {
    let mut output = input.to_vec();
    output.iter_mut().last().into_iter().for_each(|last| *last ^= 1);
    output
}
