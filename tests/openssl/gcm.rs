//! OpenSSL's GCM: put together of its block cipher and counter mode by the letter of NIST SP 800-38D,
//! and whole where it has one; SM4-GCM it has from 3.1 on.

use crate::cases::Draw;
use crate::cipher::Cipher;
use crate::ghash::ghash;
use crate::needed;

/// The GCM of one block cipher.
pub struct Gcm {
    ecb: Cipher,
    ctr: Cipher,
    whole: Option<Cipher>,
}

/// What a message becomes, with all that the tag is made of.
pub struct Sealed {
    pub hash_key: [u8; 16],
    /// E(J0).
    pub mask: [u8; 16],
    pub ciphertext: Vec<u8>,
    pub tag: [u8; 16],
}

impl Gcm {
    /// Of a block cipher by OpenSSL's name.
    pub fn new(cipher: &str) -> Self {
        let mode = |mode| Cipher::find(&format!("{cipher}-{mode}"));
        Self { ecb: needed(mode("ECB")), ctr: needed(mode("CTR")), whole: mode("GCM").ok() }
    }

    /// As both ways have it.
    pub fn seal(&self, key: &[u8; 16], iv: &[u8; 12], aad: &[u8], message: &[u8]) -> Sealed {
        let block = |block: [u8; 16]| self.ecb.encrypt(key, &[0; 16], &block).try_into().unwrap();
        let (hash_key, mask) = (block([0; 16]), block(counter(iv, 1)));
        let ciphertext = self.ctr.encrypt(key, &counter(iv, 2), message);
        let tag = xor(&ghash(&hash_key, aad, &ciphertext), &mask);
        if let Some(whole) = &self.whole {
            assert_eq!(whole.seal(key, iv, aad, message), (ciphertext.clone(), tag));
        }
        Sealed { hash_key, mask, ciphertext, tag }
    }
}

/// The block after this IV with the number n.
fn counter(iv: &[u8; 12], n: u32) -> [u8; 16] {
    [&iv[..], &n.to_be_bytes()].concat().try_into().unwrap()
}

pub fn xor(a: &[u8; 16], b: &[u8; 16]) -> [u8; 16] {
    std::array::from_fn(|at| a[at] ^ b[at])
}

/// With AES, whose GCM every OpenSSL has: both ways are the same.
#[test]
fn put_together_as_whole() {
    let (gcm, mut draw) = (Gcm::new("AES-128"), Draw::new(1));
    assert!(gcm.whole.is_some(), "no AES-128-GCM");
    for len in 0..200 {
        let (aad, message) = (draw.bytes(200 - len), draw.bytes(len));
        gcm.seal(&draw.array(), &draw.array(), &aad, &message);
    }
}
