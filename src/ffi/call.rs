//! Everything that crosses as JSON.

use std::ffi::c_char;

use crate::api;
use crate::ffi::guard::{guard, kmshsm_status};
use crate::ffi::handle::{self, kmshsm_session};
use crate::ffi::memory::{Slot, hand_out, optional_text, text};

/// Does any action of the KMS API, with requests and answers exactly as its JSON.
///
/// @param session  who calls
/// @param action  the API's name, such as "CreateKey"
/// @param parameters  a JSON object of the action's parameters, or NULL for none
/// @param[out] answer  the answer with its RequestId, to be freed with kmshsm_string_free; written
///         on success only
/// @return KMSHSM_OK, InvalidAction.NotFound, ParseRequestParameterException, MissingParameter,
///         InvalidParameter, or what the action answers
/// @code
/// status = kmshsm_call(session, "CreateKey", "{\"ProtectionLevel\": \"HSM\"}", &answer);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_call(
    session: *const kmshsm_session,
    action: *const c_char,
    parameters: *const c_char,
    answer: *mut *mut c_char,
) -> kmshsm_status {
    guard(|| {
        let session = handle::session(session)?;
        let action = text(action, "action")?;
        let parameters = optional_text(parameters, "parameters")?;
        let answer = Slot::new(answer, "answer")?;
        let json = api::dispatch_json(&session, action, parameters)?;
        answer.set(hand_out(&json)?);
        Ok(())
    })
}
