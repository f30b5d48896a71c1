//! Which instructions are used: the best that the processor has.
//!
//! For 4 KiB, `gfni` takes a third of the time of `aesni`, and that a quarter of the time of `portable`;
//! `sliced` takes two thirds of `gfni`'s. For four blocks, `aesni::narrow` takes two thirds of
//! `aesni::wide`'s.
#![allow(unsafe_code)]

use super::portable;
#[cfg(target_arch = "x86_64")]
use super::{aesni, gfni, sliced};

/// Made only where the processor has the instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Path(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    AesNi,
    #[cfg(target_arch = "x86_64")]
    Gfni,
}

impl Path {
    /// That of every processor.
    pub(crate) const PORTABLE: Self = Self(Kind::Portable);

    /// With AES-NI and AVX2.
    pub(crate) fn aesni() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("aes") && is_x86_feature_detected!("avx2") {
            return Some(Self(Kind::AesNi));
        }
        None
    }

    /// With GFNI and AVX-512.
    pub(crate) fn gfni() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("gfni")
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            // With it, the upper registers are cleared after work with secrets.
            && is_x86_feature_detected!("avx512vl")
        {
            return Some(Self(Kind::Gfni));
        }
        None
    }

    /// The fastest there is.
    pub(crate) fn best() -> Self {
        Self::gfni().or_else(Self::aesni).unwrap_or(Self::PORTABLE)
    }

    /// All that this processor has.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        [Some(Self::PORTABLE), Self::aesni(), Self::gfni()].into_iter().flatten()
    }

    /// Expands a key, its words as they lie in memory.
    pub(super) fn expand(self, key: &[u32; 4]) -> [u32; 32] {
        match self.0 {
            Kind::Portable => portable::expand(key),
            // SAFETY: the processor has these instructions, or there would be no such path.
            #[cfg(target_arch = "x86_64")]
            Kind::AesNi => unsafe { aesni::narrow::expand(key) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Kind::Gfni => unsafe { gfni::expand(key) },
        }
    }

    /// Every block in place, each on its own.
    pub(super) fn crypt(self, keys: &[u32; 32], blocks: &mut [[u8; 16]]) {
        match self.0 {
            Kind::Portable => portable::crypt(keys, blocks),
            #[cfg(target_arch = "x86_64")]
            Kind::AesNi => {
                let (many, few) = blocks.split_at_mut(wide(blocks.len(), 16, 4));
                // SAFETY: as above.
                unsafe {
                    aesni::wide::crypt(keys, many.as_flattened_mut());
                    aesni::narrow::crypt(keys, few.as_flattened_mut());
                }
            }
            #[cfg(target_arch = "x86_64")]
            Kind::Gfni => {
                let (many, few) = blocks.split_at_mut(wide(blocks.len(), 64, 32));
                // SAFETY: as above.
                unsafe {
                    if !many.is_empty() {
                        sliced::crypt(keys, many.as_flattened_mut());
                    }
                    gfni::crypt(keys, few.as_flattened_mut());
                }
            }
        }
    }

    /// XORs `input` with the key stream from this counter on into `output`, of the same length.
    pub(super) fn ctr(self, keys: &[u32; 32], counter: [u32; 4], input: &[u8], output: &mut [u8]) {
        match self.0 {
            Kind::Portable => portable::ctr(keys, counter, input, output),
            #[cfg(target_arch = "x86_64")]
            Kind::AesNi => {
                let [many, few] = parted(counter, input, output, (16, 4));
                // SAFETY: as above.
                unsafe {
                    aesni::wide::ctr(keys, &many.counter, many.input, many.output);
                    aesni::narrow::ctr(keys, &few.counter, few.input, few.output);
                }
            }
            #[cfg(target_arch = "x86_64")]
            Kind::Gfni => {
                let [many, few] = parted(counter, input, output, (64, 32));
                // SAFETY: as above.
                unsafe {
                    if !many.input.is_empty() {
                        sliced::ctr(keys, &many.counter, many.input, many.output);
                    }
                    gfni::ctr(keys, &few.counter, few.input, few.output);
                }
            }
        }
    }
}

/// What one kernel does of a message.
#[cfg(target_arch = "x86_64")]
struct Part<'a> {
    counter: [u32; 4],
    input: &'a [u8],
    output: &'a mut [u8],
}

/// A message for two kernels, as [`wide`] says.
#[cfg(target_arch = "x86_64")]
fn parted<'a>(
    counter: [u32; 4],
    input: &'a [u8],
    output: &'a mut [u8],
    (step, few): (usize, usize),
) -> [Part<'a>; 2] {
    let blocks = wide(input.len().div_ceil(16), step, few);
    let at = (blocks * 16).min(input.len()).min(output.len());
    let ((input, input_rest), (output, output_rest)) =
        (input.split_at(at), output.split_at_mut(at));
    let [a, b, c, low] = counter;
    let rest = [a, b, c, u32::from_be(low).wrapping_add(blocks as u32).to_be()];
    [
        Part { counter, input, output },
        Part { counter: rest, input: input_rest, output: output_rest },
    ]
}

/// How many of the blocks are for a kernel that takes `step` at once; `few` are left to another.
#[cfg(target_arch = "x86_64")]
fn wide(blocks: usize, step: usize, few: usize) -> usize {
    let rest = blocks % step;
    if rest > few { blocks } else { blocks - rest }
}
