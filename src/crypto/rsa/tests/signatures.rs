//! Published signatures.
#![forbid(unsafe_code)]

use der::Decode;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::super::private::sign;
use super::super::public::recover;
use super::super::{pkcs1, pss};
use super::*;
use crate::crypto::digest::{sha1_parts, sha256, sha256_parts};
use crate::crypto::vectors::{Group, Hex, Verdict, kmsvec, wycheproof};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    id: String,
    src: usize,
    scheme: String,
    hash: String,
    mgf_hash: Option<String>,
    salt_len: Option<usize>,
    salt: Option<Hex>,
    msg: Hex,
    sig: Hex,
    result: Verdict,
    #[serde(rename = "comment")]
    _comment: Option<String>,
    rsa_key: String,
}

impl Case {
    fn encode(&self, salt: &[u8], block: &mut [u8]) -> Result<()> {
        let message = &self.msg.0;
        match (self.scheme.as_str(), self.hash.as_str()) {
            ("PSS", "SHA-1") => pss::encode(sha1_parts, &sha1_parts(&[message]), salt, block),
            ("PSS", _) => pss::encode(sha256_parts, &sha256(message), salt, block),
            _ => pkcs1::encode(&sha256(message), block),
        }
    }

    fn is_encoded(&self, salt_len: usize, block: &mut [u8]) -> bool {
        let (message, salt) = (&self.msg.0, salt_len);
        match (self.scheme.as_str(), self.hash.as_str()) {
            ("PSS", "SHA-1") => pss::is_encoded(sha1_parts, &sha1_parts(&[message]), salt, block),
            ("PSS", _) => pss::is_encoded(sha256_parts, &sha256(message), salt, block),
            _ => pkcs1::is_encoded(&sha256(message), block),
        }
    }
}

/// With exponents and salts that are not taken: so these go to the parts.
#[test]
fn with_numbers() {
    for (name, valid, invalid) in [
        ("rsa_pss_rsalabs.json", 7, 0),
        ("rsa_siggen_cavp.json", 36, 0),
        ("rsa_sigver_cavp.json", 15, 73),
    ] {
        let file = kmsvec::<Case>(name);
        let mut tried = (0, 0);
        for case in &file.tests {
            assert!(case.src < file.sources.len());
            match case.scheme.as_str() {
                "PSS" => assert_eq!(case.mgf_hash.as_ref(), Some(&case.hash)),
                _ => assert_eq!(
                    (case.scheme.as_str(), case.hash.as_str()),
                    ("PKCS1-v1_5", "SHA-256")
                ),
            }
            let numbers = &file.keys[&case.rsa_key];
            let key = public_from_numbers(numbers);
            let salt_len = case.salt_len.unwrap_or(0);
            let verified = recover(&key, &case.sig.0, |block| case.is_encoded(salt_len, block));
            assert_eq!(verified, case.result == Verdict::Valid, "{}", case.id);
            if verified {
                tried.0 += 1
            } else {
                tried.1 += 1
            }
            if case.scheme == "PSS" {
                // A signature has one length of salt, and no other will do.
                let with = |len| recover(&key, &case.sig.0, |block| case.is_encoded(len, block));
                assert!(!with(pss::SALT_LEN) && !with(salt_len + 1), "{}", case.id);
            }
            if let (Some(salt), true) = (&case.salt, numbers.contains_key("d")) {
                assert_eq!(salt.0.len(), salt_len);
                let mut signature = vec![0; case.sig.0.len()];
                let encode = |block: &mut [u8]| case.encode(&salt.0, block);
                sign(&from_numbers(numbers), encode, &mut signature).unwrap();
                assert_eq!(signature, case.sig.0, "{}", case.id);
            }
        }
        assert_eq!(tried, (valid, invalid), "{name}");
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Shared {
    key_size: usize,
    public_key_der: Hex,
    public_key_asn: Hex,
    #[serde(rename = "publicKey")]
    _numbers: IgnoredAny,
    sha: String,
    mgf: Option<String>,
    mgf_sha: Option<String>,
    s_len: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WycheproofCase {
    tc_id: u32,
    comment: String,
    flags: Vec<String>,
    msg: Hex,
    sig: Hex,
    result: Verdict,
}

#[test]
fn wycheproof_vectors() {
    for (name, scheme) in [
        ("rsa_pss_2048_sha256_mgf1_32_test.json", Scheme::PssSha256),
        ("rsa_pss_3072_sha256_mgf1_32_test.json", Scheme::PssSha256),
        ("rsa_pss_4096_sha256_mgf1_32_test.json", Scheme::PssSha256),
        ("rsa_pss_2048_sha256_mgf1_0_test.json", Scheme::PssSha256),
        ("rsa_signature_2048_sha256_test.json", Scheme::Pkcs1Sha256),
        ("rsa_signature_3072_sha256_test.json", Scheme::Pkcs1Sha256),
        ("rsa_signature_4096_sha256_test.json", Scheme::Pkcs1Sha256),
    ] {
        for Group { shared, tests } in wycheproof::<Shared, WycheproofCase>(name) {
            assert_eq!(shared.sha, "SHA-256");
            let is_pss = scheme == Scheme::PssSha256;
            assert_eq!(shared.mgf.as_deref(), is_pss.then_some("MGF1"));
            assert_eq!(shared.mgf_sha.as_deref(), is_pss.then_some("SHA-256"));
            let numbers = pkcs1_numbers(&shared.public_key_asn.0);
            let raw = RsaPublic::new(numbers.0, numbers.1).unwrap();
            assert_eq!(raw.modulus_len() * 8, shared.key_size);
            let key = RsaPublicKey::from_spki(&shared.public_key_der.0);
            // Two groups have e = 3: such a key is not taken, and its signatures go to the parts.
            assert_eq!(key.is_ok(), numbers.1.len() >= 3, "{name}");
            for case in tests {
                let name = format!("{name} {} {}", case.tc_id, case.comment);
                let digest = sha256(&case.msg.0);
                if case.result == Verdict::Acceptable {
                    // DigestInfo without NULL: there is one encoding, and this is another.
                    assert_eq!(case.flags, ["MissingNull"], "{name}");
                }
                let right = case.result == Verdict::Valid;
                let salt_len = shared.s_len.unwrap_or(0);
                let recovered = recover(&raw, &case.sig.0, |block| match scheme {
                    Scheme::PssSha256 => pss::is_encoded(sha256_parts, &digest, salt_len, block),
                    Scheme::Pkcs1Sha256 => pkcs1::is_encoded(&digest, block),
                });
                assert_eq!(recovered, right, "{name}");
                if let Ok(key) = &key {
                    // Where no salt is expected, ours is what one case has wrong.
                    let taken = match shared.s_len {
                        Some(0) => case.comment == "s_len changed to 32",
                        _ => right,
                    };
                    assert_eq!(key.verify(scheme, &digest, &case.sig.0), taken, "{name}");
                }
            }
        }
    }
}

fn pkcs1_numbers(der: &[u8]) -> (&[u8], &[u8]) {
    let key = ::pkcs1::RsaPublicKeyRef::from_der(der).unwrap();
    (key.modulus.as_bytes(), key.public_exponent.as_bytes())
}
