//! Against the vectors see `aead`.

use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::consts::U12;
use aes_gcm::{AesGcm, KeyInit};
use proptest::prelude::*;
use sm4::Sm4;

use super::*;

/// What another implementation makes of it.
fn sealed(key: &[u8; 16], iv: &[u8; 12], aad: &[u8], message: &[u8]) -> (Vec<u8>, [u8; 16]) {
    let mut text = message.to_vec();
    let gcm = AesGcm::<Sm4, U12>::new(key.into());
    let tag = gcm.encrypt_inout_detached(iv.into(), aad, text.as_mut_slice().into()).unwrap();
    (text, tag.into())
}

/// Both directions on every path, and a tag with one bit wrong.
fn check(key: &[u8; 16], iv: &[u8; 12], aad: &[u8], message: &[u8], wrong: usize) {
    let (expected, expected_tag) = sealed(key, iv, aad, message);
    let mut wrong_tag = expected_tag;
    wrong_tag[wrong / 8 % 16] ^= 1 << (wrong % 8);
    for path in Path::all() {
        let (mut text, mut tag) = (vec![0xaa; message.len()], [0xaa; 16]);
        seal_on(path, key, iv, aad, message, &mut text, &mut tag);
        let lengths = (aad.len(), message.len());
        assert_eq!((&text, tag), (&expected, expected_tag), "{path:?}, {lengths:?}");
        let mut opened = vec![0xaa; message.len()];
        open_on(path, key, iv, aad, &text, &tag, &mut opened).unwrap();
        assert_eq!(opened, message, "{path:?}, {lengths:?}");
        opened.fill(0xaa);
        let refused = open_on(path, key, iv, aad, &text, &wrong_tag, &mut opened).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::InvalidCiphertext);
        assert!(opened.iter().all(|byte| *byte == 0xaa), "written before the tag was checked");
    }
}

#[test]
fn every_length() {
    let bytes: Vec<u8> = (0..2000u32).map(|at| ((at * at) >> 3) as u8).collect();
    let (key, iv) = (std::array::from_fn(|at| at as u8), std::array::from_fn(|at| at as u8 ^ 0xa5));
    for len in (0..=300).chain((301..1500).step_by(37)) {
        check(&key, &iv, &bytes[..len * 7 % 120], &bytes[len % 16 + 1..][..len], len);
    }
    for len in 0..=300 {
        check(&key, &iv, &bytes[len % 16 + 1..][..len], &bytes[..32], len);
    }
}

proptest! {
    // `make torture` asks for more.
    #[test]
    fn anything_as_another_implementation(
        key: [u8; 16],
        iv: [u8; 12],
        aad in proptest::collection::vec(any::<u8>(), 0..600),
        message in proptest::collection::vec(any::<u8>(), 0..6200),
        wrong in 0..128usize,
    ) {
        check(&key, &iv, &aad, &message, wrong);
    }
}
