//! Work with private keys. What makes a signature or a message of it is secret: the key, and every
//! nonce and blinding that is computed from it.
#![forbid(unsafe_code)]

use super::{Subject, demand, marks, public, revealed};
use crate::crypto::ec::{self, Curve, PAIR_LEN, SIGNATURE_LEN};
use crate::crypto::rsa::{OaepHash, RsaPrivateKey, Scheme};
use crate::crypto::sm2::{Sm2Ciphertext, Sm2PrivateKey, Sm2PublicKey};
use crate::error::{ErrorCode, Result};
use crate::hsm::rng;

/// P-256 comes last: AWS-LC mixes the key into its generator, all of whose bytes are secret from
/// then on.
pub(super) const SUBJECTS: &[Subject] = &[
    Subject::clean("RSA-2048: OAEP decrypted", rsa_decrypted),
    Subject::clean("RSA-2048: PSS signed", || rsa_signed(Scheme::PssSha256)),
    Subject::clean("RSA-2048: PKCS#1 v1.5 signed", || rsa_signed(Scheme::Pkcs1Sha256)),
    Subject::clean("secp256k1: signed", || signed(Curve::Secp256k1)),
    Subject::clean("SM2: signed", || signed(Curve::Sm2)),
    Subject::clean("SM2: decrypted and refused", sm2_decrypted),
    Subject::clean("SM2: encrypted", sm2_encrypted),
    Subject::clean("SM2: made", sm2_made),
    Subject::clean("secp256k1: imported", || imported(Curve::Secp256k1)),
    Subject::clean("SM2: imported", || imported(Curve::Sm2)),
    Subject::clean("P-256: signed", || signed(Curve::P256)),
    Subject::clean("P-256: imported", || imported(Curve::P256)),
];

const DIGEST: [u8; 32] = [0x5a; 32];

/// The key of the self-test, which everybody may know.
fn rsa() -> Result<RsaPrivateKey> {
    RsaPrivateKey::from_pkcs8(include_bytes!("../crypto/selftest/rsa_2048.der"), rng::fill)
}

fn rsa_decrypted() -> Result<()> {
    let (key, mut ciphertext, mut out) = (rsa()?, [0; 256], [0; 256]);
    key.public()?.encrypt_oaep(OaepHash::Sha256, &public::<40>(1), rng::fill, &mut ciphertext)?;
    key.conceal();
    let len = key.decrypt_oaep(OaepHash::Sha256, &ciphertext, &mut out)?;
    demand(len == 40 && revealed(out).starts_with(&public::<40>(1)))
}

fn rsa_signed(scheme: Scheme) -> Result<()> {
    let (key, mut signature) = (rsa()?, [0; 256]);
    let verifier = key.public()?;
    key.conceal();
    key.sign(scheme, &DIGEST, rng::fill, &mut signature)?;
    demand(verifier.verify(scheme, &DIGEST, &revealed(signature)))
}

/// A fresh pair whose private half is secret, and its public half.
fn pair(curve: Curve) -> Result<([u8; PAIR_LEN], [u8; 64])> {
    let mut pair = [0; PAIR_LEN];
    ec::generate(curve, rng::fill, &mut pair)?;
    let point = *pair.last_chunk().ok_or(ErrorCode::Internal)?;
    pair.first_chunk_mut::<32>().into_iter().for_each(|d| marks::conceal(d));
    Ok((pair, point))
}

fn signed(curve: Curve) -> Result<()> {
    let ((pair, point), mut out) = (pair(curve)?, [0; SIGNATURE_LEN]);
    let len = ec::sign(curve, &pair, &DIGEST, rng::fill, &mut out)?;
    let signature = out.get(..len).ok_or(ErrorCode::Internal)?;
    demand(ec::verify(curve, &point, &DIGEST, signature)?)
}

/// The point is computed, and the pair tried.
fn imported(curve: Curve) -> Result<()> {
    let (pair, point) = pair(curve)?;
    let (d, mut again) = (pair.first_chunk().ok_or(ErrorCode::Internal)?, [0; PAIR_LEN]);
    ec::from_scalar(curve, d, rng::fill, &mut again)?;
    demand(again.ends_with(&point) && revealed(again) == revealed(pair))
}

fn sm2_decrypted() -> Result<()> {
    let (pair, point) = pair(Curve::Sm2)?;
    let (mut ciphertext, mut out) = ([0; 97 + 40], [0; 40]);
    Sm2PublicKey::new(&point)?.encrypt(&public::<40>(1), rng::fill, &mut ciphertext)?;
    let key = Sm2PrivateKey::new(&pair)?;
    key.decrypt(&Sm2Ciphertext::parse(&ciphertext)?, &mut out)?;
    ciphertext.iter_mut().rev().take(1).for_each(|last| *last ^= 1);
    let refused = key.decrypt(&Sm2Ciphertext::parse(&ciphertext)?, &mut [0; 40]);
    demand(revealed(out) == public(1) && refused.is_err())
}

/// Random bytes that are secret from the beginning.
fn concealed(out: &mut [u8]) -> Result<()> {
    rng::fill(out)?;
    marks::conceal(out);
    Ok(())
}

/// The message is secret, and so is the nonce.
fn sm2_encrypted() -> Result<()> {
    let ((pair, point), mut ciphertext) = (pair(Curve::Sm2)?, [0; 97 + 40]);
    let message = marks::concealed(public::<40>(1));
    Sm2PublicKey::new(&point)?.encrypt(&message, concealed, &mut ciphertext)?;
    let (ciphertext, mut out) = (revealed(ciphertext), [0; 40]);
    Sm2PrivateKey::new(&pair)?.decrypt(&Sm2Ciphertext::parse(&ciphertext)?, &mut out)?;
    demand(revealed(out) == public(1))
}

/// A pair is drawn and tried; its key is inverted for signing.
fn sm2_made() -> Result<()> {
    let mut pair = [0; PAIR_LEN];
    ec::generate(Curve::Sm2, concealed, &mut pair)?;
    let point: [u8; 64] = *pair.last_chunk().ok_or(ErrorCode::Internal)?;
    demand(revealed(pair).ends_with(&point))
}
