//! AVX-512 with GFNI: the S-box is one instruction, which multiplies by any matrix besides. Sixteen
//! blocks at once; fewer take as long.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::basis::{Basis, Field, Linear};
use super::words::{word_schedule, word_sliced};

const BASIS: Basis = Basis::of(Field::AES);
const LANES: usize = 4;
type V = __m512i;

pub(super) const INTO: i64 = matrix(BASIS.into);
pub(super) const OUT_OF: i64 = matrix(BASIS.out_of);
/// The taps of a round but the first, which is the sum of these, as `basis` proves; the second is
/// the third, too.
pub(super) const INNER: i64 = matrix(BASIS.round.taps[1]);
pub(super) const OUTER: i64 = matrix(BASIS.round.taps[3]);
/// INNER comes three times, and so does the constant.
pub(super) const CONSTANT: i32 = BASIS.round.constant as i32;

/// As the instructions take it: the lowest row in the highest byte.
const fn matrix(map: Linear) -> i64 {
    let (mut rows, mut row) = (0, 0);
    while row < 8 {
        rows = (rows << 8) | map.row(row) as i64;
        row += 1;
    }
    rows
}

/// Vector `at` of the bytes, zeros beyond their end.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,gfni")]
pub(super) fn load(bytes: &[u8], at: usize) -> V {
    match bytes.get(at * 64..) {
        None | Some([]) => _mm512_setzero_si512(),
        // SAFETY: no more is read than is there.
        Some(rest) => unsafe { _mm512_maskz_loadu_epi8(mask(rest.len()), rest.as_ptr().cast()) },
    }
}

/// The reverse of [`load`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,gfni")]
pub(super) fn store(vector: V, bytes: &mut [u8], at: usize) {
    match bytes.get_mut(at * 64..) {
        None | Some([]) => {}
        // SAFETY: no more is written than is there.
        Some(rest) => unsafe {
            _mm512_mask_storeu_epi8(rest.as_mut_ptr().cast(), mask(rest.len()), vector);
        },
    }
}

/// As many bits, 64 at most; not 0.
#[inline]
fn mask(len: usize) -> u64 {
    u64::MAX >> (64 - len.min(64))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,gfni")]
fn xor(a: V, b: V) -> V {
    _mm512_xor_si512(a, b)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,gfni")]
pub(super) fn xor3(a: V, b: V, c: V) -> V {
    _mm512_ternarylogic_epi32::<0x96>(a, b, c)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,gfni")]
fn unpack32(a: V, b: V) -> [V; 2] {
    [_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b)]
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,gfni")]
fn unpack64(a: V, b: V) -> [V; 2] {
    [_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b)]
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,gfni")]
fn broadcast(word: u32) -> V {
    _mm512_set1_epi32(word.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,gfni")]
fn lowest(words: V) -> u32 {
    _mm512_cvtsi512_si32(words).cast_unsigned()
}

/// Where the words of a state must be so that blocks come out in order.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,gfni")]
fn counters(low: u32) -> V {
    let offsets = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    let swap = _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
    let numbers = _mm512_add_epi32(broadcast(low), offsets);
    _mm512_shuffle_epi8(numbers, _mm512_broadcast_i32x4(swap))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,gfni")]
fn into(words: V) -> V {
    _mm512_gf2p8affine_epi64_epi8::<0>(words, _mm512_set1_epi64(INTO))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,gfni")]
fn out_of(words: V) -> V {
    _mm512_gf2p8affine_epi64_epi8::<0>(words, _mm512_set1_epi64(OUT_OF))
}

/// The first byte of a word is the lowest here, so the next ones come by turns to the right.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,gfni")]
fn round(sum: V, from: V) -> V {
    let inner = _mm512_gf2p8affineinv_epi64_epi8::<CONSTANT>(from, _mm512_set1_epi64(INNER));
    let outer = _mm512_gf2p8affineinv_epi64_epi8::<0>(from, _mm512_set1_epi64(OUTER));
    let sum = xor3(sum, inner, outer);
    let sum = xor3(sum, _mm512_ror_epi32::<8>(inner), _mm512_ror_epi32::<24>(outer));
    xor(sum, _mm512_ror_epi32::<16>(inner))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,gfni")]
fn key_round(sum: V, from: V) -> V {
    const TAPS: [i64; 4] = {
        let [a, b, c, d] = BASIS.key.taps;
        [matrix(a), matrix(b), matrix(c), matrix(d)]
    };
    const CONSTANT: i32 = BASIS.key.constant as i32;
    let [a, b, c, d] = TAPS;
    let a = _mm512_gf2p8affineinv_epi64_epi8::<CONSTANT>(from, _mm512_set1_epi64(a));
    let b = _mm512_gf2p8affineinv_epi64_epi8::<0>(from, _mm512_set1_epi64(b));
    let c = _mm512_gf2p8affineinv_epi64_epi8::<0>(from, _mm512_set1_epi64(c));
    let d = _mm512_gf2p8affineinv_epi64_epi8::<0>(from, _mm512_set1_epi64(d));
    let sum = xor3(sum, a, _mm512_ror_epi32::<8>(b));
    xor3(sum, _mm512_ror_epi32::<16>(c), _mm512_ror_epi32::<24>(d))
}

word_sliced!("avx512f,avx512bw,gfni");
word_schedule!("avx512f,avx512bw,gfni");
