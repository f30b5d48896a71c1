//! Steps that the runner serves: what an outside party would do, without the library under test.

use aes::Aes256;
use aes::cipher::array::Array;
use aes::cipher::consts::U16;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand_core::TryRng;
use rsa::pkcs8::DecodePublicKey;
use rsa::{Oaep, Pkcs1v15Encrypt, RsaPublicKey};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::Sha256;
use sm2::pke::EncryptingKey;
use sm4::Sm4;

/// The answer of a step that is no action.
pub fn serve(call: &str, with: &Value) -> Option<Value> {
    let text = |name: &str| with[name].as_str().unwrap_or_default();
    let number = |name: &str| {
        let number = &with[name];
        number.as_u64().or_else(|| number.as_str()?.parse().ok()).unwrap() as usize
    };
    let bytes = || STANDARD.decode(text("Base64")).unwrap();
    Some(match call {
        "wrap" => {
            let wrapped = wrap(text("PublicKey"), text("WrappingAlgorithm"), text("KeyMaterial"));
            json!({ "EncryptedKeyMaterial": STANDARD.encode(wrapped) })
        }
        "flip" => {
            let (mut bytes, bit) = (bytes(), number("Bit"));
            bytes[bit / 8] ^= 0x80 >> (bit % 8);
            json!({ "Base64": STANDARD.encode(bytes) })
        }
        "cut" => json!({ "Base64": STANDARD.encode(&bytes()[..number("Bytes")]) }),
        "der" => {
            let lines = text("PublicKey").lines().filter(|line| !line.starts_with('-'));
            json!({ "PublicKeyBlob": lines.collect::<String>() })
        }
        "repeat" => json!({ "Text": text("Text").repeat(number("Count")) }),
        _ => return None,
    })
}

fn wrap(public_key: &str, algorithm: &str, material: &str) -> Vec<u8> {
    let public_key = STANDARD.decode(public_key).unwrap();
    let material = hex::decode(material).unwrap();
    match algorithm {
        "RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD" => {
            let key: [u8; 32] = fresh();
            let padding = 16 - material.len() % 16;
            let mut blocks = [material, vec![padding as u8; padding]].concat();
            encrypt_blocks(&Aes256::new(&key.into()), &mut blocks);
            [encrypt(&public_key, "RSAES_OAEP_SHA_256", &key), blocks].concat()
        }
        "SM2PKE_SM4_ECB" => {
            let (key, mut blocks): ([u8; 16], _) = (fresh(), material);
            encrypt_blocks(&Sm4::new(&key.into()), &mut blocks);
            [encrypt(&public_key, "SM2PKE", &key), blocks].concat()
        }
        _ => encrypt(&public_key, algorithm, &material),
    }
}

fn encrypt(public_key: &[u8], algorithm: &str, message: &[u8]) -> Vec<u8> {
    let rng = &mut Rng(rand_seed());
    if algorithm == "SM2PKE" {
        // The uncompressed point is the end of SubjectPublicKeyInfo.
        let point = &public_key[public_key.len() - 65..];
        return EncryptingKey::from_sec1_bytes(point).unwrap().encrypt(rng, message).unwrap();
    }
    let public_key = RsaPublicKey::from_public_key_der(public_key).unwrap();
    match algorithm {
        "RSAES_PKCS1_V1_5" => public_key.encrypt(rng, Pkcs1v15Encrypt, message),
        "RSAES_OAEP_SHA_1" => public_key.encrypt(rng, Oaep::<Sha1>::new(), message),
        "RSAES_OAEP_SHA_256" => public_key.encrypt(rng, Oaep::<Sha256>::new(), message),
        _ => panic!("there is no algorithm {algorithm}"),
    }
    .unwrap()
}

/// Each block on its own (ECB).
fn encrypt_blocks<C: BlockCipherEncrypt<BlockSize = U16>>(cipher: &C, bytes: &mut [u8]) {
    let (blocks, []) = bytes.as_chunks_mut::<16>() else { panic!("no whole blocks") };
    cipher.encrypt_blocks(Array::cast_slice_from_core_mut(blocks));
}

fn fresh<const N: usize>() -> [u8; N] {
    let (mut rng, mut bytes) = (Rng(rand_seed()), [0; N]);
    let Ok(()) = rng.try_fill_bytes(&mut bytes);
    bytes
}

/// Randomness good enough for a test: padding that is never zero.
struct Rng(u64);

fn rand_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}

impl TryRng for Rng {
    type Error = std::convert::Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.try_next_u64().map(|word| word as u32)
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(word ^ (word >> 31))
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        for chunk in out.chunks_mut(8) {
            let word = self.try_next_u64()?.to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Rng {}
