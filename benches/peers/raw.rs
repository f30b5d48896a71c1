//! The engine's own algorithms, without store, door and boundary.

use std::hint::black_box;

use kmshsm::primitives::{
    Cipher, Curve, PAIR_LEN, SIGNATURE_LEN, Sm2Ciphertext, Sm2PrivateKey, Sm2PublicKey, Sm4, aead,
    generate, generate_untested, random, sm3_parts, sm4_cbc_decrypt,
};

use crate::race::Contestant;
use crate::{DIGEST, OURS, counted_key};

/// What an SM2 ciphertext has besides its message.
const SM2_OVERHEAD: usize = 97;

/// GCM from buffer to buffer, with a key of its own for each message.
pub fn seal(name: &'static str, cipher: Cipher, len: usize) -> Contestant {
    Contestant::new(name, OURS, move || {
        let (message, mut out, mut tag, mut count) = (vec![7; len], vec![0; len], [0; 16], 0);
        move || {
            let key = counted_key(&mut count);
            let key = black_box(&key[..cipher.key_len()]);
            let message = black_box(&message);
            aead::seal(cipher, key, &[0; 12], &[], message, &mut out, &mut tag).unwrap();
            black_box((&out, &tag));
        }
    })
}

/// The reverse, the key set up for each message.
pub fn open(name: &'static str, cipher: Cipher, len: usize) -> Contestant {
    Contestant::new(name, OURS, move || {
        let (mut sealed, mut tag, mut out) = (vec![0; len], [0; 16], vec![0; len]);
        let (key, iv) = ([9; 32], [0; 12]);
        let key = move || black_box(key)[..cipher.key_len()].to_vec();
        aead::seal(cipher, &key(), &iv, &[], &vec![7; len], &mut sealed, &mut tag).unwrap();
        let key = key();
        move || {
            let (key, sealed) = (black_box(&key), black_box(&sealed));
            aead::open(cipher, key, &iv, &[], sealed, &tag, &mut out).unwrap();
            black_box(&out);
        }
    })
}

/// SM4-CTR with one key for all messages.
pub fn sm4_ctr(name: &'static str, len: usize) -> Contestant {
    Contestant::new(name, OURS, move || {
        let (key, message, mut out) = (Sm4::new(&[9; 16]), vec![7; len], vec![0; len]);
        move || {
            key.ctr(&[1; 16], black_box(&message), &mut out);
            black_box(&out);
        }
    })
}

/// SM4-CBC, decrypted, the key set up for each message.
pub fn sm4_cbc(name: &'static str, len: usize) -> Contestant {
    Contestant::new(name, OURS, move || {
        let (sealed, mut out) = (vec![[7; 16]; len / 16], vec![[0; 16]; len / 16]);
        move || {
            let key = black_box(&[9; 16]);
            sm4_cbc_decrypt(key, &[1; 16], black_box(&sealed), &mut out).unwrap();
            black_box(&out);
        }
    })
}

/// The digest of a message.
pub fn sm3(name: &'static str, len: usize) -> Contestant {
    Contestant::new(name, OURS, move || {
        let message = vec![7u8; len];
        move || _ = black_box(sm3_parts(&[black_box(&message)]))
    })
}

/// A pair, and its halves.
fn sm2() -> (Sm2PrivateKey, Sm2PublicKey) {
    let mut pair = [0; PAIR_LEN];
    generate(Curve::Sm2, random, &mut pair).unwrap();
    let public = Sm2PublicKey::new(pair.last_chunk().unwrap()).unwrap();
    (Sm2PrivateKey::new(&pair).unwrap(), public)
}

pub fn sm2_sign(name: &'static str) -> Contestant {
    Contestant::new(name, OURS, || {
        let ((private, _), mut out) = (sm2(), [0; SIGNATURE_LEN]);
        move || _ = black_box(private.sign(black_box(&DIGEST), random, &mut out).unwrap())
    })
}

pub fn sm2_verify(name: &'static str) -> Contestant {
    Contestant::new(name, OURS, || {
        let ((private, public), mut out) = (sm2(), [0; SIGNATURE_LEN]);
        let len = private.sign(&DIGEST, random, &mut out).unwrap();
        move || assert!(public.verify(black_box(&DIGEST), &out[..len]))
    })
}

pub fn sm2_encrypt(name: &'static str) -> Contestant {
    Contestant::new(name, OURS, || {
        let ((_, public), mut out) = (sm2(), [0; DIGEST.len() + SM2_OVERHEAD]);
        move || public.encrypt(black_box(&DIGEST), random, &mut out).unwrap()
    })
}

pub fn sm2_decrypt(name: &'static str) -> Contestant {
    Contestant::new(name, OURS, || {
        let ((private, public), mut sealed) = (sm2(), [0; DIGEST.len() + SM2_OVERHEAD]);
        public.encrypt(&DIGEST, random, &mut sealed).unwrap();
        let mut out = [0; DIGEST.len()];
        move || {
            let sealed = Sm2Ciphertext::parse(black_box(&sealed)).unwrap();
            private.decrypt(&sealed, &mut out).unwrap();
            assert_eq!(out, DIGEST);
        }
    })
}

/// A pair, as others make it.
pub fn sm2_pair(name: &'static str) -> Contestant {
    Contestant::new(name, OURS, || {
        || generate_untested(Curve::Sm2, black_box(&mut [0; PAIR_LEN])).unwrap()
    })
}

/// A pair, with which one message has been signed and verified (FIPS 140-3 IG 10.3.A).
pub fn sm2_tested_pair(name: &'static str) -> Contestant {
    Contestant::new(name, OURS, || {
        || generate(Curve::Sm2, random, black_box(&mut [0; PAIR_LEN])).unwrap()
    })
}
