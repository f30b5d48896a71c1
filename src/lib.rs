//! Alibaba Cloud's Managed HSM (托管密码机) as a library: keys at protection level HSM or SOFTWARE,
//! made inside or imported (BYOK), used but never exported, with the names and answers of the KMS
//! API 2016-01-20.
//!
//! A [`Kms`](kms::Kms) is an open store, in a directory or in memory. A [`Session`](kms::Session)
//! is an account in a region of it. Every operation is a struct in [`api`], and
//! [`Session::call`](kms::Session::call) does it:
//!
//! ```
//! use kmshsm::api::{CreateKey, Decrypt, Encrypt};
//! use kmshsm::kms::{Kms, Options};
//! use kmshsm::model::{EncryptionContext, KeyRef, ProtectionLevel};
//!
//! # fn main() -> kmshsm::error::Result<()> {
//! let kms = Kms::in_memory(Options::default())?;
//! let session = kms.session("111122223333", "cn-hongkong")?;
//! let level = Some(ProtectionLevel::Hsm);
//! let created = session.call(CreateKey { protection_level: level, ..CreateKey::default() })?;
//!
//! let sealed = session.call(Encrypt {
//!     key_id: KeyRef::Id(created.answer.key_metadata.key_id),
//!     plaintext: b"hello".as_slice().into(),
//!     encryption_context: EncryptionContext::default(),
//!     into: Default::default(),
//! })?;
//! let opened = session.call(Decrypt {
//!     ciphertext_blob: (&*sealed.answer.ciphertext_blob).into(),
//!     encryption_context: EncryptionContext::default(),
//!     into: Default::default(),
//! })?;
//! assert_eq!(&*opened.answer.plaintext, b"hello");
//! # Ok(())
//! # }
//! ```
//!
//! A store that stays is made by [`Kms::create`](kms::Kms::create) and opened by
//! [`Kms::open`](kms::Kms::open) with a passphrase or a key file. Programs that have names and JSON
//! instead of types call [`api::dispatch_json`], as the C function `kmshsm_call` and the Python
//! method `call` do; [`api::ACTIONS`] is the table behind both and behind the command line.
//!
//! Failures are an [`Error`](error::Error) with a number, an HTTP status and the API's code
//! ([`ErrorCode`](error::ErrorCode)). In memory that cannot be locked, keys at level HSM are
//! refused; [`Kms::status`](kms::Kms::status) tells how well this process protects keys.
//!
//! # Features
//!
//! - `capi` (default): the C ABI of `kmshsm.h`.
//! - `awslc` (default): AES, SHA, HMAC, RSA and P-256 by AWS-LC.
//! - `portable`: the same in pure Rust, for builds without a C toolchain for AWS-LC.
//! - `cli` (default): the program `kmshsm`.
//! - `testing`: switches that break the self-tests, for tests of failures, and the modules
//!   `constant_time` and `primitives`, for tests and benches. Its version says so.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::unit_arg
    )
)]

pub mod api;
pub mod audit;
mod claims;
#[cfg(all(feature = "testing", feature = "awslc"))]
pub mod constant_time;
mod crypto;
pub mod error;
#[cfg(feature = "capi")]
pub mod ffi;
mod fork;
pub mod health;
mod hsm;
mod keystore;
pub mod kms;
pub mod model;
mod octets;
pub mod policy;
#[cfg(feature = "testing")]
pub mod primitives;
mod secret;
mod softhsm;
mod thread;

/// The Rust of the pages, run as doctests. Blocks of other languages have titles.
#[cfg(doctest)]
#[allow(rustdoc::invalid_codeblock_attributes)]
#[doc = include_str!("../README.md")]
#[doc = include_str!("../docs/rotation.md")]
pub struct Pages;
