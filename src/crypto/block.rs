//! Block ciphers of 128-bit blocks: AES (FIPS 197) and SM4 (GB/T 32907-2016). Keys
//! that are kept go forward only.
#![forbid(unsafe_code)]

use super::provider::{self, AesKey};
use super::sm4::Sm4Key;
use crate::error::{ErrorCode, Result};

/// A block cipher with its key length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    /// AES with a key of 16 bytes.
    Aes128,
    /// AES with a key of 24 bytes.
    Aes192,
    /// AES with a key of 32 bytes.
    Aes256,
    /// SM4, whose key has 16 bytes.
    Sm4,
}

impl Cipher {
    /// The length of a key in bytes.
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128 | Self::Sm4 => 16,
            Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }
}

/// An expanded key. It is plain bytes of fixed size, so it may lie in any memory, and is wiped when
/// dropped; returning it from [`BlockKey::new`] may leave a copy on the stack.
pub struct BlockKey(Schedule);

enum Schedule {
    Aes(AesKey),
    Sm4(Sm4Key),
}

impl BlockKey {
    /// Expands a key of exactly [`Cipher::key_len`] bytes.
    pub fn new(cipher: Cipher, key: &[u8]) -> Result<Self> {
        if key.len() != cipher.key_len() {
            return Err(ErrorCode::Internal.into());
        }
        Ok(Self(match cipher {
            Cipher::Aes128 | Cipher::Aes192 | Cipher::Aes256 => Schedule::Aes(AesKey::new(key)?),
            Cipher::Sm4 => Schedule::Sm4(sm4(key)?),
        }))
    }

    /// The bytes of the schedule, to search memory for them.
    #[cfg(all(test, feature = "awslc"))]
    pub(crate) fn with_bytes(&self, f: impl FnOnce(&[u8])) {
        match &self.0 {
            Schedule::Aes(key) => key.with_bytes(f),
            Schedule::Sm4(key) => key.with_bytes(f),
        }
    }

    /// Encrypts every block in place, each on its own (ECB).
    pub fn encrypt_blocks(&self, blocks: &mut [[u8; 16]]) {
        match &self.0 {
            Schedule::Aes(key) => key.encrypt_blocks(blocks),
            Schedule::Sm4(key) => key.encrypt_blocks(blocks),
        }
    }
}

/// The reverse of [`BlockKey::encrypt_blocks`]. Nothing that is decrypted so comes often enough for
/// its schedule to be kept.
pub(super) fn decrypt_blocks(cipher: Cipher, key: &[u8], blocks: &mut [[u8; 16]]) -> Result<()> {
    if key.len() != cipher.key_len() {
        return Err(ErrorCode::Internal.into());
    }
    if cipher != Cipher::Sm4 {
        return provider::aes_decrypt_blocks(key, blocks);
    }
    sm4(key)?.decrypt_blocks(blocks);
    Ok(())
}

fn sm4(key: &[u8]) -> Result<Sm4Key> {
    Ok(Sm4Key::new(key.try_into().map_err(|_| ErrorCode::Internal)?))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::crypto::cbc;
    use crate::crypto::vectors::{Hex, kmsvec};

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        id: String,
        src: usize,
        mode: Option<String>,
        key: Hex,
        msg: Hex,
        ct: Hex,
        padding: Option<String>,
        iv: Option<Hex>,
        #[serde(default = "once")]
        iterations: usize,
        #[serde(rename = "comment")]
        _comment: Option<String>,
    }

    fn once() -> usize {
        1
    }

    /// Both ways, as often as the case says.
    fn check_sm4(case: &Case) {
        let key = case.key.0[..].try_into().unwrap();
        let mut message = case.msg.0.clone();
        if case.mode.as_deref() == Some("CTR") {
            let (sm4, iv) = (Sm4Key::new(key), case.iv.as_ref().unwrap().0[..].try_into().unwrap());
            sm4.ctr(iv, &case.msg.0, &mut message);
            return assert_eq!(message, case.ct.0, "{}", case.id);
        }
        let (blocks, []) = message.as_chunks_mut::<16>() else { panic!("{}", case.id) };
        if let Some(iv) = &case.iv {
            let iv = iv.0[..].try_into().unwrap();
            assert_eq!(case.mode.as_deref(), Some("CBC"));
            let mut opened = blocks.to_vec();
            cbc::encrypt(Cipher::Sm4, key, iv, blocks).unwrap();
            assert_eq!(blocks.as_flattened(), case.ct.0, "{}", case.id);
            cbc::decrypt(Cipher::Sm4, key, iv, blocks, &mut opened).unwrap();
            return assert_eq!(opened.as_flattened(), case.msg.0, "{}", case.id);
        }
        assert_eq!(case.mode.as_deref(), Some("ECB"));
        let sm4 = BlockKey::new(Cipher::Sm4, key).unwrap();
        (0..case.iterations).for_each(|_| sm4.encrypt_blocks(blocks));
        assert_eq!(blocks.as_flattened(), case.ct.0, "{}", case.id);
        for _ in 0..case.iterations {
            decrypt_blocks(Cipher::Sm4, key, blocks).unwrap();
        }
        assert_eq!(message, case.msg.0, "{}", case.id);
    }

    fn sm4_cases(are_long: bool) -> usize {
        let file = kmsvec::<Case>("sm4.json");
        let cases = file.tests.iter().filter(|case| (case.iterations > 1) == are_long);
        let tried = cases.inspect(|case| {
            assert!(case.src < file.sources.len());
            assert!(case.padding.as_ref().is_none_or(|padding| padding == "none"));
            check_sm4(case);
        });
        tried.count()
    }

    #[test]
    fn sm4() {
        assert_eq!(sm4_cases(false), 11);
    }

    #[test]
    #[ignore = "a minute without optimization: `make torture`"]
    fn sm4_a_million_times() {
        assert_eq!(sm4_cases(true), 1);
    }

    #[test]
    fn aes_ecb() {
        for (name, expected) in [("aes_ecb_cavp.json", 567), ("aes_ecb_openssl.json", 16)] {
            let file = kmsvec::<Case>(name);
            assert_eq!(file.tests.len(), expected);
            for case in file.tests {
                assert!(case.src < file.sources.len() && case.iv.is_none() && case.mode.is_none());
                assert_eq!((case.padding.as_deref(), case.iterations), (Some("none"), 1));
                let cipher = [Cipher::Aes128, Cipher::Aes192, Cipher::Aes256]
                    .into_iter()
                    .find(|cipher| cipher.key_len() == case.key.0.len())
                    .unwrap();
                let mut message = case.msg.0.clone();
                let (blocks, []) = message.as_chunks_mut::<16>() else { panic!("{}", case.id) };
                BlockKey::new(cipher, &case.key.0).unwrap().encrypt_blocks(blocks);
                assert_eq!(blocks.as_flattened(), case.ct.0, "{}", case.id);
                decrypt_blocks(cipher, &case.key.0, blocks).unwrap();
                assert_eq!(message, case.msg.0, "{}", case.id);
            }
        }
    }

    #[test]
    fn fips_197() {
        // FIPS 197, appendix C: the same plaintext under keys 00 01 02 ...
        let key: Vec<u8> = (0..32).collect();
        for (cipher, expected) in [
            (Cipher::Aes128, "69c4e0d86a7b0430d8cdb78070b4c55a"),
            (Cipher::Aes192, "dda97ca4864cdfe06eaf70a0ec0d7191"),
            (Cipher::Aes256, "8ea2b7ca516745bfeafc49904b496089"),
        ] {
            let mut block = [[0u8; 16]];
            hex::decode_to_slice("00112233445566778899aabbccddeeff", &mut block[0]).unwrap();
            BlockKey::new(cipher, &key[..cipher.key_len()]).unwrap().encrypt_blocks(&mut block);
            assert_eq!(hex::encode(block[0]), expected);
        }
    }

    #[test]
    fn wrong_key_lengths() {
        for cipher in [Cipher::Aes128, Cipher::Aes192, Cipher::Aes256, Cipher::Sm4] {
            for len in (0..40).filter(|len| *len != cipher.key_len()) {
                let key = &[0; 40][..len];
                assert!(BlockKey::new(cipher, key).is_err());
                assert!(decrypt_blocks(cipher, key, &mut [[0; 16]]).is_err());
            }
        }
    }
}
