//! P-256 of both providers; secp256k1 against AWS-LC's; SM2 against the schemes of
//! the crate `sm2`.

use aws_lc_rs::signature::{
    ECDSA_P256K1_SHA256_ASN1, ECDSA_P256K1_SHA256_ASN1_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
};
use sm2::dsa::signature::{Signer, Verifier};
use sm2::dsa::{Signature, SigningKey};
use sm2::pke::{DecryptingKey, EncryptingKey};

use super::{awslc, random, rustcrypto};
use crate::crypto::digest::{sha256, sm3_parts};
use crate::crypto::drbg::reproducible;
use crate::crypto::ec::{self, Curve, PAIR_LEN, SIGNATURE_LEN, signature};
use crate::crypto::ecdsa::{EcdsaPrivateKey, EcdsaPublicKey};
use crate::crypto::sm2::{Sm2Ciphertext, Sm2PrivateKey, Sm2PublicKey, za};

fn pair(curve: Curve) -> ([u8; PAIR_LEN], [u8; 32], [u8; 64]) {
    let mut pair = [0; PAIR_LEN];
    ec::generate(curve, reproducible, &mut pair).unwrap();
    (pair, *pair.first_chunk().unwrap(), *pair.last_chunk().unwrap())
}

#[test]
fn p256() {
    for _ in 0..16 {
        let (_, d, point) = pair(Curve::P256);
        let ours = awslc::P256Private::new(&d).unwrap();
        let theirs = rustcrypto::P256Private::new(&d).unwrap();
        assert_eq!((ours.point().unwrap(), theirs.point().unwrap()), (point, point));
        let our_public = awslc::P256Public::new(&point).unwrap();
        let their_public = rustcrypto::P256Public::new(&point).unwrap();
        let digest = random(32).try_into().unwrap();
        let signatures = [ours.sign(&digest, reproducible), theirs.sign(&digest, reproducible)];
        for mut signature in signatures.map(Result::unwrap) {
            assert!(our_public.verify(&digest, &signature));
            assert!(their_public.verify(&digest, &signature));
            signature[usize::from(digest[0] % 64)] ^= 1;
            assert!(!our_public.verify(&digest, &signature));
            assert!(!their_public.verify(&digest, &signature));
        }
        let signature = random(64).try_into().unwrap();
        assert!(!our_public.verify(&digest, &signature));
        assert!(!their_public.verify(&digest, &signature));
    }
}

#[test]
fn p256_points() {
    for _ in 0..64 {
        let (form, x) = (random(1)[0] % 5, random(32));
        for sec1 in [[&[form], &*x].concat(), [&[4], &*x, &random(32)].concat(), vec![form]] {
            assert_eq!(awslc::p256_point(&sec1).ok(), rustcrypto::p256_point(&sec1).ok());
        }
        let (_, _, point) = pair(Curve::P256);
        for form in 2..4 {
            let sec1 = [&[form], &point[..32]].concat();
            let read = awslc::p256_point(&sec1).unwrap();
            assert_eq!(read, rustcrypto::p256_point(&sec1).unwrap());
            assert_eq!(read == point, form == 2 + (point[63] & 1));
        }
    }
    for d in [[0; 32], [0xff; 32]] {
        assert!(awslc::P256Private::new(&d).is_err() && rustcrypto::P256Private::new(&d).is_err());
    }
}

#[test]
fn secp256k1() {
    for _ in 0..16 {
        let (pair, d, point) = pair(Curve::Secp256k1);
        let sec1 = [&[4], &point[..]].concat();
        let (ours, ours_public) = (
            EcdsaPrivateKey::new(Curve::Secp256k1, &pair).unwrap(),
            EcdsaPublicKey::new(Curve::Secp256k1, &point).unwrap(),
        );
        let algorithm = &ECDSA_P256K1_SHA256_ASN1_SIGNING;
        let theirs = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &d, &sec1).unwrap();
        let theirs_public = UnparsedPublicKey::new(&ECDSA_P256K1_SHA256_ASN1, &sec1);
        let message = random(40);
        let (digest, mut out) = (sha256(&message), [0; SIGNATURE_LEN]);
        let len = ours.sign(&digest, reproducible, &mut out).unwrap();
        theirs_public.verify(&message, &out[..len]).unwrap();
        out[len - 1] ^= 1;
        assert!(theirs_public.verify(&message, &out[..len]).is_err());
        let rng = aws_lc_rs::rand::SystemRandom::new();
        let signature = theirs.sign(&rng, &message).unwrap();
        assert!(ours_public.verify(&digest, signature.as_ref()));
        assert!(!ours_public.verify(&sha256(&digest), signature.as_ref()));
    }
}

#[test]
fn sm2_signatures() {
    for _ in 0..16 {
        let (pair, d, point) = pair(Curve::Sm2);
        let (message, user) = (random(40), "ALICE123@YAHOO.COM");
        let ours = Sm2PrivateKey::new(&pair).unwrap();
        let theirs = SigningKey::from_slice(user, &d).unwrap();
        let digest = sm3_parts(&[&za(user.as_bytes(), &point).unwrap(), &message]);
        let mut out = [0; SIGNATURE_LEN];
        let len = ours.sign(&digest, reproducible, &mut out).unwrap();
        let raw = signature::read(&out[..len]).unwrap();
        theirs.verifying_key().verify(&message, &Signature::from_slice(&raw).unwrap()).unwrap();
        let len = signature::write(&theirs.sign(&message).to_bytes().into(), &mut out).unwrap();
        let public = Sm2PublicKey::new(&point).unwrap();
        assert!(public.verify(&digest, &out[..len]));
        assert!(!public.verify(&message[..32].try_into().unwrap(), &out[..len]));
    }
}

#[test]
fn sm2_ciphertexts() {
    for len in (1..70).chain([255, 256, 1024, 6144]) {
        let (pair, d, point) = pair(Curve::Sm2);
        let ours = Sm2PrivateKey::new(&pair).unwrap();
        let theirs = DecryptingKey::from_slice(&d).unwrap();
        let message = random(len);
        let mut sealed = vec![0; len + 97];
        Sm2PublicKey::new(&point).unwrap().encrypt(&message, reproducible, &mut sealed).unwrap();
        assert_eq!(theirs.decrypt(&sealed).unwrap(), message);
        let their_public = EncryptingKey::from_sec1_bytes(&[&[4], &point[..]].concat()).unwrap();
        let sealed = their_public.encrypt(&mut rustcrypto::Source(reproducible), &message).unwrap();
        let mut opened = vec![0; len];
        ours.decrypt(&Sm2Ciphertext::parse(&sealed).unwrap(), &mut opened).unwrap();
        assert_eq!(opened, message);
    }
}
