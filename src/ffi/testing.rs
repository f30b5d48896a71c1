//! The switches of a test build (feature `testing`). No header and no list of symbols names them.

use std::ffi::c_char;

use crate::ffi::guard::{guard, kmshsm_status};
use crate::ffi::memory::optional_text;
use crate::health::testing;

/// Breaks the self-test of that name and mends any other: NULL or "" mends all. "panic" makes the
/// next call that looks at the module's health panic.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kmshsm_testing_break(name: *const c_char) -> kmshsm_status {
    guard(|| {
        testing::break_one(optional_text(name, "name")?.unwrap_or_default());
        Ok(())
    })
}

/// Has this process do without secret memory, secret stacks and cleared registers, to measure what
/// they cost; before anything else is called.
#[unsafe(no_mangle)]
pub extern "C" fn kmshsm_testing_plain_memory() {
    crate::hsm::arena::make_plain();
}
