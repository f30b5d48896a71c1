//! Stores, sessions and everything that crosses as JSON.

use std::ffi::c_char;
use std::sync::Arc;

use crate::api;
use crate::error::{Error, Result};
use crate::ffi::guard::{guard, kmshsm_status};
use crate::ffi::handle::{self, kmshsm_session, kmshsm_store};
use crate::ffi::memory::{self, Slot, bytes, hand_out, text};
use crate::kms::{Kms, Options, Place, Session, Unlock};

/// No secret: stores in memory.
pub const KMSHSM_UNLOCK_NONE: u32 = 0;
/// A passphrase, stretched with Argon2id.
pub const KMSHSM_UNLOCK_PASSPHRASE: u32 = 1;
/// The 32 bytes of a key file.
pub const KMSHSM_UNLOCK_KEY_FILE: u32 = 2;

/// For kmshsm_open: the operator's override. Keys at protection level HSM may be used although
/// this process cannot lock memory.
pub const KMSHSM_ALLOW_UNPROTECTED_MEMORY: u32 = 1;

/// Creates a store in the directory `place`, which must not exist or be empty.
///
/// @param place       a path on a local file system
/// @param unlock      KMSHSM_UNLOCK_PASSPHRASE or KMSHSM_UNLOCK_KEY_FILE
/// @param secret      the passphrase (not empty), or the 32 bytes of the key file; the caller wipes it
/// @return KMSHSM_OK, Store.Exists, InvalidParameter, Store.*
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_create(
    place: *const c_char,
    unlock: u32,
    secret: *const u8,
    secret_len: usize,
) -> kmshsm_status {
    guard(|| {
        let place = text(place, "place")?;
        let unlock = read_unlock(unlock, bytes(secret, secret_len, "secret")?)?;
        Place::parse(place)?.create(unlock.as_ref())
    })
}

/// Opens a store.
///
/// @param place       the directory of a store; or "memory:", a new store that is gone when closed;
///                    or "memory:?clock=manual", one whose clock stands at 2019-07-04T13:14:15Z
///                    until the action AdvanceClock moves it
/// @param unlock      KMSHSM_UNLOCK_*; NONE for a store in memory
/// @param secret      as for kmshsm_create, byte for byte: one read from a file loses its newline
///                    first; the caller wipes it
/// @param flags       0 or KMSHSM_ALLOW_UNPROTECTED_MEMORY
/// @param out         the store; end it with kmshsm_close
/// @return KMSHSM_OK, Store.NotFound, Store.UnlockFailed, Store.NotAStore, Store.TooNew,
///         Store.Damaged, Store.InUse, InvalidParameter
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_open(
    place: *const c_char,
    unlock: u32,
    secret: *const u8,
    secret_len: usize,
    flags: u32,
    out: *mut *const kmshsm_store,
) -> kmshsm_status {
    guard(|| {
        let place = text(place, "place")?;
        let secret = bytes(secret, secret_len, "secret")?;
        let out = Slot::new(out, "out")?;
        if flags & !KMSHSM_ALLOW_UNPROTECTED_MEMORY != 0 {
            return Err(Error::invalid("flags", "There is no such flag."));
        }
        let allow_unprotected_memory = flags & KMSHSM_ALLOW_UNPROTECTED_MEMORY != 0;
        let options = Options { allow_unprotected_memory, ..Options::default() };
        let unlock = read_unlock(unlock, secret)?;
        let kms = Place::parse(place)?.open(unlock.as_ref(), options)?;
        out.set(handle::open(kms)?);
        Ok(())
    })
}

/// Closes a store and wipes its keys. Its sessions answer Abi.Closed from then on; free them, too.
/// Returns when the calls under way that use the store or its keys have ended. NULL is fine, and so is
/// a handle that has been closed already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kmshsm_close(store: *const kmshsm_store) {
    if !store.is_null() {
        guard(|| handle::close::<Kms>(store, "store").map(|kms| kms.close()));
    }
}

/// Opens a session: the root of an account in a region.
///
/// @param account     decimal digits, such as "111122223333"
/// @param region      such as "cn-hongkong"
/// @param out         the session; end it with kmshsm_session_free
/// @return KMSHSM_OK, InvalidParameter (AccountId or RegionId)
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

/// Ends a session. Returns when the calls under way on it have ended. NULL is fine, and so is a handle
/// that has been freed already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kmshsm_session_free(session: *const kmshsm_session) {
    if !session.is_null() {
        guard(|| handle::close::<Session>(session, "session").map(drop));
    }
}

/// Does any action of the KMS API, with requests and answers exactly as its JSON.
///
/// @param action      the API's name, such as "CreateKey"
/// @param parameters  a JSON object of the action's parameters, or NULL for none
/// @param answer      the answer with its RequestId, to be freed with kmshsm_string_free; written on
///                    success only
/// @return KMSHSM_OK, InvalidAction.NotFound, ParseRequestParameterException, MissingParameter,
///         InvalidParameter, or what the action answers
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_call(
    session: *const kmshsm_session,
    action: *const c_char,
    parameters: *const c_char,
    answer: *mut *mut c_char,
) -> kmshsm_status {
    guard(|| {
        let session = handle::get::<Session>(session, "session")?;
        let action = text(action, "action")?;
        let parameters = memory::optional_text(parameters, "parameters")?;
        let answer = Slot::new(answer, "answer")?;
        let json = api::dispatch_json(&session, action, parameters)?;
        answer.set(hand_out(&json)?);
        Ok(())
    })
}

fn read_unlock(kind: u32, secret: &[u8]) -> Result<Option<Unlock<'_>>> {
    match kind {
        KMSHSM_UNLOCK_NONE if secret.is_empty() => Ok(None),
        KMSHSM_UNLOCK_NONE => Err(Error::invalid("secret", "It must be empty: unlock is NONE.")),
        KMSHSM_UNLOCK_PASSPHRASE => Ok(Some(Unlock::Passphrase(secret))),
        KMSHSM_UNLOCK_KEY_FILE => match secret.try_into() {
            Ok(key) => Ok(Some(Unlock::KeyFile(key))),
            Err(_) => Err(Error::invalid("secret", "A key file has 32 bytes.")),
        },
        _ => Err(Error::invalid("unlock", "There is no such kind.")),
    }
}
