//! Through the C ABI: key pairs of the store.

use std::ffi::{CString, c_char, c_int, c_void};
use std::hint::black_box;

use serde_json::json;

use crate::race::Contestant;
use crate::store::Session;
use crate::{DIGEST, OURS};

unsafe extern "C" {
    fn kmshsm_sign(
        session: *const c_void,
        key_id: *const c_char,
        key_version_id: *const c_char,
        algorithm: *const c_char,
        digest: *const u8,
        digest_len: usize,
        out: *mut u8,
        out_capacity: usize,
        out_len: *mut usize,
    ) -> u32;
    fn kmshsm_verify(
        session: *const c_void,
        key_id: *const c_char,
        key_version_id: *const c_char,
        algorithm: *const c_char,
        digest: *const u8,
        digest_len: usize,
        signature: *const u8,
        signature_len: usize,
        is_valid: *mut c_int,
    ) -> u32;
    fn kmshsm_asymmetric_encrypt(
        session: *const c_void,
        key_id: *const c_char,
        key_version_id: *const c_char,
        algorithm: *const c_char,
        plaintext: *const u8,
        plaintext_len: usize,
        out: *mut u8,
        out_capacity: usize,
        out_len: *mut usize,
    ) -> u32;
    fn kmshsm_asymmetric_decrypt(
        session: *const c_void,
        key_id: *const c_char,
        key_version_id: *const c_char,
        algorithm: *const c_char,
        ciphertext: *const u8,
        ciphertext_len: usize,
        out: *mut u8,
        out_capacity: usize,
        out_len: *mut usize,
    ) -> u32;
}

/// What signing, encrypting and decrypting are in C.
type Function = unsafe extern "C" fn(
    *const c_void,
    *const c_char,
    *const c_char,
    *const c_char,
    *const u8,
    usize,
    *mut u8,
    usize,
    *mut usize,
) -> u32;

/// A key pair of the store, and what it is used for.
#[derive(Clone)]
pub struct Pair {
    session: Session,
    id: CString,
    version: CString,
    algorithm: CString,
}

impl Pair {
    pub fn new(session: Session, spec: &str, usage: &str, algorithm: &str) -> Self {
        let id = session.create(spec, usage);
        let parameters = json!({ "KeyId": id.to_str().unwrap() });
        let versions = session.call(c"ListKeyVersions", &parameters);
        let version = versions["KeyVersions"]["KeyVersion"][0]["KeyVersionId"].as_str().unwrap();
        let [version, algorithm] = [version, algorithm].map(|text| CString::new(text).unwrap());
        Self { session, id, version, algorithm }
    }

    pub fn sign(&self, name: &'static str) -> Contestant {
        self.contestant(name, |pair| move || _ = black_box(pair.call(kmshsm_sign, &DIGEST)))
    }

    pub fn verify(&self, name: &'static str) -> Contestant {
        self.contestant(name, |pair| {
            let (signature, len) = pair.call(kmshsm_sign, &DIGEST);
            move || {
                let mut is_valid = 0;
                // SAFETY: the contract of kmshsm.h.
                let status = unsafe {
                    kmshsm_verify(
                        pair.session.handle(),
                        pair.id.as_ptr(),
                        pair.version.as_ptr(),
                        pair.algorithm.as_ptr(),
                        DIGEST.as_ptr(),
                        DIGEST.len(),
                        signature.as_ptr(),
                        len,
                        &mut is_valid,
                    )
                };
                assert_eq!((status, is_valid), (0, 1));
            }
        })
    }

    pub fn encrypt(&self, name: &'static str) -> Contestant {
        self.contestant(name, |pair| {
            move || _ = black_box(pair.call(kmshsm_asymmetric_encrypt, &DIGEST))
        })
    }

    pub fn decrypt(&self, name: &'static str) -> Contestant {
        self.contestant(name, |pair| {
            let (sealed, len) = pair.call(kmshsm_asymmetric_encrypt, &DIGEST);
            move || {
                let (out, len) = pair.call(kmshsm_asymmetric_decrypt, &sealed[..len]);
                assert_eq!(out[..len], DIGEST);
            }
        })
    }

    fn contestant<F: FnMut() + 'static>(
        &self,
        name: &'static str,
        make: impl Fn(Self) -> F + Sync + 'static,
    ) -> Contestant {
        let pair = self.clone();
        Contestant::new(name, OURS, move || make(pair.clone()))
    }

    /// The output of a function, and its length.
    fn call(&self, function: Function, input: &[u8]) -> ([u8; 512], usize) {
        let (mut out, mut len) = ([0; 512], 0);
        // SAFETY: the contract of kmshsm.h.
        let status = unsafe {
            function(
                self.session.handle(),
                self.id.as_ptr(),
                self.version.as_ptr(),
                self.algorithm.as_ptr(),
                input.as_ptr(),
                input.len(),
                out.as_mut_ptr(),
                out.len(),
                &mut len,
            )
        };
        assert_eq!(status, 0);
        (out, len)
    }
}

/// CreateKey, with all that belongs to it.
pub fn create(name: &'static str, session: Session, spec: &'static str) -> Contestant {
    Contestant::new(name, OURS, move || move || drop(session.create(spec, "SIGN/VERIFY")))
}
