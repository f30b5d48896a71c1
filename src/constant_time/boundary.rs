//! What the boundary compares: commitments, tags, tokens, fingerprints, and what opens a store.
#![forbid(unsafe_code)]

use super::{Subject, demand, public, revealed, secret};
use crate::error::{ErrorCode, Result};
use crate::hsm::arena::{SecretBytes, arena};
use crate::hsm::{
    AccessKey, Envelope, ImportToken, KeyMaterial, Keyring, OVERHEAD, RawMaterial, Slot, Unlock,
    WrappingPair, permitted,
};
use crate::model::{
    Account, EncryptionContext, KeyId, KeySpec, KeyVersionId, Making, Sealing, Space, Timestamp,
    UserName, WrappingAlgorithm, WrappingKeySpec,
};
use crate::octets::Writer;
use crate::secret::marks;

const STORE: [u8; 16] = [7; 16];

pub(super) const SUBJECTS: &[Subject] = &[
    Subject::clean("envelope: opened, and refused for commitment and tag", envelope),
    Subject::clean("unlock slot with a key file: opened and refused", || {
        revealed(unlocked()?.index(&[b"point"])?);
        Ok(())
    }),
    Subject::clean("import token: verified and refused", token),
    Subject::clean("fingerprint: the same and another", fingerprint),
    Subject::clean("access key: its secret, another, and none", access_key),
];

/// A keyring all of whose keys are secret, since the key file is from which they come.
fn unlocked() -> Result<Keyring> {
    let fresh = Keyring::generate(STORE)?;
    let (slot, root) = (fresh.seal_slot(&Unlock::KeyFile(&public(1)), 0)?, fresh.seal_root()?);
    let open = |file: &[u8; 32]| Slot::open(&Unlock::KeyFile(file), &STORE, 0, &slot);
    demand(open(&secret(2)).is_err())?;
    Keyring::open(STORE, open(&secret(1))?, &root)
}

fn envelope() -> Result<()> {
    let mut body =
        RawMaterial::generate(permitted(KeySpec::Aes256, Making)?)?.version_body(Timestamp(1))?;
    body.write(|body| {
        body.last_chunk_mut::<32>().map(|key| marks::conceal(key)).ok_or(ErrorCode::Internal.into())
    })?;
    let material = KeyMaterial::from_version_body(KeySpec::Aes256, &body)?;
    let key = material.symmetric(permitted(KeySpec::Aes256, Sealing)?)?;
    let (version, context) = (KeyVersionId::from_bytes([1; 16]), EncryptionContext::default());
    let (mut blob, mut opened) = ([0; 48 + OVERHEAD], [0; 48]);
    Envelope::seal(key, &version, &secret::<48>(3), false, &context, &mut blob)?;
    let blob = revealed(blob);
    Envelope::parse(&blob)?.open(key, &context, &mut opened)?;
    // A byte of the commitment, of the ciphertext, of the tag.
    for at in [60, 80, blob.len() - 1] {
        let mut damaged = blob;
        damaged.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1);
        demand(Envelope::parse(&damaged)?.open(key, &context, &mut [0; 48]).is_err())?;
    }
    demand(revealed(opened) == public(3))
}

fn token() -> Result<()> {
    let keyring = unlocked()?;
    let key = KeyId::from_bytes([2; 16]);
    let pair = WrappingPair::from_body([3; 16], &pair_body(&key)?)?;
    let space = Space::new("111122223333", "cn-hongkong")?;
    let mut token = ImportToken::issue(&keyring, &space, &pair)?;
    marks::reveal(&mut token);
    let verify = |token: &[u8]| {
        ImportToken::parse(token)?.verify(&keyring, &space, &key, &pair, Timestamp(1))
    };
    verify(&token)?;
    token.iter_mut().rev().take(1).for_each(|byte| *byte ^= 1);
    demand(verify(&token).is_err())
}

/// The body of a pair whose private half has been destroyed: verifying needs none.
fn pair_body(key: &KeyId) -> Result<SecretBytes> {
    let body = Writer::default()
        .u8(1)
        .raw(key.as_bytes())
        .u8(WrappingKeySpec::Rsa2048.number())
        .u8(WrappingAlgorithm::OaepSha256.number())
        .u64(5)
        .u8(0)
        .lp(b"public half")
        .lp(&[])
        .finish();
    kept(&body)
}

fn kept(bytes: &[u8]) -> Result<SecretBytes> {
    let mut kept = arena().alloc(bytes.len())?;
    kept.write(|kept| {
        kept.copy_from_slice(bytes);
        Ok(())
    })?;
    Ok(kept)
}

fn fingerprint() -> Result<()> {
    let keyring = unlocked()?;
    let (key, spec) = (KeyId::from_bytes([2; 16]), KeySpec::Aes256);
    let generate = || RawMaterial::generate(permitted(spec, Making)?);
    let (material, other) = (generate()?, generate()?);
    let first = revealed(material.fingerprint(&keyring, &key, spec)?);
    demand(material.is(&first, &keyring, &key, spec)? && !other.is(&first, &keyring, &key, spec)?)
}

fn access_key() -> Result<()> {
    let user = UserName::parse("alice").map_err(|_| ErrorCode::Internal)?;
    let fresh = AccessKey::generate(&Account::parse("1")?, &user, "200000000000000001")?;
    let right = fresh.reveal(|secret| Ok(secret.to_vec()))?;
    let mut body = fresh.body()?;
    body.write(|body| {
        let secret = body.last_chunk_mut::<30>().ok_or(ErrorCode::Internal)?;
        marks::conceal(secret);
        Ok(())
    })?;
    let key = AccessKey::from_body(&body)?;
    let mut wrong = right.clone();
    wrong.last_mut().map(|byte| *byte ^= 1).ok_or(ErrorCode::Internal)?;
    demand(key.is(&right)? && !key.is(&wrong)? && !key.is(b"")?)
}
