//! AES-GCM (NIST SP 800-38D) and SM4-GCM (RFC 8998): 96-bit IV, 128-bit tag, one message.
#![forbid(unsafe_code)]

use super::block::Cipher;
use super::provider;
use super::sm4::gcm;
use crate::error::{ErrorCode, Result};
use crate::secret::wipe;

/// Encrypts into `ciphertext`, which is as long as `plaintext`. The key must never meet the same IV
/// again: that would give away both messages and the authentication key.
pub fn seal(
    cipher: Cipher,
    key: &[u8],
    iv: &[u8; 12],
    aad: &[u8],
    plaintext: &[u8],
    ciphertext: &mut [u8],
    tag: &mut [u8; 16],
) -> Result<()> {
    if key.len() != cipher.key_len() || plaintext.len() != ciphertext.len() {
        return Err(ErrorCode::Internal.into());
    }
    match cipher {
        Cipher::Aes128 | Cipher::Aes192 | Cipher::Aes256 => {
            provider::gcm_seal(key, iv, aad, plaintext, ciphertext, tag)
        }
        Cipher::Sm4 => {
            let key = key.try_into().map_err(|_| ErrorCode::Internal)?;
            gcm::seal(key, iv, aad, plaintext, ciphertext, tag);
            Ok(())
        }
    }
}

/// Decrypts into `plaintext`, which is as long as `ciphertext`. A tag that does not fit answers
/// [`ErrorCode::InvalidCiphertext`] and leaves zeros.
pub fn open(
    cipher: Cipher,
    key: &[u8],
    iv: &[u8; 12],
    aad: &[u8],
    ciphertext: &[u8],
    tag: &[u8; 16],
    plaintext: &mut [u8],
) -> Result<()> {
    if key.len() != cipher.key_len() || plaintext.len() != ciphertext.len() {
        return Err(ErrorCode::Internal.into());
    }
    let opened = match cipher {
        Cipher::Aes128 | Cipher::Aes192 | Cipher::Aes256 => {
            provider::gcm_open(key, iv, aad, ciphertext, tag, plaintext)
        }
        Cipher::Sm4 => {
            let key = key.try_into().map_err(|_| ErrorCode::Internal)?;
            gcm::open(key, iv, aad, ciphertext, tag, plaintext)
        }
    };
    opened.inspect_err(|_| wipe(plaintext))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::crypto::vectors::{Group, Hex, Verdict, kmsvec, wycheproof};

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        #[serde(default, alias = "tcId")]
        id: serde_json::Value,
        #[serde(rename = "src")]
        _src: Option<usize>,
        #[serde(rename = "comment")]
        _comment: Option<String>,
        #[serde(rename = "flags")]
        _flags: Option<Vec<String>>,
        key: Hex,
        iv: Hex,
        aad: Hex,
        msg: Option<Hex>,
        ct: Hex,
        tag: Hex,
        result: Verdict,
    }

    /// Whether the case has lengths that this module takes (and so has been tried).
    fn check(cipher: Option<Cipher>, case: &Case) -> bool {
        let cipher = cipher.unwrap_or(match case.key.0.len() {
            16 => Cipher::Aes128,
            24 => Cipher::Aes192,
            _ => Cipher::Aes256,
        });
        let (Ok(iv), Ok(tag)) = (case.iv.0[..].try_into(), case.tag.0[..].try_into()) else {
            return false;
        };
        let mut opened = vec![0xaa; case.ct.0.len()];
        let answer = open(cipher, &case.key.0, iv, &case.aad.0, &case.ct.0, tag, &mut opened);
        if case.result == Verdict::Invalid {
            assert_eq!(answer.unwrap_err().code(), ErrorCode::InvalidCiphertext, "{}", case.id);
            assert!(opened.iter().all(|byte| *byte == 0), "{}", case.id);
            return true;
        }
        answer.unwrap_or_else(|_| panic!("{}", case.id));
        let message = &case.msg.as_ref().unwrap().0;
        assert_eq!(&opened, message, "{}", case.id);
        let (mut sealed, mut computed) = (vec![0xaa; message.len()], [0xaa; 16]);
        seal(cipher, &case.key.0, iv, &case.aad.0, message, &mut sealed, &mut computed).unwrap();
        assert_eq!((&sealed, &computed), (&case.ct.0, tag), "{}", case.id);
        true
    }

    #[test]
    fn published_vectors() {
        for (name, cipher, expected) in [
            ("aes_gcm_cavp.json", None, 225),
            ("aes_gcm_openssl.json", None, 18),
            ("sm4_gcm_rfc8998.json", Some(Cipher::Sm4), 1),
        ] {
            let file = kmsvec::<Case>(name);
            let tried = file.tests.iter().filter(|case| check(cipher, case)).count();
            assert_eq!(tried, expected, "{name}");
        }
    }

    #[test]
    fn wycheproof_vectors() {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        struct Sizes {
            iv_size: usize,
            key_size: usize,
            tag_size: usize,
        }
        for (name, cipher, expected) in
            [("aes_gcm_test.json", None, 104), ("sm4_gcm_test.json", Some(Cipher::Sm4), 33)]
        {
            let mut tried = 0;
            for Group { shared, tests } in wycheproof::<Sizes, Case>(name) {
                for case in &tests {
                    assert_eq!(case.key.0.len() * 8, shared.key_size);
                    let takes = shared.iv_size == 96 && shared.tag_size == 128;
                    let done = check(cipher, case);
                    assert!(done || !takes, "{}", case.id);
                    tried += usize::from(done);
                }
            }
            assert_eq!(tried, expected, "{name}");
        }
    }

    #[test]
    fn wrong_lengths() {
        let (mut out, mut tag) = ([0; 4], [0; 16]);
        for cipher in [Cipher::Aes128, Cipher::Aes192, Cipher::Aes256, Cipher::Sm4] {
            let key = &[0; 32][..cipher.key_len()];
            let iv = &[0; 12];
            assert!(seal(cipher, key, iv, &[], &[0; 5], &mut out, &mut tag).is_err());
            assert!(seal(cipher, &key[1..], iv, &[], &[0; 4], &mut out, &mut tag).is_err());
            assert!(open(cipher, key, iv, &[], &[0; 3], &tag, &mut out).is_err());
            assert!(open(cipher, &key[1..], iv, &[], &[0; 4], &tag, &mut out).is_err());
        }
    }
}
