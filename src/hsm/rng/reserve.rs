//! Random bytes that are drawn ahead and stay secret: in the arena, beside the generator whose they are,
//! and with its end wiped. A short request costs little more than its copy.
#![forbid(unsafe_code)]

use crate::crypto::drbg::Drbg;
use crate::error::Result;
use crate::hsm::arena::{SecretBytes, arena};
use crate::secret::wipe;

/// The longest request that is served from here.
pub(super) const SHORT: usize = 64;

/// Bytes drawn at a time: with its canary, half a KiB of the arena.
const LEN: usize = 496;

/// Bytes that have been drawn and not been handed out yet: the first of them.
pub(super) struct Reserve {
    bytes: SecretBytes,
    left: usize,
}

impl Reserve {
    /// Nothing yet. None where there is no room for it: then nothing is drawn ahead.
    pub(super) fn new() -> Option<Self> {
        Some(Self { bytes: arena().alloc(LEN).ok()?, left: 0 })
    }

    /// Hands out as many bytes as are wanted, each once; false if there are fewer.
    #[inline]
    pub(super) fn take(&mut self, out: &mut [u8]) -> Result<bool> {
        let Some(left) = self.left.checked_sub(out.len()) else { return Ok(false) };
        self.left = left;
        self.bytes.hand_out(left, out).map(|()| true)
    }

    /// Draws anew, whatever is left.
    pub(super) fn fill(&mut self, drbg: &mut Drbg) -> Result<()> {
        self.left = 0;
        self.bytes.write(|bytes| drbg.generate(&[], bytes))?;
        self.left = LEN;
        Ok(())
    }

    /// Wipes what is left.
    pub(super) fn clear(&mut self) -> Result<()> {
        self.left = 0;
        self.bytes.write(|bytes| {
            wipe(bytes);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::drbg::SEED_LEN;

    #[test]
    fn each_byte_is_handed_out_once() {
        let fresh = || Drbg::instantiate(&[7; SEED_LEN], &[]).unwrap();
        let mut drawn = [0; LEN];
        fresh().generate(&[], &mut drawn).unwrap();
        let (mut reserve, mut drbg) = (Reserve::new().unwrap(), fresh());
        assert!(!reserve.take(&mut [0; 1]).unwrap());
        reserve.fill(&mut drbg).unwrap();
        let (mut left, mut out) = (LEN, [0xaa; SHORT]);
        for len in (0..=SHORT).cycle() {
            let out = &mut out[..len];
            if len > left {
                assert!(!reserve.take(out).unwrap());
                break;
            }
            assert!(reserve.take(out).unwrap());
            left -= len;
            assert_eq!(out, &drawn[left..left + len]);
            reserve
                .bytes
                .read(|bytes| {
                    assert_eq!(bytes[..left], drawn[..left]);
                    assert!(bytes[left..].iter().all(|byte| *byte == 0));
                    Ok(())
                })
                .unwrap();
        }
        reserve.clear().unwrap();
        assert!(!reserve.take(&mut [0; 1]).unwrap());
    }
}
