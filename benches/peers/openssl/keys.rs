//! Key pairs, and what is done with them.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::Arc;

use super::{Algorithm, NAME, OpenSsl, digest_named, openssl};
use crate::DIGEST;
use crate::race::Contestant;

const PKCS1_PADDING: c_int = 1;
const OAEP_PADDING: c_int = 4;
const PSS_PADDING: c_int = 6;

/// A kind of key, and of padding where there are several.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    RsaPkcs1(usize),
    RsaPss(usize),
    RsaOaep(usize),
    Ec(&'static std::ffi::CStr),
    Sm2,
}

/// A key pair, for threads to share.
#[derive(Clone)]
pub struct Pair(Result<Arc<Key>, String>);

struct Key {
    ssl: &'static OpenSsl,
    pair: Algorithm,
    kind: Kind,
    sha256: Algorithm,
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: the last who had it.
        unsafe { (self.ssl.EVP_PKEY_free)(self.pair.get()) }
    }
}

impl Kind {
    fn generate(self, ssl: &OpenSsl) -> *mut c_void {
        let (new, none, none_text) = (ssl.EVP_PKEY_Q_keygen, ptr::null_mut(), ptr::null());
        // SAFETY: the arguments that the function wants after each name.
        unsafe {
            match self {
                Self::RsaPkcs1(bits) | Self::RsaPss(bits) | Self::RsaOaep(bits) => {
                    new(none, none_text, c"RSA".as_ptr(), bits)
                }
                Self::Ec(curve) => new(none, none_text, c"EC".as_ptr(), curve.as_ptr()),
                Self::Sm2 => new(none, none_text, c"SM2".as_ptr()),
            }
        }
    }
}

/// How a context is begun.
type Begin = unsafe extern "C" fn(*mut c_void) -> c_int;
/// What signs, encrypts and decrypts.
type Work = unsafe extern "C" fn(*mut c_void, *mut u8, *mut usize, *const u8, usize) -> c_int;

impl Pair {
    pub fn new(kind: Kind) -> Self {
        let made = digest_named("SHA256").and_then(|(ssl, sha256)| {
            let pair = Algorithm(kind.generate(ssl));
            if pair.get().is_null() {
                Err("cannot make such a key".to_owned())
            } else {
                Ok(Arc::new(Key { ssl, pair, kind, sha256 }))
            }
        });
        Self(made)
    }

    pub fn sign(&self, name: &'static str) -> Contestant {
        self.contestant(name, |key| {
            let (context, mut out) = (key.begun(key.ssl.EVP_PKEY_sign_init), [0; 512]);
            move || _ = key.work(key.ssl.EVP_PKEY_sign, context, &DIGEST, &mut out)
        })
    }

    pub fn verify(&self, name: &'static str) -> Contestant {
        self.contestant(name, |key| {
            let (ssl, mut signature) = (key.ssl, [0; 512]);
            let len = key.work(
                ssl.EVP_PKEY_sign,
                key.begun(ssl.EVP_PKEY_sign_init),
                &DIGEST,
                &mut signature,
            );
            let context = key.begun(ssl.EVP_PKEY_verify_init);
            move || {
                // SAFETY: the context is begun, both buffers have so many bytes.
                let is_valid = unsafe {
                    let (signature, digest) = (signature.as_ptr(), DIGEST.as_ptr());
                    (key.ssl.EVP_PKEY_verify)(context, signature, len, digest, DIGEST.len())
                };
                assert_eq!(is_valid, 1);
            }
        })
    }

    pub fn encrypt(&self, name: &'static str) -> Contestant {
        self.contestant(name, |key| {
            let (context, mut out) = (key.begun(key.ssl.EVP_PKEY_encrypt_init), [0; 512]);
            move || _ = key.work(key.ssl.EVP_PKEY_encrypt, context, &DIGEST, &mut out)
        })
    }

    pub fn decrypt(&self, name: &'static str) -> Contestant {
        self.contestant(name, |key| {
            let (ssl, mut sealed, mut out) = (key.ssl, [0; 512], [0; 512]);
            let context = key.begun(ssl.EVP_PKEY_encrypt_init);
            let len = key.work(ssl.EVP_PKEY_encrypt, context, &DIGEST, &mut sealed);
            let context = key.begun(ssl.EVP_PKEY_decrypt_init);
            move || {
                let len = key.work(key.ssl.EVP_PKEY_decrypt, context, &sealed[..len], &mut out);
                assert_eq!(out[..len], DIGEST);
            }
        })
    }

    fn contestant<F: FnMut() + 'static>(
        &self,
        name: &'static str,
        make: impl Fn(Arc<Key>) -> F + Sync + 'static,
    ) -> Contestant {
        Contestant::with(name, NAME, self.0.clone(), move |key| make(key.clone()))
    }
}

/// Making pairs.
pub fn generate(name: &'static str, kind: Kind) -> Contestant {
    Contestant::with(name, NAME, openssl(), move |ssl| {
        let ssl = *ssl;
        move || {
            let pair = kind.generate(ssl);
            assert!(!pair.is_null());
            // SAFETY: nobody else has it.
            unsafe { (ssl.EVP_PKEY_free)(pair) };
        }
    })
}

impl Key {
    /// A context of this key, padding chosen.
    fn begun(&self, begin: Begin) -> *mut c_void {
        let ssl = self.ssl;
        // SAFETY: the key lives as long as its contexts, the digest as long as the process.
        unsafe {
            let context =
                (ssl.EVP_PKEY_CTX_new_from_pkey)(ptr::null_mut(), self.pair.get(), ptr::null());
            assert_eq!(begin(context), 1);
            let done = match self.kind {
                Kind::RsaPkcs1(_) => {
                    (ssl.EVP_PKEY_CTX_set_rsa_padding)(context, PKCS1_PADDING)
                        & (ssl.EVP_PKEY_CTX_set_signature_md)(context, self.sha256.get())
                }
                Kind::RsaPss(_) => {
                    (ssl.EVP_PKEY_CTX_set_rsa_padding)(context, PSS_PADDING)
                        & (ssl.EVP_PKEY_CTX_set_signature_md)(context, self.sha256.get())
                        & (ssl.EVP_PKEY_CTX_set_rsa_pss_saltlen)(context, 32)
                }
                Kind::RsaOaep(_) => {
                    (ssl.EVP_PKEY_CTX_set_rsa_padding)(context, OAEP_PADDING)
                        & (ssl.EVP_PKEY_CTX_set_rsa_oaep_md)(context, self.sha256.get())
                }
                Kind::Ec(_) | Kind::Sm2 => 1,
            };
            assert_eq!(done, 1);
            context
        }
    }

    /// The length of what comes out.
    fn work(&self, work: Work, context: *mut c_void, input: &[u8], out: &mut [u8; 512]) -> usize {
        let mut len = out.len();
        // SAFETY: the context is begun for this work, both buffers have so many bytes.
        let done =
            unsafe { work(context, out.as_mut_ptr(), &mut len, input.as_ptr(), input.len()) };
        assert_eq!(done, 1);
        len
    }
}
