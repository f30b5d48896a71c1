//! SHA-1, SHA-256 and HMAC-SHA-256 over a message given in parts.

use std::mem::MaybeUninit;
use std::ptr;

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

/// SHA-256.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = MaybeUninit::uninit();
    let mut digest = [0; 32];
    // SAFETY: as in `sha1`, with 32 bytes.
    unsafe {
        aws_lc_sys::SHA256_Init(context.as_mut_ptr());
        for part in parts {
            aws_lc_sys::SHA256_Update(context.as_mut_ptr(), part.as_ptr().cast(), part.len());
        }
        aws_lc_sys::SHA256_Final(digest.as_mut_ptr(), context.as_mut_ptr());
        aws_lc_sys::OPENSSL_cleanse(context.as_mut_ptr().cast(), size_of_val(&context));
    }
    digest
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
