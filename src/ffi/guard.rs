//! From results and panics to numbers, and the text of the last failure.

use std::cell::RefCell;
use std::ffi::{CString, c_char, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, ErrorCode, Result};
use crate::fork::PerProcess;
use crate::health;
use crate::kms::last_indicator;
use crate::model::Indicator;

/// What every function answers: KMSHSM_OK, or the number of an error. The hundreds are the family:
/// 1 argument, 2 access, 3 not found, 4 state, 5 crypto, 6 storage, 9 internal.
#[allow(non_camel_case_types)]
pub type kmshsm_status = u32;

/// Success.
pub const KMSHSM_OK: kmshsm_status = 0;

/// Runs the body of a function. A panic goes no further.
pub(super) fn guard(body: impl FnOnce() -> Result<()>) -> kmshsm_status {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => KMSHSM_OK,
        Ok(Err(error)) => file(&error),
        Err(_) => file(&health::panicked()),
    }
}

thread_local! {
    static LAST: RefCell<CString> = RefCell::default();
}

/// Files the text of a failure for this thread and answers its number.
fn file(error: &Error) -> kmshsm_status {
    let mut text = format!("{}: {error}", error.code().wire_code());
    if let Some(request) = error.request_id() {
        text.push_str(&format!(" (request {request})"));
    }
    text.retain(|c| c != '\0');
    // A thread that is about to end has no text any more.
    let _ = LAST.try_with(|last| *last.borrow_mut() = CString::new(text).unwrap_or_default());
    error.code().number()
}

/// The text of this thread's last failure, for people only: no program may read meaning out of it.
/// Empty before the first failure.
///
/// @return a string that is valid until the next failure on this thread; do not free it.
/// @code
/// fprintf(stderr, "%s\n", kmshsm_last_error());
/// @endcode
#[unsafe(no_mangle)]
pub extern "C" fn kmshsm_last_error() -> *const c_char {
    LAST.try_with(|last| last.borrow().as_ptr()).unwrap_or(c"".as_ptr())
}

/// The last call did no cryptography for its caller, or failed.
pub const KMSHSM_INDICATOR_NONE: i32 = 0;
/// Everything that the last call did is approved in the profile of its region.
pub const KMSHSM_INDICATOR_APPROVED: i32 = 1;
/// Something that the last call did is not.
pub const KMSHSM_INDICATOR_NOT_APPROVED: i32 = 2;

/// Whether what this thread's last call that takes a session did is approved by the standards that
/// go with the region's class of hardware: NIST's, or the State Cryptography Administration's.
/// Nothing that a key at level SOFTWARE does is. An approved call is no certified one: nobody has
/// validated this library.
///
/// @return KMSHSM_INDICATOR_NONE, KMSHSM_INDICATOR_APPROVED or KMSHSM_INDICATOR_NOT_APPROVED
/// @code
/// is_approved = kmshsm_last_indicator() == KMSHSM_INDICATOR_APPROVED;
/// @endcode
#[unsafe(no_mangle)]
pub extern "C" fn kmshsm_last_indicator() -> i32 {
    match last_indicator() {
        Indicator::None => KMSHSM_INDICATOR_NONE,
        Indicator::Approved => KMSHSM_INDICATOR_APPROVED,
        Indicator::NotApproved => KMSHSM_INDICATOR_NOT_APPROVED,
    }
}

/// The name of a status: the KMS API's code, such as "Rejected.Disabled"; "OK" for KMSHSM_OK, and
/// "Unknown" for a number that is none of this library's.
///
/// @param status  what a function has answered
/// @return a constant string.
/// @code
/// fprintf(stderr, "%s (%u)\n", kmshsm_status_name(status), (unsigned)status);
/// @endcode
#[unsafe(no_mangle)]
pub extern "C" fn kmshsm_status_name(status: kmshsm_status) -> *const c_char {
    if status == KMSHSM_OK {
        return c"OK".as_ptr();
    }
    static NAMES: PerProcess<Vec<CString>> = PerProcess::new();
    let names = NAMES.get(|| {
        let names = ErrorCode::ALL.iter().map(|code| CString::new(code.wire_code()));
        names.map(Result::unwrap_or_default).collect()
    });
    let at = ErrorCode::ALL.iter().position(|code| code.number() == status);
    at.and_then(|at| names.get(at)).map_or(c"Unknown".as_ptr(), |name| name.as_ptr())
}

/// The HTTP status that the service answers with that failure, for programs that answer HTTP
/// themselves.
///
/// @param status  what a function has answered
/// @return 400 to 599; 200 for KMSHSM_OK, and 500 for a number that is none of this library's
/// @code
/// http_status = kmshsm_status_http(status);
/// @endcode
#[unsafe(no_mangle)]
pub extern "C" fn kmshsm_status_http(status: kmshsm_status) -> c_int {
    if status == KMSHSM_OK {
        return 200;
    }
    ErrorCode::from_number(status).unwrap_or(ErrorCode::Internal).http_status().into()
}
