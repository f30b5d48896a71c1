//! SM2 public-key encryption (GB/T 32918.4) with C1 | C3 | C2. The cofactor is 1: points are not
//! multiplied by it.

use sm3::{Digest, Sm3};

use super::comb::{GENERATOR, Passing};
use super::point::Affine;
use super::scalar::Scalar;
use super::{Sm2Ciphertext, Sm2PrivateKey, Sm2PublicKey};
use crate::crypto::Random;
use crate::crypto::digest::sm3_parts;
use crate::crypto::ec::nonce::Nonces;
use crate::crypto::ec::{self, Curve};
use crate::error::{ErrorCode, Result};
use crate::secret::{self, Zeroizing, wipe};

/// What a raw ciphertext has besides the masked message: 04, a point, a digest.
const OVERHEAD: usize = 1 + 64 + 32;

impl Sm2PublicKey {
    /// Encrypts a message of at least one byte into `out`, 97 bytes longer: `04 | x | y | C3 | C2`.
    /// Key and message go into the nonce, so that a generator which repeats itself masks no two
    /// messages with the same bytes.
    pub fn encrypt(&self, message: &[u8], random: Random, out: &mut [u8]) -> Result<()> {
        if message.is_empty() || message.len().checked_add(OVERHEAD) != Some(out.len()) {
            return Err(ErrorCode::Internal.into());
        }
        let mut seed = Zeroizing::new([0; 32]);
        ec::draw(Curve::Sm2, random, &mut seed)?;
        let digest = Zeroizing::new(sm3_parts(&[&self.point, message]));
        let digest = Zeroizing::new(Scalar::reduced(&digest).to_bytes());
        let mut nonces = Nonces::new(&seed, &digest, random)?;
        while !self.encrypt_with(&nonces.next(Scalar::read), message, out)? {}
        Ok(())
    }

    /// The same with this nonce; false if it must not be used (6.1, steps A2 to A8).
    fn encrypt_with(&self, k: &Scalar, message: &[u8], out: &mut [u8]) -> Result<bool> {
        let (form, rest) = out.split_first_mut().ok_or(ErrorCode::Internal)?;
        let (point, rest) = rest.split_first_chunk_mut::<64>().ok_or(ErrorCode::Internal)?;
        let (digest, masked) = rest.split_first_chunk_mut::<32>().ok_or(ErrorCode::Internal)?;
        let (c1, shared) = (GENERATOR.times(k), self.multiples.times(k));
        // One inversion for both.
        let inverse = Zeroizing::new((c1.z * shared.z).invert());
        let affine = c1.divided(*inverse * shared.z);
        let shared = Shared::new(shared.divided(*inverse * c1.z));
        // Who reads `out` may not know the message: none of it is written unmasked.
        let mut begin = Zeroizing::new([0; 32]);
        let (begin, _) = begin.split_at_mut(message.len().min(32));
        if !shared.mask(&[0; 32], begin)? {
            return Ok(false);
        }
        *form = 4;
        *point = affine.to_bytes();
        *digest = shared.digest(message);
        shared.mask(message, masked)
    }
}

impl Sm2PrivateKey {
    /// Decrypts into `out`, which is as long as the message. Every failure is
    /// [`ErrorCode::InvalidCiphertext`] with `out` wiped; the digests are compared in constant time.
    pub fn decrypt(&self, ciphertext: &Sm2Ciphertext<'_>, out: &mut [u8]) -> Result<()> {
        if out.len() != ciphertext.plaintext_len() {
            return Err(ErrorCode::Internal.into());
        }
        let right = self.unmask(ciphertext, out).unwrap_or(false);
        if right {
            return Ok(());
        }
        wipe(out);
        Err(ErrorCode::InvalidCiphertext.into())
    }

    fn unmask(&self, ciphertext: &Sm2Ciphertext<'_>, out: &mut [u8]) -> Result<bool> {
        let point = Affine::read(&ciphertext.point).ok_or(ErrorCode::InvalidCiphertext)?;
        let shared = Shared::new(Passing::new(&point).times(&self.0.d).to_affine());
        let is_masked = shared.mask(ciphertext.masked, out)?;
        let digest = Zeroizing::new(shared.digest(out));
        Ok(secret::eq(&*digest, ciphertext.digest) & is_masked)
    }
}

/// The point that both sides know: x | y.
struct Shared(Zeroizing<[u8; 64]>);

impl Shared {
    fn new(point: Affine) -> Self {
        Self(Zeroizing::new(point.to_bytes()))
    }

    /// `from` xor t, where t = KDF(x | y) = SM3(x | y | 1) | SM3(x | y | 2) | ... has as many bytes as `to`
    /// (5.4.3). False if t is nothing but zeros.
    fn mask(&self, from: &[u8], to: &mut [u8]) -> Result<bool> {
        // x | y is a block of SM3: its state goes before every counter.
        let state = Sm3::new_with_prefix(self.0.as_slice());
        let (mut block, mut sum) = (Zeroizing::new([0; 32]), 0);
        let blocks = u32::try_from(to.len().div_ceil(32)).map_err(|_| ErrorCode::Internal)?;
        for ((counter, from), to) in (1..=blocks).zip(from.chunks(32)).zip(to.chunks_mut(32)) {
            let state = state.clone().chain_update(counter.to_be_bytes());
            state.finalize_into((&mut *block).into());
            for ((to, from), mask) in to.iter_mut().zip(from).zip(&*block) {
                *to = from ^ mask;
                sum |= mask;
            }
        }
        Ok(!secret::eq(&[sum], &[0]))
    }

    /// C3 = SM3(x | message | y).
    fn digest(&self, message: &[u8]) -> [u8; 32] {
        let (x, y) = self.0.split_at(32);
        sm3_parts(&[x, message, y])
    }
}

#[cfg(test)]
impl Sm2PublicKey {
    /// A ciphertext with a nonce that a vector gives.
    pub(super) fn encrypted_with(&self, k: &[u8; 32], message: &[u8]) -> Vec<u8> {
        let mut out = vec![0; message.len() + OVERHEAD];
        let k = Scalar::read(k).unwrap();
        assert!(self.encrypt_with(&k, message, &mut out).unwrap());
        out
    }
}
