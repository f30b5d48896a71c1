//! What keys do, and what they refuse. The published vectors are beside.
#![forbid(unsafe_code)]

mod decryption;
mod encoding;
mod import;
mod oracle;
mod signatures;

use std::collections::HashMap;
use std::sync::OnceLock;

use ::rsa::BoxedUint;
use ::rsa::pkcs8::EncodePrivateKey;
use serde_json::Value;

use super::*;
use crate::crypto::drbg::reproducible as random;
use crate::crypto::provider::{RsaKey, RsaPublic};
use crate::error::ErrorCode;

/// A fresh key of each length, for all tests: making them takes its time.
fn fresh() -> &'static [RsaPrivateKey; 3] {
    static FRESH: OnceLock<[RsaPrivateKey; 3]> = OnceLock::new();
    FRESH.get_or_init(|| BITS.map(|bits| RsaPrivateKey::generate(bits, random).unwrap()))
}

fn pkcs8(key: &RsaPrivateKey) -> Vec<u8> {
    let mut der = vec![0; MAX_PKCS8];
    let len = key.write_pkcs8(&mut der).unwrap();
    assert!(key.write_pkcs8(&mut vec![0; len - 1]).is_err());
    der.truncate(len);
    der
}

/// A key of any length, from a file of vectors.
fn from_numbers(numbers: &HashMap<String, Value>) -> RsaKey {
    let number = |name: &str| {
        let bytes = hex::decode(numbers[name].as_str().unwrap()).unwrap();
        BoxedUint::from_be_slice(&bytes, (bytes.len() * 8).next_multiple_of(64) as u32).unwrap()
    };
    let primes = vec![number("p"), number("q")];
    let key = ::rsa::RsaPrivateKey::from_components(number("n"), number("e"), number("d"), primes)
        .unwrap();
    RsaKey::from_pkcs8(key.to_pkcs8_der().unwrap().as_bytes(), random).unwrap()
}

/// The public half of one.
fn public_from_numbers(numbers: &HashMap<String, Value>) -> RsaPublic {
    let number = |name: &str| hex::decode(numbers[name].as_str().unwrap()).unwrap();
    RsaPublic::new(&number("n"), &number("e")).unwrap()
}

#[test]
fn generated() {
    let [key, ..] = fresh();
    let again = RsaPrivateKey::from_pkcs8(&pkcs8(key), random).unwrap();
    assert_eq!(key.public_spki().unwrap(), again.public_spki().unwrap());
    let mut ciphertext = vec![0; 256];
    let public = key.public().unwrap();
    public.encrypt_oaep(OaepHash::Sha1, b"sixteen bytes ..", random, &mut ciphertext).unwrap();
    let mut out = [0xaa; 20];
    again.decrypt(Padding::Oaep(OaepHash::Sha1), &ciphertext, 16, &mut out).unwrap();
    assert_eq!(&out, b"sixteen bytes ..\xaa\xaa\xaa\xaa");
    assert!(again.decrypt(Padding::Oaep(OaepHash::Sha1), &ciphertext, 21, &mut out).is_err());
    for bits in [0, 1024, 2047, 2049, 8192] {
        assert!(RsaPrivateKey::generate(bits, random).is_err());
    }
}

#[test]
fn ciphertexts_out_of_range() {
    let [key, ..] = fresh();
    let spki = key.public_spki().unwrap();
    // n stands in SubjectPublicKeyInfo before e: 02 03 01 00 01.
    let n = &spki[spki.len() - 5 - 256..spki.len() - 5];
    for wrong in [n, &[0xff; 256], &[0; 256], &n[1..], &[n, &[0]].concat(), &[]] {
        for padding in
            [Padding::Pkcs1V15, Padding::Oaep(OaepHash::Sha1), Padding::Oaep(OaepHash::Sha256)]
        {
            let mut out = [0xaa; 16];
            let error = key.decrypt(padding, wrong, 16, &mut out).unwrap_err();
            assert_eq!(error, ErrorCode::InvalidKeyMaterial.into());
            assert_eq!(out, [0xaa; 16]);
        }
    }
}

#[test]
fn signed_and_encrypted() {
    for (bits, key) in BITS.into_iter().zip(fresh()) {
        let public = RsaPublicKey::from_spki(&key.public_spki().unwrap()).unwrap();
        assert_eq!(public.spki(), key.public_spki().unwrap());
        assert_eq!((public.modulus_len(), key.modulus_len()), (bits / 8, bits / 8));
        let mut signature = vec![0; bits / 8];
        for scheme in [Scheme::PssSha256, Scheme::Pkcs1Sha256] {
            key.sign(scheme, &[5; 32], random, &mut signature).unwrap();
            assert!(public.verify(scheme, &[5; 32], &signature));
            assert!(!public.verify(scheme, &[6; 32], &signature));
            let other = match scheme {
                Scheme::PssSha256 => Scheme::Pkcs1Sha256,
                Scheme::Pkcs1Sha256 => Scheme::PssSha256,
            };
            assert!(!public.verify(other, &[5; 32], &signature));
            assert!(!public.verify(scheme, &[5; 32], &signature[1..]));
            assert!(!public.verify(scheme, &[5; 32], &[&[0], &signature[..]].concat()));
            assert!(!public.verify(scheme, &[5; 32], &[]));
            assert!(key.sign(scheme, &[5; 32], random, &mut signature[1..]).is_err());
        }
        let (mut ciphertext, mut out) = (vec![0; bits / 8], vec![0xaa; bits / 8]);
        for hash in [OaepHash::Sha1, OaepHash::Sha256] {
            let most = oaep_max(bits / 8, hash);
            for len in [0, 1, most] {
                let message = vec![1; len];
                public.encrypt_oaep(hash, &message, random, &mut ciphertext).unwrap();
                out.fill(0xaa);
                assert_eq!(key.decrypt_oaep(hash, &ciphertext, &mut out[..most]), Ok(len));
                assert_eq!(out[..len], message);
                assert!(out[len..].iter().all(|byte| *byte == 0xaa));
            }
            let too_long = public.encrypt_oaep(hash, &vec![1; most + 1], random, &mut ciphertext);
            assert_eq!(too_long, Err(ErrorCode::Internal.into()));
            let small = key.decrypt_oaep(hash, &ciphertext, &mut out[..most - 1]);
            assert_eq!(small, Err(ErrorCode::Internal.into()));
            ciphertext[9] ^= 1;
            out.fill(0xaa);
            let damaged = key.decrypt_oaep(hash, &ciphertext, &mut out);
            assert_eq!(damaged, Err(ErrorCode::InvalidCiphertext.into()));
            assert!(out.iter().all(|byte| *byte == 0xaa));
        }
    }
}
