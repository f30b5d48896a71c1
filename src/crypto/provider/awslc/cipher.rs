//! AES and AES-GCM.

use std::ffi::c_uint;
use std::mem::MaybeUninit;
use std::ptr;

use aws_lc_sys::{AES_KEY, EVP_AEAD, EVP_AEAD_CTX};

use super::{done, side_by_side};
use crate::error::{ErrorCode, Result};

/// An expanded AES encryption key.
pub(crate) struct AesKey(AES_KEY, u8);

impl AesKey {
    /// Expands a key of 16, 24 or 32 bytes.
    pub(crate) fn new(key: &[u8]) -> Result<Self> {
        let mut schedule = Self::empty();
        schedule.rekey(key)?;
        Ok(schedule)
    }

    const fn empty() -> Self {
        Self(AES_KEY { rd_key: [0; 60], rounds: 0 }, 0)
    }

    /// Expands another key in the same place.
    pub(crate) fn rekey(&mut self, key: &[u8]) -> Result<()> {
        let bits = c_uint::try_from(key.len() * 8).map_err(|_| ErrorCode::Internal)?;
        // SAFETY: takes nothing; it makes sure that the CPU has been looked at.
        unsafe { aws_lc_sys::CRYPTO_library_init() };
        // SAFETY: `key` holds `bits` bits, the schedule is ours to write; other lengths are refused.
        match unsafe { aws_lc_sys::AES_set_encrypt_key(key.as_ptr(), bits, &raw mut self.0) } {
            0 => {
                // 10, 12 or 14 (FIPS 197).
                self.1 = (key.len() / 4 + 6) as u8;
                Ok(())
            }
            _ => Err(ErrorCode::Internal.into()),
        }
    }

    /// Writes E(first) | E(first + 1) | ..., counting modulo 2^128.
    pub(crate) fn keystream(&self, first: u128, blocks: &mut [[u8; 16]]) {
        let out = blocks.as_flattened_mut();
        out.fill(0);
        let (mut counter, mut rest, mut used) = (first.to_be_bytes(), [0; 16], 0);
        // SAFETY: in and out are the same buffer, which is allowed; whole blocks leave `rest`
        // unused; the key is expanded.
        unsafe {
            aws_lc_sys::AES_ctr128_encrypt(
                out.as_ptr(),
                out.as_mut_ptr(),
                out.len(),
                &raw const self.0,
                counter.as_mut_ptr(),
                rest.as_mut_ptr(),
                &raw mut used,
            );
        }
    }

    /// Encrypts every block in place.
    #[inline]
    pub(crate) fn encrypt_blocks(&self, blocks: &mut [[u8; 16]]) {
        if !side_by_side::encrypt_blocks(&self.0, self.1.into(), blocks) {
            blocks.iter_mut().for_each(|block| self.encrypt_block(block));
        }
    }

    /// Encrypts one block in place.
    pub(super) fn encrypt_block(&self, block: &mut [u8; 16]) {
        let block = block.as_mut_ptr();
        // SAFETY: 16 bytes to read and write, which may be the same; the key is expanded.
        unsafe { aws_lc_sys::AES_encrypt(block, block, &raw const self.0) };
    }

    /// The bytes of the schedule.
    #[cfg(test)]
    pub(crate) fn with_bytes(&self, f: impl FnOnce(&[u8])) {
        let words = &self.0.rd_key;
        // SAFETY: initialized integers, as bytes.
        f(unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), size_of_val(words)) });
    }

    /// AWS-LC's expanded key.
    pub(super) const fn schedule(&self) -> &AES_KEY {
        &self.0
    }
}

impl Drop for AesKey {
    fn drop(&mut self) {
        self.0 = AES_KEY { rd_key: [0; 60], rounds: 0 };
        zeroize::optimization_barrier(&self.0);
    }
}

/// Decrypts every block in place under a key of 16, 24 or 32 bytes.
pub(crate) fn aes_decrypt_blocks(key: &[u8], blocks: &mut [[u8; 16]]) -> Result<()> {
    let bits = c_uint::try_from(key.len() * 8).map_err(|_| ErrorCode::Internal)?;
    let mut schedule = AesKey::empty();
    // SAFETY: takes nothing; it makes sure that the CPU has been looked at.
    unsafe { aws_lc_sys::CRYPTO_library_init() };
    // SAFETY: `key` holds `bits` bits, the schedule is ours to write; other lengths are refused.
    if unsafe { aws_lc_sys::AES_set_decrypt_key(key.as_ptr(), bits, &raw mut schedule.0) } != 0 {
        return Err(ErrorCode::Internal.into());
    }
    for block in blocks {
        let block = block.as_mut_ptr();
        // SAFETY: 16 bytes to read and write, which may be the same; the key is expanded, backwards.
        unsafe { aws_lc_sys::AES_decrypt(block, block, &raw const schedule.0) };
    }
    Ok(())
}

/// An AEAD context on the stack, wiped when dropped (AWS-LC's own clean-up leaves the schedule).
struct Context(MaybeUninit<EVP_AEAD_CTX>);

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: the whole of the place, which is ours; AES-GCM's context owns nothing else.
        unsafe { aws_lc_sys::OPENSSL_cleanse(self.0.as_mut_ptr().cast(), size_of_val(&self.0)) };
    }
}

impl Context {
    const fn new() -> Self {
        Self(MaybeUninit::uninit())
    }

    /// Expands the key in place, so that no second copy comes about.
    fn expand(&mut self, key: &[u8]) -> Result<*const EVP_AEAD_CTX> {
        // SAFETY: they take nothing and answer pointers to constants.
        let aead: *const EVP_AEAD = unsafe {
            aws_lc_sys::CRYPTO_library_init();
            match key.len() {
                16 => aws_lc_sys::EVP_aead_aes_128_gcm(),
                24 => aws_lc_sys::EVP_aead_aes_192_gcm(),
                32 => aws_lc_sys::EVP_aead_aes_256_gcm(),
                _ => return Err(ErrorCode::Internal.into()),
            }
        };
        let context = self.0.as_mut_ptr();
        // SAFETY: the context may be uninitialised, `key` is readable, no engine is named.
        let answer = unsafe {
            aws_lc_sys::EVP_AEAD_CTX_init(
                context,
                aead,
                key.as_ptr(),
                key.len(),
                16,
                ptr::null_mut(),
            )
        };
        done(answer, ErrorCode::Internal)?;
        Ok(context)
    }
}

/// AES-GCM under a key of 16, 24 or 32 bytes; both texts have the same length.
pub(crate) fn gcm_seal(
    key: &[u8],
    iv: &[u8; 12],
    aad: &[u8],
    plaintext: &[u8],
    ciphertext: &mut [u8],
    tag: &mut [u8; 16],
) -> Result<()> {
    if plaintext.len() != ciphertext.len() {
        return Err(ErrorCode::Internal.into());
    }
    let mut context = Context::new();
    let expanded = context.expand(key)?;
    let mut tag_len = 0;
    // SAFETY: every pointer goes with its length; the borrows say that the outputs overlap nothing.
    let answer = unsafe {
        aws_lc_sys::EVP_AEAD_CTX_seal_scatter(
            expanded,
            ciphertext.as_mut_ptr(),
            tag.as_mut_ptr(),
            &raw mut tag_len,
            tag.len(),
            iv.as_ptr(),
            iv.len(),
            plaintext.as_ptr(),
            plaintext.len(),
            ptr::null(),
            0,
            aad.as_ptr(),
            aad.len(),
        )
    };
    done(answer, ErrorCode::Internal)?;
    if tag_len == tag.len() { Ok(()) } else { Err(ErrorCode::Internal.into()) }
}

/// The reverse of [`gcm_seal`].
pub(crate) fn gcm_open(
    key: &[u8],
    iv: &[u8; 12],
    aad: &[u8],
    ciphertext: &[u8],
    tag: &[u8; 16],
    plaintext: &mut [u8],
) -> Result<()> {
    if plaintext.len() != ciphertext.len() {
        return Err(ErrorCode::Internal.into());
    }
    let mut context = Context::new();
    let expanded = context.expand(key)?;
    // SAFETY: every pointer goes with its length; the borrows say that the output overlaps nothing.
    let answer = unsafe {
        aws_lc_sys::EVP_AEAD_CTX_open_gather(
            expanded,
            plaintext.as_mut_ptr(),
            iv.as_ptr(),
            iv.len(),
            ciphertext.as_ptr(),
            ciphertext.len(),
            tag.as_ptr(),
            tag.len(),
            aad.as_ptr(),
            aad.len(),
        )
    };
    done(answer, ErrorCode::InvalidCiphertext)
}
