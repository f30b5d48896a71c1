//! SM4 (GB/T 32907-2016, ISO/IEC 18033-3): its schedule, blocks alone and in counter mode. On every
//! path the time is that of the lengths alone.
#![deny(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod aesni;
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))] // the AES field is for AES-NI and GFNI
mod basis;
pub(crate) mod gcm;
#[cfg(target_arch = "x86_64")]
mod gfni;
mod path;
mod portable;
#[cfg(target_arch = "x86_64")]
mod sliced;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod words;

pub(crate) use path::Path;

use crate::secret::Zeroize;

#[cfg(target_endian = "big")]
compile_error!("SM4's words lie the lowest byte first");

/// FK, which is added to the key.
const FK: [u32; 4] = [0xa3b1_bac6, 0x56aa_3350, 0x677d_9197, 0xb270_22dc];

/// An expanded key, wiped when dropped. Plain bytes of fixed size, so it may lie in any memory.
pub(crate) struct Sm4Key {
    path: Path,
    /// As the path's kernels want them: see `basis`.
    rounds: [u32; 32],
}

impl Drop for Sm4Key {
    fn drop(&mut self) {
        self.rounds.zeroize();
    }
}

impl Sm4Key {
    /// Expands a key.
    pub(crate) fn new(key: &[u8; 16]) -> Self {
        Self::on(Path::best(), key)
    }

    /// The same for a path that the caller chooses.
    pub(crate) fn on(path: Path, key: &[u8; 16]) -> Self {
        let mut words = words(key);
        words.iter_mut().zip(FK).for_each(|(word, fixed)| *word ^= fixed.to_be());
        let rounds = path.expand(&words);
        words.zeroize();
        Self { path, rounds }
    }

    /// The bytes of the schedule, to search memory for them.
    #[cfg(all(test, feature = "awslc"))]
    pub(crate) fn with_bytes(&self, f: impl FnOnce(&[u8])) {
        let mut bytes = self.rounds.map(u32::to_ne_bytes);
        f(bytes.as_flattened());
        crate::secret::wipe(bytes.as_flattened_mut());
    }

    /// Encrypts every block in place, each on its own (ECB).
    pub(crate) fn encrypt_blocks(&self, blocks: &mut [[u8; 16]]) {
        self.path.crypt(&self.rounds, blocks);
    }

    /// The reverse of [`Self::encrypt_blocks`].
    pub(crate) fn decrypt_blocks(&self, blocks: &mut [[u8; 16]]) {
        let mut rounds = self.rounds;
        rounds.reverse();
        self.path.crypt(&rounds, blocks);
        rounds.zeroize();
    }

    /// XORs `input`, of any length, with the key stream into `output`, which is as long: the blocks
    /// that follow from `counter` on, each by one more in its last 32 bits, which wrap (inc32 of SP
    /// 800-38D, 6.2).
    pub(crate) fn ctr(&self, counter: &[u8; 16], input: &[u8], output: &mut [u8]) {
        self.path.ctr(&self.rounds, words(counter), input, output);
    }
}

/// The words as they lie in memory.
fn words(bytes: &[u8; 16]) -> [u32; 4] {
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u32::from_ne_bytes(*bytes);
    }
    words
}
