#![forbid(unsafe_code)]

use std::collections::HashMap;

use ::rsa::BoxedUint;
use ::rsa::pkcs8::EncodePrivateKey;
use serde::Deserialize;
use serde_json::Value;

use super::private::decrypt;
use super::*;
use crate::crypto::drbg::reproducible as random;
use crate::crypto::provider::RsaKey;
use crate::crypto::vectors::{Group, Hex, Verdict, kmsvec, wycheproof};
use crate::error::ErrorCode;

fn pkcs8(key: &RsaPrivateKey) -> Vec<u8> {
    let mut der = vec![0; MAX_PKCS8];
    let len = key.write_pkcs8(&mut der).unwrap();
    assert!(key.write_pkcs8(&mut vec![0; len - 1]).is_err());
    der.truncate(len);
    der
}

/// Decrypts with the right length, and asks for every wrong one nearby.
fn check(key: &RsaKey, padding: Padding, ciphertext: &[u8], message: Option<&[u8]>, name: &str) {
    let right = message.map(<[u8]>::len);
    let lens = (0..40).chain(right.iter().flat_map(|len| len.saturating_sub(1)..len + 2));
    for len in lens.filter(|len| Some(*len) != right) {
        let mut out = vec![0xaa; len];
        let error = decrypt(key, padding, ciphertext, &mut out).unwrap_err();
        assert_eq!(error, ErrorCode::InvalidKeyMaterial.into(), "{name}");
        assert!(out.iter().all(|byte| *byte == 0xaa), "{name}");
    }
    if let Some(message) = message {
        let mut out = vec![0xaa; message.len()];
        decrypt(key, padding, ciphertext, &mut out).unwrap_or_else(|_| panic!("{name}"));
        assert_eq!(out, message, "{name}");
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    id: String,
    src: usize,
    scheme: String,
    hash: Option<String>,
    mgf_hash: Option<String>,
    label: Option<String>,
    msg: Hex,
    #[serde(rename = "seed")]
    _seed: Hex,
    ct: Hex,
    result: Verdict,
    rsa_key: String,
}

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

#[test]
fn rsa_laboratories() {
    for (name, padding, scheme) in [
        ("rsa_oaep_rsalabs.json", Padding::OaepSha1, "OAEP"),
        ("rsa_pkcs1_encrypt_rsalabs.json", Padding::Pkcs1V15, "PKCS1-v1_5"),
    ] {
        let file = kmsvec::<Case>(name);
        let keys: HashMap<_, _> =
            file.keys.iter().map(|(name, numbers)| (name, from_numbers(numbers))).collect();
        for case in &file.tests {
            assert!(case.src < file.sources.len());
            assert_eq!((case.scheme.as_str(), case.result), (scheme, Verdict::Valid));
            for hash in case.hash.iter().chain(&case.mgf_hash) {
                assert_eq!(hash, "SHA-1");
            }
            assert!(case.label.as_ref().is_none_or(String::is_empty));
            check(&keys[&case.rsa_key], padding, &case.ct.0, Some(&case.msg.0), &case.id);
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Shared {
    private_key_pkcs8: Hex,
    key_size: usize,
    sha: Option<String>,
    mgf: Option<String>,
    mgf_sha: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WycheproofCase {
    tc_id: u32,
    comment: String,
    #[serde(rename = "flags")]
    _flags: Vec<String>,
    msg: Hex,
    ct: Hex,
    label: Option<Hex>,
    result: Verdict,
}

#[test]
fn wycheproof_vectors() {
    for (name, padding, hash) in [
        ("rsa_pkcs1_2048_test.json", Padding::Pkcs1V15, None),
        ("rsa_oaep_2048_sha1_mgf1sha1_test.json", Padding::OaepSha1, Some("SHA-1")),
        ("rsa_oaep_2048_sha256_mgf1sha256_test.json", Padding::OaepSha256, Some("SHA-256")),
    ] {
        for Group { shared, tests } in wycheproof::<Shared, WycheproofCase>(name) {
            assert_eq!((shared.sha.as_deref(), shared.mgf_sha.as_deref()), (hash, hash));
            assert_eq!(shared.mgf.as_deref(), hash.map(|_| "MGF1"));
            let key = RsaPrivateKey::from_pkcs8(&shared.private_key_pkcs8.0, random).unwrap().0;
            assert_eq!(key.modulus_len() * 8, shared.key_size);
            for case in tests {
                // Labels other than the empty one are not taken: such a message does not open.
                let empty_label = case.label.is_none_or(|label| label.0.is_empty());
                let valid = case.result == Verdict::Valid && empty_label;
                let name = format!("{name} {} {}", case.tc_id, case.comment);
                check(&key, padding, &case.ct.0, valid.then_some(&case.msg.0[..]), &name);
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Byok {
    id: String,
    src: usize,
    wrapping_key_spec: String,
    #[serde(rename = "targetSpec")]
    _target_spec: String,
    msg: Option<Hex>,
    mechanism: String,
    #[serde(rename = "oaepHash")]
    _oaep_hash: Option<String>,
    #[serde(rename = "mgfHash")]
    _mgf_hash: Option<String>,
    #[serde(rename = "aesBits")]
    _aes_bits: Option<u32>,
    blob: Hex,
    result: Verdict,
    wrap_key: String,
    #[serde(rename = "comment")]
    _comment: Option<String>,
}

#[test]
fn wrapped_by_openssl() {
    let file = kmsvec::<Byok>("byok_rsa_wrap_generated.json");
    let mut tried = 0;
    for case in &file.tests {
        let padding = match case.mechanism.as_str() {
            "RSAES_PKCS1_V1_5" => Padding::Pkcs1V15,
            "RSAES_OAEP_SHA_1" => Padding::OaepSha1,
            "RSAES_OAEP_SHA_256" => Padding::OaepSha256,
            _ => continue,
        };
        assert!(case.src < file.sources.len() && case.wrapping_key_spec == "RSA_2048");
        assert_eq!(case.result, Verdict::Valid);
        let der = hex::decode(file.keys[&case.wrap_key]["pkcs8"].as_str().unwrap()).unwrap();
        let key = RsaPrivateKey::from_pkcs8(&der, random).unwrap();
        assert_eq!(pkcs8(&key), der);
        check(&key.0, padding, &case.blob.0, Some(&case.msg.as_ref().unwrap().0), &case.id);
        tried += 1;
    }
    assert_eq!(tried, 15);
}

#[test]
fn generated() {
    let key = RsaPrivateKey::generate(2048, random).unwrap();
    let again = RsaPrivateKey::from_pkcs8(&pkcs8(&key), random).unwrap();
    assert_eq!(key.public_spki().unwrap(), again.public_spki().unwrap());
    let mut ciphertext = vec![0; 256];
    let public = key.public().unwrap();
    public.encrypt_oaep(OaepHash::Sha1, b"sixteen bytes ..", random, &mut ciphertext).unwrap();
    let mut out = [0xaa; 20];
    again.decrypt(Padding::OaepSha1, &ciphertext, 16, &mut out).unwrap();
    assert_eq!(&out, b"sixteen bytes ..\xaa\xaa\xaa\xaa");
    assert!(again.decrypt(Padding::OaepSha1, &ciphertext, 21, &mut out).is_err());
    for bits in [0, 1024, 2047, 2049, 8192] {
        assert!(RsaPrivateKey::generate(bits, random).is_err());
    }
}

#[test]
fn ciphertexts_out_of_range() {
    let key = RsaPrivateKey::generate(2048, random).unwrap();
    let spki = key.public_spki().unwrap();
    // n stands in SubjectPublicKeyInfo before e: 02 03 01 00 01.
    let n = &spki[spki.len() - 5 - 256..spki.len() - 5];
    for wrong in [n, &[0xff; 256], &[0; 256], &n[1..], &[n, &[0]].concat(), &[]] {
        for padding in [Padding::Pkcs1V15, Padding::OaepSha1, Padding::OaepSha256] {
            let mut out = [0xaa; 16];
            let error = key.decrypt(padding, wrong, 16, &mut out).unwrap_err();
            assert_eq!(error, ErrorCode::InvalidKeyMaterial.into());
            assert_eq!(out, [0xaa; 16]);
        }
    }
}

#[test]
fn signed_and_encrypted() {
    for bits in BITS {
        let key = RsaPrivateKey::generate(bits, random).unwrap();
        let public = RsaPublicKey::from_spki(&key.public_spki().unwrap()).unwrap();
        assert_eq!(public.spki(), key.public_spki());
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
