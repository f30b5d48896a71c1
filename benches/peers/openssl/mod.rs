//! OpenSSL's libcrypto, as the system has it.

mod ciphers;
mod keys;
mod libcrypto;

use std::ffi::c_int;
use std::ptr;

use crate::race::Contestant;

pub use ciphers::{Mode, cipher};
pub use keys::{Kind, Pair, generate};
pub use libcrypto::version;
use libcrypto::{Algorithm, OpenSsl, cipher_named, fetched, openssl};

pub const NAME: &str = "OpenSSL";

fn digest_named(name: &str) -> Result<(&'static OpenSsl, Algorithm), String> {
    // SAFETY: a name that ends in 0, no properties, the default context.
    fetched(name, |ssl, name| unsafe { (ssl.EVP_MD_fetch)(ptr::null_mut(), name, ptr::null()) })
}

/// The digest of a message, by an algorithm that is fetched before.
pub fn digest(name: &'static str, algorithm: &str, len: usize) -> Contestant {
    Contestant::with(name, NAME, digest_named(algorithm), move |(ssl, algorithm)| {
        let (ssl, algorithm) = (*ssl, algorithm.get());
        // SAFETY: no arguments.
        let context = unsafe { (ssl.EVP_MD_CTX_new)() };
        let (message, mut out) = (vec![7u8; len], [0u8; 64]);
        move || {
            // SAFETY: the context is ours, `out` has room for any digest.
            let done = unsafe {
                (ssl.EVP_DigestInit_ex2)(context, algorithm, ptr::null())
                    & (ssl.EVP_DigestUpdate)(context, message.as_ptr().cast(), message.len())
                    & (ssl.EVP_DigestFinal_ex)(context, out.as_mut_ptr(), ptr::null_mut())
            };
            assert_eq!(done, 1);
        }
    })
}

/// Random bytes.
pub fn random(name: &'static str, len: usize) -> Contestant {
    Contestant::with(name, NAME, openssl(), move |ssl| {
        let (ssl, mut out) = (*ssl, vec![0u8; len]);
        // SAFETY: `out` has so many bytes.
        move || assert_eq!(unsafe { (ssl.RAND_bytes)(out.as_mut_ptr(), len as c_int) }, 1)
    })
}
