//! The algorithms: bytes in, bytes out. Nothing here knows what a key is for.
//!
//! Only [`rng`] talks to the operating system. Functions take exact lengths; a wrong one is a
//! defect of the caller and answers [`ErrorCode::Internal`](crate::error::ErrorCode::Internal).
#![deny(unsafe_code)]

pub mod aead;
pub mod block;
pub mod digest;
mod drbg;
mod gcm;
pub mod kdf;
pub mod mac;
mod os;
mod provider;
pub mod rng;
pub mod rsa;
#[cfg(test)]
mod speed;
mod unpad;
#[cfg(test)]
mod vectors;
pub mod xaes;
