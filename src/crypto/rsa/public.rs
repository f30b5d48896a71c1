//! RSA public keys.
#![forbid(unsafe_code)]

use der::Decode;
use spki::SubjectPublicKeyInfoRef;

use super::pkcs1::pad;
use super::private::unless_passing;
use super::{BITS, MAX_MODULUS, OaepHash, Scheme};
use crate::crypto::Random;
use crate::crypto::provider::RsaPublic;
use crate::error::{ErrorCode, Result};
use crate::secret::Zeroizing;

/// The exponents that are taken: from Fermat's fourth number, as FIPS 186-5 (5.1) demands, to the
/// longest that providers compute with in acceptable time.
const EXPONENTS: std::ops::RangeInclusive<u64> = 65537..=(1 << 33) - 1;

/// A public key of 2048, 3072 or 4096 bits.
pub struct RsaPublicKey {
    key: RsaPublic,
    spki: Vec<u8>,
}

impl RsaPublicKey {
    /// Reads SubjectPublicKeyInfo (RFC 5280) in DER, rsaEncryption with NULL (RFC 3279, 2.3.1). What
    /// is anything else, has another length of modulus, or an even number or a small or very large
    /// exponent, is [`ErrorCode::InvalidKeyMaterial`].
    pub fn from_spki(der: &[u8]) -> Result<Self> {
        let (modulus, exponent) = numbers(der)?;
        Ok(Self { key: RsaPublic::new(modulus, exponent)?, spki: der.to_vec() })
    }

    /// The key in SubjectPublicKeyInfo (RFC 5280).
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The length of the modulus in bytes.
    pub fn modulus_len(&self) -> usize {
        self.key.modulus_len()
    }

    /// RSAES-OAEP-ENCRYPT (RFC 8017, 7.1.1) with an empty label, the seed from `random`, into `out`
    /// of the modulus' length. A message longer than [`oaep_max`](super::oaep_max) is
    /// [`ErrorCode::Internal`]. Where the provider's memory is used up, it is
    /// [`ErrorCode::MemoryExhausted`].
    pub fn encrypt_oaep(
        &self,
        hash: OaepHash,
        message: &[u8],
        random: Random,
        out: &mut [u8],
    ) -> Result<()> {
        encrypt_oaep(&self.key, hash, message, random, out)
    }

    /// RSAES-PKCS1-V1_5-ENCRYPT (RFC 8017, 7.2.1), the padding from `random`, into `out` of the
    /// modulus' length. A message that is not 11 bytes shorter is
    /// [`ErrorCode::Internal`]. For those who wrap keys to be imported: nobody else should use it.
    pub fn encrypt_pkcs1(&self, message: &[u8], random: Random, out: &mut [u8]) -> Result<()> {
        encrypt_pkcs1(&self.key, message, random, out)
    }

    /// Whether this is a signature of the digest: RSASSA-PSS-VERIFY and RSASSA-PKCS1-V1_5-VERIFY
    /// (RFC 8017, 8.1.2 and 8.2.2).
    pub fn verify(&self, scheme: Scheme, digest: &[u8; 32], signature: &[u8]) -> bool {
        recover(&self.key, signature, |block| scheme.is_encoded(digest, block))
    }
}

/// The modulus and the exponent in a SubjectPublicKeyInfo, if they are ones that are taken.
pub(super) fn numbers(der: &[u8]) -> Result<(&[u8], &[u8])> {
    let refused = ErrorCode::InvalidKeyMaterial;
    let info = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| refused)?;
    let numbers = info.subject_public_key.as_bytes().ok_or(refused)?;
    let numbers = pkcs1::RsaPublicKeyRef::from_der(numbers).map_err(|_| refused)?;
    let (modulus, exponent) = (numbers.modulus.as_bytes(), numbers.public_exponent.as_bytes());
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
    let is_full = modulus.first().is_some_and(|first| first >> 7 == 1);
    let value = exponent
        .iter()
        .try_fold(0u64, |value, byte| value.checked_mul(256).map(|value| value | u64::from(*byte)));
    let is_taken = info.algorithm == pkcs1::ALGORITHM_ID
        && BITS.contains(&(modulus.len() * 8))
        && is_full
        && is_odd(modulus)
        && value.is_some_and(|value| EXPONENTS.contains(&value))
        && is_odd(exponent);
    if is_taken { Ok((modulus, exponent)) } else { Err(refused.into()) }
}

/// The same as [`RsaPublicKey::encrypt_oaep`] for a modulus of any length.
pub(super) fn encrypt_oaep(
    key: &RsaPublic,
    hash: OaepHash,
    message: &[u8],
    random: Random,
    out: &mut [u8],
) -> Result<()> {
    encrypt(key, |block| hash.encode(message, random, block), out)
}

/// The same as [`RsaPublicKey::encrypt_pkcs1`] for a modulus of any length.
pub(super) fn encrypt_pkcs1(
    key: &RsaPublic,
    message: &[u8],
    random: Random,
    out: &mut [u8],
) -> Result<()> {
    encrypt(key, |block| pad(message, random, block), out)
}

/// Encrypts the block that `encode` fills.
fn encrypt(
    key: &RsaPublic,
    encode: impl FnOnce(&mut [u8]) -> Result<()>,
    out: &mut [u8],
) -> Result<()> {
    let mut block = Zeroizing::new([0; MAX_MODULUS]);
    let block = block.get_mut(..key.modulus_len()).ok_or(ErrorCode::Internal)?;
    encode(block)?;
    key.apply_to_secret(block, out).map_err(|error| unless_passing(error, ErrorCode::Internal))
}

/// Whether the block that was signed is as `f` wants it, for a modulus of any length.
pub(super) fn recover(
    key: &RsaPublic,
    signature: &[u8],
    f: impl FnOnce(&mut [u8]) -> bool,
) -> bool {
    let mut block = [0; MAX_MODULUS];
    let Some(block) = block.get_mut(..key.modulus_len()) else { return false };
    key.apply(signature, block).is_ok() && f(block)
}
