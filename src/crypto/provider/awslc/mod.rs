//! The provider over AWS-LC's C interface: constant time, at the speed of the CPU's instructions.
//!
//! It keeps keys and schedules on the stack or in this crate's own structures; only RSA and P-256
//! allocate, private keys where [`heap`] says. What AWS-LC's own stack frames held remains there (the
//! GHASH key of a message, for one): the stack is the caller's choice.
#![allow(unsafe_code)]

mod cipher;
mod ec;
mod hash;
mod heap;
mod rsa;
mod side_by_side;

pub(crate) use cipher::{AesKey, aes_decrypt_blocks, gcm_open, gcm_seal};
pub(crate) use ec::{P256Private, P256Public, p256_point};
pub(crate) use hash::{Sha256, hmac_sha256, sha1, sha256};
pub(crate) use heap::{openly, route_heap};
pub(crate) use rsa::{RsaKey, RsaPublic};

use std::ffi::c_int;
use std::ptr::NonNull;

use crate::error::{ErrorCode, Result};

/// AWS-LC answers 1 for success; its thread's error queue is emptied, since nobody reads it.
fn done(answer: c_int, otherwise: ErrorCode) -> Result<()> {
    if answer == 1 {
        return Ok(());
    }
    // SAFETY: takes nothing and only touches this thread's queue.
    unsafe { aws_lc_sys::ERR_clear_error() };
    Err(otherwise.into())
}

/// What AWS-LC has made; null stands for failure.
fn made<T>(pointer: *mut T, otherwise: ErrorCode) -> Result<NonNull<T>> {
    let made = NonNull::new(pointer);
    done(made.is_some().into(), otherwise)?;
    made.ok_or_else(|| otherwise.into())
}
