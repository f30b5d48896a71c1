//! The C ABI. Translates and decides nothing: pointers become borrowed slices, answers are copied
//! out, errors become numbers.
//!
//! The pointer contract, once for all functions: a string is NUL-terminated; `x` with `x_len` is
//! readable for `x_len` bytes, and may be NULL if that is 0; `out` with `out_capacity` is writable
//! for `out_capacity` bytes. None of them changes while the function runs. The full contract is the
//! preface of `kmshsm.h`.
#![allow(unsafe_code, clippy::missing_safety_doc)]

mod asymmetric;
mod audit;
mod bytes;
mod call;
mod guard;
mod handle;
mod import;
mod memory;
mod message;
mod module;
mod operator;
mod parameters;
mod session;
mod store;
#[cfg(feature = "testing")]
mod testing;
mod transfer;
mod version;
mod wrap;
