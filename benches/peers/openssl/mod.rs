//! OpenSSL's libcrypto, as the system has it, by the functions of its EVP interface.

mod ciphers;
mod keys;

use std::ffi::{CStr, CString, c_char, c_int, c_uchar, c_void};
use std::ptr;
use std::sync::LazyLock;

use crate::library::library;
use crate::race::Contestant;

pub use ciphers::{Mode, cipher};
pub use keys::{Kind, Pair, generate};

pub const NAME: &str = "OpenSSL";

library!(OpenSsl in c"libcrypto.so.3":
    fn OpenSSL_version(c_int) -> *const c_char;
    fn RAND_bytes(*mut c_uchar, c_int) -> c_int;
    fn EVP_CIPHER_fetch(*mut c_void, *const c_char, *const c_char) -> *mut c_void;
    fn EVP_CIPHER_CTX_new() -> *mut c_void;
    fn EVP_CIPHER_CTX_ctrl(*mut c_void, c_int, c_int, *mut c_void) -> c_int;
    fn EVP_CIPHER_CTX_set_padding(*mut c_void, c_int) -> c_int;
    fn EVP_CipherInit_ex2(
        *mut c_void, *const c_void, *const c_uchar, *const c_uchar, c_int, *const c_void
    ) -> c_int;
    fn EVP_CipherUpdate(*mut c_void, *mut c_uchar, *mut c_int, *const c_uchar, c_int) -> c_int;
    fn EVP_CipherFinal_ex(*mut c_void, *mut c_uchar, *mut c_int) -> c_int;
    fn EVP_MD_fetch(*mut c_void, *const c_char, *const c_char) -> *mut c_void;
    fn EVP_MD_CTX_new() -> *mut c_void;
    fn EVP_DigestInit_ex2(*mut c_void, *const c_void, *const c_void) -> c_int;
    fn EVP_DigestUpdate(*mut c_void, *const c_void, usize) -> c_int;
    fn EVP_DigestFinal_ex(*mut c_void, *mut c_uchar, *mut u32) -> c_int;
    fn EVP_PKEY_Q_keygen(*mut c_void, *const c_char, *const c_char, ...) -> *mut c_void;
    fn EVP_PKEY_free(*mut c_void);
    fn EVP_PKEY_CTX_new_from_pkey(*mut c_void, *mut c_void, *const c_char) -> *mut c_void;
    fn EVP_PKEY_CTX_set_rsa_padding(*mut c_void, c_int) -> c_int;
    fn EVP_PKEY_CTX_set_rsa_pss_saltlen(*mut c_void, c_int) -> c_int;
    fn EVP_PKEY_CTX_set_rsa_oaep_md(*mut c_void, *const c_void) -> c_int;
    fn EVP_PKEY_CTX_set_signature_md(*mut c_void, *const c_void) -> c_int;
    fn EVP_PKEY_sign_init(*mut c_void) -> c_int;
    fn EVP_PKEY_sign(*mut c_void, *mut c_uchar, *mut usize, *const c_uchar, usize) -> c_int;
    fn EVP_PKEY_verify_init(*mut c_void) -> c_int;
    fn EVP_PKEY_verify(*mut c_void, *const c_uchar, usize, *const c_uchar, usize) -> c_int;
    fn EVP_PKEY_encrypt_init(*mut c_void) -> c_int;
    fn EVP_PKEY_encrypt(*mut c_void, *mut c_uchar, *mut usize, *const c_uchar, usize) -> c_int;
    fn EVP_PKEY_decrypt_init(*mut c_void) -> c_int;
    fn EVP_PKEY_decrypt(*mut c_void, *mut c_uchar, *mut usize, *const c_uchar, usize) -> c_int;
);

static OPENSSL: LazyLock<Result<OpenSsl, String>> = LazyLock::new(OpenSsl::load);

fn openssl() -> Result<&'static OpenSsl, String> {
    OPENSSL.as_ref().map_err(Clone::clone)
}

/// As it names itself.
pub fn version() -> Result<String, String> {
    // SAFETY: the text is a constant of the library.
    let text = openssl().map(|ssl| unsafe { CStr::from_ptr((ssl.OpenSSL_version)(0)) })?;
    let text = text.to_string_lossy();
    Ok(text.split(' ').nth(1).unwrap_or_default().to_owned())
}

/// An algorithm that is fetched once, and lives as long as the process.
#[derive(Clone, Copy)]
struct Algorithm(*mut c_void);

// SAFETY: algorithms do not change, and OpenSSL counts who uses them atomically.
unsafe impl Send for Algorithm {}
// SAFETY: the same.
unsafe impl Sync for Algorithm {}

impl Algorithm {
    fn get(self) -> *mut c_void {
        self.0
    }
}

/// What `fetch` finds of that name.
fn fetched(
    name: &str,
    fetch: impl FnOnce(&OpenSsl, *const c_char) -> *mut c_void,
) -> Result<(&'static OpenSsl, Algorithm), String> {
    let (ssl, text) = (openssl()?, CString::new(name).unwrap());
    let found = fetch(ssl, text.as_ptr());
    if found.is_null() {
        Err(format!("version {} has no {name}", version()?))
    } else {
        Ok((ssl, Algorithm(found)))
    }
}

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
