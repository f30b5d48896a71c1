//! Encrypting, decrypting and data keys.

use std::ffi::{CString, c_char, c_void};
use std::hint::black_box;
use std::ptr;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use kmshsm::api::OVERHEAD;

use crate::timing::Contestant;

unsafe extern "C" {
    fn kmshsm_encrypt(
        session: *const c_void,
        key_id: *const c_char,
        plaintext: *const u8,
        plaintext_len: usize,
        encryption_context: *const c_char,
        out: *mut u8,
        out_capacity: usize,
        out_len: *mut usize,
    ) -> u32;
    fn kmshsm_decrypt(
        session: *const c_void,
        ciphertext: *const u8,
        ciphertext_len: usize,
        encryption_context: *const c_char,
        out: *mut u8,
        out_capacity: usize,
        out_len: *mut usize,
    ) -> u32;
    fn kmshsm_generate_data_key(
        session: *const c_void,
        key_id: *const c_char,
        number_of_bytes: usize,
        encryption_context: *const c_char,
        plaintext: *mut u8,
        plaintext_capacity: usize,
        plaintext_len: *mut usize,
        ciphertext: *mut u8,
        ciphertext_capacity: usize,
        ciphertext_len: *mut usize,
    ) -> u32;
}

/// The same job: the plaintext stays, the ciphertext goes elsewhere.
pub fn raw_seal(len: usize) -> Contestant {
    let (plaintext, mut out) = (vec![7u8; len], vec![0u8; len]);
    let mut seal = fresh_key_seal();
    let run = move || {
        out.copy_from_slice(black_box(&plaintext));
        seal(&mut out);
        black_box(&out);
    };
    ("aws-lc-rs, fresh key, from buffer to buffer", Box::new(run))
}

/// Less than the job: the plaintext is overwritten.
pub fn raw_seal_in_place(len: usize) -> Contestant {
    let mut buffer = vec![7u8; len];
    let mut seal = fresh_key_seal();
    let run = move || {
        seal(&mut buffer);
        black_box(&buffer);
    };
    ("aws-lc-rs, fresh key, in place", Box::new(run))
}

fn fresh_key_seal() -> impl FnMut(&mut [u8]) {
    let mut count = 0u64;
    move |buffer| {
        count += 1;
        let mut key = [9u8; 32];
        key[..8].copy_from_slice(&count.to_be_bytes());
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).unwrap());
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        let tag = key.seal_in_place_separate_tag(nonce, Aad::empty(), buffer).unwrap();
        black_box(tag.as_ref());
    }
}

pub fn raw_open(len: usize) -> Contestant {
    let key = [9u8; 32];
    let sealer = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).unwrap());
    let mut sealed = vec![7u8; len];
    let nonce = Nonce::assume_unique_for_key([0; 12]);
    let tag = sealer.seal_in_place_separate_tag(nonce, Aad::empty(), &mut sealed).unwrap();
    let mut out = vec![0u8; len];
    let run = move || {
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, black_box(&key)).unwrap());
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        let tag = tag.as_ref();
        key.open_separate_gather(nonce, Aad::empty(), &sealed, tag, &mut out).unwrap();
        black_box(&out);
    };
    ("aws-lc-rs open, the key set up each time", Box::new(run))
}

pub fn abi_encrypt(session: *const c_void, key: &CString, len: usize) -> Contestant {
    let (plaintext, mut out, key) = (vec![7u8; len], vec![0u8; len + OVERHEAD], key.clone());
    let run = move || {
        encrypt(session, &key, &plaintext, &mut out);
        black_box(&out);
    };
    ("kmshsm_encrypt", Box::new(run))
}

fn encrypt(session: *const c_void, key: &CString, plaintext: &[u8], out: &mut [u8]) {
    let mut out_len = 0;
    // SAFETY: the contract of kmshsm.h.
    let status = unsafe {
        kmshsm_encrypt(
            session,
            key.as_ptr(),
            plaintext.as_ptr(),
            plaintext.len(),
            ptr::null(),
            out.as_mut_ptr(),
            out.len(),
            &mut out_len,
        )
    };
    assert_eq!(status, 0);
}

pub fn abi_decrypt(session: *const c_void, key: &CString, len: usize) -> Contestant {
    let mut sealed = vec![0u8; len + OVERHEAD];
    encrypt(session, key, &vec![7u8; len], &mut sealed);
    let mut out = vec![0u8; len];
    let run = move || {
        let mut out_len = 0;
        // SAFETY: the contract of kmshsm.h.
        let status = unsafe {
            let (input, output) = (sealed.as_ptr(), out.as_mut_ptr());
            kmshsm_decrypt(session, input, len + OVERHEAD, ptr::null(), output, len, &mut out_len)
        };
        assert_eq!(status, 0);
        black_box(&out);
    };
    ("kmshsm_decrypt", Box::new(run))
}

pub fn abi_data_key(session: *const c_void, key: &CString) -> Contestant {
    let (mut plain, mut sealed, key) = ([0u8; 32], [0u8; 32 + OVERHEAD], key.clone());
    let run = move || {
        let (mut plain_len, mut sealed_len) = (0, 0);
        // SAFETY: the contract of kmshsm.h.
        let status = unsafe {
            kmshsm_generate_data_key(
                session,
                key.as_ptr(),
                32,
                ptr::null(),
                plain.as_mut_ptr(),
                32,
                &mut plain_len,
                sealed.as_mut_ptr(),
                32 + OVERHEAD,
                &mut sealed_len,
            )
        };
        assert_eq!(status, 0);
        black_box((&plain, &sealed));
    };
    ("kmshsm_generate_data_key", Box::new(run))
}
