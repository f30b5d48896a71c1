//! SLIP-0039: a secret in shares of words. Any M of a set of N give it back, fewer say nothing about
//! it, and a wrong one is noticed. What others have made in several groups is combined, too; made here
//! is one group.
#![forbid(unsafe_code)]

mod checksum;
mod encryption;
mod recovery;
mod share;
#[cfg(test)]
mod tests;
mod words;

pub use recovery::{Part, combine};
pub use share::{Head, read, write};
pub use words::{Form, MAX_TEXT};

use encryption::Encryption;
use share::Set;

use super::Random;
use super::mac::hmac_sha256;
use super::shamir::{Point, interpolate};
use crate::error::{Error, ErrorCode, Result};
use crate::secret::{Zeroizing, wipe};

/// The shortest secret that has shares, in bytes.
pub const MIN_SECRET: usize = 16;
/// The longest secret that has shares here, in bytes.
pub const MAX_SECRET: usize = 32;
/// The most shares of one group.
pub const MAX_SHARES: u8 = 16;

/// The words of a share of the longest secret.
const MAX_WORDS: usize = 33;

/// Where the polynomials are the secret.
const SECRET_AT: u8 = 255;
/// Where they are the secret's digest and what keys it.
const DIGEST_AT: u8 = 254;
/// The bytes of the digest.
const DIGEST: usize = 4;

/// A secret about to be shared: the polynomials, as points on them. Secret itself.
pub struct Sharing {
    head: Head,
    count: u8,
    points: [[u8; MAX_SECRET]; MAX_SHARES as usize],
}

impl Drop for Sharing {
    fn drop(&mut self) {
        wipe(self.points.as_flattened_mut());
    }
}

impl Sharing {
    /// Of `count` shares, any `needed` will give `secret` back: 2 <= needed <= count <= 16, or it is
    /// [`ErrorCode::InvalidParameter`]. The set is extendable, without iterations beyond the least.
    pub fn new(
        secret: &[u8],
        passphrase: &[u8],
        (needed, count): (u8, u8),
        random: Random,
    ) -> Result<Self> {
        if !(2..=count).contains(&needed) || count > MAX_SHARES {
            let detail = "Of 2 to 16 shares, at least 2 and at most all are needed.";
            return Err(Error::invalid("Threshold", detail));
        }
        let len = secret.len();
        if !(MIN_SECRET..=MAX_SECRET).contains(&len) || !len.is_multiple_of(2) {
            return Err(ErrorCode::Internal.into());
        }
        let mut identifier = [0; 2];
        random(&mut identifier)?;
        let identifier = u16::from_be_bytes(identifier) >> 1;
        let identifier = u16::from_ne_bytes(crate::secret::publish(identifier.to_ne_bytes()));
        let set =
            Set { identifier, extendable: true, exponent: 0, groups_needed: 1, groups: 1, len };
        let head = Head { set, group: 0, member: 0, needed };
        let mut sharing = Self { head, count, points: [[0; MAX_SECRET]; MAX_SHARES as usize] };
        sharing.draw(secret, passphrase, random)?;
        Ok(sharing)
    }

    /// As many points as are needed: the first shares, all of them random, the digest, the secret.
    fn draw(&mut self, secret: &[u8], passphrase: &[u8], random: Random) -> Result<()> {
        let len = secret.len();
        let points = self.points.get_mut(..usize::from(self.head.needed));
        let mut points: Vec<_> = points
            .ok_or(ErrorCode::Internal)?
            .iter_mut()
            .filter_map(|p| p.get_mut(..len))
            .collect();
        let [shares @ .., digest, encrypted] = &mut *points else {
            return Err(ErrorCode::Internal.into());
        };
        shares.iter_mut().try_for_each(|share| random(share))?;
        encrypted.copy_from_slice(secret);
        Encryption { passphrase, salt: &[], exponent: 0 }.encrypt(encrypted)?;
        let (front, key) = digest.split_at_mut(DIGEST);
        random(key)?;
        front.copy_from_slice(&*digest_of(key, encrypted));
        Ok(())
    }

    /// Writes the value of a share, by its number from 0, to the front of `value`.
    pub fn share(&self, member: u8, value: &mut [u8]) -> Result<Head> {
        if member >= self.count {
            return Err(ErrorCode::Internal.into());
        }
        let random = self.head.needed - 2;
        let places = (0..random).chain([DIGEST_AT, SECRET_AT]);
        let len = self.head.set.len;
        let points =
            places.zip(&self.points).filter_map(|(x, y)| Some(Point { x, y: y.get(..len)? }));
        let points: Vec<_> = points.collect();
        interpolate(&points, member, value.get_mut(..len).ok_or(ErrorCode::Internal)?)?;
        Ok(Head { member, ..self.head })
    }
}

/// What tells a recovered secret from anything else: HMAC-SHA-256, shortened.
fn digest_of(key: &[u8], secret: &[u8]) -> Zeroizing<[u8; DIGEST]> {
    let whole = Zeroizing::new(hmac_sha256(key, &[secret]));
    let mut digest = Zeroizing::new([0; DIGEST]);
    digest.iter_mut().zip(whole.iter()).for_each(|(to, from)| *to = *from);
    digest
}

fn refused(why: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorCode::InvalidShares).because(why)
}
