//! Every path that this processor has, against the standard and the crate `sm4`.

use proptest::prelude::*;
use sm4::Sm4;
use sm4::cipher::array::Array;
use sm4::cipher::{BlockCipherEncrypt, KeyInit};

use super::*;

/// GB/T 32907-2016, A.1.
const KEY: [u8; 16] = 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210u128.to_be_bytes();

#[test]
fn the_example_of_the_standard() {
    for path in Path::all() {
        let (key, mut blocks) = (Sm4Key::on(path, &KEY), [KEY]);
        key.encrypt_blocks(&mut blocks);
        assert_eq!(hex::encode(blocks[0]), "681edf34d206965e86b3e94f536e4246", "{path:?}");
        key.decrypt_blocks(&mut blocks);
        assert_eq!(blocks, [KEY]);
    }
}

/// GB/T 32907-2016, A.2, of which the vectors of `block` run the whole million on the best path.
#[test]
fn again_and_again() {
    let crate_key = Sm4::new(&KEY.into());
    let mut expected = [KEY];
    for _ in 0..500 {
        crate_key.encrypt_blocks(Array::cast_slice_from_core_mut(&mut expected));
    }
    for path in Path::all() {
        let (key, mut blocks) = (Sm4Key::on(path, &KEY), [KEY]);
        (0..500).for_each(|_| key.encrypt_blocks(&mut blocks));
        assert_eq!(blocks, expected, "{path:?}");
    }
}

fn bytes(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let next = |_| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (state >> 56) as u8
    };
    (0..len).map(next).collect()
}

/// What the crate makes of the blocks.
fn expected(key: &[u8; 16], blocks: &[[u8; 16]]) -> Vec<[u8; 16]> {
    let mut blocks = blocks.to_vec();
    Sm4::new(key.into()).encrypt_blocks(Array::cast_slice_from_core_mut(&mut blocks));
    blocks
}

/// Everything that a path does, against the crate.
fn check(key: &[u8; 16], counter: &[u8; 16], message: &[u8], offset: usize) {
    let blocks = message.as_chunks::<16>().0;
    let encrypted = expected(key, blocks);
    let (fixed, low) = (counter[..12].to_vec(), u128::from_be_bytes(*counter) as u32);
    let counters: Vec<[u8; 16]> = (0..message.len().div_ceil(16) as u32)
        .map(|at| [&fixed[..], &low.wrapping_add(at).to_be_bytes()].concat().try_into().unwrap())
        .collect();
    let stream = expected(key, &counters);
    let masked: Vec<u8> =
        message.iter().zip(stream.as_flattened()).map(|(byte, mask)| byte ^ mask).collect();
    for path in Path::all() {
        let sm4 = Sm4Key::on(path, key);
        let mut mine = blocks.to_vec();
        sm4.encrypt_blocks(&mut mine);
        assert_eq!(mine, encrypted, "{path:?}, {} blocks", blocks.len());
        sm4.decrypt_blocks(&mut mine);
        assert_eq!(mine, blocks, "{path:?}, {} blocks", blocks.len());
        // Anywhere in memory, and nothing is written around it.
        let mut out = vec![0xaa; offset + message.len() + 70];
        let input = [&vec![0x55; 63 - offset][..], message, &[0x55; 70]].concat();
        let (from, to) = (&input[63 - offset..][..message.len()], offset..offset + message.len());
        sm4.ctr(counter, from, &mut out[to.clone()]);
        assert_eq!(out[to.clone()], masked, "{path:?}, {} bytes", message.len());
        out[to].fill(0xaa);
        assert!(out.iter().all(|byte| *byte == 0xaa), "{path:?}, {} bytes", message.len());
    }
}

#[test]
fn every_number_of_blocks() {
    let key = bytes(16, 1).try_into().unwrap();
    for blocks in 0..=40 {
        let message = bytes(blocks * 16, blocks as u64);
        check(&key, &[0xff; 16], &message, blocks % 16);
    }
}

#[test]
fn every_end_of_a_kernel() {
    for len in [1, 15, 63, 64, 65, 255, 257, 511, 512, 513, 1023, 1024, 1025, 1537, 2048, 2900] {
        let [key, counter] = [3, 4].map(|seed| bytes(16, seed + len as u64).try_into().unwrap());
        check(&key, &counter, &bytes(len, 5), len % 64);
    }
}

#[test]
fn counters_wrap() {
    // Within every kernel, and between a byte and the next at every place of a vector.
    for below in (0..70).chain([0x100, 0xff_ff00, 0xff_ffff]) {
        let low = 0u32.wrapping_sub(below);
        let counter: [u8; 16] = [&[0xff; 12][..], &low.to_be_bytes()].concat().try_into().unwrap();
        let message = [0; 1100];
        let mut expected = message;
        Sm4Key::on(Path::PORTABLE, &KEY).ctr(&counter, &message, &mut expected);
        for path in Path::all() {
            for len in [64, 256, 1100] {
                let mut out = vec![0; len];
                Sm4Key::on(path, &KEY).ctr(&counter, &message[..len], &mut out);
                assert_eq!(out, expected[..len], "{path:?}, {below} below");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn anything_as_the_crate(
        key: [u8; 16],
        counter: [u8; 16],
        message in proptest::collection::vec(any::<u8>(), 0..5000),
        offset in 0..64usize,
    ) {
        check(&key, &counter, &message, offset);
    }
}
