use proptest::prelude::*;

use super::defined::ghash as defined;
use super::*;

fn check(key: &[u8; 16], aad: &[u8], ciphertext: &[u8]) {
    let expected = defined(key, aad, ciphertext);
    let lengths = (aad.len(), ciphertext.len());
    assert_eq!(ghash(key, aad, ciphertext), expected, "{lengths:?}");
    for path in Path::all() {
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
