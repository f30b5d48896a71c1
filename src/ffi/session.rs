//! Sessions: who calls, and from where.

use std::ffi::c_char;
use std::sync::Arc;

use crate::ffi::guard::{guard, kmshsm_status};
use crate::ffi::handle::{self, kmshsm_session, kmshsm_store};
use crate::ffi::memory::{Slot, bytes, text};
use crate::kms::{Kms, LoginRequest, Session};

/// Opens a session: the root of an account in a region.
///
/// @param store  the store
/// @param account  decimal digits, such as "111122223333"
/// @param region  such as "cn-hongkong"
/// @param[out] out  the session; end it with kmshsm_session_free
/// @return KMSHSM_OK, InvalidParameter (AccountId or RegionId)
/// @code
/// status = kmshsm_session_open(store, "111122223333", "cn-hongkong", &session);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_session_open(
    store: *const kmshsm_store,
    account: *const c_char,
    region: *const c_char,
    out: *mut *const kmshsm_session,
) -> kmshsm_status {
    guard(|| {
        let kms = handle::get::<Kms>(store, "store")?;
        let (account, region) = (text(account, "account")?, text(region, "region")?);
        let out = Slot::new(out, "out")?;
        out.set(handle::open(Arc::new(kms.share().session(account, region)?))?);
        Ok(())
    })
}

/// Opens a session for anybody: the root of an account, or a user by an access key; with what is
/// known of the program at the other end, for conditions of policies and for the audit trail.
///
/// - "Account": decimal digits; may be absent with an access key, which tells.
/// - "Region": such as "cn-hongkong".
/// - "AccessKeyId": of the user who calls; without it, it is the account itself.
/// - "SourceIp": an address of IPv4 or IPv6, for acs:SourceIp.
/// - "SecureTransport", "MFAPresent": true or false, for acs:SecureTransport and acs:MFAPresent.
/// - "UserAgent": a text of 1 to 256 characters, for events.
///
/// @param store  the store
/// @param login  a JSON object of these members, of which all but "Region" may be absent
/// @param secret,secret_len  the access key's secret, or NULL and 0 without one; the caller wipes
///         it
/// @param[out] out  the session; end it with kmshsm_session_free
/// @return KMSHSM_OK, InvalidParameter, MissingParameter; IncompleteSignature for a wrong secret,
///         which is counted: five in a row lock the user out for 15 minutes;
///         InvalidAccessKeyId.NotFound; Forbidden.AccessKey if it is inactive or its user locked
///         out
/// @code
/// status = kmshsm_session_open_with(store,
///                                   "{\"Account\": \"111122223333\", \"Region\": \"cn-hongkong\","
///                                   " \"SourceIp\": \"192.0.2.7\"}", NULL, 0, &session);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_session_open_with(
    store: *const kmshsm_store,
    login: *const c_char,
    secret: *const u8,
    secret_len: usize,
    out: *mut *const kmshsm_session,
) -> kmshsm_status {
    guard(|| {
        let kms = handle::get::<Kms>(store, "store")?;
        let (login, secret) = (text(login, "login")?, bytes(secret, secret_len, "secret")?);
        let out = Slot::new(out, "out")?;
        let login = LoginRequest::parse(login)?;
        out.set(handle::open(Arc::new(kms.share().login(&login.with_secret(secret)?)?))?);
        Ok(())
    })
}

/// Ends a session. Returns when the calls under way on it have ended. NULL is fine, and so is a
/// handle that has been freed already.
///
/// @param session  the session, or NULL
/// @code
/// kmshsm_session_free(session);
/// @endcode
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kmshsm_session_free(session: *const kmshsm_session) {
    if !session.is_null() {
        guard(|| handle::close::<Session>(session, "session").map(drop));
    }
}
