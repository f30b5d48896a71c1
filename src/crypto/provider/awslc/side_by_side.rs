//! Several AES blocks at once on CPUs with AES-NI: AWS-LC offers single blocks only, whose rounds
//! wait for each other.
//!
//! Reads AWS-LC's expanded key, whose layout is its own affair: [`fits`] tries once in each process
//! whether it is what AES-NI takes, and single blocks serve if not.

use std::sync::atomic::{AtomicU8, Ordering};

use aws_lc_sys::AES_KEY;

/// Encrypts the blocks; false, with nothing done, where this CPU or AWS-LC's layout does not allow.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(super) fn encrypt_blocks(key: &AES_KEY, rounds: usize, blocks: &mut [[u8; 16]]) -> bool {
    // Two threads may both find out: that does no harm, and a fork in between neither.
    static FITS: AtomicU8 = AtomicU8::new(UNKNOWN);
    const UNKNOWN: u8 = 2;
    if FITS.load(Ordering::Relaxed) == UNKNOWN {
        FITS.store(fits().into(), Ordering::Relaxed);
    }
    if FITS.load(Ordering::Relaxed) == 0 {
        return false;
    }
    for four in blocks.chunks_mut(4) {
        // SAFETY: `fits` saw AES-NI, and every schedule has room for `rounds` + 1 round keys.
        unsafe { x86::encrypt_up_to_four(key, rounds, four) };
    }
    true
}

#[cfg(not(target_arch = "x86_64"))]
pub(super) fn encrypt_blocks(_: &AES_KEY, _: usize, _: &mut [[u8; 16]]) -> bool {
    false
}

/// Whether the kernel agrees with AWS-LC, for each length of key.
#[cfg(target_arch = "x86_64")]
fn fits() -> bool {
    if !std::arch::is_x86_feature_detected!("aes") {
        return false;
    }
    [(16, 10), (24, 12), (32, 14)].into_iter().all(|(len, rounds)| {
        let bytes: [u8; 32] = std::array::from_fn(|at| at as u8);
        let Some(key) = bytes.get(..len).and_then(|key| super::cipher::AesKey::new(key).ok())
        else {
            return false;
        };
        let mut one = [0x5a; 16];
        let mut four = [one, [1; 16], [2; 16], one];
        key.encrypt_block(&mut one);
        // SAFETY: AES-NI has been seen, and the schedule has room for all round keys.
        unsafe { x86::encrypt_up_to_four(key.schedule(), rounds, &mut four) };
        let [first, _, _, last] = four;
        first == one && last == one
    })
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m128i, _mm_aesenc_si128, _mm_aesenclast_si128, _mm_loadu_si128, _mm_setzero_si128,
        _mm_storeu_si128, _mm_xor_si128,
    };

    use aws_lc_sys::AES_KEY;

    /// # Safety
    /// The CPU has AES-NI; `rounds` is at most 14.
    #[target_feature(enable = "aes")]
    pub(super) unsafe fn encrypt_up_to_four(key: &AES_KEY, rounds: usize, blocks: &mut [[u8; 16]]) {
        let keys = key.rd_key.as_ptr().cast::<__m128i>();
        // SAFETY: the schedule has 15 round keys, and `at` is at most `rounds`.
        let round_key = |at: usize| unsafe { _mm_loadu_si128(keys.add(at)) };
        let mut states = [_mm_setzero_si128(); 4];
        for (state, block) in states.iter_mut().zip(blocks.iter()) {
            // SAFETY: a block has 16 bytes.
            let block = unsafe { _mm_loadu_si128(block.as_ptr().cast()) };
            *state = _mm_xor_si128(block, round_key(0));
        }
        for round in 1..rounds {
            let round_key = round_key(round);
            states = states.map(|state| _mm_aesenc_si128(state, round_key));
        }
        let last = round_key(rounds);
        for (state, block) in states.into_iter().zip(blocks.iter_mut()) {
            // SAFETY: a block has 16 bytes.
            unsafe {
                _mm_storeu_si128(block.as_mut_ptr().cast(), _mm_aesenclast_si128(state, last));
            }
        }
    }
}
