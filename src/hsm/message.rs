//! Digests of messages as key pairs sign them (API reference, chapter 12.6).

use crate::crypto::digest::Hasher;
use crate::crypto::sm2;
use crate::error::{Error, Result};
use crate::hsm::PublicKey;
use crate::model::SigningAlgorithm;

/// The digest of a message that comes in pieces, as it is signed: SHA-256, or SM3(Z_A | message).
#[derive(Clone)]
pub struct MessageDigest(Hasher);

impl MessageDigest {
    /// For messages that `key` signs this way. Z_A is of `user_id` (GB/T 32918.2, 5.5), of
    /// `1234567812345678` if none is given;
    /// [`InvalidParameter`](crate::error::ErrorCode::InvalidParameter) (`UserId`) unless it has 1 to
    /// 8191 bytes, and with other algorithms, which have none.
    pub(super) fn new(
        key: &PublicKey,
        algorithm: SigningAlgorithm,
        user_id: Option<&[u8]>,
    ) -> Result<Self> {
        let PublicKey::Sm2(_, point) = key else {
            return match user_id {
                None => Ok(Self(Hasher::sha256())),
                Some(_) => Err(Error::invalid("UserId", format!("{algorithm} has no user id."))),
            };
        };
        let user_id = user_id.unwrap_or(sm2::DEFAULT_USER_ID);
        if !(1..=sm2::MAX_USER_ID).contains(&user_id.len()) {
            return Err(Error::invalid("UserId", "It must be 1 to 8191 bytes."));
        }
        let mut hasher = Hasher::sm3();
        hasher.update(&sm2::za(user_id, point)?);
        Ok(Self(hasher))
    }

    /// Goes on with the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest of all pieces.
    pub fn finish(self) -> [u8; 32] {
        self.0.finish()
    }
}
