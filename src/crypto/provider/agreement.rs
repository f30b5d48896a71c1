//! Both providers give the same answers to the same random questions.
#![forbid(unsafe_code)]

mod ec;

use super::{awslc, rustcrypto};
use crate::crypto::drbg::reproducible;

fn random(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    reproducible(&mut bytes).unwrap();
    bytes
}

/// Lengths around the block sizes of everything here, and a few large ones.
fn lengths() -> impl Iterator<Item = usize> {
    (0..70).chain([111, 119, 127, 128, 129, 191, 255, 256, 257, 511, 1024, 4096, 6144, 70_001])
}

#[test]
fn blocks() {
    for key_len in [16, 24, 32] {
        for count in 0..20 {
            let key = random(key_len);
            let mut ours = vec![[0u8; 16]; count];
            reproducible(ours.as_flattened_mut()).unwrap();
            let mut theirs = ours.clone();
            let mut schedule = awslc::AesKey::new(&random(32)).unwrap();
            schedule.rekey(&key).unwrap();
            schedule.encrypt_blocks(&mut ours);
            rustcrypto::AesKey::new(&key).unwrap().encrypt_blocks(&mut theirs);
            assert_eq!(ours, theirs);
        }
    }
    let key = random(32);
    let (ours, theirs) =
        (awslc::AesKey::new(&key).unwrap(), rustcrypto::AesKey::new(&key).unwrap());
    for first in [0, u128::from(u32::MAX) - 5, u128::from(u64::MAX) - 5, u128::MAX - 5] {
        for count in 0..20 {
            let (mut one, mut other) = (vec![[1; 16]; count], vec![[2; 16]; count]);
            ours.keystream(first, &mut one);
            theirs.keystream(first, &mut other);
            assert_eq!(one, other);
        }
    }
    assert!(awslc::AesKey::new(&[0; 20]).is_err());
    assert!(rustcrypto::AesKey::new(&[0; 20]).is_err());
}

#[test]
fn gcm() {
    for (key_len, len) in [16, 24, 32].into_iter().flat_map(|k| lengths().map(move |n| (k, n))) {
        let (key, aad, message) = (random(key_len), random(len % 83), random(len));
        let iv: [u8; 12] = random(12).try_into().unwrap();
        let (mut ours, mut our_tag) = (vec![0; len], [0; 16]);
        let (mut theirs, mut their_tag) = (vec![0; len], [0; 16]);
        awslc::gcm_seal(&key, &iv, &aad, &message, &mut ours, &mut our_tag).unwrap();
        rustcrypto::gcm_seal(&key, &iv, &aad, &message, &mut theirs, &mut their_tag).unwrap();
        assert_eq!((&ours, our_tag), (&theirs, their_tag));
        let mut opened = vec![0; len];
        awslc::gcm_open(&key, &iv, &aad, &ours, &our_tag, &mut opened).unwrap();
        assert_eq!(opened, message);
        opened.fill(0);
        rustcrypto::gcm_open(&key, &iv, &aad, &ours, &our_tag, &mut opened).unwrap();
        assert_eq!(opened, message);
        our_tag[len % 16] ^= 1 << (len % 8);
        assert!(awslc::gcm_open(&key, &iv, &aad, &ours, &our_tag, &mut opened).is_err());
        assert!(rustcrypto::gcm_open(&key, &iv, &aad, &ours, &our_tag, &mut opened).is_err());
    }
}

#[test]
fn hashes() {
    for len in lengths() {
        let (a, b, key) = (random(len), random(len / 3), random(len));
        let parts: &[&[u8]] = &[&a, &[], &b];
        assert_eq!(awslc::sha1(parts), rustcrypto::sha1(parts));
        assert_eq!(awslc::sha256(parts), rustcrypto::sha256(parts));
        assert_eq!(awslc::hmac_sha256(&key, parts), rustcrypto::hmac_sha256(&key, parts));
    }
}

#[test]
fn rsa() {
    let ours = awslc::RsaKey::generate(2048, reproducible).unwrap();
    let (mut pkcs8, mut again) = (vec![0; 2048], vec![0; 2048]);
    pkcs8.truncate(ours.write_pkcs8(&mut pkcs8.clone()).unwrap());
    ours.write_pkcs8(&mut pkcs8).unwrap();
    let theirs = rustcrypto::RsaKey::from_pkcs8(&pkcs8, reproducible).unwrap();
    again.truncate(theirs.write_pkcs8(&mut again.clone()).unwrap());
    theirs.write_pkcs8(&mut again).unwrap();
    assert_eq!(again, pkcs8);
    assert_eq!(theirs.public_spki().unwrap(), ours.public_spki().unwrap());
    assert_eq!((ours.modulus_len(), theirs.modulus_len()), (256, 256));
    let (mut one, mut other) = (vec![0; 256], vec![0; 256]);
    for _ in 0..4 {
        let mut ciphertext = random(256);
        ciphertext[0] = 0;
        ours.apply(&ciphertext, &mut one).unwrap();
        theirs.apply(&ciphertext, &mut other).unwrap();
        assert_eq!(one, other);
    }
    for wrong in [&[0xff; 256][..], &[1; 255], &[1; 257], &[]] {
        assert!(ours.apply(wrong, &mut one).is_err());
        assert!(theirs.apply(wrong, &mut other).is_err());
    }
    for cut in [&pkcs8[1..], &pkcs8[..pkcs8.len() - 1], &[&pkcs8[..], &[0]].concat()] {
        assert!(awslc::RsaKey::from_pkcs8(cut, reproducible).is_err());
        assert!(rustcrypto::RsaKey::from_pkcs8(cut, reproducible).is_err());
    }
}
