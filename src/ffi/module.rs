//! What concerns the module as a whole and needs no store.

use std::ffi::c_char;

use crate::error::{Error, ErrorCode};
use crate::ffi::guard::{guard, kmshsm_status};
use crate::ffi::memory::{Slot, hand_out};
use crate::kms;

/// Runs every self-test: a known answer for each algorithm, and the integrity of this library, if
/// its HMAC stands in a file beside it. The tests also run by themselves, before an algorithm is
/// first used and when a store is opened after a failure.
///
/// If one fails, every store that is open answers Module.ErrorState from then on. Works in the
/// error state, too.
///
/// @param answer      the report in JSON, to be freed with kmshsm_string_free; written also when a
///                    test has failed, as no other function does:
///                    {"passed": true, "tests": [{"name": "aes-128", "kind": "known answer",
///                    "result": "passed"}, ...], "integrity": {"result": "not available",
///                    "file": "/usr/lib/libkmshsm.so.0"}}
/// @return KMSHSM_OK, Module.ErrorState if a test has failed
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_self_test(answer: *mut *mut c_char) -> kmshsm_status {
    guard(|| {
        let answer = Slot::new(answer, "answer")?;
        let report = kms::self_test();
        let json = serde_json::to_string(&report).map_err(|_| ErrorCode::Internal)?;
        answer.set(hand_out(&json)?);
        match report.passed {
            true => Ok(()),
            false => Err(Error::new(ErrorCode::ErrorState).because("A self-test failed.")),
        }
    })
}
