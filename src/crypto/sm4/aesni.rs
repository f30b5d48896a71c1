//! AVX2 with AES-NI: the last round of AES inverts, in its S-box. It turns the rows of its state
//! besides, four blocks of ours; that is undone where bytes are shuffled anyway.
#![allow(unsafe_code)]

use super::basis::{Basis, Field, Layer, Linear};

const BASIS: Basis = Basis::of(Field::AES);

/// Sixteen bytes for each 128 bits of a vector.
type Bytes = [u8; 16];

/// A map as the sum of what the two halves of a byte are mapped to.
#[allow(clippy::indexing_slicing)] // by the compiler alone, which would notice
const fn halves(map: Linear, constant: u8) -> [Bytes; 2] {
    let (mut halves, mut nibble) = ([[0; 16]; 2], 0);
    while nibble < 16 {
        halves[0][nibble] = map.of(nibble as u8) ^ constant;
        halves[1][nibble] = map.of((nibble << 4) as u8);
        nibble += 1;
    }
    halves
}

/// What fetches, after AES has turned its rows, the bytes `tap` places on in their words.
#[allow(clippy::indexing_slicing)] // as above
const fn turned(tap: usize) -> Bytes {
    let (mut from, mut at) = ([0; 16], 0);
    while at < 16 {
        let row = (at + tap) % 4;
        from[at] = ((at / 4 + 4 - row) % 4 * 4 + row) as u8;
        at += 1;
    }
    from
}

const INTO: [Bytes; 2] = halves(BASIS.into, 0);
const OUT_OF: [Bytes; 2] = halves(BASIS.out_of, 0);
const INNER: [Bytes; 2] = halves(BASIS.round.after_aes().taps[1], BASIS.round.after_aes().constant);
const OUTER: [Bytes; 2] = halves(BASIS.round.after_aes().taps[3], 0);
const TURNED: [Bytes; 4] = [turned(0), turned(1), turned(2), turned(3)];
/// The bytes of a word backwards.
const SWAPPED: Bytes = [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12];

/// The operations of one width, by their instructions.
macro_rules! width {
    ($V:ty, $size:literal, $load:ident, $store:ident, $xor:ident, $and:ident, $shift:ident,
        $shuffle:ident, $low32:ident, $high32:ident, $low64:ident, $high64:ident, $words:ident,
        $byte:ident, $add:ident, $offsets:expr) => {
        type V = $V;

        /// Vector `at` of the bytes, zeros beyond their end.
        #[inline]
        #[target_feature(enable = "aes,avx2")]
        pub(super) fn load(bytes: &[u8], at: usize) -> V {
            let bytes = bytes.get(at * $size..).unwrap_or_default();
            if let Some(whole) = bytes.first_chunk::<$size>() {
                // SAFETY: as many bytes are there.
                return unsafe { $load(whole.as_ptr().cast()) };
            }
            let mut padded = [0; $size];
            padded.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            // SAFETY: as above.
            let vector = unsafe { $load(padded.as_ptr().cast()) };
            wipe(&mut padded);
            vector
        }

        /// The reverse of [`load`].
        #[inline]
        #[target_feature(enable = "aes,avx2")]
        pub(super) fn store(vector: V, bytes: &mut [u8], at: usize) {
            let bytes = bytes.get_mut(at * $size..).unwrap_or_default();
            if let Some(whole) = bytes.first_chunk_mut::<$size>() {
                // SAFETY: as many bytes are there.
                return unsafe { $store(whole.as_mut_ptr().cast(), vector) };
            }
            if bytes.is_empty() {
                return;
            }
            let mut padded = [0; $size];
            // SAFETY: as above.
            unsafe { $store(padded.as_mut_ptr().cast(), vector) };
            bytes.iter_mut().zip(padded).for_each(|(to, from)| *to = from);
            wipe(&mut padded);
        }

        #[inline]
        #[target_feature(enable = "aes,avx2")]
        pub(super) fn xor(a: V, b: V) -> V {
            $xor(a, b)
        }

        #[inline]
        #[target_feature(enable = "aes,avx2")]
        pub(super) fn xor3(a: V, b: V, c: V) -> V {
            $xor($xor(a, b), c)
        }

        #[inline]
        #[target_feature(enable = "aes,avx2")]
        pub(super) fn unpack32(a: V, b: V) -> [V; 2] {
            [$low32(a, b), $high32(a, b)]
        }

        #[inline]
        #[target_feature(enable = "aes,avx2")]
        pub(super) fn unpack64(a: V, b: V) -> [V; 2] {
            [$low64(a, b), $high64(a, b)]
        }

        #[inline]
        #[target_feature(enable = "aes,avx2")]
        pub(super) fn broadcast(word: u32) -> V {
            $words(word.cast_signed())
        }

        /// Where the words of a state must be so that blocks come out in order.
        #[inline]
        #[target_feature(enable = "aes,avx2")]
        pub(super) fn counters(low: u32) -> V {
            shuffled($add(broadcast(low), $offsets), SWAPPED)
        }

        #[inline]
        #[target_feature(enable = "aes,avx2")]
        pub(super) fn shuffled(bytes: V, from: Bytes) -> V {
            $shuffle(bytes, constant(from))
        }

        /// The low and the high halves of bytes, each looked up in a register.
        #[inline]
        #[target_feature(enable = "aes,avx2")]
        pub(super) fn mapped([low, high]: [V; 2], map: [Bytes; 2]) -> V {
            let [of_low, of_high] = map;
            $xor($shuffle(constant(of_low), low), $shuffle(constant(of_high), high))
        }

        #[inline]
        #[target_feature(enable = "aes,avx2")]
        pub(super) fn split(bytes: V) -> [V; 2] {
            let mask = $byte(0xf);
            [$and(bytes, mask), $and($shift::<4>(bytes), mask)]
        }

        #[inline]
        #[target_feature(enable = "aes,avx2")]
        pub(super) fn into(words: V) -> V {
            mapped(split(words), INTO)
        }

        #[inline]
        #[target_feature(enable = "aes,avx2")]
        pub(super) fn out_of(words: V) -> V {
            mapped(split(words), OUT_OF)
        }

        #[inline]
        #[target_feature(enable = "aes,avx2")]
        pub(super) fn round(sum: V, from: V) -> V {
            let halves = split(substituted(from));
            let (inner, outer) = (mapped(halves, INNER), mapped(halves, OUTER));
            let [own, next, second, last] = TURNED;
            let twice = xor(shuffled(inner, next), shuffled(inner, second));
            let once = xor(shuffled(xor(inner, outer), own), shuffled(outer, last));
            xor3(sum, twice, once)
        }
    };
}

/// Four blocks.
pub(super) mod narrow {
    use std::arch::x86_64::*;

    use super::*;

    use crate::crypto::sm4::words::{word_schedule, word_sliced};
    use crate::secret::wipe;

    const LANES: usize = 1;

    width!(
        __m128i,
        16,
        _mm_loadu_si128,
        _mm_storeu_si128,
        _mm_xor_si128,
        _mm_and_si128,
        _mm_srli_epi16,
        _mm_shuffle_epi8,
        _mm_unpacklo_epi32,
        _mm_unpackhi_epi32,
        _mm_unpacklo_epi64,
        _mm_unpackhi_epi64,
        _mm_set1_epi32,
        _mm_set1_epi8,
        _mm_add_epi32,
        _mm_setr_epi32(0, 1, 2, 3)
    );

    #[inline]
    #[target_feature(enable = "aes,avx2")]
    fn constant(bytes: Bytes) -> V {
        // SAFETY: there are 16 bytes.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "aes,avx2")]
    fn substituted(bytes: V) -> V {
        _mm_aesenclast_si128(bytes, _mm_setzero_si128())
    }

    #[inline]
    #[target_feature(enable = "aes,avx2")]
    fn lowest(words: V) -> u32 {
        _mm_cvtsi128_si32(words).cast_unsigned()
    }

    #[inline]
    #[target_feature(enable = "aes,avx2")]
    fn key_round(sum: V, from: V) -> V {
        const LAYER: Layer = BASIS.key.after_aes();
        const TAPS: [[Bytes; 2]; 4] = [
            halves(LAYER.taps[0], LAYER.constant),
            halves(LAYER.taps[1], 0),
            halves(LAYER.taps[2], 0),
            halves(LAYER.taps[3], 0),
        ];
        let halves = split(substituted(from));
        let [a, b, c, d] = TAPS;
        let [own, next, second, last] = TURNED;
        let front = xor(shuffled(mapped(halves, a), own), shuffled(mapped(halves, b), next));
        let back = xor(shuffled(mapped(halves, c), second), shuffled(mapped(halves, d), last));
        xor3(sum, front, back)
    }

    word_sliced!("aes,avx2");
    word_schedule!("aes,avx2");
}

/// Eight blocks, with the places of the first and the second eight of sixteen.
mod half {
    use std::arch::x86_64::*;

    use super::*;

    use crate::secret::wipe;

    width!(
        __m256i,
        32,
        _mm256_loadu_si256,
        _mm256_storeu_si256,
        _mm256_xor_si256,
        _mm256_and_si256,
        _mm256_srli_epi16,
        _mm256_shuffle_epi8,
        _mm256_unpacklo_epi32,
        _mm256_unpackhi_epi32,
        _mm256_unpacklo_epi64,
        _mm256_unpackhi_epi64,
        _mm256_set1_epi32,
        _mm256_set1_epi8,
        _mm256_add_epi32,
        _mm256_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13)
    );

    #[inline]
    #[target_feature(enable = "aes,avx2")]
    fn constant(bytes: Bytes) -> V {
        // SAFETY: there are 16 bytes.
        _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
    }

    /// AES takes 128 bits.
    #[inline]
    #[target_feature(enable = "aes,avx2")]
    fn substituted(bytes: V) -> V {
        let zero = _mm_setzero_si128();
        let low = _mm_aesenclast_si128(_mm256_castsi256_si128(bytes), zero);
        let high = _mm_aesenclast_si128(_mm256_extracti128_si256::<1>(bytes), zero);
        _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(low), high)
    }
}

/// Sixteen blocks: two vectors for one, as the instructions of eight wait for each other.
pub(super) mod wide {
    use std::arch::x86_64::*;

    use super::half;
    use crate::crypto::sm4::words::word_sliced;

    type V = [__m256i; 2];
    const LANES: usize = 4;

    #[inline]
    #[target_feature(enable = "aes,avx2")]
    fn load(bytes: &[u8], at: usize) -> V {
        [half::load(bytes, 2 * at), half::load(bytes, 2 * at + 1)]
    }

    #[inline]
    #[target_feature(enable = "aes,avx2")]
    fn store([a, b]: V, bytes: &mut [u8], at: usize) {
        half::store(a, bytes, 2 * at);
        half::store(b, bytes, 2 * at + 1);
    }

    #[inline]
    #[target_feature(enable = "aes,avx2")]
    fn xor([a, b]: V, [c, d]: V) -> V {
        [half::xor(a, c), half::xor(b, d)]
    }

    #[inline]
    #[target_feature(enable = "aes,avx2")]
    fn xor3(a: V, b: V, c: V) -> V {
        xor(xor(a, b), c)
    }

    #[inline]
    #[target_feature(enable = "aes,avx2")]
    fn unpack32([a, b]: V, [c, d]: V) -> [V; 2] {
        let ([e, f], [g, h]) = (half::unpack32(a, c), half::unpack32(b, d));
        [[e, g], [f, h]]
    }

    #[inline]
    #[target_feature(enable = "aes,avx2")]
    fn unpack64([a, b]: V, [c, d]: V) -> [V; 2] {
        let ([e, f], [g, h]) = (half::unpack64(a, c), half::unpack64(b, d));
        [[e, g], [f, h]]
    }

    #[inline]
    #[target_feature(enable = "aes,avx2")]
    fn broadcast(word: u32) -> V {
        [half::broadcast(word), half::broadcast(word)]
    }

    #[inline]
    #[target_feature(enable = "aes,avx2")]
    fn counters(low: u32) -> V {
        [half::counters(low), half::counters(low.wrapping_add(2))]
    }

    #[inline]
    #[target_feature(enable = "aes,avx2")]
    fn into([a, b]: V) -> V {
        [half::into(a), half::into(b)]
    }

    #[inline]
    #[target_feature(enable = "aes,avx2")]
    fn out_of([a, b]: V) -> V {
        [half::out_of(a), half::out_of(b)]
    }

    #[inline]
    #[target_feature(enable = "aes,avx2")]
    fn round([a, b]: V, [c, d]: V) -> V {
        [half::round(a, c), half::round(b, d)]
    }

    word_sliced!("aes,avx2");
}
