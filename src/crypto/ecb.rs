//! Messages under a block cipher, each block on its own (ECB), as the hybrids of import wrap private
//! keys: AES-256 with the padding of PKCS #7 (RFC 5652, 6.3), SM4 without any. Each key encrypts one
//! message, of blocks that do not repeat; that is no mode for anything else.
#![forbid(unsafe_code)]

use subtle::{Choice, ConstantTimeEq, ConstantTimeGreater};

use super::block::{BlockKey, Cipher, decrypt_blocks};
use crate::error::{ErrorCode, Result};
use crate::secret::{self, Zeroizing};

const BLOCK: usize = 16;

/// The plaintext, padded to whole blocks by PKCS #7, under AES-256.
pub fn encrypt_padded(key: &[u8; 32], plaintext: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let padding = BLOCK - plaintext.len() % BLOCK;
    // Of its whole length at once: a vector that grows leaves pieces behind.
    let mut blocks = Zeroizing::new(vec![padding as u8; plaintext.len() + padding]);
    blocks.iter_mut().zip(plaintext).for_each(|(to, from)| *to = *from);
    BlockKey::new(Cipher::Aes256, key)?.encrypt_blocks(whole(&mut blocks)?);
    Ok(blocks)
}

/// The reverse of [`encrypt_padded`], in place; answers the length of the plaintext, which is public
/// if the padding is right. Everything that is no ciphertext is [`ErrorCode::InvalidKeyMaterial`];
/// how a padding is wrong shows neither in the answer nor in time.
pub fn decrypt_padded(key: &[u8; 32], blocks: &mut [u8]) -> Result<usize> {
    let whole = whole(blocks).map_err(|_| ErrorCode::InvalidKeyMaterial)?;
    decrypt_blocks(Cipher::Aes256, key, whole)?;
    unpadded(whole)
}

/// The bytes of a plaintext without its padding, in the way of [`decrypt_padded`].
pub(super) fn unpadded(blocks: &[[u8; BLOCK]]) -> Result<usize> {
    let last = blocks.last().ok_or(ErrorCode::InvalidKeyMaterial)?;
    let (right, padding) = padding_of(last);
    if !secret::verdict(right) {
        return Err(ErrorCode::InvalidKeyMaterial.into());
    }
    let [padding] = secret::publish([padding]);
    Ok((blocks.len() * BLOCK).checked_sub(padding.into()).ok_or(ErrorCode::Internal)?)
}

/// Encrypts whole blocks in place under SM4.
pub fn sm4_encrypt(key: &[u8; 16], blocks: &mut [u8]) -> Result<()> {
    BlockKey::new(Cipher::Sm4, key)?.encrypt_blocks(whole(blocks)?);
    Ok(())
}

/// The reverse of [`sm4_encrypt`].
pub fn sm4_decrypt(key: &[u8; 16], blocks: &mut [u8]) -> Result<()> {
    decrypt_blocks(Cipher::Sm4, key, whole(blocks)?)
}

/// Whether the block ends in 1 to 16 bytes that are all their own number, and that number: a secret,
/// without a meaning, unless they are right.
fn padding_of(block: &[u8; BLOCK]) -> (Choice, u8) {
    let [.., padding] = *block;
    let mut right = padding.ct_gt(&0) & !padding.ct_gt(&(BLOCK as u8));
    for (at, byte) in (0u8..).zip(block.iter().rev()) {
        right &= !padding.ct_gt(&at) | byte.ct_eq(&padding);
    }
    (right, padding)
}

fn whole(bytes: &mut [u8]) -> Result<&mut [[u8; BLOCK]]> {
    match bytes.as_chunks_mut() {
        (blocks, []) => Ok(blocks),
        _ => Err(ErrorCode::Internal.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    #[test]
    fn every_length_comes_back() {
        for len in 0..70 {
            let message: Vec<u8> = (0..len).collect();
            let mut blocks = encrypt_padded(&KEY, &message).unwrap();
            assert_eq!(blocks.len(), message.len() / 16 * 16 + 16);
            let opened = decrypt_padded(&KEY, &mut blocks).unwrap();
            assert_eq!(blocks[..opened], message);
        }
    }

    /// What the last block must look like, by the words of RFC 5652.
    fn is_padded(block: &[u8; 16]) -> bool {
        (1..=16).any(|len| block.ends_with(&vec![len as u8; len]))
    }

    #[test]
    fn every_byte_of_the_padding() {
        for len in 0..=17u8 {
            let mut block = [0xaa; 16];
            block.iter_mut().rev().take(len.into()).for_each(|byte| *byte = len);
            for at in 0..16 {
                for value in 0..=255 {
                    let mut block = block;
                    block[at] = value;
                    let (right, _) = padding_of(&block);
                    assert_eq!(bool::from(right), is_padded(&block), "{block:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_ciphertext() {
        for len in (0..50).filter(|len| len % 16 != 0 || *len == 0) {
            let refused = decrypt_padded(&KEY, &mut vec![1; len]).unwrap_err();
            assert_eq!(refused.code(), ErrorCode::InvalidKeyMaterial, "{len}");
        }
        let mut blocks = encrypt_padded(&KEY, &[0xaa; 20]).unwrap();
        assert!(decrypt_padded(&[8; 32], &mut blocks.clone()).is_err());
        blocks.truncate(16);
        assert!(decrypt_padded(&KEY, &mut blocks).is_err());
        assert!(sm4_encrypt(&[7; 16], &mut [1; 31]).is_err());
        assert!(sm4_decrypt(&[7; 16], &mut [1; 31]).is_err());
    }

    #[test]
    fn sm4_comes_back() {
        let (message, mut blocks) = ([3; 32], [3; 32]);
        sm4_encrypt(&[7; 16], &mut blocks).unwrap();
        assert_ne!(blocks, message);
        sm4_decrypt(&[7; 16], &mut blocks).unwrap();
        assert_eq!(blocks, message);
    }
}
