//! What the hot functions cost: `cargo test --release --lib crypto::speed -- --ignored --nocapture`.
#![forbid(unsafe_code)]

use std::hint::black_box;
use std::time::Instant;

use super::block::{BlockKey, Cipher};
use super::xaes::DerivationKey;
use super::{aead, drbg, provider};

/// The best of several runs, in nanoseconds per call.
fn time(name: &str, call: impl FnMut()) {
    best_of(9, 20_000, name, call);
}

fn best_of(runs: usize, calls: u32, name: &str, mut call: impl FnMut()) {
    let best = (0..runs)
        .map(|_| {
            let start = Instant::now();
            (0..calls).for_each(|_| call());
            start.elapsed().as_nanos() / u128::from(calls)
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

/// The curves, and the crates' own schemes.
#[test]
#[ignore = "measures, checks nothing"]
fn curves() {
    use super::drbg::reproducible as random;
    use super::ec::{self, Curve, PAIR_LEN, SIGNATURE_LEN};
    use super::ecdsa::{EcdsaPrivateKey, EcdsaPublicKey};
    use super::sm2::{Sm2Ciphertext, Sm2PrivateKey, Sm2PublicKey};
    use k256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};

    fn time(name: &str, call: impl FnMut()) {
        best_of(300, 10, name, call);
    }
    let (mut pair, mut out, digest) = ([0; PAIR_LEN], [0; SIGNATURE_LEN], [7; 32]);
    for curve in [Curve::P256, Curve::Secp256k1] {
        ec::generate(curve, random, &mut pair).unwrap();
        let point = *pair.last_chunk().unwrap();
        time(&format!("{curve:?} private key"), || {
            black_box(EcdsaPrivateKey::new(curve, black_box(&pair)).unwrap());
        });
        time(&format!("{curve:?} public key"), || {
            black_box(EcdsaPublicKey::new(curve, black_box(&point)).unwrap());
        });
        let private = EcdsaPrivateKey::new(curve, &pair).unwrap();
        let public = EcdsaPublicKey::new(curve, &point).unwrap();
        time(&format!("{curve:?} sign"), || {
            black_box(private.sign(black_box(&digest), random, &mut out).unwrap());
        });
        let len = private.sign(&digest, random, &mut out).unwrap();
        time(&format!("{curve:?} verify"), || {
            assert!(public.verify(black_box(&digest), &out[..len]));
        });
    }
    let scalar = k256::Scalar::from(7u32);
    time("nonce", || {
        let mut nonces =
            ec::nonce::Nonces::new::<k256::Secp256k1>(&scalar, &scalar, random).unwrap();
        black_box(nonces.next::<k256::Secp256k1>());
    });
    let theirs = k256::ecdsa::SigningKey::from_slice(&pair[..32]).unwrap();
    let signature: k256::ecdsa::Signature = theirs.sign_prehash(&digest).unwrap();
    time("k256 sign", || {
        let _: k256::ecdsa::Signature = black_box(theirs.sign_prehash(black_box(&digest)).unwrap());
    });
    time("k256 verify", || {
        theirs.verifying_key().verify_prehash(black_box(&digest), &signature).unwrap();
    });

    ec::generate(Curve::Sm2, random, &mut pair).unwrap();
    let point = *pair.last_chunk().unwrap();
    let (private, public) =
        (Sm2PrivateKey::new(&pair).unwrap(), Sm2PublicKey::new(&point).unwrap());
    let theirs = sm2::dsa::SigningKey::from_slice("ALICE", &pair[..32]).unwrap();
    time("SM2 private key", || {
        black_box(Sm2PrivateKey::new(black_box(&pair)).unwrap());
    });
    time("SM2 sign", || {
        black_box(private.sign(black_box(&digest), random, &mut out).unwrap());
    });
    time("sm2 sign", || {
        black_box(theirs.sign_prehash(black_box(&digest)).unwrap());
    });
    let len = private.sign(&digest, random, &mut out).unwrap();
    let signature = theirs.sign_prehash(&digest).unwrap();
    time("SM2 verify", || assert!(public.verify(black_box(&digest), &out[..len])));
    time("sm2 verify", || {
        theirs.verifying_key().verify_prehash(black_box(&digest), &signature).unwrap();
    });
    let sec1 = [&[4], &point[..]].concat();
    let their_public = sm2::pke::EncryptingKey::from_sec1_bytes(&sec1).unwrap();
    let theirs = sm2::pke::DecryptingKey::from_slice(&pair[..32]).unwrap();
    for len in [32, 4096] {
        let (message, mut sealed, mut opened) = (vec![7; len], vec![0; len + 97], vec![0; len]);
        time(&format!("SM2 encrypt {len}"), || {
            public.encrypt(black_box(&message), random, &mut sealed).unwrap();
        });
        time(&format!("sm2 encrypt {len}"), || {
            let source = &mut provider::rustcrypto::Source(random);
            black_box(their_public.encrypt(source, black_box(&message)).unwrap());
        });
        time(&format!("SM2 decrypt {len}"), || {
            let ciphertext = Sm2Ciphertext::parse(black_box(&sealed)).unwrap();
            private.decrypt(&ciphertext, &mut opened).unwrap();
        });
        time(&format!("sm2 decrypt {len}"), || {
            black_box(theirs.decrypt(black_box(&sealed)).unwrap());
        });
    }
}
