//! SM4 alone, in its modes and in GCM, on every path that this processor has.

use kmshsm::primitives::{Sm4Path, ghash_on_all_paths, sm4_cbc_decrypt};

use crate::cases::{Draw, cases};
use crate::cipher::Cipher;
use crate::gcm::{Gcm, xor};
use crate::needed;

/// Every length up to what all kernels take at once, those around larger ones, and random ones.
fn lengths(draw: &mut Draw) -> Vec<usize> {
    let random: Vec<usize> = (0..cases(100)).map(|_| draw.below(6000)).collect();
    (0..=600).chain([4095, 4096, 4097, 65541]).chain(random).collect()
}

fn sm4(mode: &str) -> Cipher {
    needed(Cipher::find(&format!("SM4-{mode}")))
}

#[test]
fn blocks() {
    let (ecb, mut draw) = (sm4("ECB"), Draw::new(2));
    for len in lengths(&mut draw) {
        let (key, message) = (draw.array(), draw.bytes(len / 16 * 16));
        let expected = ecb.encrypt(&key, &[0; 16], &message);
        for path in Sm4Path::all() {
            let (sm4, mut ours) = (path.key(&key), message.as_chunks().0.to_vec());
            let case = || format!("{path:?}, key {}, {} bytes", hex::encode(key), message.len());
            sm4.encrypt_blocks(&mut ours);
            assert!(ours.as_flattened() == expected, "{}", case());
            sm4.decrypt_blocks(&mut ours);
            assert!(ours.as_flattened() == message, "{}", case());
        }
    }
}

/// OpenSSL counts in 128 bits, we in 32 as GCM wants it: where ours begin again, so does OpenSSL.
fn counted(ctr: &Cipher, key: &[u8; 16], counter: &[u8; 16], message: &[u8]) -> Vec<u8> {
    let (fixed, low) = counter.split_at(12);
    let blocks = (1 << 32) - u64::from(u32::from_be_bytes(low.try_into().unwrap()));
    let (before, after) = message.split_at(message.len().min(blocks as usize * 16));
    let begin = [fixed, &[0; 4]].concat().try_into().unwrap();
    [ctr.encrypt(key, counter, before), ctr.encrypt(key, &begin, after)].concat()
}

#[test]
fn counters() {
    let (ctr, mut draw) = (sm4("CTR"), Draw::new(3));
    for len in lengths(&mut draw) {
        let (key, mut counter, message): (_, [u8; 16], _) =
            (draw.array(), draw.array(), draw.bytes(len));
        // Every other one is near its end.
        if draw.below(2) == 0 {
            let low = u32::MAX - draw.below(len / 16 + 2) as u32;
            counter[12..].copy_from_slice(&low.to_be_bytes());
        }
        let expected = counted(&ctr, &key, &counter, &message);
        for path in Sm4Path::all() {
            let mut ours = vec![0xaa; len];
            path.key(&key).ctr(&counter, &message, &mut ours);
            let (key, counter) = (hex::encode(key), hex::encode(counter));
            assert!(ours == expected, "{path:?}, key {key}, counter {counter}, {len} bytes");
        }
    }
}

/// The blocks are those of the test above; what is added to them has no paths.
#[test]
fn chains() {
    let (cbc, mut draw) = (sm4("CBC"), Draw::new(4));
    for len in lengths(&mut draw) {
        let (key, iv, message) = (draw.array(), draw.array(), draw.bytes(len / 16 * 16));
        let theirs = cbc.encrypt(&key, &iv, &message);
        let mut ours = vec![[0xaa; 16]; message.len() / 16];
        sm4_cbc_decrypt(&key, &iv, theirs.as_chunks().0, &mut ours).unwrap();
        let (key, iv) = (hex::encode(key), hex::encode(iv));
        assert!(ours.as_flattened() == message, "key {key}, IV {iv}, {} bytes", message.len());
    }
}

#[test]
fn gcm() {
    let (gcm, mut draw) = (Gcm::new("SM4"), Draw::new(5));
    for len in lengths(&mut draw) {
        let (key, iv, message) = (draw.array(), draw.array(), draw.bytes(len));
        // Often little additional data, or none.
        let most = [0, 20, 600][draw.below(3)];
        let aad_len = draw.below(most + 1);
        let aad = draw.bytes(aad_len);
        let theirs = gcm.seal(&key, &iv, &aad, &message);
        let wrong = draw.changed(&theirs.tag).try_into().unwrap();
        let case = format!(
            "key {}, IV {}, {} bytes of additional data, {len} bytes",
            hex::encode(key),
            hex::encode(iv),
            aad.len()
        );
        for path in Sm4Path::all() {
            let (ciphertext, tag) = path.seal(&key, &iv, &aad, &message);
            assert!(ciphertext == theirs.ciphertext, "{path:?}, {case}");
            assert_eq!(tag, theirs.tag, "{path:?}, {case}");
            let opened = path.open(&key, &iv, &aad, &theirs.ciphertext, &theirs.tag);
            assert!(opened.unwrap() == message, "{path:?}, {case}");
            let refused = path.open(&key, &iv, &aad, &theirs.ciphertext, &wrong);
            assert!(refused.is_err(), "{path:?}, {case}");
        }
        for sum in ghash_on_all_paths(&theirs.hash_key, &aad, &theirs.ciphertext) {
            assert_eq!(xor(&sum, &theirs.mask), theirs.tag, "GHASH, {case}");
        }
    }
}
