//! What a call costs around its primitive: handle, door, cache, metering, secret stack. 32 bytes
//! encrypted, less what an envelope is made of, done raw and in the same places: four blocks under a key
//! that is kept, a fresh key, its own header and the count of an empty context as AAD.

use std::hint::black_box;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

use crate::race::{Operation, calibrate, quartiles, thread_ns};
use crate::store::Session;
use crate::symmetric::Key;

const LEN: usize = 32;
const ROUNDS: usize = 60;

/// Times both in turn and prints the difference.
pub fn door(name: &str, session: Session) {
    let ours = Key::new(session, "Aliyun_AES_256").encrypt("kmshsm_encrypt", LEN);
    let mut operations = [raw_envelope(), ours.make.unwrap()()];
    let runs = operations.each_mut().map(|operation| calibrate(operation));
    let mut rest = Vec::new();
    for _ in 0..ROUNDS {
        let [raw, whole] = [0, 1].map(|at| {
            let begun = thread_ns();
            (0..runs[at]).for_each(|_| operations[at]());
            (thread_ns() - begun) as f64 / runs[at] as f64
        });
        rest.push(whole - raw);
    }
    let [_, rest, _] = quartiles(&rest);
    println!("\n{name}\n  {:<36} {rest:>10.0} ns", "kmshsm_encrypt less its envelope");
}

fn raw_envelope() -> Operation {
    let key = UnboundCipherKey::new(&AES_256, &[7; 32]).unwrap();
    let kept = EncryptingKey::ctr(key).unwrap();
    let (plaintext, mut out) = (vec![7u8; LEN], vec![0u8; LEN]);
    let mut count = 0u64;
    let run = move || {
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
    };
    Box::new(run)
}
