//! The `rsa` crate's own padding, as somebody else's reading of RFC 8017.
#![forbid(unsafe_code)]

use ::rsa::pkcs8::DecodePrivateKey;
use ::rsa::rand_core::UnwrapErr;
use ::rsa::traits::PaddingScheme;
use ::rsa::{Oaep, Pkcs1v15Encrypt, Pkcs1v15Sign, Pss};
use sha1::Sha1;
use sha2::Sha256;

use super::*;
use crate::crypto::provider::rustcrypto::Source;

/// What the crate draws from.
pub(super) const SOURCE: UnwrapErr<Source> = UnwrapErr(Source(random));

/// Keys of ours, and the same as the crate has them.
fn pairs() -> impl Iterator<Item = (&'static RsaPrivateKey, ::rsa::RsaPrivateKey)> {
    let theirs = |ours| ::rsa::RsaPrivateKey::from_pkcs8_der(&pkcs8(ours)).unwrap();
    fresh().iter().map(move |ours| (ours, theirs(ours)))
}

fn bytes(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    random(&mut bytes).unwrap();
    bytes
}

#[test]
fn signs_and_verifies_alike() {
    for (ours, theirs) in pairs() {
        let (public, mut signature) = (ours.public().unwrap(), vec![0; ours.modulus_len()]);
        let digest: [u8; 32] = bytes(32).try_into().unwrap();

        ours.sign(Scheme::Pkcs1Sha256, &digest, random, &mut signature).unwrap();
        assert_eq!(theirs.sign(Pkcs1v15Sign::new::<Sha256>(), &digest).unwrap(), signature);

        ours.sign(Scheme::PssSha256, &digest, random, &mut signature).unwrap();
        let theirs_public = theirs.to_public_key();
        let pss = || Pss::<Sha256>::new_with_salt(32);
        theirs_public.verify(pss(), &digest, &signature).unwrap();
        let signature = theirs.sign_with_rng(&mut { SOURCE }, pss(), &digest).unwrap();
        assert!(public.verify(Scheme::PssSha256, &digest, &signature));
        // The salt has 32 bytes, and not one more or less.
        for len in [0, 20, 31, 33] {
            let pss = Pss::<Sha256>::new_with_salt(len);
            let signature = theirs.sign_with_rng(&mut { SOURCE }, pss, &digest).unwrap();
            assert!(!public.verify(Scheme::PssSha256, &digest, &signature));
        }
        // Nor are there other hashes.
        let signature = theirs.sign(Pkcs1v15Sign::new::<Sha1>(), &digest[..20]).unwrap();
        assert!(!public.verify(Scheme::Pkcs1Sha256, &digest, &signature));
        let unprefixed = theirs.sign(Pkcs1v15Sign::new_unprefixed(), &digest).unwrap();
        assert!(!public.verify(Scheme::Pkcs1Sha256, &digest, &unprefixed));
    }
}

#[test]
fn encrypts_and_decrypts_alike() {
    fn both<P: PaddingScheme>(
        hash: OaepHash,
        theirs: impl Fn() -> P,
        (key, their_key): &(&RsaPrivateKey, ::rsa::RsaPrivateKey),
    ) {
        let len = key.modulus_len();
        let (public, mut ciphertext, mut out) = (key.public().unwrap(), vec![0; len], vec![0; len]);
        for message_len in [0, 1, 33, oaep_max(len, hash)] {
            let message = bytes(message_len);
            public.encrypt_oaep(hash, &message, random, &mut ciphertext).unwrap();
            assert_eq!(their_key.decrypt(theirs(), &ciphertext).unwrap(), message);
            let their_public = their_key.to_public_key();
            let ciphertext = their_public.encrypt(&mut { SOURCE }, theirs(), &message).unwrap();
            assert_eq!(key.decrypt_oaep(hash, &ciphertext, &mut out), Ok(message_len));
            assert_eq!(out[..message_len], message);
        }
    }
    for pair in pairs() {
        both(OaepHash::Sha1, Oaep::<Sha1>::new, &pair);
        both(OaepHash::Sha256, Oaep::<Sha256>::new, &pair);
        let len = pair.0.modulus_len();
        let (ours, theirs) = (pair.0.public().unwrap(), pair.1.to_public_key());
        let most = len - 11;
        for message_len in [0, 1, 32, most] {
            let message = bytes(message_len);
            let ciphertext = theirs.encrypt(&mut { SOURCE }, Pkcs1v15Encrypt, &message).unwrap();
            let mut out = vec![0; message_len];
            pair.0.decrypt(Padding::Pkcs1V15, &ciphertext, message_len, &mut out).unwrap();
            assert_eq!(out, message);
            let mut ciphertext = vec![0; len];
            ours.encrypt_pkcs1(&message, random, &mut ciphertext).unwrap();
            assert_eq!(pair.1.decrypt(Pkcs1v15Encrypt, &ciphertext).unwrap(), message);
        }
        let mut out = vec![0; len];
        let too_long = ours.encrypt_pkcs1(&vec![1; most + 1], random, &mut out);
        assert_eq!(too_long, Err(ErrorCode::Internal.into()));
    }
}
