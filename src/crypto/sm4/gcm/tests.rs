use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::consts::U12;
use aes_gcm::{AesGcm, KeyInit};
use sm4::Sm4;

use super::*;
use crate::crypto::ghash::tests::{on_every_path, random};

/// What another implementation makes of it.
fn sealed(key: &[u8; 16], iv: &[u8; 12], aad: &[u8], message: &[u8]) -> (Vec<u8>, [u8; 16]) {
    let mut text = message.to_vec();
    let gcm = AesGcm::<Sm4, U12>::new(key.into());
    let tag = gcm.encrypt_inout_detached(iv.into(), aad, text.as_mut_slice().into()).unwrap();
    (text, tag.into())
}

/// Both directions, and one bit wrong in the tag.
fn check(aad: &[u8], message: &[u8], random: &mut impl FnMut() -> u8) {
    let (key, iv) = (std::array::from_fn(|_| random()), std::array::from_fn(|_| random()));
    let (expected, mut expected_tag) = sealed(&key, &iv, aad, message);
    let (mut text, mut tag) = (vec![0xaa; message.len()], [0xaa; 16]);
    seal(&key, &iv, aad, message, &mut text, &mut tag);
    assert_eq!((&text, tag), (&expected, expected_tag), "{} and {}", aad.len(), message.len());
    let mut opened = vec![0xaa; message.len()];
    open(&key, &iv, aad, &text, &tag, &mut opened).unwrap();
    assert_eq!(opened, message);
    expected_tag[usize::from(random() % 16)] ^= 1 << (random() % 8);
    let mut refused = vec![0xaa; message.len()];
    let answer = open(&key, &iv, aad, &text, &expected_tag, &mut refused);
    assert_eq!(answer.unwrap_err().code(), ErrorCode::InvalidCiphertext);
    assert!(refused.iter().all(|byte| *byte == 0xaa), "nothing is written before the tag fits");
}

#[test]
fn against_another_implementation() {
    on_every_path(|| {
        let mut random = random(11);
        let bytes: Vec<u8> = (0..1000).map(|_| random()).collect();
        for len in 0..=300 {
            let (_, bytes) = bytes.split_at(len % 64);
            let aad = usize::from(random()) + usize::from(random());
            check(&bytes[..aad], &bytes[1..][..len], &mut random);
        }
        for aad in 0..=80 {
            check(&bytes[3..][..aad], &bytes[..32], &mut random);
        }
    });
}

/// `make torture` takes a hundred times as many.
#[test]
fn against_another_implementation_at_length() {
    let rounds = if std::env::var_os("KMSHSM_TORTURE").is_some() { 600 } else { 6 };
    on_every_path(|| {
        let mut random = random(13);
        for _ in 0..rounds {
            let len = usize::from(random()) * 32 + usize::from(random());
            let aad = usize::from(random()) * usize::from(random() % 8);
            let bytes: Vec<u8> = (0..len + aad).map(|_| random()).collect();
            let (aad, message) = bytes.split_at(aad);
            check(aad, message, &mut random);
        }
    });
}
