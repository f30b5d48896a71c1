//! SHA-1, SHA-256 and HMAC-SHA-256 over a message given in parts.

use std::mem::MaybeUninit;
use std::ptr;

use aws_lc_sys::SHA256_CTX;

/// SHA-1.
pub(crate) fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    let mut context = MaybeUninit::uninit();
    let mut digest = [0; 20];
    // SAFETY: the first call initialises the context; each part goes with its length; the digest
    // has the 20 bytes that are written. None of the calls can fail, and the context is wiped.
    unsafe {
        aws_lc_sys::SHA1_Init(context.as_mut_ptr());
        for part in parts {
            aws_lc_sys::SHA1_Update(context.as_mut_ptr(), part.as_ptr().cast(), part.len());
        }
        aws_lc_sys::SHA1_Final(digest.as_mut_ptr(), context.as_mut_ptr());
        aws_lc_sys::OPENSSL_cleanse(context.as_mut_ptr().cast(), size_of_val(&context));
    }
    digest
}

/// SHA-256 of a message that comes in pieces; wiped when dropped.
#[derive(Clone)]
pub(crate) struct Sha256(SHA256_CTX);

impl Sha256 {
    pub(crate) fn new() -> Self {
        let mut context = MaybeUninit::zeroed();
        // SAFETY: the context is integers, all of which are set; it cannot fail.
        unsafe {
            aws_lc_sys::SHA256_Init(context.as_mut_ptr());
            Self(context.assume_init())
        }
    }

    pub(crate) fn update(&mut self, piece: &[u8]) {
        // SAFETY: the piece goes with its length; it cannot fail.
        unsafe {
            aws_lc_sys::SHA256_Update(&raw mut self.0, piece.as_ptr().cast(), piece.len());
        }
    }

    pub(crate) fn finish(mut self) -> [u8; 32] {
        let mut digest = [0; 32];
        // SAFETY: the digest has the 32 bytes that are written; it cannot fail.
        unsafe { aws_lc_sys::SHA256_Final(digest.as_mut_ptr(), &raw mut self.0) };
        digest
    }
}

impl Drop for Sha256 {
    fn drop(&mut self) {
        // SAFETY: the context's own bytes.
        unsafe { aws_lc_sys::OPENSSL_cleanse((&raw mut self.0).cast(), size_of_val(&self.0)) };
    }
}

/// SHA-256.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut state = Sha256::new();
    parts.iter().for_each(|part| state.update(part));
    state.finish()
}

/// HMAC-SHA-256 under a key of any length.
pub(crate) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut context = MaybeUninit::uninit();
    let mut tag = [0; 32];
    // SAFETY: the first call initialises the context, which holds no heap memory and is cleaned at
    // the end in every case; key and parts go with their lengths; the tag has the bytes of SHA-256.
    let answer = unsafe {
        let context = context.as_mut_ptr();
        aws_lc_sys::HMAC_CTX_init(context);
        let mut answer = aws_lc_sys::HMAC_Init_ex(
            context,
            key.as_ptr().cast(),
            key.len(),
            aws_lc_sys::EVP_sha256(),
            ptr::null_mut(),
        );
        for part in parts {
            answer &= aws_lc_sys::HMAC_Update(context, part.as_ptr(), part.len());
        }
        answer &= aws_lc_sys::HMAC_Final(context, tag.as_mut_ptr(), ptr::null_mut());
        aws_lc_sys::HMAC_CTX_cleanup(context);
        answer
    };
    // It cannot fail without an allocation, and an unchecked tag of zeros must never get out.
    assert!(answer == 1, "HMAC-SHA-256 failed");
    tag
}
