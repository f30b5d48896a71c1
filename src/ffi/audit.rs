//! The audit trail of a store: written down, exported, verified.

use std::ffi::c_char;
use std::path::Path;

use crate::api;
use crate::audit::{Head, PublicKey};
use crate::ffi::guard::{guard, kmshsm_status};
use crate::ffi::handle::{self, kmshsm_store};
use crate::ffi::memory::{Slot, hand_out, hand_out_json, optional_text, text};
use crate::kms::Kms;

/// Writes down the calls and events that wait in the memory of this process. The library does so by
/// itself within a second, and when the store is closed.
///
/// @param store  the store
/// @return KMSHSM_OK, Store.*
/// @code
/// status = kmshsm_flush(store);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_flush(store: *const kmshsm_store) -> kmshsm_status {
    guard(|| handle::get::<Kms>(store, "store")?.flush())
}

/// Exports the whole audit trail of a store, of all its accounts, as lines of JSON that anybody can
/// verify who has the public key. What waits in memory is written down first, and the end is
/// signed.
///
/// @param store  the store
/// @param path  of the new file, of mode 0600
/// @param[out] answer  JSON, to be freed with kmshsm_string_free: {"Head": "SEQUENCE:HASH",
///         "Events": 17}. Who keeps the head sees in a later trail whether its end was cut off
/// @return KMSHSM_OK, InvalidParameter if there is such a file, Audit.Damaged, Store.*
/// @code
/// status = kmshsm_audit_export(store, path, &answer);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_audit_export(
    store: *const kmshsm_store,
    path: *const c_char,
    answer: *mut *mut c_char,
) -> kmshsm_status {
    guard(|| {
        let kms = handle::get::<Kms>(store, "store")?;
        let path = text(path, "path")?;
        let answer = Slot::new(answer, "answer")?;
        answer.set(hand_out_json(&kms.marked(api::export_trail(&kms, Path::new(path))?))?);
        Ok(())
    })
}

/// Verifies an exported audit trail: each event is as it was signed, and follows the one before it.
/// No store is needed.
///
/// @param path  of the file
/// @param public_key  the store's, in PEM; or NULL for the one in the trail: then compare
///         "KeyFingerprint", or anybody may have written all of it
/// @param head  the "Head" of an earlier answer, which the trail must still have; or NULL
/// @param[out] answer  JSON, to be freed with kmshsm_string_free: "Store", "Events", "First",
///         "Head", "Checkpoints", "SignedAt", "Algorithm", "KeyFingerprint", "IsKeyTrusted",
///         and "TestOnly": true of a store with a seed
/// @return KMSHSM_OK, Audit.Damaged, InvalidParameter
/// @code
/// status = kmshsm_audit_verify(path, NULL, NULL, &answer);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_audit_verify(
    path: *const c_char,
    public_key: *const c_char,
    head: *const c_char,
    answer: *mut *mut c_char,
) -> kmshsm_status {
    guard(|| {
        let path = text(path, "path")?;
        let public_key = optional_text(public_key, "public_key")?;
        let head = optional_text(head, "head")?;
        let answer = Slot::new(answer, "answer")?;
        let public_key = public_key.map(PublicKey::from_pem).transpose()?;
        let head = head.map(Head::parse).transpose()?;
        let verified = api::verify_exported(Path::new(path), public_key.as_ref(), head.as_ref())?;
        answer.set(hand_out_json(&verified)?);
        Ok(())
    })
}

/// The public key that verifies the audit trail of a store. Keep it where the store is not.
///
/// @param store  the store
/// @param[out] pem  SubjectPublicKeyInfo in PEM, to be freed with kmshsm_string_free
/// @return KMSHSM_OK, Store.*
/// @code
/// status = kmshsm_audit_key(store, &answer);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_audit_key(
    store: *const kmshsm_store,
    pem: *mut *mut c_char,
) -> kmshsm_status {
    guard(|| {
        let kms = handle::get::<Kms>(store, "store")?;
        let pem = Slot::new(pem, "pem")?;
        pem.set(hand_out(&kms.trail_key()?)?);
        Ok(())
    })
}
