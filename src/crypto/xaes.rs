//! XAES-256-GCM (C2SP): AES-GCM with a 192-bit nonce, so that random nonces need no bound; and its
//! key derivation for every [`Cipher`], with a key commitment.
//!
//! For a nonce N of 24 bytes: L = E(0^128), K1 = dbl(L) in GF(2^128),
//! B(i, c) = E(K1 xor (u16(i) | c | 00 | N[0..12])), message key = B(1,'X') | B(2,'X') cut to the key
//! length, commitment = B(1,'C') | B(2,'C'), IV = N[12..24]. That is CMAC (NIST SP 800-38B) in
//! counter mode (SP 800-108r1) on one-block inputs.
#![forbid(unsafe_code)]

use super::aead;
use super::block::{BlockKey, Cipher};
use crate::error::{ErrorCode, Result};
use crate::secret::wipe;

/// A key from which message keys come: its schedule and K1. Plain bytes of fixed size, wiped when
/// dropped.
pub struct DerivationKey {
    block: BlockKey,
    k1: [u8; 16],
    cipher: Cipher,
}

impl Drop for DerivationKey {
    fn drop(&mut self) {
        wipe(&mut self.k1);
    }
}

impl DerivationKey {
    /// Expands a key of exactly [`Cipher::key_len`] bytes.
    pub fn new(cipher: Cipher, key: &[u8]) -> Result<Self> {
        let block = BlockKey::new(cipher, key)?;
        let mut l = [[0; 16]];
        block.encrypt_blocks(&mut l);
        let [mut bytes] = l;
        let l = u128::from_be_bytes(bytes);
        wipe(&mut bytes);
        let k1 = (l << 1) ^ (0x87 & 0u128.wrapping_sub(l >> 127));
        Ok(Self { block, k1: k1.to_be_bytes(), cipher })
    }

    /// The key and the commitment for the messages whose nonce begins with `nonce`.
    pub fn derive(&self, nonce: &[u8; 12]) -> Derived {
        let [a, b, c, d, e, f, g, h, low @ ..] = *nonce;
        let high = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        let suffix = u128::from(high) << 32 | u128::from(u32::from_be_bytes(low));
        let base = u128::from_be_bytes(self.k1) ^ suffix;
        let input = |i: u128, c: u8| (base ^ (i << 112) ^ (u128::from(c) << 104)).to_be_bytes();
        let mut blocks = [input(1, b'C'), input(2, b'C'), input(1, b'X'), input(2, b'X')];
        if self.cipher.key_len() > 16 {
            self.block.encrypt_blocks(&mut blocks);
        } else if let Some(needed) = blocks.get_mut(..3) {
            self.block.encrypt_blocks(needed);
        }
        let [c1, c2, x1, x2] = blocks;
        let derived = Derived {
            message_key: join(x1, x2),
            key_len: self.cipher.key_len(),
            commitment: join(c1, c2),
        };
        wipe(blocks.as_flattened_mut());
        derived
    }
}

fn join(a: [u8; 16], b: [u8; 16]) -> [u8; 32] {
    let mut out = [0; 32];
    out.as_chunks_mut::<16>().0.copy_from_slice(&[a, b]);
    out
}

/// What [`DerivationKey::derive`] gives; wiped when dropped.
pub struct Derived {
    message_key: [u8; 32],
    key_len: usize,
    /// Binds the ciphertext to the key. It is public; compare it with [`crate::secret::eq`].
    pub commitment: [u8; 32],
}

impl Derived {
    /// The message key, of the cipher's key length.
    pub fn message_key(&self) -> &[u8] {
        self.message_key.get(..self.key_len).unwrap_or_default()
    }
}

impl Drop for Derived {
    fn drop(&mut self) {
        wipe(&mut self.message_key);
    }
}

/// XAES-256-GCM: ciphertext | tag. Not key-committing.
pub fn seal(key: &[u8; 32], nonce: &[u8; 24], aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>> {
    let (derived, iv) = split(key, nonce)?;
    let mut out = vec![0; plaintext.len() + 16];
    let (ciphertext, tag) = out.split_last_chunk_mut().ok_or(ErrorCode::Internal)?;
    aead::seal(Cipher::Aes256, derived.message_key(), &iv, aad, plaintext, ciphertext, tag)?;
    Ok(out)
}

/// The reverse of [`seal`]; `out` is 16 bytes shorter than the input. Any failure answers
/// [`ErrorCode::InvalidCiphertext`] and leaves zeros.
pub fn open(
    key: &[u8; 32],
    nonce: &[u8; 24],
    aad: &[u8],
    ciphertext_and_tag: &[u8],
    out: &mut [u8],
) -> Result<()> {
    let Some((ciphertext, tag)) = ciphertext_and_tag.split_last_chunk() else {
        wipe(out);
        return Err(ErrorCode::InvalidCiphertext.into());
    };
    let (derived, iv) = split(key, nonce)?;
    aead::open(Cipher::Aes256, derived.message_key(), &iv, aad, ciphertext, tag, out)
}

/// The message key with the IV.
fn split(key: &[u8; 32], nonce: &[u8; 24]) -> Result<(Derived, [u8; 12])> {
    let (Some(head), Some(tail)) = (nonce.first_chunk(), nonce.last_chunk()) else {
        return Err(ErrorCode::Internal.into());
    };
    Ok((DerivationKey::new(Cipher::Aes256, key)?.derive(head), *tail))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde::Deserialize;
    use shake::digest::{ExtendableOutput, Update, XofReader};
    use xaes_256_gcm::aead::{Aead, KeyInit, Payload};

    use super::*;
    use crate::crypto::vectors::{Hex, kmsvec};

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Case {
        src: usize,
        key: Hex,
        iv: Hex,
        l: Hex,
        k1: Hex,
        m1: Hex,
        m2: Hex,
        derived_key: Hex,
        derived_nonce: Hex,
        msg: Hex,
        aad: Hex,
        ct_and_tag: Hex,
    }

    #[test]
    fn c2sp() {
        let file = kmsvec::<Case>("xaes_256_gcm.json");
        for case in &file.tests {
            assert!(case.src < file.sources.len());
            let key: &[u8; 32] = case.key.0[..].try_into().unwrap();
            let nonce: &[u8; 24] = case.iv.0[..].try_into().unwrap();
            let head = nonce.first_chunk().unwrap();
            let mut l = [[0; 16]];
            BlockKey::new(Cipher::Aes256, key).unwrap().encrypt_blocks(&mut l);
            assert_eq!(l[0][..], case.l.0);
            let derivation = DerivationKey::new(Cipher::Aes256, key).unwrap();
            assert_eq!(derivation.k1[..], case.k1.0);
            let message = |i: u8| [&[0, i, b'X', 0][..], head].concat();
            assert_eq!((message(1), message(2)), (case.m1.0.clone(), case.m2.0.clone()));
            assert_eq!(derivation.derive(head).message_key(), case.derived_key.0);
            assert_eq!(nonce[12..], case.derived_nonce.0);
            let sealed = seal(key, nonce, &case.aad.0, &case.msg.0).unwrap();
            assert_eq!(sealed, case.ct_and_tag.0);
            let mut opened = vec![0; case.msg.0.len()];
            open(key, nonce, &case.aad.0, &sealed, &mut opened).unwrap();
            assert_eq!(opened, case.msg.0);
        }
    }

    #[test]
    fn accumulated() {
        let file = kmsvec::<Case>("xaes_256_gcm.json");
        assert!(file.accumulated["rng"].contains("7f9c2ba4e88f827d616045507605853e"));
        let mut random = shake::Shake128::default().finalize_xof();
        let mut hash = shake::Shake128::default();
        let (mut key, mut nonce) = ([0; 32], [0; 24]);
        for _ in 0..10_000 {
            random.read(&mut key);
            random.read(&mut nonce);
            let [plaintext, aad] = [(); 2].map(|()| {
                let mut len = [0];
                random.read(&mut len);
                let mut bytes = vec![0; len[0].into()];
                random.read(&mut bytes);
                bytes
            });
            hash.update(&seal(&key, &nonce, &aad, &plaintext).unwrap());
        }
        let mut digest = [0; 32];
        hash.finalize_xof().read(&mut digest);
        assert_eq!(hex::encode(digest), file.accumulated["after10000"]);
    }

    #[test]
    fn agrees_with_the_crate() {
        for len in 0..100u8 {
            let (key, nonce) = ([len; 32], [len ^ 0x55; 24]);
            let (aad, message) = (vec![len; usize::from(len % 7)], vec![!len; len.into()]);
            let theirs = xaes_256_gcm::Xaes256Gcm::new(&key.into());
            let theirs =
                theirs.encrypt(&nonce.into(), Payload { msg: &message, aad: &aad }).unwrap();
            assert_eq!(seal(&key, &nonce, &aad, &message).unwrap(), theirs);
        }
    }

    #[test]
    fn refused_and_zeroed() {
        let (key, nonce) = ([1; 32], [2; 24]);
        let sealed = seal(&key, &nonce, b"a", b"message").unwrap();
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            let mut out = [0xaa; 7];
            let error = open(&key, &nonce, b"a", &damaged, &mut out).unwrap_err();
            assert_eq!((error.code(), out), (ErrorCode::InvalidCiphertext, [0; 7]));
        }
        let mut out = [0xaa; 7];
        assert!(open(&key, &nonce, b"b", &sealed, &mut out).is_err());
        assert!(open(&key, &nonce, b"a", &sealed[..15], &mut out).is_err());
        assert_eq!(out, [0; 7]);
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Envelope {
        src: usize,
        key_spec: String,
        key: Hex,
        key_version_id: String,
        nonce: Hex,
        flags: u8,
        context: HashMap<String, String>,
        msg: Hex,
        message_key: Hex,
        commitment: Hex,
        aad: Hex,
        blob: Hex,
    }

    #[test]
    fn envelope_derivation() {
        let file = kmsvec::<Envelope>("envelope_v1.json");
        for case in file.tests {
            assert!(case.src < file.sources.len());
            let cipher = match case.key_spec.as_str() {
                "Aliyun_AES_128" => Cipher::Aes128,
                "Aliyun_AES_192" => Cipher::Aes192,
                "Aliyun_AES_256" => Cipher::Aes256,
                "Aliyun_SM4" => Cipher::Sm4,
                other => panic!("{other}"),
            };
            let derived = DerivationKey::new(cipher, &case.key.0)
                .unwrap()
                .derive(case.nonce.0.first_chunk().unwrap());
            assert_eq!(derived.message_key(), case.message_key.0);
            assert_eq!(derived.commitment[..], case.commitment.0);
            // The rest of the layout, as far as it is cryptography: 75 bytes of header, text, tag.
            let header = case.blob.0.first_chunk::<75>().unwrap();
            assert_eq!((header[1], &header[19..43]), (case.flags, &case.nonce.0[..]));
            assert_eq!(case.key_version_id.replace('-', ""), hex::encode(&header[3..19]));
            assert_eq!(case.aad.0[75..79], u32::to_be_bytes(case.context.len() as u32));
            let iv = case.nonce.0.last_chunk().unwrap();
            let (mut text, mut tag) = (vec![0; case.msg.0.len()], [0; 16]);
            let key = derived.message_key();
            aead::seal(cipher, key, iv, &case.aad.0, &case.msg.0, &mut text, &mut tag).unwrap();
            assert_eq!([&header[..], &text, &tag].concat(), case.blob.0);
        }
    }
}
