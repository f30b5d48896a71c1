//! What is wrapped here is opened by the engine, and by the crates `rsa`, `sm2`, `aes` and `sm4`.

mod imported;

use ::rsa::pkcs1::EncodeRsaPrivateKey;
use ::rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use ::rsa::{Oaep, Pkcs1v15Encrypt, RsaPrivateKey};
use ::sm2::pke::DecryptingKey;
use aes::cipher::{Block, BlockCipherDecrypt, KeyInit};
use der::pem::{LineEnding, encode_string};
use sha1::Sha1;
use sha2::Sha256;

use super::*;
use crate::crypto::ec::{self, Curve};
use crate::crypto::rsa;
use crate::model::WrappingKeySpec;
use WrappingAlgorithm::{
    OaepSha1, OaepSha256, OaepSha256Aes256Ecb, Pkcs1V15, Sm2Pke, Sm2PkeSm4Ecb,
};

/// A key pair of RSA_2048: of the crate, and its public half.
fn of_rsa() -> (RsaPrivateKey, Vec<u8>) {
    let ours = rsa::RsaPrivateKey::generate(2048, rng::fill).unwrap();
    let mut der = vec![0; rsa::MAX_PKCS8];
    let len = ours.write_pkcs8(&mut der).unwrap();
    (RsaPrivateKey::from_pkcs8_der(&der[..len]).unwrap(), ours.public_spki().unwrap())
}

/// One of SM2: d | x | y, and the public half.
fn of_sm2() -> ([u8; ec::PAIR_LEN], Vec<u8>) {
    let mut pair = [0; ec::PAIR_LEN];
    ec::generate(Curve::Sm2, rng::fill, &mut pair).unwrap();
    (pair, ec::spki(Curve::Sm2, pair.last_chunk().unwrap()))
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    assert!(content.len() < 256);
    let head = if content.len() < 128 { vec![tag] } else { vec![tag, 0x81] };
    [head, vec![content.len() as u8], content.to_vec()].concat()
}

const EC: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";
const P256: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
const SM2: &[u8] = b"\x06\x08\x2a\x81\x1c\xcf\x55\x01\x82\x2d";

/// A private key on a curve in SEC 1, and in PKCS #8, as openssl writes it.
fn of_curve(curve: &[u8], scalar: &[u8], point: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let public = tlv(0xa1, &tlv(3, &[&[0, 4], point].concat()));
    let sec1 = tlv(0x30, &[&[2, 1, 1], &*tlv(4, scalar), &public].concat());
    let algorithm = tlv(0x30, &[EC, curve].concat());
    let pkcs8 = tlv(0x30, &[&[2, 1, 0], &*algorithm, &tlv(4, &sec1)].concat());
    (sec1, pkcs8)
}

fn decrypted<C: KeyInit + BlockCipherDecrypt>(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    let cipher = C::new_from_slice(key).unwrap();
    let mut out = bytes.to_vec();
    assert_eq!(out.len() % 16, 0);
    for block in out.chunks_mut(16) {
        cipher.decrypt_block(<&mut Block<C>>::try_from(block).unwrap());
    }
    out
}

#[test]
fn opened_by_others_with_rsa() {
    let (key, public) = of_rsa();
    for algorithm in [Pkcs1V15, OaepSha1, OaepSha256] {
        for len in [16, 24, 32] {
            let material = vec![len as u8; len];
            let wrapped = wrap_key_material(&public, algorithm, &material).unwrap();
            let opened = match algorithm {
                Pkcs1V15 => key.decrypt(Pkcs1v15Encrypt, &wrapped),
                OaepSha1 => key.decrypt(Oaep::<Sha1>::new(), &wrapped),
                _ => key.decrypt(Oaep::<Sha256>::new(), &wrapped),
            };
            assert_eq!(opened.unwrap(), material);
            assert_ne!(wrap_key_material(&public, algorithm, &material).unwrap(), wrapped);
        }
    }
}

#[test]
fn opened_by_others_with_sm2() {
    let (pair, public) = of_sm2();
    let key = DecryptingKey::from_slice(&pair[..32]).unwrap();
    for len in [16, 24, 32] {
        let material = vec![len as u8; len];
        let wrapped = wrap_key_material(&public, Sm2Pke, &material).unwrap();
        assert_eq!((wrapped.len(), wrapped[0]), (97 + len, 4));
        assert_eq!(key.decrypt(&wrapped).unwrap(), material);
    }
}

/// Private keys of RSA and of curves, in DER and PEM: always the same DER comes out.
#[test]
fn opened_by_others_with_rsa_and_aes() {
    let (key, public) = of_rsa();
    let mut rsa_key = vec![0; rsa::MAX_PKCS8];
    let len =
        rsa::RsaPrivateKey::generate(4096, rng::fill).unwrap().write_pkcs8(&mut rsa_key).unwrap();
    rsa_key.truncate(len);
    let (pair, _) = of_sm2();
    let (_, sm2_key) = of_curve(SM2, &pair[..32], &pair[32..]);
    let (_, p256_key) = of_curve(P256, &[7; 32], &[8; 64]);
    for der in [rsa_key, sm2_key, p256_key] {
        let pem = encode_string("PRIVATE KEY", LineEnding::LF, &der).unwrap();
        let crlf = encode_string("PRIVATE KEY", LineEnding::CRLF, &der).unwrap();
        for given in [&der, pem.as_bytes(), crlf.as_bytes()] {
            let wrapped = wrap_key_material(&public, OaepSha256Aes256Ecb, given).unwrap();
            let (fresh, blocks) = wrapped.split_at(256);
            let fresh = key.decrypt(Oaep::<Sha256>::new(), fresh).unwrap();
            assert_eq!(fresh.len(), 32);
            let mut opened = decrypted::<aes::Aes256>(&fresh, blocks);
            let padding = *opened.last().unwrap();
            assert!((1..=16).contains(&padding));
            let tail = opened.split_off(opened.len() - usize::from(padding));
            assert!(tail.iter().all(|byte| *byte == padding));
            assert_eq!(opened, der);
        }
    }
}

#[test]
fn opened_by_others_with_sm2_and_sm4() {
    let (pair, public) = of_sm2();
    let key = DecryptingKey::from_slice(&pair[..32]).unwrap();
    let (other, _) = of_sm2();
    let (_, der) = of_curve(SM2, &other[..32], &other[32..]);
    let pem = encode_string("PRIVATE KEY", LineEnding::LF, &der).unwrap();
    for given in [&other[..32], &der, pem.as_bytes()] {
        let wrapped = wrap_key_material(&public, Sm2PkeSm4Ecb, given).unwrap();
        assert_eq!(wrapped.len(), 145);
        let (fresh, blocks) = wrapped.split_at(113);
        let fresh = key.decrypt(fresh).unwrap();
        assert_eq!(fresh.len(), 16);
        assert_eq!(decrypted::<sm4::Sm4>(&fresh, blocks), other[..32]);
    }
}

/// What is refused says what it is about and why.
fn refuses(public: &[u8], algorithm: WrappingAlgorithm, material: &[u8], about: &str, why: &str) {
    let error = wrap_key_material(public, algorithm, material).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidParameter);
    let text = error.to_string();
    assert!(text.contains(&format!("\"{about}\"")) && text.contains(why), "{why}: {text}");
}

#[test]
fn public_keys_of_another_kind_are_refused() {
    let (_, of_rsa) = of_rsa();
    let (_, of_sm2) = of_sm2();
    let long = rsa::RsaPrivateKey::generate(3072, rng::fill).unwrap().public_spki().unwrap();
    let pem = encode_string("PUBLIC KEY", LineEnding::LF, &of_rsa).unwrap();
    for algorithm in WrappingAlgorithm::ALL {
        let spec = algorithm.wrapping_key_spec();
        let (other, name) = match spec {
            WrappingKeySpec::Rsa2048 => (&of_sm2, "RSA_2048"),
            WrappingKeySpec::EcSm2 => (&of_rsa, "EC_SM2"),
        };
        for wrong in [other, &long, pem.as_bytes(), &of_rsa[1..], &of_sm2[..90], &[]] {
            refuses(wrong, *algorithm, &[7; 32], "PublicKey", name);
        }
        let public = if spec == WrappingKeySpec::Rsa2048 { &of_rsa } else { &of_sm2 };
        refuses(public, *algorithm, &[], "KeyMaterial", "must not be empty");
    }
}

#[test]
fn an_answer_is_no_public_key() {
    let answer = br#" {"PublicKey": "MIIB"}"#;
    for algorithm in WrappingAlgorithm::ALL {
        refuses(answer, *algorithm, &[7; 32], "PublicKey", "only its PublicKey");
    }
}

/// What no symmetric key takes is refused before it burns a token, with what it looks like.
#[test]
fn material_that_is_no_symmetric_key() {
    let (key, of_rsa) = of_rsa();
    let (pair, of_sm2) = of_sm2();
    let (sec1, pkcs8) = of_curve(SM2, &pair[..32], &pair[32..]);
    let pem = encode_string("PRIVATE KEY", LineEnding::LF, &pkcs8).unwrap();
    let pkcs1 = key.to_pkcs1_der().unwrap().as_bytes().to_vec();
    let digits = "hexadecimal digits";
    let private = "RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD";
    for (given, why) in [
        (vec![b'a'; 64], digits),
        (vec![b'7'; 48], digits),
        ([vec![b'F'; 64], b"\r\n".to_vec()].concat(), digits),
        ([vec![b'0'; 32], b"\n".to_vec()].concat(), digits),
        (vec![b'g'; 64], "bytes of a symmetric key."),
        (vec![7; 1], "16, 24 or 32"),
        (vec![7; 31], "16, 24 or 32"),
        (vec![7; 33], "16, 24 or 32"),
        (vec![7; 6048], "16, 24 or 32"),
        (sec1, private),
        (pkcs8, private),
        (pem.into_bytes(), private),
        (pkcs1, private),
    ] {
        for algorithm in [Pkcs1V15, OaepSha1, OaepSha256, Sm2Pke] {
            let public = if algorithm == Sm2Pke { &of_sm2 } else { &of_rsa };
            refuses(public, algorithm, &given, "KeyMaterial", why);
            let error = wrap_key_material(public, algorithm, &given).unwrap_err().to_string();
            assert_eq!(error.contains("look"), why == digits || why == private, "{error}");
        }
    }
}

#[test]
fn private_keys_of_no_spec() {
    let (_, public) = of_rsa();
    let (_, p384) = of_curve(b"\x06\x05\x2b\x81\x04\x00\x22", &[7; 48], &[8; 96]);
    refuses(&public, OaepSha256Aes256Ecb, &p384, "KeyMaterial", "a curve that no key spec has");
    // Some write d without its leading zeros.
    for len in [0, 1, 31, 33] {
        let (_, short) = of_curve(P256, &[7; 33][..len], &[8; 64]);
        refuses(&public, OaepSha256Aes256Ecb, &short, "KeyMaterial", "with its leading zeros");
    }
    let number = |bytes: &[u8]| tlv(2, bytes);
    let small = [number(&[0]), number(&[&[0, 0x80], &[7; 127][..]].concat())].concat();
    let parts = [number(&[1, 0, 1])].into_iter().chain((0..6).map(|_| number(&[1])));
    let numbers = [small, parts.collect::<Vec<_>>().concat()].concat();
    let algorithm = tlv(0x30, b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00");
    let rsa_1024 = tlv(0x30, &[&[2, 1, 0], &*algorithm, &tlv(4, &tlv(0x30, &numbers))].concat());
    refuses(&public, OaepSha256Aes256Ecb, &rsa_1024, "KeyMaterial", "RSA of this length");
}

#[test]
fn other_forms_of_private_keys_are_named() {
    let (key, public) = of_rsa();
    let (pair, of_sm2) = of_sm2();
    let (sec1, p256) = of_curve(P256, &pair[..32], &pair[32..]);
    let (_, sm2) = of_curve(SM2, &pair[..32], &pair[32..]);
    let pkcs1 = key.to_pkcs1_der().unwrap().as_bytes().to_vec();
    // EncryptedPrivateKeyInfo, and a key of Ed25519 (RFC 8410).
    let encrypted = tlv(0x30, &[tlv(0x30, &[5, 0]), tlv(4, &[7; 48])].concat());
    let ed25519 = tlv(0x30, b"\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x02\x04\x00");
    let pem = |label, der: &[u8]| encode_string(label, LineEnding::LF, der).unwrap().into_bytes();
    for (given, why) in [
        (pkcs1.clone(), "This is PKCS #1: openssl pkey makes PKCS #8 of it."),
        (pem("RSA PRIVATE KEY", &pkcs1), "This is PKCS #1"),
        (sec1.clone(), "This is SEC 1"),
        (pem("EC PRIVATE KEY", &sec1), "This is SEC 1"),
        ([pem("EC PARAMETERS", P256), pem("EC PRIVATE KEY", &sec1)].concat(), "This is SEC 1"),
        (encrypted.clone(), "under a passphrase"),
        (pem("ENCRYPTED PRIVATE KEY", &encrypted), "under a passphrase"),
        (pem("PUBLIC KEY", &public), "This is none."),
        (public.clone(), "This is none."),
        (b"-----BEGIN PRIVATE KEY-----\n".to_vec(), "not the PEM of one"),
        (vec![7; 31], "This is none."),
        (vec![0x30], "This is none."),
        ([&sm2[..], &[0]].concat(), "This is none."),
    ] {
        refuses(&public, OaepSha256Aes256Ecb, &given, "KeyMaterial", why);
        refuses(&of_sm2, Sm2PkeSm4Ecb, &given, "KeyMaterial", why);
    }
    refuses(&public, OaepSha256Aes256Ecb, &[7; 32], "KeyMaterial", "This is none.");
    refuses(&public, OaepSha256Aes256Ecb, &ed25519, "KeyMaterial", "another algorithm");
    let (_, short) = of_curve(SM2, &pair[..31], &pair[32..]);
    let (_, mixed) = of_curve(SM2, &[7; 32], &pair[32..]);
    for wrong in [&ed25519, &p256, &short, &mixed, &vec![0; 32], &vec![0xff; 32]] {
        refuses(&of_sm2, Sm2PkeSm4Ecb, wrong, "KeyMaterial", "no key of SM2");
    }
}

/// The length is told before any work, and never more than the constant says.
#[test]
fn memory_that_is_too_short() {
    let ((_, of_rsa), (pair, of_sm2)) = (of_rsa(), of_sm2());
    let (_, der) = of_curve(SM2, &pair[..32], &pair[32..]);
    for algorithm in WrappingAlgorithm::ALL {
        let (public, material) = match algorithm.wrapping_key_spec() {
            WrappingKeySpec::Rsa2048 if *algorithm == OaepSha256Aes256Ecb => (&of_rsa, &*der),
            WrappingKeySpec::Rsa2048 => (&of_rsa, &pair[..16]),
            WrappingKeySpec::EcSm2 => (&of_sm2, &pair[..32]),
        };
        let needed = wrap_key_material(public, *algorithm, material).unwrap().len();
        assert!(needed <= material.len() + WRAPPING_OVERHEAD, "{algorithm}");
        let mut memory = vec![0xaa; needed];
        let fill = |memory: &mut [u8]| {
            wrap_key_material_into(public, *algorithm, material, Into::Memory(memory))
                .map(|written| written.len())
        };
        let error = fill(&mut memory[1..]).unwrap_err();
        assert_eq!((error.code(), error.needed()), (ErrorCode::BufferTooSmall, needed));
        assert!(memory.iter().all(|byte| *byte == 0xaa));
        assert_eq!(fill(&mut memory), Ok(needed));
        assert!(memory.iter().any(|byte| *byte != 0xaa));
    }
}
