//! The three curves: key pairs, points and their encodings (FIPS 186-5, SEC 1, GB/T 32918).
#![forbid(unsafe_code)]

pub(crate) mod group;
mod import;
pub(crate) mod nonce;
pub(crate) mod signature;
#[cfg(test)]
mod tests;

use k256::Secp256k1;

use super::Random;
use super::ecdsa::{EcdsaPrivateKey, EcdsaPublicKey, generic};
use super::provider::{P256Private, p256_point};
use super::sm2::{self, Sm2PrivateKey, Sm2PublicKey};
use crate::error::{ErrorCode, Result};
use crate::health;
use crate::secret::{self, publish, wipe};

pub use import::{from_pkcs8, from_scalar};
pub use signature::SIGNATURE_LEN;

/// A curve: its numbers have 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// NIST P-256 (SP 800-186), also called secp256r1 and prime256v1.
    P256,
    /// secp256k1 (SEC 2), also called P-256K.
    Secp256k1,
    /// sm2p256v1, the curve recommended by GB/T 32918.5.
    Sm2,
}

/// d | x | y, 32 bytes each, big-endian: a key pair as it is stored.
pub const PAIR_LEN: usize = 96;

/// One draw in four thousand million is out of range: after so many, no generator is behind them.
const TRIES: usize = 16;

impl Curve {
    /// The largest private key: n - 1, for SM2 n - 2, since it divides by d + 1.
    const fn largest(self) -> [[u8; 16]; 2] {
        let (high, low): (u128, u128) = match self {
            Self::P256 => {
                (0xffffffff_00000000_ffffffff_ffffffff, 0xbce6faad_a7179e84_f3b9cac2_fc632550)
            }
            Self::Secp256k1 => {
                (0xffffffff_ffffffff_ffffffff_fffffffe, 0xbaaedce6_af48a03b_bfd25e8c_d0364140)
            }
            Self::Sm2 => {
                (0xfffffffe_ffffffff_ffffffff_ffffffff, 0x7203df6b_21c6052b_53bbf409_39d54121)
            }
        };
        [high.to_be_bytes(), low.to_be_bytes()]
    }

    /// The curve's object identifier in DER, the second half of its algorithm.
    fn name(self) -> &'static [u8] {
        self.algorithm().get(11..).unwrap_or_default()
    }

    /// AlgorithmIdentifier: id-ecPublicKey with the named curve (RFC 5480; GM/T 0006 for SM2's).
    const fn algorithm(self) -> &'static [u8] {
        match self {
            Self::P256 => {
                b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
            }
            Self::Secp256k1 => {
                b"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x0a"
            }
            Self::Sm2 => {
                b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x81\x1c\xcf\x55\x01\x82\x2d"
            }
        }
    }
}

/// Makes a pair and tries it once (pairwise consistency, FIPS 140-3 IG 10.3.A).
pub fn generate(curve: Curve, random: Random, pair: &mut [u8; PAIR_LEN]) -> Result<()> {
    let made = make(curve, random, pair);
    if made.is_err() {
        wipe(pair);
    }
    made
}

fn make(curve: Curve, random: Random, pair: &mut [u8; PAIR_LEN]) -> Result<()> {
    make_untested(curve, random, pair)?;
    health::tested(is_pair(curve, pair, random), "The two halves of a fresh EC key do not fit.")
}

/// Draws d and puts the point behind it.
pub(crate) fn make_untested(curve: Curve, random: Random, pair: &mut [u8; PAIR_LEN]) -> Result<()> {
    draw(curve, random, pair.first_chunk_mut().ok_or(ErrorCode::Internal)?)?;
    complete(curve, pair)
}

/// Puts the point behind d.
fn complete(curve: Curve, pair: &mut [u8; PAIR_LEN]) -> Result<()> {
    let (d, point) = pair.split_first_chunk_mut::<32>().ok_or(ErrorCode::Internal)?;
    let public = match curve {
        Curve::P256 => P256Private::new(d)?.point()?,
        Curve::Secp256k1 => generic::Private::<Secp256k1>::new(d)?.point()?,
        Curve::Sm2 => sm2::point_of(d)?,
    };
    point.copy_from_slice(&publish(public));
    Ok(())
}

/// Whether the public half verifies what the private one signs.
pub(super) fn is_pair(curve: Curve, pair: &[u8; PAIR_LEN], random: Random) -> Result<bool> {
    let (_, point) = halves(pair)?;
    let (mut digest, mut signature) = ([0x5a; 32], [0; SIGNATURE_LEN]);
    let len = sign(curve, pair, &digest, random, &mut signature)?;
    digest.iter_mut().take(1).for_each(|first| *first ^= health::flaw("ec-pair"));
    let signature = signature.get(..len).ok_or(ErrorCode::Internal)?;
    verify(curve, point, &digest, signature)
}

/// Signs as keys on this curve do, by ECDSA or SM2, for tests of pairs.
pub(crate) fn sign(
    curve: Curve,
    pair: &[u8; PAIR_LEN],
    digest: &[u8; 32],
    random: Random,
    out: &mut [u8; SIGNATURE_LEN],
) -> Result<usize> {
    match curve {
        Curve::Sm2 => Sm2PrivateKey::new(pair)?.sign(digest, random, out),
        _ => EcdsaPrivateKey::new(curve, pair)?.sign(digest, random, out),
    }
}

/// Whether that is a signature of the digest.
pub(crate) fn verify(
    curve: Curve,
    point: &[u8; 64],
    digest: &[u8; 32],
    signature: &[u8],
) -> Result<bool> {
    Ok(match curve {
        Curve::Sm2 => Sm2PublicKey::new(point)?.verify(digest, signature),
        _ => EcdsaPublicKey::new(curve, point)?.verify(digest, signature),
    })
}

/// Draws a scalar until it can be a private key (FIPS 186-5, A.2.2).
pub(super) fn draw(curve: Curve, random: Random, d: &mut [u8; 32]) -> Result<()> {
    for _ in 0..TRIES {
        random(d)?;
        if is_private(curve, d) {
            return Ok(());
        }
    }
    Err(ErrorCode::Internal.into())
}

/// d, and x | y.
pub(super) fn halves(pair: &[u8; PAIR_LEN]) -> Result<(&[u8; 32], &[u8; 64])> {
    let (d, point) = pair.split_first_chunk().ok_or(ErrorCode::Internal)?;
    Ok((d, point.try_into().map_err(|_| ErrorCode::Internal)?))
}

/// Whether d can be a private key: 0 < d <= the largest, in constant time.
pub(super) fn is_private(curve: Curve, d: &[u8; 32]) -> bool {
    let is_zero = secret::eq(d, &[0; 32]);
    !secret::is_below(curve.largest().as_flattened(), d) && !is_zero
}

/// What stands before a point of so many bytes in its SubjectPublicKeyInfo. DER has one form for each
/// value, so a key of this curve begins like this or is none.
fn spki_head(curve: Curve, point_len: u8) -> Vec<u8> {
    let algorithm = curve.algorithm();
    let bits = [3, point_len + 1, 0];
    let body = [algorithm, &bits].concat();
    [&[0x30, body.len() as u8 + point_len], &*body].concat()
}

/// A point x | y in SubjectPublicKeyInfo (RFC 5280, RFC 5480), uncompressed.
pub fn spki(curve: Curve, point: &[u8; 64]) -> Vec<u8> {
    [&*spki_head(curve, 65), &[4], point].concat()
}

/// The point in a SubjectPublicKeyInfo of that curve, compressed or not. Everything else is
/// [`ErrorCode::InvalidKeyMaterial`].
pub fn point_from_spki(curve: Curve, der: &[u8]) -> Result<[u8; 64]> {
    let sec1 = [65, 33]
        .into_iter()
        .find_map(|len| {
            let sec1 = der.strip_prefix(&*spki_head(curve, len))?;
            (sec1.len() == usize::from(len)).then_some(sec1)
        })
        .ok_or(ErrorCode::InvalidKeyMaterial)?;
    point_from_sec1(curve, sec1)
}

/// The point x | y in SEC 1, 2.3.3, compressed or not. Everything else is
/// [`ErrorCode::InvalidKeyMaterial`].
fn point_from_sec1(curve: Curve, sec1: &[u8]) -> Result<[u8; 64]> {
    if !matches!((sec1.first(), sec1.len()), (Some(4), 65) | (Some(2 | 3), 33)) {
        return Err(ErrorCode::InvalidKeyMaterial.into());
    }
    let point = match curve {
        Curve::P256 => return p256_point(sec1),
        Curve::Secp256k1 => {
            group::read::<Secp256k1>(sec1).map(|p| group::coordinates::<Secp256k1>(&p))
        }
        Curve::Sm2 => sm2::point_from_sec1(sec1),
    };
    Ok(point.ok_or(ErrorCode::InvalidKeyMaterial)?)
}
