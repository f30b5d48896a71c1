use proptest::prelude::*;

use super::*;

/// Every path that this processor has.
fn paths() -> Vec<Path> {
    let mut paths = vec![Path::Portable];
    #[cfg(target_arch = "x86_64")]
    {
        paths.extend(x86_64::Pclmul::detected().map(Path::Pclmul));
        paths.extend(x86_64::Vpclmul::detected().map(Path::Vpclmul));
    }
    paths
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

fn check(key: &[u8; 16], aad: &[u8], ciphertext: &[u8]) {
    let expected = defined(key, aad, ciphertext);
    let lengths = (aad.len(), ciphertext.len());
    assert_eq!(ghash(key, aad, ciphertext), expected, "{lengths:?}");
    for path in paths() {
        assert_eq!(on(path, key, aad, ciphertext), expected, "{path:?}, {lengths:?}");
    }
}

#[test]
fn every_bit_of_both_factors() {
    for i in 0..128 {
        let key = (1u128 << i).to_be_bytes();
        for j in 0..128 {
            check(&key, &[], &(1u128 << j).to_be_bytes());
        }
        check(&(u128::MAX >> i).to_be_bytes(), &[0xff; 16], &[0xff; 32]);
    }
    check(&[0xff; 16], &[0xff; 16], &[0xff; 16 * 65]);
}

#[test]
fn every_number_of_blocks() {
    let bytes: Vec<u8> = (0..2000u32).map(|at| ((at * at) >> 3) as u8).collect();
    let key = std::array::from_fn(|at| at as u8 ^ 0xa5);
    for len in (0..=300).chain((300..1400).step_by(13)) {
        // Not aligned, whatever the allocator gives.
        let bytes = &bytes[len % 16 + 1..][..len];
        let (aad, ciphertext) = bytes.split_at(len * 7 % 100 * len / 100);
        check(&key, aad, ciphertext);
        check(&key, &[], bytes);
        check(&key, bytes, &[]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn anything_by_the_definition(
        key: [u8; 16],
        aad in proptest::collection::vec(any::<u8>(), 0..1200),
        ciphertext in proptest::collection::vec(any::<u8>(), 0..3000),
    ) {
        check(&key, &aad, &ciphertext);
    }
}
