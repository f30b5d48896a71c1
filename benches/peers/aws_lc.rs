//! aws-lc-rs: what the engine's provider can do without the engine.

use std::hint::black_box;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest::{Digest, SHA256};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey,
};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey,
    RsaEncoding, RsaKeyPair, VerificationAlgorithm,
};

use crate::race::Contestant;
use crate::{DIGEST, counted_key};

pub const NAME: &str = "aws-lc-rs";

/// Encrypts from buffer to buffer, with a key of its own for each message.
pub fn seal_fresh(name: &'static str, len: usize) -> Contestant {
    Contestant::new(name, NAME, move || {
        let (message, mut out, mut tag, mut count) = (vec![7; len], vec![0; len], [0; 16], 0);
        move || {
            let key = counted_key(&mut count);
            seal(&aes(black_box(&key)), &message, &mut out, &mut tag);
        }
    })
}

/// The same with one key for all.
pub fn seal_cached(name: &'static str, len: usize) -> Contestant {
    Contestant::new(name, NAME, move || {
        let (message, mut out, mut tag) = (vec![7; len], vec![0; len], [0; 16]);
        let key = aes(&[9; 32]);
        move || seal(&key, &message, &mut out, &mut tag)
    })
}

/// Decrypts from buffer to buffer, the key set up for each message.
pub fn open_fresh(name: &'static str, len: usize) -> Contestant {
    Contestant::new(name, NAME, move || {
        let (sealed, tag, mut out) = sealed(len);
        move || open(&aes(black_box(&[9; 32])), &sealed, &tag, &mut out)
    })
}

/// The same with one key for all.
pub fn open_cached(name: &'static str, len: usize) -> Contestant {
    Contestant::new(name, NAME, move || {
        let ((sealed, tag, mut out), key) = (sealed(len), aes(&[9; 32]));
        move || open(&key, &sealed, &tag, &mut out)
    })
}

fn aes(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap())
}

fn seal(key: &LessSafeKey, message: &[u8], out: &mut [u8], tag: &mut [u8; 16]) {
    let (nonce, aad) = (Nonce::assume_unique_for_key([0; 12]), Aad::empty());
    key.seal_out_of_place_scatter(nonce, aad, black_box(message), out, &[], tag).unwrap();
    black_box((out, tag));
}

fn open(key: &LessSafeKey, sealed: &[u8], tag: &[u8; 16], out: &mut [u8]) {
    let (nonce, aad) = (Nonce::assume_unique_for_key([0; 12]), Aad::empty());
    key.open_separate_gather(nonce, aad, black_box(sealed), tag, out).unwrap();
    black_box(out);
}

/// A ciphertext, its tag, and room for what is in it.
fn sealed(len: usize) -> (Vec<u8>, [u8; 16], Vec<u8>) {
    let (mut sealed, mut tag) = (vec![0; len], [0; 16]);
    seal(&aes(&[9; 32]), &vec![7; len], &mut sealed, &mut tag);
    (sealed, tag, vec![0; len])
}

/// Random bytes.
pub fn random(name: &'static str, len: usize) -> Contestant {
    Contestant::new(name, NAME, move || {
        let mut out = vec![0; len];
        move || aws_lc_rs::rand::fill(black_box(&mut out)).unwrap()
    })
}

fn digest() -> Digest {
    Digest::import_less_safe(&DIGEST, &SHA256).unwrap()
}

/// Signing and verifying, the keys parsed before.
pub fn rsa(
    names: [&'static str; 2],
    size: KeySize,
    sign: &'static dyn RsaEncoding,
    verify: &'static dyn VerificationAlgorithm,
) -> [Contestant; 2] {
    let key = Arc::new(RsaKeyPair::generate(size).unwrap());
    let public = Arc::new(ParsedPublicKey::new(verify, key.public_key().as_ref()).unwrap());
    let signed = move |key: &RsaKeyPair| {
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign_digest(sign, &digest(), &mut signature).unwrap();
        signature
    };
    let signature = signed(&key);
    let signing = move || {
        let key = key.clone();
        move || _ = black_box(signed(&key))
    };
    let verifying = move || {
        let (public, signature) = (public.clone(), signature.clone());
        move || public.verify_digest_sig(&digest(), &signature).unwrap()
    };
    [Contestant::new(names[0], NAME, signing), Contestant::new(names[1], NAME, verifying)]
}

/// Signing and verifying, the keys parsed before.
pub fn p256(names: [&'static str; 2]) -> [Contestant; 2] {
    let key = Arc::new(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap());
    let public = key.public_key().as_ref();
    let public = Arc::new(ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public).unwrap());
    let signature = key.sign_digest(&digest()).unwrap().as_ref().to_vec();
    let signing = move || {
        let key = key.clone();
        move || _ = black_box(key.sign_digest(&digest()).unwrap())
    };
    let verifying = move || {
        let (public, signature) = (public.clone(), signature.clone());
        move || public.verify_digest_sig(&digest(), &signature).unwrap()
    };
    [Contestant::new(names[0], NAME, signing), Contestant::new(names[1], NAME, verifying)]
}

/// Decrypting with SHA-256, the key parsed before.
pub fn oaep(name: &'static str, size: KeySize) -> Contestant {
    let key = PrivateDecryptingKey::generate(size).unwrap();
    let public = OaepPublicEncryptingKey::new(key.public_key()).unwrap();
    let mut sealed = vec![0; public.ciphertext_size()];
    public.encrypt(&OAEP_SHA256_MGF1SHA256, &DIGEST, &mut sealed, None).unwrap();
    let key = Arc::new(OaepPrivateDecryptingKey::new(key).unwrap());
    Contestant::new(name, NAME, move || {
        let (key, sealed, mut out) = (key.clone(), sealed.clone(), vec![0; key.min_output_size()]);
        move || {
            let opened = key.decrypt(&OAEP_SHA256_MGF1SHA256, &sealed, &mut out, None).unwrap();
            assert_eq!(opened, DIGEST);
        }
    })
}
