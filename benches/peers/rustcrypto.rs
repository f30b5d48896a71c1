//! The crates of RustCrypto.

use std::hint::black_box;

use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AesGcm, KeyInit};
use k256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use k256::elliptic_curve::Generate;
use rand_core::{TryCryptoRng, TryRng};
use sm2::pke::{DecryptingKey, Mode};
use sm3::{Digest, Sm3};
use sm4::Sm4;
use sm4::cipher::array::Array;
use sm4::cipher::consts::{U12, U16};
use sm4::cipher::{BlockCipherEncrypt, BlockModeDecrypt, BlockSizeUser, InnerIvInit, StreamCipher};

use crate::race::Contestant;
use crate::{DIGEST, counted_key};

pub const NAME: &str = "RustCrypto";

/// What is measured of them.
pub const CRATES: [&str; 8] = ["aes-gcm", "aes", "sm4", "ctr", "cbc", "sm3", "sm2", "k256"];

/// GCM over a block cipher, whose key is fresh for each message or one for all.
pub struct Gcm {
    pub encrypts: bool,
    pub fresh_key: bool,
    pub len: usize,
}

/// AES-256-GCM.
pub fn aes_gcm(name: &'static str, job: Gcm) -> Contestant {
    gcm::<aes::Aes256>(name, job)
}

/// SM4-GCM.
pub fn sm4_gcm(name: &'static str, job: Gcm) -> Contestant {
    gcm::<Sm4>(name, job)
}

fn gcm<C>(name: &'static str, Gcm { encrypts, fresh_key, len }: Gcm) -> Contestant
where
    C: KeyInit + BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + 'static,
{
    Contestant::new(name, NAME, move || {
        let key = move |count: &mut u64| {
            let key = if encrypts { counted_key(count) } else { [9; 32] };
            AesGcm::<C, U12>::new_from_slice(black_box(&key[..C::key_size()])).unwrap()
        };
        let (cached, mut count, iv) = (key(&mut 0), 0, Default::default());
        let (message, mut out) = (vec![7; len], vec![0; len]);
        let buffer = InOutBuf::new(&message, &mut out).unwrap();
        let tag = cached.encrypt_inout_detached(&iv, &[], buffer).unwrap();
        let input = if encrypts { message } else { out.clone() };
        move || {
            let fresh = fresh_key.then(|| key(&mut count));
            let gcm = fresh.as_ref().unwrap_or(&cached);
            let buffer = InOutBuf::new(black_box(&input), &mut out).unwrap();
            match encrypts {
                true => _ = black_box(gcm.encrypt_inout_detached(&iv, &[], buffer).unwrap()),
                false => gcm.decrypt_inout_detached(&iv, &[], buffer, &tag).unwrap(),
            }
            black_box(&out);
        }
    })
}

/// SM4-CTR with one key for all messages.
pub fn sm4_ctr(name: &'static str, len: usize) -> Contestant {
    Contestant::new(name, NAME, move || {
        let (key, message, mut out) = (sm4(), vec![7; len], vec![0; len]);
        move || {
            let core = InnerIvInit::inner_iv_init(&key, &[1; 16].into());
            let mut ctr = ctr::Ctr128BE::<&Sm4>::from_core(core);
            ctr.apply_keystream_b2b(black_box(&message), &mut out);
            black_box(&out);
        }
    })
}

/// SM4-CBC without padding, decrypted with one key for all messages.
pub fn sm4_cbc(name: &'static str, len: usize) -> Contestant {
    Contestant::new(name, NAME, move || {
        let (key, sealed, mut out) = (sm4(), vec![7; len], vec![0; len]);
        move || {
            let mut cbc = cbc::Decryptor::<&Sm4>::inner_iv_init(&key, &[1; 16].into());
            let (input, _) = Array::slice_as_chunks(black_box(&sealed));
            let (out, _) = Array::slice_as_chunks_mut(&mut out);
            cbc.decrypt_blocks_b2b(input, out).unwrap();
            black_box(out);
        }
    })
}

fn sm4() -> Sm4 {
    Sm4::new(&[9; 16].into())
}

/// The digest of a message.
pub fn sm3(name: &'static str, len: usize) -> Contestant {
    Contestant::new(name, NAME, move || {
        let message = vec![7u8; len];
        move || _ = black_box(Sm3::digest(black_box(&message)))
    })
}

/// Signing and verifying on secp256k1.
pub fn k256(names: [&'static str; 2]) -> [Contestant; 2] {
    let key = k256::ecdsa::SigningKey::generate_from_rng(&mut Numbers(1));
    let public = *key.verifying_key();
    let signed: k256::ecdsa::Signature = key.sign_prehash(&DIGEST).unwrap();
    let sign = move || {
        let key = key.clone();
        move || {
            let signature: k256::ecdsa::Signature = key.sign_prehash(black_box(&DIGEST)).unwrap();
            black_box(signature.to_der());
        }
    };
    let verify = move || move || public.verify_prehash(black_box(&DIGEST), &signed).unwrap();
    [Contestant::new(names[0], NAME, sign), Contestant::new(names[1], NAME, verify)]
}

/// Signing and verifying by SM2.
pub fn sm2_signatures(names: [&'static str; 2]) -> [Contestant; 2] {
    let secret = sm2::SecretKey::generate_from_rng(&mut Numbers(2));
    let key = sm2::dsa::SigningKey::new("1234567812345678", &secret).unwrap();
    let public = key.verifying_key().clone();
    let signed = key.sign_prehash(&DIGEST).unwrap();
    let sign = move || {
        let key = key.clone();
        move || _ = black_box(key.sign_prehash(black_box(&DIGEST)).unwrap())
    };
    let verify = move || {
        let public = public.clone();
        move || public.verify_prehash(black_box(&DIGEST), &signed).unwrap()
    };
    [Contestant::new(names[0], NAME, sign), Contestant::new(names[1], NAME, verify)]
}

/// Encrypting and decrypting by SM2.
pub fn sm2_encryption(names: [&'static str; 2]) -> [Contestant; 2] {
    let secret = sm2::SecretKey::generate_from_rng(&mut Numbers(3)).to_nonzero_scalar();
    let key = move || DecryptingKey::new_with_mode(secret, Mode::C1C3C2);
    let sealed = key().encrypting_key().encrypt(&mut Numbers(4), &DIGEST).unwrap();
    let encrypt = move || {
        let (public, mut numbers) = (key().encrypting_key().clone(), Numbers(5));
        move || drop(black_box(public.encrypt(&mut numbers, &DIGEST).unwrap()))
    };
    let decrypt = move || {
        let (key, sealed) = (key(), sealed.clone());
        move || assert_eq!(key.decrypt(&sealed).unwrap(), DIGEST)
    };
    [Contestant::new(names[0], NAME, encrypt), Contestant::new(names[1], NAME, decrypt)]
}

/// Making a pair for SM2.
pub fn sm2_pair(name: &'static str) -> Contestant {
    Contestant::new(name, NAME, || {
        let mut numbers = Numbers(6);
        move || _ = black_box(sm2::SecretKey::generate_from_rng(&mut numbers).public_key())
    })
}

/// Numbers for keys and nonces that protect nothing: SplitMix64, which costs next to nothing.
struct Numbers(u64);

impl TryRng for Numbers {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.try_next_u64().map(|word| word as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
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

impl TryCryptoRng for Numbers {}
