//! What a call costs around its primitive: handle, door, cache, metering, secret stack. 32 bytes
//! encrypted, beside what an envelope is made of, done raw and in the same places: four blocks under a
//! key that is kept, a fresh key, its own header and the count of an empty context as AAD.

use std::hint::black_box;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

use crate::aws_lc;
use crate::race::Contestant;

/// The message's length.
pub const LEN: usize = 32;

/// An envelope without a service around it.
pub fn raw_envelope(name: &'static str) -> Contestant {
    Contestant::new(name, aws_lc::NAME, || {
        let key = UnboundCipherKey::new(&AES_256, &[7; 32]).unwrap();
        let kept = EncryptingKey::ctr(key).unwrap();
        let (plaintext, mut out, mut count) = (vec![7u8; LEN], vec![0u8; LEN], 0u64);
        move || {
            count += 1;
            let mut blocks = [3u8; 64];
            blocks[..8].copy_from_slice(&count.to_be_bytes());
            let context = EncryptionContext::Iv128(FixedLength::from([0; 16]));
            kept.less_safe_encrypt(&mut blocks, context).unwrap();
            let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &blocks[..32]).unwrap());
            let nonce = Nonce::assume_unique_for_key([0; 12]);
            out.copy_from_slice(black_box(&plaintext));
            let aad = Aad::from([5u8; 79]);
            black_box(key.seal_in_place_separate_tag(nonce, aad, &mut out).unwrap().as_ref());
            black_box(&out);
        }
    })
}
