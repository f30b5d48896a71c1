//! Wrapping of key material for import (BYOK), as its owner does it: with the public key of
//! GetParametersForImport alone, without a store (API reference, chapter 7.5).
#![forbid(unsafe_code)]

mod private_key;
#[cfg(test)]
mod tests;

use crate::api::{Blob, Into};
use crate::crypto::ecb;
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::arena::secluded;
use crate::hsm::{PublicKey, rng, selftest};
use crate::kms::with_room;
use crate::model::{EncryptionAlgorithm, KeySpec, WrappingAlgorithm};
use crate::secret::Zeroizing;

/// How much longer wrapped material is than the material, in bytes, or shorter: a block of RSA, and
/// with a hybrid's padding a block of AES.
pub const WRAPPING_OVERHEAD: usize = RSA_BLOCK + 16;

/// The bytes of what RSA_2048 encrypts.
const RSA_BLOCK: usize = 256;
/// The bytes of a private key d on a curve.
const SCALAR: usize = 32;
/// The bytes of a key of SM4.
const SM4_KEY: usize = 16;

/// Wraps key material for ImportKeyMaterial. `public_key` is the one that GetParametersForImport gave
/// for this algorithm: SubjectPublicKeyInfo in DER.
///
/// The material is the 16, 24 or 32 bytes of a symmetric key. For
/// RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD it is a private key in PKCS #8 (RFC 5208), DER or PEM, of a
/// length or on a curve that some key spec has; for SM2PKE_SM4_ECB the 32 bytes of d, or such a private
/// key of SM2. The two hybrids draw a key of their own, for this message alone. What imports it may
/// take less: an Aliyun_AES_256 key takes 32 bytes.
///
/// [`ErrorCode::InvalidParameter`] naming `PublicKey`, `WrappingAlgorithm` or `KeyMaterial`.
pub fn wrap_key_material(
    public_key: &[u8],
    algorithm: WrappingAlgorithm,
    material: &[u8],
) -> Result<Vec<u8>> {
    wrap_key_material_into(public_key, algorithm, material, Into::New).map(Blob::into_vec)
}

/// The same to where it is wanted: at most [`WRAPPING_OVERHEAD`] bytes more than the material. Memory
/// that is too short is [`ErrorCode::BufferTooSmall`] before any work.
pub fn wrap_key_material_into<'a>(
    public_key: &[u8],
    algorithm: WrappingAlgorithm,
    material: &[u8],
    mut into: Into<'a>,
) -> Result<Blob<'a>> {
    selftest::ready()?;
    let key = recipient(algorithm, public_key)?;
    let material = with_room(|| Material::read(algorithm, material))?;
    let mut out = into.take(wrapped_len(algorithm, material.len()))?;
    // Where there are stores besides, their keys may have filled the memory that this takes.
    with_room(|| secluded(|| wrap(&key, algorithm, &material, out.as_mut())))
        .inspect_err(|_| out.as_mut().fill(0))?;
    Ok(out)
}

/// The public key, if it is one of the kind that the algorithm takes.
fn recipient(algorithm: WrappingAlgorithm, spki: &[u8]) -> Result<PublicKey> {
    let spec = algorithm.wrapping_key_spec();
    PublicKey::from_spki(spec, spki).map_err(|error| match error.code() {
        ErrorCode::InvalidKeyMaterial if spki.trim_ascii_start().starts_with(b"{") => {
            Error::invalid("PublicKey", "This is JSON, the whole answer maybe: only its PublicKey.")
        }
        ErrorCode::InvalidKeyMaterial => Error::invalid(
            "PublicKey",
            format!(
                "For {algorithm} it must be the SubjectPublicKeyInfo of an {spec} key in DER, as \
                 GetParametersForImport gives it: of Base64 and PEM, the bytes inside."
            ),
        ),
        _ => error,
    })
}

/// What is wrapped: what its owner gave, or what that holds.
enum Material<'a> {
    Given(&'a [u8]),
    Inside(Zeroizing<Vec<u8>>),
}

impl<'a> Material<'a> {
    fn read(algorithm: WrappingAlgorithm, given: &'a [u8]) -> Result<Self> {
        if given.is_empty() {
            return Err(Error::invalid("KeyMaterial", "It must not be empty."));
        }
        match algorithm {
            WrappingAlgorithm::Sm2PkeSm4Ecb => private_key::scalar(given).map(Self::Inside),
            WrappingAlgorithm::OaepSha256Aes256Ecb => private_key::pkcs8(given).map(Self::Inside),
            _ => symmetric(given).map(Self::Given),
        }
    }
}

impl std::ops::Deref for Material<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Self::Given(bytes) => bytes,
            Self::Inside(bytes) => bytes,
        }
    }
}

/// The bytes of a symmetric key of any spec.
fn symmetric(given: &[u8]) -> Result<&[u8]> {
    if KeySpec::ALL.iter().any(|spec| spec.material_len() == Some(given.len())) {
        return Ok(given);
    }
    let hint = if is_hex(given) {
        " These look like hexadecimal digits: give the bytes that they stand for."
    } else if private_key::is_one(given) {
        " This looks like a private key, which goes under \
         RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD, or that of SM2 under SM2PKE_SM4_ECB."
    } else {
        ""
    };
    let detail = format!("It must be the 16, 24 or 32 bytes of a symmetric key.{hint}");
    Err(Error::invalid("KeyMaterial", detail))
}

/// Whether it is a symmetric key written in hexadecimal digits, on a line maybe.
fn is_hex(given: &[u8]) -> bool {
    let digits = given.trim_ascii_end();
    matches!(digits.len(), 32 | 48 | 64) && digits.iter().all(u8::is_ascii_hexdigit)
}

/// The length of so many bytes when they are wrapped.
const fn wrapped_len(algorithm: WrappingAlgorithm, len: usize) -> usize {
    match algorithm {
        WrappingAlgorithm::Pkcs1V15
        | WrappingAlgorithm::OaepSha1
        | WrappingAlgorithm::OaepSha256 => RSA_BLOCK,
        WrappingAlgorithm::OaepSha256Aes256Ecb => RSA_BLOCK + len - len % 16 + 16,
        WrappingAlgorithm::Sm2Pke => sm2_len(len),
        WrappingAlgorithm::Sm2PkeSm4Ecb => sm2_len(SM4_KEY) + len,
    }
}

const fn sm2_len(len: usize) -> usize {
    EncryptionAlgorithm::ciphertext_len(KeySpec::EcSm2, len)
}

/// Fills `out`, which is just as long as the wrapped material.
fn wrap(
    key: &PublicKey,
    algorithm: WrappingAlgorithm,
    material: &[u8],
    out: &mut [u8],
) -> Result<()> {
    match algorithm {
        WrappingAlgorithm::Pkcs1V15 => key.encrypt_pkcs1(material, out),
        WrappingAlgorithm::OaepSha1 => key.encrypt(EncryptionAlgorithm::OaepSha1, material, out),
        WrappingAlgorithm::OaepSha256 => {
            key.encrypt(EncryptionAlgorithm::OaepSha256, material, out)
        }
        WrappingAlgorithm::Sm2Pke => key.encrypt(EncryptionAlgorithm::Sm2Pke, material, out),
        WrappingAlgorithm::OaepSha256Aes256Ecb => {
            let mut fresh = Zeroizing::new([0; 32]);
            let blocks = hybrid(key, EncryptionAlgorithm::OaepSha256, &mut *fresh, RSA_BLOCK, out)?;
            blocks.copy_from_slice(&ecb::encrypt_padded(&fresh, material)?);
            Ok(())
        }
        WrappingAlgorithm::Sm2PkeSm4Ecb => {
            let (mut fresh, mut scalar) =
                (Zeroizing::new([0; SM4_KEY]), Zeroizing::new([0; SCALAR]));
            let blocks =
                hybrid(key, EncryptionAlgorithm::Sm2Pke, &mut *fresh, sm2_len(SM4_KEY), out)?;
            // Who reads `out` may not know d: none of it is written unencrypted.
            scalar.copy_from_slice(material);
            ecb::sm4_encrypt(&fresh, &mut *scalar)?;
            blocks.copy_from_slice(&*scalar);
            Ok(())
        }
    }
}

/// The first half of a hybrid, W: draws the fresh key and writes it, encrypted, to the first `len`
/// bytes. Answers where the other half goes.
fn hybrid<'a>(
    key: &PublicKey,
    algorithm: EncryptionAlgorithm,
    fresh: &mut [u8],
    len: usize,
    out: &'a mut [u8],
) -> Result<&'a mut [u8]> {
    let (wrapped, rest) = out.split_at_mut_checked(len).ok_or(ErrorCode::Internal)?;
    rng::fill(fresh)?;
    key.encrypt(algorithm, fresh, wrapped)?;
    Ok(rest)
}
