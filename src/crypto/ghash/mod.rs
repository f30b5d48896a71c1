//! GHASH (NIST SP 800-38D, 6.4) without tables that secrets index.
//!
//! A block is read as a big-endian number, which is its polynomial reversed: so products come out
//! reversed, too, and are reduced from below, as in Montgomery's method (POLYVAL of RFC 8452,
//! appendix A). For this the key is multiplied by x once.
#![deny(unsafe_code)]

#[cfg(test)]
mod defined;
mod portable;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod x86_64;

use crate::secret::wipe;

/// How many powers of a key are worth having at most: so many blocks share one reduction.
const POWERS: usize = 32;

/// So many blocks are copied into one row, to share it whatever they are.
const ROW: usize = 16;

/// x^128 + x^127 + x^126 + x^121 + 1 without its highest term.
const MODULUS: u128 = 0xc200_0000_0000_0000_0000_0000_0000_0001;

/// The powers of a key, their lowest byte first: the highest power first and the key itself last,
/// zeros where none is needed.
type Powers = [[u8; 16]; POWERS];

/// The sum that GCM makes its tag of (7.1, step 5): GHASH of the additional data and the
/// ciphertext, each with zeros up to a whole block, and of their lengths.
pub(crate) fn ghash(key: &[u8; 16], aad: &[u8], ciphertext: &[u8]) -> [u8; 16] {
    let blocks = aad.len().div_ceil(16).saturating_add(ciphertext.len().div_ceil(16));
    on(Path::best(blocks), key, aad, ciphertext)
}

/// The same on a path that the caller chooses.
pub(crate) fn on(path: Path, key: &[u8; 16], aad: &[u8], ciphertext: &[u8]) -> [u8; 16] {
    let ((first, first_rest), (second, second_rest)) = (aad.as_chunks(), ciphertext.as_chunks());
    let gap = [padded(first_rest)];
    let (gap, _) = gap.split_at(usize::from(!first_rest.is_empty()));
    let tail = [padded(second_rest), lengths(aad, ciphertext)];
    let (_, tail) = tail.split_at(usize::from(second_rest.is_empty()));
    let parts = [first, gap, second, tail];

    let blocks = parts.iter().fold(0usize, |sum, part| sum.saturating_add(part.len()));
    let key = Key::new(path, key, blocks);
    let mut row = [[0; 16]; ROW];
    let sum = if let Some(row) = row.get_mut(..blocks) {
        row.iter_mut().zip(parts.into_iter().flatten()).for_each(|(to, block)| *to = *block);
        key.sum(0, row)
    } else {
        parts.into_iter().fold(0, |sum, part| key.sum(sum, part))
    };
    sum.to_be_bytes()
}

fn padded(rest: &[u8]) -> [u8; 16] {
    let mut block = [0; 16];
    block.iter_mut().zip(rest).for_each(|(to, byte)| *to = *byte);
    block
}

/// Both lengths in bits.
fn lengths(aad: &[u8], ciphertext: &[u8]) -> [u8; 16] {
    let bits = |bytes: &[u8]| (bytes.len() as u128).wrapping_mul(8);
    (bits(aad) << 64 | bits(ciphertext)).to_be_bytes()
}

/// How products are made. There is no path that the processor has not the instructions for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Path {
    /// By integer multiplications.
    Portable,
    /// By PCLMULQDQ.
    #[cfg(target_arch = "x86_64")]
    Pclmul(x86_64::Pclmul),
    /// By four of them in one.
    #[cfg(target_arch = "x86_64")]
    Vpclmul(x86_64::Vpclmul),
}

impl Path {
    /// The fastest that there is for so many blocks.
    pub(crate) fn best(blocks: usize) -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if blocks > POWERS
                && let Some(path) = x86_64::Vpclmul::detected()
            {
                return Self::Vpclmul(path);
            }
            if let Some(path) = x86_64::Pclmul::detected() {
                return Self::Pclmul(path);
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = blocks;
        Self::Portable
    }

    /// All that this processor has.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn all() -> Vec<Self> {
        let mut paths = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            paths.extend(x86_64::Pclmul::detected().map(Self::Pclmul));
            paths.extend(x86_64::Vpclmul::detected().map(Self::Vpclmul));
        }
        paths
    }
}

/// A key with as many of its powers as a message is worth, wiped when dropped.
struct Key {
    path: Path,
    powers: Powers,
    count: usize,
}

impl Key {
    fn new(path: Path, key: &[u8; 16], blocks: usize) -> Self {
        let key = u128::from_be_bytes(*key);
        // Times x: what falls out at the top is reduced.
        let key = (key << 1) ^ (MODULUS & 0u128.wrapping_sub(key >> 127));
        let mut powers = [[0; 16]; POWERS];
        let [.., last] = &mut powers;
        *last = key.to_le_bytes();
        let count = match path {
            Path::Portable => 1,
            #[cfg(target_arch = "x86_64")]
            Path::Pclmul(path) => path.raise(&mut powers, blocks),
            #[cfg(target_arch = "x86_64")]
            Path::Vpclmul(path) => path.raise(&mut powers, blocks),
        };
        Self { path, powers, count }
    }

    /// The sum after these blocks.
    fn sum(&self, sum: u128, blocks: &[[u8; 16]]) -> u128 {
        let (_, powers) = self.powers.split_at(POWERS.saturating_sub(self.count));
        match self.path {
            Path::Portable => portable::sum(powers, sum, blocks),
            #[cfg(target_arch = "x86_64")]
            Path::Pclmul(path) => path.sum(powers, sum, blocks),
            #[cfg(target_arch = "x86_64")]
            Path::Vpclmul(path) => path.sum(powers, sum, blocks),
        }
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        let (_, powers) = self.powers.split_at_mut(POWERS.saturating_sub(self.count));
        wipe(powers.as_flattened_mut());
    }
}
