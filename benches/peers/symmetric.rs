//! Through the C ABI: encrypting, decrypting, data keys, random bytes.

use std::ffi::{CString, c_char, c_void};
use std::hint::black_box;
use std::ptr;

use kmshsm::api::OVERHEAD;

use crate::OURS;
use crate::race::Contestant;
use crate::store::Session;

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
    fn kmshsm_random(
        session: *const c_void,
        number_of_bytes: usize,
        out: *mut u8,
        out_capacity: usize,
        out_len: *mut usize,
    ) -> u32;
}

/// A key of the store that encrypts.
#[derive(Clone)]
pub struct Key {
    session: Session,
    id: CString,
}

impl Key {
    pub fn new(session: Session, spec: &str) -> Self {
        Self { session, id: session.create(spec, "ENCRYPT/DECRYPT") }
    }

    pub fn encrypt(&self, name: &'static str, len: usize) -> Contestant {
        let key = self.clone();
        Contestant::new(name, OURS, move || {
            let (key, message, mut out) = (key.clone(), vec![7; len], vec![0; len + OVERHEAD]);
            move || key.seal(&message, &mut out)
        })
    }

    pub fn decrypt(&self, name: &'static str, len: usize) -> Contestant {
        let key = self.clone();
        Contestant::new(name, OURS, move || {
            let (mut sealed, mut out) = (vec![0; len + OVERHEAD], vec![0; len]);
            key.seal(&vec![7; len], &mut sealed);
            let session = key.session.handle();
            move || {
                let (input, input_len, mut out_len) = (sealed.as_ptr(), sealed.len(), 0);
                // SAFETY: the contract of kmshsm.h.
                let status = unsafe {
                    let out = out.as_mut_ptr();
                    kmshsm_decrypt(session, input, input_len, ptr::null(), out, len, &mut out_len)
                };
                assert_eq!((status, out_len), (0, len));
                black_box(&out);
            }
        })
    }

    /// Makes a data key of 32 bytes.
    pub fn data_key(&self, name: &'static str) -> Contestant {
        let key = self.clone();
        Contestant::new(name, OURS, move || {
            let (mut plain, mut sealed, key) = ([0; 32], [0; 32 + OVERHEAD], key.clone());
            move || {
                let (mut plain_len, mut sealed_len) = (0, 0);
                // SAFETY: the contract of kmshsm.h.
                let status = unsafe {
                    kmshsm_generate_data_key(
                        key.session.handle(),
                        key.id.as_ptr(),
                        plain.len(),
                        ptr::null(),
                        plain.as_mut_ptr(),
                        plain.len(),
                        &mut plain_len,
                        sealed.as_mut_ptr(),
                        sealed.len(),
                        &mut sealed_len,
                    )
                };
                assert_eq!(status, 0);
                black_box((&plain, &sealed));
            }
        })
    }

    fn seal(&self, message: &[u8], out: &mut [u8]) {
        let mut out_len = 0;
        // SAFETY: the contract of kmshsm.h.
        let status = unsafe {
            kmshsm_encrypt(
                self.session.handle(),
                self.id.as_ptr(),
                message.as_ptr(),
                message.len(),
                ptr::null(),
                out.as_mut_ptr(),
                out.len(),
                &mut out_len,
            )
        };
        assert_eq!((status, out_len), (0, out.len()));
        black_box(out);
    }
}

pub fn random(name: &'static str, session: Session, len: usize) -> Contestant {
    Contestant::new(name, OURS, move || {
        let mut out = vec![0u8; len];
        move || {
            let mut out_len = 0;
            // SAFETY: the contract of kmshsm.h.
            let status = unsafe {
                kmshsm_random(session.handle(), len, out.as_mut_ptr(), len, &mut out_len)
            };
            assert_eq!((status, out_len), (0, len));
            black_box(&out);
        }
    })
}
