//! OpenSSL's SM2 key pairs, and what is done with them. OpenSSL makes the public key of the private one.

use std::ffi::{c_int, c_long, c_void};
use std::ptr;

use crate::libcrypto::{OpenSsl, openssl, version};

/// PKCS #8 of a private key on the curve up to its 32 bytes, after which nothing comes.
const PKCS8: [u8; 35] = *b"\
    \x30\x41\x02\x01\x00\
    \x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x81\x1c\xcf\x55\x01\x82\x2d\
    \x04\x27\x30\x25\x02\x01\x01\x04\x20";

/// A key pair.
pub struct Pair {
    ssl: &'static OpenSsl,
    key: *mut c_void,
}

/// How a context is begun.
type Begin = unsafe extern "C" fn(*mut c_void) -> c_int;
/// What encrypts and decrypts.
type Work = unsafe extern "C" fn(*mut c_void, *mut u8, *mut usize, *const u8, usize) -> c_int;

impl Pair {
    /// Of a private key.
    pub fn new(d: &[u8; 32]) -> Result<Self, String> {
        let (ssl, der) = (openssl()?, [&PKCS8[..], d].concat());
        let (mut bytes, len) = (der.as_ptr(), der.len() as c_long);
        // SAFETY: there are so many bytes.
        let key = unsafe { (ssl.d2i_AutoPrivateKey)(ptr::null_mut(), &mut bytes, len) };
        let pair = Self { ssl, key };
        // SAFETY: the key is there, and the name ends in 0.
        let is_sm2 = !key.is_null() && unsafe { (ssl.EVP_PKEY_is_a)(key, c"SM2".as_ptr()) } == 1;
        if is_sm2 { Ok(pair) } else { Err(format!("version {} has no SM2", version()?)) }
    }

    /// The public key: x | y.
    pub fn point(&self) -> [u8; 64] {
        let (mut out, mut len, name) = ([0; 65], 0, c"pub".as_ptr());
        // SAFETY: `out` has so many bytes.
        let done = unsafe {
            let get = self.ssl.EVP_PKEY_get_octet_string_param;
            get(self.key, name, out.as_mut_ptr(), out.len(), &mut len)
        };
        assert_eq!((done, len, out[0]), (1, out.len(), 4));
        *out.last_chunk().unwrap()
    }

    /// Signs SM3(Z_A | message), in DER.
    pub fn sign(&self, user_id: &[u8], message: &[u8]) -> Vec<u8> {
        let (context, mut out) = (Message::new(self, user_id, true), [0; 128]);
        let (mut len, bytes) = (out.len(), message.as_ptr());
        let sign = self.ssl.EVP_DigestSign;
        // SAFETY: the context is begun, both buffers have so many bytes.
        let done = unsafe { sign(context.0, out.as_mut_ptr(), &mut len, bytes, message.len()) };
        assert_eq!(done, 1);
        out[..len].to_vec()
    }

    pub fn verify(&self, user_id: &[u8], message: &[u8], signature: &[u8]) -> bool {
        let context = Message::new(self, user_id, false);
        let (bytes, len, verify) = (signature.as_ptr(), signature.len(), self.ssl.EVP_DigestVerify);
        // SAFETY: the context is begun, both buffers have so many bytes.
        unsafe { verify(context.0, bytes, len, message.as_ptr(), message.len()) == 1 }
    }

    /// A ciphertext in DER.
    pub fn encrypt(&self, message: &[u8]) -> Vec<u8> {
        self.done(self.ssl.EVP_PKEY_encrypt_init, self.ssl.EVP_PKEY_encrypt, message).unwrap()
    }

    /// The message, unless the ciphertext is refused.
    pub fn decrypt(&self, ciphertext: &[u8]) -> Option<Vec<u8>> {
        self.done(self.ssl.EVP_PKEY_decrypt_init, self.ssl.EVP_PKEY_decrypt, ciphertext)
    }

    fn done(&self, begin: Begin, work: Work, input: &[u8]) -> Option<Vec<u8>> {
        let (ssl, mut out) = (self.ssl, vec![0; input.len() + 256]);
        let mut len = out.len();
        // SAFETY: the key outlives the context, which is freed once; both buffers have so many bytes.
        let done = unsafe {
            let context = (ssl.EVP_PKEY_CTX_new_from_pkey)(ptr::null_mut(), self.key, ptr::null());
            assert_eq!(begin(context), 1);
            let done = work(context, out.as_mut_ptr(), &mut len, input.as_ptr(), input.len());
            (ssl.EVP_PKEY_CTX_free)(context);
            done
        };
        out.truncate(len);
        (done == 1).then_some(out)
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // SAFETY: nobody else has it, and nothing is freed if there is nothing.
        unsafe { (self.ssl.EVP_PKEY_free)(self.key) }
    }
}

/// What signs or verifies one message.
struct Message(*mut c_void, &'static OpenSsl);

impl Message {
    fn new(pair: &Pair, user_id: &[u8], signs: bool) -> Self {
        let (ssl, mut settings, none) = (pair.ssl, ptr::null_mut(), ptr::null_mut());
        let begin = if signs { ssl.EVP_DigestSignInit_ex } else { ssl.EVP_DigestVerifyInit_ex };
        let (digest, id) = (c"SM3".as_ptr(), user_id.as_ptr().cast());
        // SAFETY: the key outlives the context, which owns its settings; the id has so many bytes.
        unsafe {
            let context = (ssl.EVP_MD_CTX_new)();
            let begun =
                begin(context, &mut settings, digest, none, ptr::null(), pair.key, ptr::null());
            assert_eq!(begun, 1);
            assert_eq!((ssl.EVP_PKEY_CTX_set1_id)(settings, id, user_id.len() as c_int), 1);
            Self(context, ssl)
        }
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: nobody else has it.
        unsafe { (self.1.EVP_MD_CTX_free)(self.0) }
    }
}
