//! Published ciphertexts.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::collections::HashMap;

use serde::Deserialize;

use super::super::private::{decrypt, decrypt_oaep};
use super::super::public::{encrypt_oaep, encrypt_pkcs1};
use super::*;
use crate::crypto::vectors::{Group, Hex, Verdict, kmsvec, wycheproof};

/// Decrypts, and asks for every wrong length nearby.
fn check(key: &RsaKey, padding: Padding, ciphertext: &[u8], message: Option<&[u8]>, name: &str) {
    let right = message.map(<[u8]>::len);
    let step = if key.modulus_len() > 256 { 13 } else { 1 }; // the longer, the slower
    let lens = (0..40).step_by(step);
    let lens = lens.chain(right.iter().flat_map(|len| len.saturating_sub(1)..len + 2));
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
    let Padding::Oaep(hash) = padding else { return };
    let mut out = vec![0xaa; oaep_max(key.modulus_len(), hash)];
    let answer = decrypt_oaep(key, hash, ciphertext, &mut out);
    assert_eq!(answer, right.ok_or(ErrorCode::InvalidCiphertext.into()), "{name}");
    let (found, rest) = out.split_at(right.unwrap_or(0));
    assert_eq!(found, message.unwrap_or_default(), "{name}");
    assert!(rest.iter().all(|byte| *byte == 0xaa), "{name}");
}

thread_local! {
    static SEED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The seed of a case, where random bytes are asked for.
fn seed(out: &mut [u8]) -> Result<()> {
    SEED.with_borrow(|seed| out.copy_from_slice(seed));
    Ok(())
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
    seed: Option<Hex>,
    ct: Hex,
    result: Verdict,
    rsa_key: String,
}

#[test]
fn with_numbers() {
    for (name, padding, scheme, hash) in [
        ("rsa_oaep_rsalabs.json", Padding::Oaep(OaepHash::Sha1), "OAEP", Some("SHA-1")),
        ("rsa_oaep_sha2_custom.json", Padding::Oaep(OaepHash::Sha256), "OAEP", Some("SHA-256")),
        ("rsa_pkcs1_encrypt_rsalabs.json", Padding::Pkcs1V15, "PKCS1-v1_5", None),
    ] {
        let file = kmsvec::<Case>(name);
        let keys: HashMap<_, _> =
            file.keys.iter().map(|(name, numbers)| (name, from_numbers(numbers))).collect();
        for case in &file.tests {
            assert!(case.src < file.sources.len());
            assert_eq!((case.scheme.as_str(), case.result), (scheme, Verdict::Valid));
            assert_eq!((case.hash.as_deref(), case.mgf_hash.as_deref()), (hash, hash));
            assert!(case.label.as_ref().is_none_or(String::is_empty));
            check(&keys[&case.rsa_key], padding, &case.ct.0, Some(&case.msg.0), &case.id);
            let Some(wanted) = &case.seed else {
                assert_eq!(hash, Some("SHA-256"));
                continue;
            };
            SEED.set(wanted.0.clone());
            let mut ciphertext = vec![0; case.ct.0.len()];
            let public = public_from_numbers(&file.keys[&case.rsa_key]);
            let (message, out) = (&case.msg.0, &mut ciphertext);
            match padding {
                Padding::Oaep(hash) => encrypt_oaep(&public, hash, message, seed, out).unwrap(),
                // What PKCS #1 v1.5 has for a seed is its padding.
                Padding::Pkcs1V15 => encrypt_pkcs1(&public, message, seed, out).unwrap(),
            }
            assert_eq!(ciphertext, case.ct.0, "{}", case.id);
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
        ("rsa_pkcs1_3072_test.json", Padding::Pkcs1V15, None),
        ("rsa_oaep_2048_sha1_mgf1sha1_test.json", Padding::Oaep(OaepHash::Sha1), Some("SHA-1")),
        (
            "rsa_oaep_2048_sha256_mgf1sha256_test.json",
            Padding::Oaep(OaepHash::Sha256),
            Some("SHA-256"),
        ),
        (
            "rsa_oaep_3072_sha256_mgf1sha256_test.json",
            Padding::Oaep(OaepHash::Sha256),
            Some("SHA-256"),
        ),
        (
            "rsa_oaep_4096_sha256_mgf1sha256_test.json",
            Padding::Oaep(OaepHash::Sha256),
            Some("SHA-256"),
        ),
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
