//! HMAC-SHA-256 (RFC 2104, FIPS 198-1) and HKDF over it (RFC 5869).
#![forbid(unsafe_code)]

use super::provider;
use crate::secret::{Zeroizing, wipe};

/// HMAC-SHA-256 of the parts' concatenation. The parts carry no boundaries: give them lengths where
/// two splits must differ.
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    provider::hmac_sha256(key, parts)
}

/// HKDF-Extract: PRK = HMAC(salt, input key material).
pub fn hkdf_extract(salt: &[u8], material: &[&[u8]]) -> [u8; 32] {
    hmac_sha256(salt, material)
}

/// HKDF-Expand: T(i) = HMAC(PRK, T(i-1) | info | i).
///
/// # Panics
///
/// If `out` is longer than 255 blocks of 32 bytes.
pub fn hkdf_expand_sha256(prk: &[u8; 32], info: &[&[u8]], out: &mut [u8]) {
    assert!(out.len() <= 255 * 32, "HKDF-Expand gives 8160 bytes at most");
    let mut block = Zeroizing::new([0; 32]);
    for (i, chunk) in (1u8..=255).zip(out.chunks_mut(32)) {
        let counter = [i];
        let mut parts = Vec::with_capacity(info.len() + 2);
        parts.push(if i == 1 { &[][..] } else { &block[..] });
        parts.extend_from_slice(info);
        parts.push(&counter);
        let mut next = hmac_sha256(prk, &parts);
        block.copy_from_slice(&next);
        wipe(&mut next);
        chunk.iter_mut().zip(block.iter()).for_each(|(out, byte)| *out = *byte);
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::crypto::vectors::{Group, Hex, Verdict, kmsvec, wycheproof};

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        #[serde(alias = "tcId")]
        id: serde_json::Value,
        #[serde(rename = "src")]
        _src: Option<usize>,
        #[serde(default = "sha256")]
        hash: String,
        #[serde(rename = "comment")]
        _comment: Option<String>,
        #[serde(rename = "flags")]
        _flags: Option<Vec<String>>,
        key: Hex,
        msg: Hex,
        tag: Hex,
        #[serde(default)]
        result: Verdict,
    }

    fn sha256() -> String {
        "SHA-256".into()
    }

    fn check(case: &Case) {
        let (a, b) = case.msg.0.split_at(case.msg.0.len() / 2);
        let tag = hmac_sha256(&case.key.0, &[a, &[], b]);
        let equal = tag[..case.tag.0.len()] == case.tag.0;
        assert_eq!(equal, case.result == Verdict::Valid, "{}", case.id);
    }

    #[test]
    fn rfc_4231() {
        let file = kmsvec::<Case>("hmac_rfc.json");
        let cases: Vec<_> = file.tests.iter().filter(|case| case.hash == "SHA-256").collect();
        assert!(cases.len() >= 9);
        cases.into_iter().for_each(check);
    }

    #[test]
    fn wycheproof_vectors() {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        struct Sizes {
            key_size: usize,
            tag_size: usize,
        }
        for Group { shared, tests } in wycheproof::<Sizes, Case>("hmac_sha256_test.json") {
            for case in tests {
                assert_eq!(case.key.0.len() * 8, shared.key_size);
                assert_eq!(case.tag.0.len() * 8, shared.tag_size);
                check(&case);
            }
        }
    }

    #[test]
    fn rfc_5869() {
        // Appendix A.1, and A.3 (no salt, no info).
        let material = [0x0b; 22];
        let salt: Vec<u8> = (0..13).collect();
        let info: Vec<u8> = (0xf0..0xfa).collect();
        let prk = hkdf_extract(&salt, &[&material[..9], &material[9..]]);
        assert_eq!(
            hex::encode(prk),
            "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"
        );
        let mut out = [0; 42];
        hkdf_expand_sha256(&prk, &[&info[..3], &info[3..]], &mut out);
        assert_eq!(
            hex::encode(out),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        );
        let prk = hkdf_extract(&[], &[&material]);
        hkdf_expand_sha256(&prk, &[], &mut out);
        assert_eq!(
            hex::encode(out),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
        );
        hkdf_expand_sha256(&prk, &[], &mut [0; 255 * 32]);
    }
}
