//! OpenSSL's block ciphers in their modes, a message at a time.

use std::ffi::{c_int, c_void};
use std::ptr;

use crate::libcrypto::{Algorithm, OpenSsl, cipher_named};

const GET_TAG: c_int = 0x10;

/// A cipher with keys of 16 bytes, in a mode.
pub struct Cipher {
    ssl: &'static OpenSsl,
    algorithm: Algorithm,
}

impl Cipher {
    /// By OpenSSL's name.
    pub fn find(name: &str) -> Result<Self, String> {
        cipher_named(name).map(|(ssl, algorithm)| Self { ssl, algorithm })
    }

    /// Encrypts, without padding; what has no IV ignores it.
    pub fn encrypt(&self, key: &[u8; 16], iv: &[u8; 16], input: &[u8]) -> Vec<u8> {
        let context = Context::new(self, key, iv);
        let out = context.updated(input);
        context.end();
        out
    }

    /// Encrypts in GCM: the ciphertext and its tag.
    pub fn seal(
        &self,
        key: &[u8; 16],
        iv: &[u8; 12],
        aad: &[u8],
        message: &[u8],
    ) -> (Vec<u8>, [u8; 16]) {
        let (context, mut tag) = (Context::new(self, key, iv), [0u8; 16]);
        context.add(aad);
        let out = context.updated(message);
        context.end();
        let to = tag.as_mut_ptr().cast();
        // SAFETY: the context has encrypted a whole message, whose tag has 16 bytes.
        let done = unsafe { (self.ssl.EVP_CIPHER_CTX_ctrl)(context.context, GET_TAG, 16, to) };
        assert_eq!(done, 1);
        (out, tag)
    }
}

struct Context {
    ssl: &'static OpenSsl,
    context: *mut c_void,
}

impl Context {
    /// The IV is as long as the mode has it.
    fn new(cipher: &Cipher, key: &[u8; 16], iv: &[u8]) -> Self {
        let (ssl, algorithm) = (cipher.ssl, cipher.algorithm.get());
        // SAFETY: the context is new; key and IV are as long as the cipher wants them.
        unsafe {
            let (context, none) = ((ssl.EVP_CIPHER_CTX_new)(), ptr::null());
            let (key, iv) = (key.as_ptr(), iv.as_ptr());
            assert_eq!((ssl.EVP_CipherInit_ex2)(context, algorithm, key, iv, 1, none), 1);
            (ssl.EVP_CIPHER_CTX_set_padding)(context, 0);
            Self { ssl, context }
        }
    }

    /// Appends additional data.
    fn add(&self, aad: &[u8]) {
        // Without room for what comes out, it is additional.
        self.update(aad, ptr::null_mut());
    }

    /// What the input becomes.
    fn updated(&self, input: &[u8]) -> Vec<u8> {
        let mut out = vec![0; input.len()];
        self.update(input, out.as_mut_ptr());
        out
    }

    fn update(&self, input: &[u8], out: *mut u8) {
        let (mut len, input_len) = (0, input.len() as c_int);
        if input_len == 0 {
            return;
        }
        // SAFETY: `out` has as much room as the input, which is whole blocks where it must be, or none.
        let done = unsafe {
            (self.ssl.EVP_CipherUpdate)(self.context, out, &mut len, input.as_ptr(), input_len)
        };
        assert_eq!((done, len), (1, input_len));
    }

    fn end(&self) {
        let (mut rest, mut len) = ([0; 16], 0);
        // SAFETY: there is room for a block, and without padding nothing comes.
        let done =
            unsafe { (self.ssl.EVP_CipherFinal_ex)(self.context, rest.as_mut_ptr(), &mut len) };
        assert_eq!((done, len), (1, 0));
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: nobody else has it.
        unsafe { (self.ssl.EVP_CIPHER_CTX_free)(self.context) }
    }
}
