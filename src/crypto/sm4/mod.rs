//! SM4 (GB/T 32907-2016, ISO/IEC 18033-3): its schedule, blocks alone and in counter mode.
#![forbid(unsafe_code)]

pub(crate) mod gcm;

use sm4::Sm4;
use sm4::cipher::array::Array;
use sm4::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};

use crate::secret::wipe;

/// How many blocks of key stream are made at once.
const BATCH: usize = 16;

/// An expanded key, wiped when dropped. Its bytes are of fixed size, so it may lie in any memory.
pub(crate) struct Sm4Key(Sm4);

impl Sm4Key {
    /// Expands a key.
    pub(crate) fn new(key: &[u8; 16]) -> Self {
        Self(Sm4::new(key.into()))
    }

    /// Encrypts every block in place, each on its own (ECB).
    pub(crate) fn encrypt_blocks(&self, blocks: &mut [[u8; 16]]) {
        self.0.encrypt_blocks(Array::cast_slice_from_core_mut(blocks));
    }

    /// The reverse of [`Self::encrypt_blocks`].
    pub(crate) fn decrypt_blocks(&self, blocks: &mut [[u8; 16]]) {
        self.0.decrypt_blocks(Array::cast_slice_from_core_mut(blocks));
    }

    /// XORs `input`, of any length, with the key stream into `output`, which is as long: the blocks
    /// that follow from `counter` on, each by one more in its last 32 bits, which wrap (inc32 of SP
    /// 800-38D, 6.2).
    pub(crate) fn ctr(&self, counter: &[u8; 16], input: &[u8], output: &mut [u8]) {
        let [fixed @ .., a, b, c, d] = *counter;
        let mut low = u32::from_be_bytes([a, b, c, d]);
        for (input, output) in input.chunks(BATCH * 16).zip(output.chunks_mut(BATCH * 16)) {
            let mut stream = [[0; 16]; BATCH];
            for block in &mut stream {
                let (head, tail) = block.split_at_mut(12);
                head.copy_from_slice(&fixed);
                tail.copy_from_slice(&low.to_be_bytes());
                low = low.wrapping_add(1);
            }
            self.encrypt_blocks(&mut stream);
            let stream = stream.as_flattened_mut();
            for ((to, from), mask) in output.iter_mut().zip(input).zip(&*stream) {
                *to = from ^ mask;
            }
            wipe(stream);
        }
    }
}
