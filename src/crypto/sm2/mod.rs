//! SM2: signatures (GB/T 32918.2) and public-key encryption (GB/T 32918.4), and the arithmetic of its
//! curve. What is done with secrets takes the same time for all of them.
#![forbid(unsafe_code)]

mod ciphertext;
mod comb;
mod encryption;
mod field;
mod inversion;
mod limbs;
#[cfg(test)]
mod oracle;
mod point;
mod scalar;
mod signing;
#[cfg(test)]
mod tests;

use zeroize::DefaultIsZeroes;

use super::digest::sm3_parts;
use super::ec::{self, Curve, PAIR_LEN};
use crate::error::{ErrorCode, Result};
use crate::secret::Zeroizing;
use comb::{GENERATOR, Kept};
use point::Affine;
use scalar::Scalar;

pub use ciphertext::Sm2Ciphertext;

/// A private key, wiped when dropped.
pub struct Sm2PrivateKey(Zeroizing<Secrets>);

#[derive(Clone, Copy, Default)]
struct Secrets {
    d: Scalar,
    /// 1 / (1 + d), with which everything is signed.
    inverse: Scalar,
}

impl DefaultIsZeroes for Secrets {}

impl Sm2PrivateKey {
    /// The private half of d | x | y; [`ErrorCode::InvalidKeyMaterial`] unless 0 < d < n - 1 and the
    /// point is on the curve. Whether they belong together is not asked.
    pub fn new(pair: &[u8; PAIR_LEN]) -> Result<Self> {
        let (d, point) = ec::halves(pair)?;
        let point = Affine::read(point);
        let d = Scalar::read(d).filter(|_| point.is_some() && ec::is_private(Curve::Sm2, d));
        let d = Zeroizing::new(d.ok_or(ErrorCode::InvalidKeyMaterial)?);
        let inverse = Zeroizing::new((*d + Scalar::ONE).invert());
        Ok(Self(Zeroizing::new(Secrets { d: *d, inverse: *inverse })))
    }
}

/// A public key.
pub struct Sm2PublicKey {
    point: [u8; 64],
    multiples: Box<Kept>,
}

impl Sm2PublicKey {
    /// The point x | y; [`ErrorCode::InvalidKeyMaterial`] if it is not on the curve.
    pub fn new(point: &[u8; 64]) -> Result<Self> {
        let multiples = Kept::new(&Affine::read(point).ok_or(ErrorCode::InvalidKeyMaterial)?);
        Ok(Self { point: *point, multiples: Box::new(multiples) })
    }
}

/// The point x | y of the private key d; [`ErrorCode::InvalidKeyMaterial`] unless 0 < d < n.
pub(super) fn point_of(d: &[u8; 32]) -> Result<[u8; 64]> {
    let d = Zeroizing::new(Scalar::read(d).ok_or(ErrorCode::InvalidKeyMaterial)?);
    Ok(GENERATOR.times(&d).to_affine().to_bytes())
}

/// The point x | y, compressed or not (SEC 1, 2.3.4), if it is on the curve.
pub(super) fn point_from_sec1(sec1: &[u8]) -> Option<[u8; 64]> {
    let (form, rest) = sec1.split_first()?;
    let point = match form {
        4 => Affine::read(rest.try_into().ok()?),
        2 | 3 => Affine::decompressed(rest.try_into().ok()?, *form == 3),
        _ => None,
    };
    point.map(Affine::to_bytes)
}

/// Who signs, if nobody has agreed on anything else (GM/T 0009).
pub const DEFAULT_USER_ID: &[u8] = b"1234567812345678";
/// The longest user id in bytes: its length in bits is written in two bytes.
pub const MAX_USER_ID: usize = 0xffff / 8;

/// a | b | the generator's x | y (GB/T 32918.5).
const PARAMETERS: [u8; 128] = *b"\
    \xff\xff\xff\xfe\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\
    \xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xfc\
    \x28\xe9\xfa\x9e\x9d\x9f\x5e\x34\x4d\x5a\x9e\x4b\xcf\x65\x09\xa7\
    \xf3\x97\x89\xf5\x15\xab\x8f\x92\xdd\xbc\xbd\x41\x4d\x94\x0e\x93\
    \x32\xc4\xae\x2c\x1f\x19\x81\x19\x5f\x99\x04\x46\x6a\x39\xc9\x94\
    \x8f\xe3\x0b\xbf\xf2\x66\x0b\xe1\x71\x5a\x45\x89\x33\x4c\x74\xc7\
    \xbc\x37\x36\xa2\xf4\xf6\x77\x9c\x59\xbd\xce\xe3\x6b\x69\x21\x53\
    \xd0\xa9\x87\x7c\xc6\x2a\x47\x40\x02\xdf\x32\xe5\x21\x39\xf0\xa0";

/// Z_A = SM3(the user id's bits as u16 | user id | a | b | generator | point) (GB/T 32918.2, 5.5).
/// A user id has 1 to 8191 bytes.
pub fn za(user_id: &[u8], point: &[u8; 64]) -> Result<[u8; 32]> {
    if user_id.is_empty() || user_id.len() > MAX_USER_ID {
        return Err(ErrorCode::Internal.into());
    }
    let bits = (user_id.len() as u16 * 8).to_be_bytes();
    Ok(sm3_parts(&[&bits, user_id, &PARAMETERS, point]))
}
