//! The groups, by the kinds of jobs.

mod asymmetric;
mod symmetric;

pub use asymmetric::{curves, rsa, sm2};
pub use symmetric::{aes, data_key, door, random, sm3, sm4};
