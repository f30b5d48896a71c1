//! GCM (NIST SP 800-38D) over any block cipher of the RustCrypto traits, GHASH without tables.
#![forbid(unsafe_code)]

use aes::cipher::consts::{U12, U16};
use aes::cipher::{BlockCipherEncrypt, BlockSizeUser};
use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AesGcm, KeyInit};

use crate::error::{ErrorCode, Result};

/// Encrypts into `ciphertext`, which is as long as `plaintext`.
pub(crate) fn seal<C>(
    key: &[u8],
    iv: &[u8; 12],
    aad: &[u8],
    plaintext: &[u8],
    ciphertext: &mut [u8],
    tag: &mut [u8; 16],
) -> Result<()>
where
    C: KeyInit + BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    let gcm = AesGcm::<C, U12>::new_from_slice(key).map_err(|_| ErrorCode::Internal)?;
    let buffer = InOutBuf::new(plaintext, ciphertext).map_err(|_| ErrorCode::Internal)?;
    let computed =
        gcm.encrypt_inout_detached(&(*iv).into(), aad, buffer).map_err(|_| ErrorCode::Internal)?;
    *tag = computed.into();
    Ok(())
}

/// Checks the tag, then decrypts into `plaintext`, which is as long as `ciphertext`.
pub(crate) fn open<C>(
    key: &[u8],
    iv: &[u8; 12],
    aad: &[u8],
    ciphertext: &[u8],
    tag: &[u8; 16],
    plaintext: &mut [u8],
) -> Result<()>
where
    C: KeyInit + BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    let gcm = AesGcm::<C, U12>::new_from_slice(key).map_err(|_| ErrorCode::Internal)?;
    let buffer = InOutBuf::new(ciphertext, plaintext).map_err(|_| ErrorCode::Internal)?;
    gcm.decrypt_inout_detached(&(*iv).into(), aad, buffer, &(*tag).into())
        .map_err(|_| ErrorCode::InvalidCiphertext.into())
}
