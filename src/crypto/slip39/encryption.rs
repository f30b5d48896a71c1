//! The encryption of the secret that is shared: a Feistel network of four rounds, whose function is
//! PBKDF2-HMAC-SHA-256 (RFC 8018, 5.2). With an empty passphrase it hides nothing; it is part of the
//! standard.
#![forbid(unsafe_code)]

use crate::crypto::mac::hmac_sha256;
use crate::error::{ErrorCode, Result};
use crate::secret::Zeroizing;

/// How a set of shares is encrypted.
pub(super) struct Encryption<'a> {
    /// What only its owner knows, or nothing.
    pub(super) passphrase: &'a [u8],
    /// "shamir" and the identifier, or nothing if the set is extendable.
    pub(super) salt: &'a [u8],
    /// 10000 * 2^exponent iterations in all.
    pub(super) exponent: u8,
}

impl Encryption<'_> {
    /// Encrypts a secret of an even number of bytes, 32 at most, in place.
    pub(super) fn encrypt(&self, secret: &mut [u8]) -> Result<()> {
        self.rounds([0, 1, 2, 3], secret)
    }

    /// The reverse.
    pub(super) fn decrypt(&self, secret: &mut [u8]) -> Result<()> {
        self.rounds([3, 2, 1, 0], secret)
    }

    /// (L, R) -> (R, L xor F(R)) for each round; at the end, both change places once more.
    fn rounds(&self, rounds: [u8; 4], secret: &mut [u8]) -> Result<()> {
        if !secret.len().is_multiple_of(2) || secret.len() > 2 * 32 {
            return Err(ErrorCode::Internal.into());
        }
        let (left, right) = secret.split_at_mut(secret.len() / 2);
        for round in rounds {
            let mask = self.round(round, right);
            left.iter_mut().zip(mask.iter()).for_each(|(byte, mask)| *byte ^= mask);
            left.swap_with_slice(right);
        }
        left.swap_with_slice(right);
        Ok(())
    }

    /// One block of PBKDF2, of which a half of the secret needs no more.
    fn round(&self, round: u8, half: &[u8]) -> Zeroizing<[u8; 32]> {
        let password = Zeroizing::new([&[round], self.passphrase].concat());
        let iterations = 2500u32 << self.exponent.min(15);
        let mut last = Zeroizing::new(hmac_sha256(&password, &[self.salt, half, &[0, 0, 0, 1]]));
        let mut sum = last.clone();
        for _ in 1..iterations {
            *last = hmac_sha256(&password, &[&*last]);
            sum.iter_mut().zip(last.iter()).for_each(|(sum, byte)| *sum ^= byte);
        }
        sum
    }
}
