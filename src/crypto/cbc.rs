//! CBC (SP 800-38A, 6.2): whole blocks under any cipher, and AES-256 with the padding of PKCS #7 (RFC
//! 5652, 6.3), only to decrypt what tokens of others hold. Nothing is authenticated: what is read
//! needs checks of its own.
#![forbid(unsafe_code)]

use super::block::{Cipher, decrypt_blocks};
use super::ecb::unpadded;
use crate::error::{ErrorCode, Result};

/// Encrypts whole blocks in place, one after the other. Nothing but vectors is encrypted so.
#[cfg(test)]
pub(super) fn encrypt(
    cipher: Cipher,
    key: &[u8],
    iv: &[u8; 16],
    blocks: &mut [[u8; 16]],
) -> Result<()> {
    let (key, mut before) = (super::block::BlockKey::new(cipher, key)?, *iv);
    for block in blocks {
        add(block, &before);
        key.encrypt_blocks(std::slice::from_mut(block));
        before = *block;
    }
    Ok(())
}

/// Decrypts whole blocks into as many of `out`, all at once.
pub(crate) fn decrypt(
    cipher: Cipher,
    key: &[u8],
    iv: &[u8; 16],
    blocks: &[[u8; 16]],
    out: &mut [[u8; 16]],
) -> Result<()> {
    out.copy_from_slice(blocks);
    decrypt_blocks(cipher, key, out)?;
    for (block, before) in out.iter_mut().zip([iv].into_iter().chain(blocks)) {
        add(block, before);
    }
    Ok(())
}

fn add(block: &mut [u8; 16], other: &[u8; 16]) {
    block.iter_mut().zip(other).for_each(|(byte, other)| *byte ^= other);
}

/// Decrypts whole blocks into the front of `out`, which has as many bytes or more, and answers the length
/// of the plaintext, which is public if the padding is right. Everything that is no ciphertext is
/// [`ErrorCode::InvalidKeyMaterial`].
pub fn decrypt_padded(
    key: &[u8; 32],
    iv: &[u8; 16],
    ciphertext: &[u8],
    out: &mut [u8],
) -> Result<usize> {
    let (blocks, []) = ciphertext.as_chunks::<16>() else {
        return Err(ErrorCode::InvalidKeyMaterial.into());
    };
    let out = out.get_mut(..ciphertext.len()).ok_or(ErrorCode::Internal)?;
    let (opened, _) = out.as_chunks_mut::<16>();
    decrypt(Cipher::Aes256, key, iv, blocks, opened)?;
    unpadded(opened)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SP 800-38A, F.2.6, and a last block of its key's and chain's that is all padding (OpenSSL 3.0.19).
    #[test]
    fn the_example_of_the_standard() {
        let hex = |text: &str| hex::decode(text).unwrap();
        let key = hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
        let iv = hex("000102030405060708090a0b0c0d0e0f");
        let ciphertext = hex("f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d\
            39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b3f461796d6b0d6b2e0c2a72b4d80e644");
        let (key, iv) = (key.try_into().unwrap(), iv.try_into().unwrap());
        let mut out = [0; 96];
        assert_eq!(decrypt_padded(&key, &iv, &ciphertext, &mut out), Ok(64));
        let expected = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
            30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
        assert_eq!(hex::encode(&out[..64]), expected);
        for wrong in [&ciphertext[..64], &ciphertext[..79], &[]] {
            let refused = decrypt_padded(&key, &iv, wrong, &mut out).unwrap_err();
            assert_eq!(refused.code(), ErrorCode::InvalidKeyMaterial);
        }
    }
}
