//! The functions of libcrypto's EVP interface that the benches call, and `tests/openssl`.

use std::ffi::{CStr, CString, c_char, c_int, c_long, c_uchar, c_void};
use std::ptr;
use std::sync::LazyLock;

use crate::library::library;

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
    fn EVP_CIPHER_CTX_free(*mut c_void);
    fn EVP_Q_digest(
        *mut c_void, *const c_char, *const c_char, *const c_void, usize, *mut c_uchar, *mut usize
    ) -> c_int;
    fn EVP_MD_fetch(*mut c_void, *const c_char, *const c_char) -> *mut c_void;
    fn EVP_MD_CTX_new() -> *mut c_void;
    fn EVP_MD_CTX_free(*mut c_void);
    fn EVP_DigestInit_ex2(*mut c_void, *const c_void, *const c_void) -> c_int;
    fn EVP_DigestUpdate(*mut c_void, *const c_void, usize) -> c_int;
    fn EVP_DigestFinal_ex(*mut c_void, *mut c_uchar, *mut u32) -> c_int;
    fn EVP_DigestSignInit_ex(
        *mut c_void, *mut *mut c_void, *const c_char, *mut c_void, *const c_char, *mut c_void,
        *const c_void
    ) -> c_int;
    fn EVP_DigestSign(*mut c_void, *mut c_uchar, *mut usize, *const c_uchar, usize) -> c_int;
    fn EVP_DigestVerifyInit_ex(
        *mut c_void, *mut *mut c_void, *const c_char, *mut c_void, *const c_char, *mut c_void,
        *const c_void
    ) -> c_int;
    fn EVP_DigestVerify(*mut c_void, *const c_uchar, usize, *const c_uchar, usize) -> c_int;
    fn d2i_AutoPrivateKey(*mut *mut c_void, *mut *const c_uchar, c_long) -> *mut c_void;
    fn EVP_PKEY_is_a(*const c_void, *const c_char) -> c_int;
    fn EVP_PKEY_get_octet_string_param(
        *const c_void, *const c_char, *mut c_uchar, usize, *mut usize
    ) -> c_int;
    fn EVP_PKEY_Q_keygen(*mut c_void, *const c_char, *const c_char, ...) -> *mut c_void;
    fn EVP_PKEY_free(*mut c_void);
    fn EVP_PKEY_CTX_new_from_pkey(*mut c_void, *mut c_void, *const c_char) -> *mut c_void;
    fn EVP_PKEY_CTX_free(*mut c_void);
    fn EVP_PKEY_CTX_set1_id(*mut c_void, *const c_void, c_int) -> c_int;
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

/// The library, loaded once.
pub fn openssl() -> Result<&'static OpenSsl, String> {
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
pub struct Algorithm(pub *mut c_void);

// SAFETY: algorithms do not change, and OpenSSL counts who uses them atomically.
unsafe impl Send for Algorithm {}
// SAFETY: the same.
unsafe impl Sync for Algorithm {}

impl Algorithm {
    pub fn get(self) -> *mut c_void {
        self.0
    }
}

/// What `fetch` finds of that name.
pub fn fetched(
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

/// A cipher in a mode.
pub fn cipher_named(name: &str) -> Result<(&'static OpenSsl, Algorithm), String> {
    // SAFETY: a name that ends in 0, no properties, the default context.
    fetched(name, |ssl, name| unsafe { (ssl.EVP_CIPHER_fetch)(ptr::null_mut(), name, ptr::null()) })
}
