//! Block ciphers and their modes.

use std::ffi::{c_int, c_void};
use std::ptr;

use super::{Algorithm, NAME, OpenSsl, cipher_named};
use crate::race::Contestant;

const GET_TAG: c_int = 0x10;
const SET_TAG: c_int = 0x11;

/// What is done to a message.
#[derive(Clone, Copy)]
pub struct Mode {
    /// As OpenSSL calls it.
    pub algorithm: &'static str,
    pub encrypts: bool,
    /// Whether every message has a key of its own; otherwise only its IV is set.
    pub fresh_key: bool,
}

/// A message from buffer to buffer, and its tag if there is one.
pub fn cipher(name: &'static str, mode: Mode, len: usize) -> Contestant {
    let found = cipher_named(mode.algorithm);
    Contestant::with(name, NAME, found, move |(ssl, algorithm)| {
        let (message, mut tag) = (vec![7u8; len], [0u8; 16]);
        let mut sealed = vec![0u8; len];
        Context::new(ssl, *algorithm, mode, true).run(&message, &mut sealed, &mut tag);
        let input = if mode.encrypts { message } else { sealed };
        let (context, mut out) = (Context::new(ssl, *algorithm, mode, mode.encrypts), vec![0; len]);
        move || context.run(&input, &mut out, &mut tag)
    })
}

struct Context {
    ssl: &'static OpenSsl,
    context: *mut c_void,
    mode: Mode,
    encrypts: c_int,
    key: [u8; 32],
}

impl Context {
    fn new(ssl: &'static OpenSsl, algorithm: Algorithm, mode: Mode, encrypts: bool) -> Self {
        let (key, encrypts) = ([9u8; 32], c_int::from(encrypts));
        // SAFETY: the context is new; the key is as long as any.
        let context = unsafe {
            let context = (ssl.EVP_CIPHER_CTX_new)();
            let (key, iv) = (key.as_ptr(), key.as_ptr());
            let cipher = algorithm.get();
            assert_eq!(
                (ssl.EVP_CipherInit_ex2)(context, cipher, key, iv, encrypts, ptr::null()),
                1
            );
            (ssl.EVP_CIPHER_CTX_set_padding)(context, 0);
            context
        };
        Self { ssl, context, mode, encrypts, key }
    }

    fn run(&self, input: &[u8], out: &mut [u8], tag: &mut [u8; 16]) {
        let (ssl, context, is_gcm) = (self.ssl, self.context, self.mode.algorithm.ends_with("GCM"));
        let key = if self.mode.fresh_key { self.key.as_ptr() } else { ptr::null() };
        let (mut len, mut rest, iv) = (0, 0, [1u8; 16]);
        let tag = tag.as_mut_ptr().cast();
        // SAFETY: the context is ours, `out` as long as `input`, which is whole blocks where it must be.
        unsafe {
            let cipher = ptr::null();
            let begun = (ssl.EVP_CipherInit_ex2)(
                context,
                cipher,
                key,
                iv.as_ptr(),
                self.encrypts,
                ptr::null(),
            );
            let (input_len, out) = (input.len() as c_int, out.as_mut_ptr());
            let done = (ssl.EVP_CipherUpdate)(context, out, &mut len, input.as_ptr(), input_len);
            assert_eq!((begun, done, len), (1, 1, input_len));
            if is_gcm && self.encrypts == 0 {
                assert_eq!((ssl.EVP_CIPHER_CTX_ctrl)(context, SET_TAG, 16, tag), 1);
            }
            assert_eq!((ssl.EVP_CipherFinal_ex)(context, out.add(input.len()), &mut rest), 1);
            if is_gcm && self.encrypts == 1 {
                assert_eq!((ssl.EVP_CIPHER_CTX_ctrl)(context, GET_TAG, 16, tag), 1);
            }
        }
    }
}
