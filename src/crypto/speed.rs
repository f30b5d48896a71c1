//! What the hot functions cost: `cargo test --release --lib crypto::speed -- --ignored --nocapture`.
#![forbid(unsafe_code)]

use std::hint::black_box;
use std::time::Instant;

use super::block::{BlockKey, Cipher};
use super::xaes::DerivationKey;
use super::{aead, drbg, provider};

/// The best of several runs, in nanoseconds per call.
fn time(name: &str, mut call: impl FnMut()) {
    const CALLS: u32 = 20_000;
    let best = (0..9)
        .map(|_| {
            let start = Instant::now();
            (0..CALLS).for_each(|_| call());
            start.elapsed().as_nanos() / u128::from(CALLS)
        })
        .min();
    println!("{name:40} {:>8} ns", best.unwrap());
}

#[test]
#[ignore = "measures, checks nothing"]
fn measured() {
    let key = [1; 32];
    for cipher in [Cipher::Aes256, Cipher::Aes128, Cipher::Sm4] {
        let key = &key[..cipher.key_len()];
        let block = BlockKey::new(cipher, key).unwrap();
        let mut blocks = [[0; 16]; 4];
        time(&format!("{cipher:?} four blocks"), || block.encrypt_blocks(black_box(&mut blocks)));
        time(&format!("{cipher:?} expand"), || {
            black_box(BlockKey::new(cipher, black_box(key)).unwrap());
        });
        let derivation = DerivationKey::new(cipher, key).unwrap();
        time(&format!("{cipher:?} derive"), || {
            black_box(derivation.derive(black_box(&[7; 12])));
        });
        for len in [32, 4096] {
            let (message, mut out, mut tag) = (vec![0; len], vec![0; len], [0; 16]);
            time(&format!("{cipher:?} GCM fresh key {len}"), || {
                let message = black_box(&message);
                aead::seal(cipher, key, &[0; 12], &[0; 79], message, &mut out, &mut tag).unwrap();
            });
        }
    }
    let theirs = provider::rustcrypto::AesKey::new(&key).unwrap();
    let mut blocks = [[0; 16]; 4];
    time("RustCrypto four blocks", || theirs.encrypt_blocks(black_box(&mut blocks)));
    #[cfg(feature = "awslc")]
    for len in [32, 4096] {
        use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
        let mut message = vec![0; len];
        time(&format!("aws-lc-rs GCM fresh key {len}"), || {
            let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, black_box(&key)).unwrap());
            let nonce = Nonce::assume_unique_for_key([0; 12]);
            let message = black_box(&mut message);
            let sealed = key.seal_in_place_separate_tag(nonce, Aad::from([0; 79]), message);
            let _ = black_box(sealed.unwrap());
        });
    }
    for len in [12, 32, 40, 4096] {
        let mut out = vec![0; len];
        time(&format!("drbg {len}"), || drbg::reproducible(black_box(&mut out)).unwrap());
    }
    time("sha256 64 bytes", || {
        black_box(super::digest::sha256(black_box(&[0; 64])));
    });
    time("hmac_sha256 64 bytes", || {
        black_box(super::mac::hmac_sha256(black_box(&key), &[black_box(&[0; 64])]));
    });
}
