//! Both providers give the same answers to the same random questions.
#![forbid(unsafe_code)]

mod ec;

use super::{awslc, rustcrypto};
use crate::crypto::drbg::reproducible;
use crate::crypto::rsa::{OaepHash, Scheme, oaep_max};
use crate::error::ErrorCode;

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
            awslc::aes_decrypt_blocks(&key, &mut ours).unwrap();
            rustcrypto::aes_decrypt_blocks(&key, &mut theirs).unwrap();
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
    assert!(awslc::aes_decrypt_blocks(&[0; 20], &mut []).is_err());
    assert!(rustcrypto::aes_decrypt_blocks(&[0; 20], &mut []).is_err());
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
        let (mut ours, mut theirs) = (awslc::Sha256::new(), rustcrypto::Sha256::new());
        for part in parts {
            ours.update(part);
            theirs.update(part);
        }
        assert_eq!(ours.finish(), theirs.finish());
        assert_eq!(awslc::hmac_sha256(&key, parts), rustcrypto::hmac_sha256(&key, parts));
    }
}

/// A key of each provider, the same.
fn rsa_pair(bits: usize) -> (awslc::RsaKey, rustcrypto::RsaKey, Vec<u8>) {
    let ours = awslc::RsaKey::generate(bits, reproducible).unwrap();
    let mut pkcs8 = vec![0; 4096];
    let len = ours.write_pkcs8(&mut pkcs8).unwrap();
    pkcs8.truncate(len);
    (ours, rustcrypto::RsaKey::from_pkcs8(&pkcs8, reproducible).unwrap(), pkcs8)
}

/// Its public half in each provider.
fn rsa_public(key: &awslc::RsaKey) -> (awslc::RsaPublic, rustcrypto::RsaPublic) {
    let spki = key.public_spki().unwrap();
    // The numbers stand at the end: INTEGER n with a zero in front, INTEGER 65537.
    let (front, exponent) = spki.split_at(spki.len() - 3);
    let modulus = &front[front.len() - 2 - key.modulus_len()..front.len() - 2];
    (
        awslc::RsaPublic::new(modulus, exponent).unwrap(),
        rustcrypto::RsaPublic::new(modulus, exponent).unwrap(),
    )
}

#[test]
fn rsa_encodings() {
    let (ours, theirs, pkcs8) = rsa_pair(2048);
    let mut again = vec![0; pkcs8.len()];
    assert_eq!(theirs.write_pkcs8(&mut again), Ok(pkcs8.len()));
    assert_eq!(again, pkcs8);
    assert_eq!(theirs.public_spki().unwrap(), ours.public_spki().unwrap());
    for cut in [&pkcs8[1..], &pkcs8[..pkcs8.len() - 1], &[&pkcs8[..], &[0]].concat()] {
        assert!(awslc::RsaKey::from_pkcs8(cut, reproducible).is_err());
        assert!(rustcrypto::RsaKey::from_pkcs8(cut, reproducible).is_err());
    }
}

#[test]
fn rsa_without_padding() {
    for bits in [2048, 3072, 4096] {
        let (ours, theirs, _) = rsa_pair(bits);
        let (our_public, their_public) = rsa_public(&ours);
        let len = bits / 8;
        assert_eq!([ours.modulus_len(), theirs.modulus_len()], [len; 2]);
        assert_eq!([our_public.modulus_len(), their_public.modulus_len()], [len; 2]);
        let (mut one, mut other) = (vec![0; len], vec![0; len]);
        for _ in 0..4 {
            let mut input = random(len);
            input[0] = 0;
            our_public.apply(&input, &mut one).unwrap();
            their_public.apply(&input, &mut other).unwrap();
            assert_eq!(one, other);
            ours.apply(&one, &mut other).unwrap();
            assert_eq!(other, input);
            other.fill(0);
            theirs.apply(&one, &mut other).unwrap();
            assert_eq!(other, input);
        }
        for wrong in [vec![0xff; len], vec![1; len - 1], vec![1; len + 1], vec![]] {
            let refused = Err(ErrorCode::InvalidCiphertext.into());
            assert_eq!(ours.apply(&wrong, &mut one), refused);
            assert_eq!(theirs.apply(&wrong, &mut one), refused);
            assert_eq!(our_public.apply(&wrong, &mut one), refused);
            assert_eq!(their_public.apply(&wrong, &mut one), refused);
        }
        let (input, internal) = (vec![1; len], Err(ErrorCode::Internal.into()));
        for wrong in [0, len - 1, len + 1] {
            assert_eq!(ours.apply(&input, &mut vec![0; wrong]), internal);
            assert_eq!(theirs.apply(&input, &mut vec![0; wrong]), internal);
            assert_eq!(our_public.apply(&input, &mut vec![0; wrong]), internal);
            assert_eq!(their_public.apply(&input, &mut vec![0; wrong]), internal);
        }
    }
}

/// What one signs the other verifies, what one encrypts the other decrypts.
#[test]
fn rsa_with_padding() {
    let (ours, theirs, _) = rsa_pair(2048);
    let (our_public, their_public) = rsa_public(&ours);
    for scheme in [Scheme::PssSha256, Scheme::Pkcs1Sha256] {
        let digest: [u8; 32] = random(32).try_into().unwrap();
        let (mut block, mut one, mut other) = ([0; 256], [0; 256], [0; 256]);
        scheme.encode(&digest, reproducible, &mut block).unwrap();
        ours.apply(&block, &mut one).unwrap();
        theirs.apply(&block, &mut other).unwrap();
        assert_eq!(one, other);
        our_public.apply(&other, &mut block).unwrap();
        assert!(scheme.is_encoded(&digest, &mut block));
        their_public.apply(&one, &mut block).unwrap();
        assert!(scheme.is_encoded(&digest, &mut block));
    }
    for hash in [OaepHash::Sha1, OaepHash::Sha256] {
        for len in [0, 1, 100, oaep_max(256, hash)] {
            let message = random(len);
            let (mut block, mut one, mut other) = ([0; 256], [0; 256], [0; 256]);
            hash.encode(&message, reproducible, &mut block).unwrap();
            our_public.apply(&block, &mut one).unwrap();
            their_public.apply(&block, &mut other).unwrap();
            assert_eq!(one, other);
            for answer in [ours.apply(&one, &mut block), theirs.apply(&one, &mut other)] {
                answer.unwrap();
            }
            for mut block in [block, other] {
                let (right, found) = hash.decode(&mut block);
                assert!(bool::from(right) && block[256 - found..] == message);
            }
        }
    }
}
