//! Alibaba Cloud's Managed HSM (托管密码机) as a library.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod api;
mod crypto;
pub mod error;
#[cfg(feature = "capi")]
pub mod ffi;
mod fork;
mod hsm;
mod keystore;
pub mod kms;
pub mod model;
mod octets;
mod policy;
mod secret;
