//! The algorithms: bytes in, bytes out. Nothing here knows what a key is for.
//!
//! Who needs random bytes takes a [`Random`]; AWS-LC alone draws some of its own. Functions take
//! exact lengths; a wrong one is a defect of the caller and answers
//! [`ErrorCode::Internal`](crate::error::ErrorCode::Internal).
#![deny(unsafe_code)]

pub mod aead;
pub mod block;
pub mod cbc;
pub mod digest;
pub mod drbg;
pub mod ec;
pub mod ecb;
pub mod ecdsa;
pub(crate) mod ghash;
pub mod kdf;
pub mod mac;
mod pkcs8;
pub(crate) mod provider;
pub mod rsa;
pub mod selftest;
pub mod shamir;
pub mod slip39;
pub mod sm2;
pub(crate) mod sm4;
#[cfg(test)]
pub(crate) mod vectors;
pub mod xaes;

/// Where random bytes come from: fills the buffer, or fails and leaves zeros.
pub type Random = fn(&mut [u8]) -> crate::error::Result<()>;
