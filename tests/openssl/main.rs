//! SM4, SM4-GCM, SM2 and SM3 against OpenSSL's libcrypto, as the system has it: an implementation that
//! shares no code with ours. Without it, or if it lacks an algorithm, the tests fail.
#![allow(missing_docs)]

mod cases;
mod cipher;
mod gcm;
#[path = "../../src/crypto/ghash/defined.rs"]
mod ghash;
#[path = "../../benches/peers/openssl/libcrypto.rs"]
mod libcrypto;
#[path = "../../benches/peers/library.rs"]
mod library;
mod pair;
mod sm2;
mod sm3;
mod sm4;

/// What has been found, or a failure that says what is missing.
fn needed<T>(found: Result<T, String>) -> T {
    found.unwrap_or_else(|missing| {
        panic!("OpenSSL's libcrypto.so.3, against which this is tested: {missing}")
    })
}
