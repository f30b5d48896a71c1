use std::cell::Cell;

use super::*;

thread_local! {
    static FORCED: Cell<Option<Path>> = const { Cell::new(None) };
}

/// The path that this thread's test wants.
pub(super) fn forced() -> Option<Path> {
    FORCED.get()
}

/// Runs a test on every path that the machine has.
pub(crate) fn on_every_path(test: impl Fn()) {
    let mut paths = vec![Path::Portable];
    #[cfg(target_arch = "x86_64")]
    {
        paths.extend(x86_64::Pclmul::detected().map(Path::Pclmul));
        paths.extend(x86_64::Vpclmul::detected().map(Path::Vpclmul));
    }
    for path in paths {
        FORCED.set(Some(path));
        test();
        FORCED.set(None);
    }
}

/// SP 800-38D, 6.3, algorithm 1, bit by bit.
fn product(x: u128, y: u128) -> u128 {
    let (mut z, mut v) = (0, y);
    for i in (0..128).rev() {
        if x >> i & 1 == 1 {
            z ^= v;
        }
        v = if v & 1 == 1 { v >> 1 ^ (0xe1 << 120) } else { v >> 1 };
    }
    z
}

/// The same, 6.4, algorithm 2, and 7.1, step 5.
fn defined(key: &[u8; 16], aad: &[u8], ciphertext: &[u8]) -> [u8; 16] {
    let key = u128::from_be_bytes(*key);
    let sum = [aad, ciphertext].iter().flat_map(|part| part.chunks(16)).fold(0, |sum, block| {
        let mut padded = [0; 16];
        padded[..block.len()].copy_from_slice(block);
        product(sum ^ u128::from_be_bytes(padded), key)
    });
    let lengths = (aad.len() as u128 * 8) << 64 | (ciphertext.len() as u128 * 8);
    product(sum ^ lengths, key).to_be_bytes()
}

/// Numbers that only look random.
pub(crate) fn random(seed: u64) -> impl FnMut() -> u8 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    }
}

fn check(key: &[u8; 16], aad: &[u8], ciphertext: &[u8]) {
    let expected = defined(key, aad, ciphertext);
    assert_eq!(*ghash(key, aad, ciphertext), expected, "{} and {}", aad.len(), ciphertext.len());
}

#[test]
fn against_the_definition() {
    on_every_path(|| {
        let mut random = random(7);
        let bytes: Vec<u8> = (0..5001).map(|_| random()).collect();
        for len in 0..=600 {
            let key = std::array::from_fn(|_| random());
            // Not aligned, whatever the allocator gives.
            let bytes = &bytes[1..][..len];
            let (aad, ciphertext) = bytes.split_at(usize::from(random()) % (len + 1));
            check(&key, aad, ciphertext);
            check(&key, &[], bytes);
            check(&key, bytes, &[]);
        }
        check(&std::array::from_fn(|_| random()), &bytes[..79], &bytes);
        check(&std::array::from_fn(|_| random()), &bytes, &bytes[3..]);
    });
}

#[test]
fn every_bit_of_both_factors() {
    on_every_path(|| {
        for i in 0..128 {
            for j in 0..128 {
                let (key, block) = ((1u128 << i).to_be_bytes(), (1u128 << j).to_be_bytes());
                check(&key, &[], &block);
            }
            let key = (u128::MAX >> i).to_be_bytes();
            check(&key, &[0xff; 16], &[0xff; 16 * 33]);
        }
    });
}
