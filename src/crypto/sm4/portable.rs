//! Sixteen blocks at once in ordinary registers, bit by bit: no table, and no step depends on data.
//! A word of every block is eight planes, one for each bit of a byte; in a plane, the bit of byte
//! `at` of block `n` is bit 16·at + n. The S-box is an inversion in [`Field::Nested`], level by level.
#![forbid(unsafe_code)]
// Every index is the number of a plane or of a block, and known to the compiler.
#![allow(clippy::indexing_slicing)]

use super::basis::{Basis, Field, Layer, Linear};
use crate::secret::wipe;

const BASIS: Basis = Basis::of(Field::Nested);
const BLOCKS: usize = 16;

type Planes = [u64; 8];

/// Expands a key, its words as they lie in memory.
pub(super) fn expand(key: &[u32; 4]) -> [u32; 32] {
    const CONSTANTS: [u32; 32] = BASIS.constants();
    const OFFSET: u32 = u32::from_ne_bytes([BASIS.offset; 4]);
    let mut state = key.map(|word| mapped(&planes(word), BASIS.into));
    let mut keys = [0; 32];
    for (key, constant) in keys.iter_mut().zip(CONSTANTS) {
        let [a, b, c, d] = state;
        let inverse = inverted(sum(sum(b, c), sum(d, planes(constant))));
        let own = mapped(&inverse, BASIS.key.taps[0]);
        let next = mapped(&inverse, BASIS.key.taps[1]);
        let second = mapped(&inverse, BASIS.key.taps[2]);
        let last = mapped(&inverse, BASIS.key.taps[3]);
        let mut new = sum(a, constants(BASIS.key));
        for bit in 0..8 {
            let front = own[bit] ^ next[bit].rotate_right(16);
            new[bit] ^= front ^ second[bit].rotate_right(32) ^ last[bit].rotate_right(48);
        }
        *key = word(new) ^ OFFSET;
        state = [b, c, d, new];
    }
    keys
}

/// Whole blocks in place, each on its own.
pub(super) fn crypt(keys: &[u32; 32], blocks: &mut [[u8; 16]]) {
    for blocks in blocks.chunks_mut(BLOCKS) {
        let mut state = [[0; 8]; 4];
        for (n, block) in blocks.iter().enumerate() {
            for (planes, bytes) in state.iter_mut().zip(block.as_chunks().0) {
                planes[n % 8] |= apart(u32::from_le_bytes(*bytes)) << (n / 8 * 8);
            }
        }
        let state = rounds(keys, state.map(|bytes| mapped(&turned(bytes), BASIS.into)));
        let state = state.map(|planes| turned(mapped(&planes, BASIS.out_of)));
        for (n, block) in blocks.iter_mut().enumerate() {
            for (planes, bytes) in state.iter().zip(block.as_chunks_mut().0) {
                *bytes = together(planes[n % 8] >> (n / 8 * 8)).to_le_bytes();
            }
        }
    }
}

/// XORs with the key stream from this counter on, whose words lie as in memory.
pub(super) fn ctr(keys: &[u32; 32], counter: [u32; 4], input: &[u8], output: &mut [u8]) {
    let [a, b, c, low] = counter;
    let mut low = u32::from_be(low);
    for (input, output) in input.chunks(BLOCKS * 16).zip(output.chunks_mut(BLOCKS * 16)) {
        let mut stream = [[0; 16]; BLOCKS];
        for block in &mut stream {
            let words = [a, b, c, low.to_be()].map(u32::to_ne_bytes);
            block.copy_from_slice(words.as_flattened());
            low = low.wrapping_add(1);
        }
        crypt(keys, &mut stream);
        let masks = stream.as_flattened_mut();
        for ((to, from), mask) in output.iter_mut().zip(input).zip(&*masks) {
            *to = from ^ mask;
        }
        wipe(masks);
    }
}

fn rounds(keys: &[u32; 32], [mut a, mut b, mut c, mut d]: [Planes; 4]) -> [Planes; 4] {
    for &[k, l, m, n] in keys.as_chunks().0 {
        a = round(a, [b, c, d], k);
        b = round(b, [c, d, a], l);
        c = round(c, [d, a, b], m);
        d = round(d, [a, b, c], n);
    }
    [d, c, b, a]
}

#[inline]
fn round(word: Planes, [a, b, c]: [Planes; 3], key: u32) -> Planes {
    let inverse = inverted(sum(sum(a, b), sum(c, planes(key))));
    let (inner, outer) =
        (mapped(&inverse, BASIS.round.taps[1]), mapped(&inverse, BASIS.round.taps[3]));
    let mut new = sum(word, constants(BASIS.round));
    for bit in 0..8 {
        let pair = inner[bit] ^ inner[bit].rotate_right(16);
        new[bit] ^= pair ^ inner[bit].rotate_right(32) ^ outer[bit] ^ outer[bit].rotate_right(48);
    }
    new
}

/// The constant of a layer, for every byte.
#[inline]
fn constants(layer: Layer) -> Planes {
    std::array::from_fn(|bit| 0u64.wrapping_sub((layer.constant >> bit & 1).into()))
}

/// The same word for every block.
#[inline]
fn planes(word: u32) -> Planes {
    let bytes = apart(word);
    std::array::from_fn(|bit| (bytes >> bit & 0x0001_0001_0001_0001).wrapping_mul(0xffff))
}

/// The reverse of [`planes`].
fn word(planes: Planes) -> u32 {
    let bits = planes.iter().enumerate();
    together(bits.fold(0, |sum, (bit, plane)| sum | (plane & 0x0001_0001_0001_0001) << bit))
}

/// The bytes of a word at distances of two.
#[inline]
fn apart(word: u32) -> u64 {
    let halves = (u64::from(word) | u64::from(word) << 16) & 0x0000_ffff_0000_ffff;
    (halves | halves << 8) & 0x00ff_00ff_00ff_00ff
}

/// The reverse of [`apart`], whatever is in between.
#[inline]
fn together(bytes: u64) -> u32 {
    let bytes = bytes & 0x00ff_00ff_00ff_00ff;
    let halves = (bytes | bytes >> 8) & 0x0000_ffff_0000_ffff;
    (halves | halves >> 16) as u32
}

/// Bit `i` of each byte of word `j` for bit `j` of the same byte of word `i`.
#[inline]
fn turned(mut words: Planes) -> Planes {
    for (distance, mask) in
        [(1, 0x5555_5555_5555_5555), (2, 0x3333_3333_3333_3333), (4, 0x0f0f_0f0f_0f0f_0f0f)]
    {
        for at in (0..8).filter(|at| at & distance == 0) {
            let other = at + distance;
            let swapped = (words[at] >> distance ^ words[other]) & mask;
            words[other] ^= swapped;
            words[at] ^= swapped << distance;
        }
    }
    words
}

#[inline]
fn sum<const N: usize>(a: [u64; N], b: [u64; N]) -> [u64; N] {
    std::array::from_fn(|bit| a[bit] ^ b[bit])
}

/// The map's rows are constants: what is left of the masks are their XORs.
#[inline(always)]
fn mapped(planes: &Planes, map: Linear) -> Planes {
    std::array::from_fn(|row| {
        let mut sum = 0;
        for (bit, plane) in planes.iter().enumerate() {
            sum ^= plane & 0u64.wrapping_sub((map.row(row) >> bit & 1).into());
        }
        sum
    })
}

/// The inverse of a·X + b is (a·X + a + b) / (λ·a² + a·b + b²), on this level and those below.
#[inline]
fn inverted([b0, b1, b2, b3, a0, a1, a2, a3]: Planes) -> Planes {
    let (a, b) = ([a0, a1, a2, a3], [b0, b1, b2, b3]);
    let norm = sum(sum(product4(a, b), square4(b)), scaled4(square4(a)));
    let factor = inverted4(norm);
    let [h0, h1, h2, h3] = product4(a, factor);
    let [l0, l1, l2, l3] = product4(sum(a, b), factor);
    [l0, l1, l2, l3, h0, h1, h2, h3]
}

#[inline]
fn inverted4([b0, b1, a0, a1]: [u64; 4]) -> [u64; 4] {
    let (a, b) = ([a0, a1], [b0, b1]);
    let norm = sum(sum(product2(a, b), square2(b)), scaled2(square2(a)));
    // In the field of four elements.
    let factor = square2(norm);
    let ([h0, h1], [l0, l1]) = (product2(a, factor), product2(sum(a, b), factor));
    [l0, l1, h0, h1]
}

#[inline]
fn product4([b0, b1, a0, a1]: [u64; 4], [d0, d1, c0, c1]: [u64; 4]) -> [u64; 4] {
    let (a, b, c, d) = ([a0, a1], [b0, b1], [c0, c1], [d0, d1]);
    let (high, low) = (product2(a, c), product2(b, d));
    let [h0, h1] = sum(product2(sum(a, b), sum(c, d)), low);
    let [l0, l1] = sum(low, scaled2(high));
    [l0, l1, h0, h1]
}

#[inline]
fn square4([b0, b1, a0, a1]: [u64; 4]) -> [u64; 4] {
    let [h0, h1] = square2([a0, a1]);
    let [l0, l1] = sum(square2([b0, b1]), scaled2([h0, h1]));
    [l0, l1, h0, h1]
}

/// By λ of the highest level.
#[inline]
fn scaled4([b0, b1, a0, a1]: [u64; 4]) -> [u64; 4] {
    let [h0, h1] = scaled2([a0 ^ b0, a1 ^ b1]);
    let [l0, l1] = scaled2(scaled2([a0, a1]));
    [l0, l1, h0, h1]
}

#[inline]
fn product2([b, a]: [u64; 2], [d, c]: [u64; 2]) -> [u64; 2] {
    let low = b & d;
    [low ^ a & c, (a ^ b) & (c ^ d) ^ low]
}

#[inline]
fn square2([b, a]: [u64; 2]) -> [u64; 2] {
    [a ^ b, a]
}

/// By λ of the middle level.
#[inline]
fn scaled2([b, a]: [u64; 2]) -> [u64; 2] {
    [a, a ^ b]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_of_every_byte() {
        for byte in 0..=255u8 {
            let every = |bit: usize| 0u64.wrapping_sub(u64::from(byte >> bit & 1));
            let inverse = inverted(std::array::from_fn(every));
            let inverse = (0..8).fold(0, |sum, bit| sum | (inverse[bit] as u8 & 1) << bit);
            assert_eq!(Field::Nested.product(byte, inverse), u8::from(byte != 0));
        }
    }
}
