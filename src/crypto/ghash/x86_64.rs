//! Products by PCLMULQDQ, one at a time or, with AVX-512, four.

use std::arch::is_x86_feature_detected as has;
use std::arch::x86_64::*;

use super::{MODULUS, POWERS, Powers};

/// That the CPU has AVX and PCLMULQDQ.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pclmul(());

impl Pclmul {
    pub(super) fn detected() -> Option<Self> {
        (has!("avx") && has!("pclmulqdq")).then_some(Self(()))
    }

    /// Computes the powers for so many blocks, and says how many.
    pub(super) fn raise(self, powers: &mut Powers, blocks: usize) -> usize {
        // SAFETY: this value exists where the CPU has the features.
        unsafe { raise(powers, blocks.min(8)) }
    }

    /// The sum after these blocks.
    pub(super) fn sum(self, powers: &[[u8; 16]], sum: u128, blocks: &[[u8; 16]]) -> u128 {
        // SAFETY: this value exists where the CPU has the features.
        unsafe { narrow_sum(powers, sum, blocks) }
    }
}

/// That the CPU has AVX-512 and VPCLMULQDQ, too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vpclmul(());

impl Vpclmul {
    pub(super) fn detected() -> Option<Self> {
        let wide = has!("avx512f") && has!("avx512bw") && has!("vpclmulqdq");
        // With it, the upper registers are cleared after work with secrets.
        let wide = wide && has!("avx512vl");
        (Pclmul::detected().is_some() && wide).then_some(Self(()))
    }

    /// Computes the powers for so many blocks, and says how many.
    pub(super) fn raise(self, powers: &mut Powers, blocks: usize) -> usize {
        // SAFETY: this value exists where the CPU has the features.
        unsafe { wide_raise(powers, blocks) }
    }

    /// The sum after these blocks.
    pub(super) fn sum(self, powers: &[[u8; 16]], sum: u128, blocks: &[[u8; 16]]) -> u128 {
        // SAFETY: this value exists where the CPU has the features.
        unsafe { wide_sum(powers, sum, blocks) }
    }
}

/// From n powers the next n, by the highest.
#[target_feature(enable = "avx,pclmulqdq")]
fn raise(powers: &mut Powers, blocks: usize) -> usize {
    let mut count = 1;
    while count < blocks {
        let (rest, known) = powers.split_at_mut(POWERS - count);
        let Some(highest) = known.first() else { break };
        let highest = load(highest);
        for (new, power) in rest.iter_mut().rev().zip(known.iter().rev()) {
            let mut product = Product::zero();
            product.add(load(power), highest);
            *new = number(product.reduced()).to_le_bytes();
        }
        count *= 2;
    }
    count
}

#[target_feature(enable = "avx,pclmulqdq")]
fn narrow_sum(powers: &[[u8; 16]], sum: u128, blocks: &[[u8; 16]]) -> u128 {
    let mut sum = vector(sum);
    for group in blocks.chunks(powers.len()) {
        sum = narrow_group(powers, sum, group);
    }
    number(sum)
}

#[inline]
#[target_feature(enable = "avx,pclmulqdq")]
fn narrow_group(powers: &[[u8; 16]], mut sum: __m128i, group: &[[u8; 16]]) -> __m128i {
    let mut product = Product::zero();
    let powers = powers.get(powers.len() - group.len()..).unwrap_or_default();
    for (block, power) in group.iter().zip(powers) {
        product.add(_mm_xor_si128(sum, reversed(block)), load(power));
        sum = _mm_setzero_si128();
    }
    product.reduced()
}

/// A sum of products that is not reduced yet.
struct Product {
    low: __m128i,
    middle: __m128i,
    high: __m128i,
}

impl Product {
    #[inline]
    #[target_feature(enable = "avx,pclmulqdq")]
    fn zero() -> Self {
        let zero = _mm_setzero_si128();
        Self { low: zero, middle: zero, high: zero }
    }

    #[inline]
    #[target_feature(enable = "avx,pclmulqdq")]
    fn add(&mut self, a: __m128i, b: __m128i) {
        self.low = _mm_xor_si128(self.low, _mm_clmulepi64_si128::<0x00>(a, b));
        self.high = _mm_xor_si128(self.high, _mm_clmulepi64_si128::<0x11>(a, b));
        let crossed =
            _mm_xor_si128(_mm_clmulepi64_si128::<0x01>(a, b), _mm_clmulepi64_si128::<0x10>(a, b));
        self.middle = _mm_xor_si128(self.middle, crossed);
    }

    /// The sum / x^128.
    #[inline]
    #[target_feature(enable = "avx,pclmulqdq")]
    fn reduced(self) -> __m128i {
        let low = _mm_xor_si128(self.low, _mm_slli_si128::<8>(self.middle));
        let high = _mm_xor_si128(self.high, _mm_srli_si128::<8>(self.middle));
        _mm_xor_si128(high, divided(divided(low)))
    }
}

/// a / x^64: the low half, times the modulus, is taken away from below.
#[inline]
#[target_feature(enable = "avx,pclmulqdq")]
fn divided(a: __m128i) -> __m128i {
    let modulus = vector(MODULUS);
    _mm_xor_si128(_mm_shuffle_epi32::<0x4e>(a), _mm_clmulepi64_si128::<0x10>(a, modulus))
}

/// The same, by fours.
#[target_feature(enable = "avx,pclmulqdq,avx512f,avx512bw,vpclmulqdq")]
fn wide_raise(powers: &mut Powers, blocks: usize) -> usize {
    let mut count = raise(powers, 4);
    while count < blocks && count < POWERS {
        let (rest, known) = powers.split_at_mut(POWERS - count);
        let ((_, new), (known, _)) = (rest.as_rchunks_mut::<4>(), known.as_chunks::<4>());
        let Some([highest, ..]) = known.first() else { break };
        let highest = _mm512_broadcast_i32x4(load(highest));
        for (new, powers) in new.iter_mut().rev().zip(known.iter().rev()) {
            let mut product = WideProduct::zero();
            product.add(load_four(powers), highest);
            store_four(product.reduced(), new);
        }
        count *= 2;
    }
    count
}

#[target_feature(enable = "avx,pclmulqdq,avx512f,avx512bw,vpclmulqdq")]
fn wide_sum(powers: &[[u8; 16]], sum: u128, blocks: &[[u8; 16]]) -> u128 {
    let mut sum = vector(sum);
    for group in blocks.chunks(powers.len()) {
        sum = wide_group(powers, sum, group);
    }
    number(sum)
}

/// Fours first; what is left is multiplied alone.
#[inline]
#[target_feature(enable = "avx,pclmulqdq,avx512f,avx512bw,vpclmulqdq")]
fn wide_group(powers: &[[u8; 16]], sum: __m128i, group: &[[u8; 16]]) -> __m128i {
    let powers = powers.get(powers.len() - group.len()..).unwrap_or_default();
    let (powers, last_powers) = powers.as_chunks::<4>();
    let (group, last) = group.as_chunks::<4>();
    let mut wide = WideProduct::zero();
    let mut start = _mm512_zextsi128_si512(sum);
    for (blocks, powers) in group.iter().zip(powers) {
        wide.add(_mm512_xor_si512(start, four_reversed(blocks)), load_four(powers));
        start = _mm512_setzero_si512();
    }
    let mut sum = _mm512_castsi512_si128(start);
    let mut product = wide.folded();
    for (block, power) in last.iter().zip(last_powers) {
        product.add(_mm_xor_si128(sum, reversed(block)), load(power));
        sum = _mm_setzero_si128();
    }
    product.reduced()
}

/// Four sums of products.
struct WideProduct {
    low: __m512i,
    middle: __m512i,
    high: __m512i,
}

impl WideProduct {
    #[inline]
    #[target_feature(enable = "avx512f,vpclmulqdq")]
    fn zero() -> Self {
        let zero = _mm512_setzero_si512();
        Self { low: zero, middle: zero, high: zero }
    }

    #[inline]
    #[target_feature(enable = "avx512f,vpclmulqdq")]
    fn add(&mut self, a: __m512i, b: __m512i) {
        self.low = _mm512_xor_si512(self.low, _mm512_clmulepi64_epi128::<0x00>(a, b));
        self.high = _mm512_xor_si512(self.high, _mm512_clmulepi64_epi128::<0x11>(a, b));
        self.middle = _mm512_ternarylogic_epi64::<0x96>(
            self.middle,
            _mm512_clmulepi64_epi128::<0x01>(a, b),
            _mm512_clmulepi64_epi128::<0x10>(a, b),
        );
    }

    /// All four in one.
    #[inline]
    #[target_feature(enable = "avx,pclmulqdq,avx512f,avx512bw,vpclmulqdq")]
    fn folded(self) -> Product {
        Product { low: folded(self.low), middle: folded(self.middle), high: folded(self.high) }
    }

    /// Each / x^128.
    #[inline]
    #[target_feature(enable = "avx,pclmulqdq,avx512f,avx512bw,vpclmulqdq")]
    fn reduced(self) -> __m512i {
        let low = _mm512_xor_si512(self.low, _mm512_bslli_epi128::<8>(self.middle));
        let high = _mm512_xor_si512(self.high, _mm512_bsrli_epi128::<8>(self.middle));
        _mm512_xor_si512(high, wide_divided(wide_divided(low)))
    }
}

#[inline]
#[target_feature(enable = "avx,avx512f,vpclmulqdq")]
fn wide_divided(a: __m512i) -> __m512i {
    let modulus = _mm512_broadcast_i32x4(vector(MODULUS));
    let product = _mm512_clmulepi64_epi128::<0x10>(a, modulus);
    _mm512_xor_si512(_mm512_shuffle_epi32::<0x4e>(a), product)
}

#[inline]
#[target_feature(enable = "avx,avx512f")]
fn folded(a: __m512i) -> __m128i {
    let half = _mm256_xor_si256(_mm512_castsi512_si256(a), _mm512_extracti64x4_epi64::<1>(a));
    _mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256::<1>(half))
}

#[inline]
#[target_feature(enable = "avx")]
fn vector(a: u128) -> __m128i {
    _mm_set_epi64x((a >> 64) as i64, a as i64)
}

#[inline]
#[target_feature(enable = "avx")]
fn number(a: __m128i) -> u128 {
    let (high, low) = (_mm_extract_epi64::<1>(a), _mm_cvtsi128_si64(a));
    u128::from(high.cast_unsigned()) << 64 | u128::from(low.cast_unsigned())
}

#[inline]
#[target_feature(enable = "avx")]
fn load(block: &[u8; 16]) -> __m128i {
    // SAFETY: 16 bytes may be read there, at any alignment.
    unsafe { _mm_loadu_si128(block.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_four(blocks: &[[u8; 16]; 4]) -> __m512i {
    // SAFETY: 64 bytes may be read there, at any alignment.
    unsafe { _mm512_loadu_si512(blocks.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store_four(from: __m512i, to: &mut [[u8; 16]; 4]) {
    // SAFETY: 64 bytes may be written there, at any alignment.
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), from) }
}

#[inline]
#[target_feature(enable = "avx")]
fn reversed(block: &[u8; 16]) -> __m128i {
    _mm_shuffle_epi8(load(block), vector(REVERSED))
}

#[inline]
#[target_feature(enable = "avx,avx512f,avx512bw")]
fn four_reversed(blocks: &[[u8; 16]; 4]) -> __m512i {
    _mm512_shuffle_epi8(load_four(blocks), _mm512_broadcast_i32x4(vector(REVERSED)))
}

/// For PSHUFB: the bytes of a block from the last to the first.
const REVERSED: u128 = 0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f;
