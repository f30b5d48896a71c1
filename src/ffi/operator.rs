//! What concerns a store as a whole: the operations of whoever has it open.

use std::ffi::c_char;

use crate::api;
use crate::ffi::guard::{guard, kmshsm_status};
use crate::ffi::handle::{self, kmshsm_store};
use crate::ffi::memory::{Slot, hand_out, optional_text, text};
use crate::kms::Kms;

/// Does an operation on the store as a whole. No policy speaks of these: they are for whoever has the store
/// open, and what they change is in the audit trail. Secrets in parameters are JSON texts: passphrases, shares in
/// words, 32 bytes in Base64; the caller wipes them.
///
/// @param store       NULL for the operations marked *, which need no open store
/// @param operation   ListUnlockSlots; AddUnlockSlot {Passphrase | KeyFile | Threshold, Count}: -> Slot,
///                    Shares; ReplaceUnlockSlot {Slot, the same}; RemoveUnlockSlot {Slot}; RekeyRoot {the
///                    same as AddUnlockSlot}: only that opens the store from then on; RotateDomainKey;
///                    VerifyStore; AcceptRollback; CreateBackup {Path, Recipients, Threshold, Shares,
///                    Custodians, IncludeImported}; RestoreKeys {Path, PublicKey, Shares | PrivateKey |
///                    BackupKey, KeyIds}; VerifyBackup * {Path, PublicKey, the same secrets};
///                    RestoreStore * {Path, Place, Passphrase | KeyFile, PublicKey, the same secrets, Newer,
///                    NewerShares | NewerPrivateKey | NewerBackupKey}; ImportSoftHsmToken {Account, Region,
///                    Directory, Pin, ProtectionLevel, KeyUsage, DryRun}
/// @param parameters  a JSON object, or NULL for none
/// @param answer      JSON, to be freed with kmshsm_string_free
/// @return KMSHSM_OK, InvalidAction.NotFound, MissingParameter, InvalidParameter,
///         ParseRequestParameterException, Shares.Invalid, Store.*, Backup.*, Token.Failed
///
/// For example: kmshsm_operate(store, "AddUnlockSlot", "{\"Threshold\": 2, \"Count\": 3}", &answer)
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_operate(
    store: *const kmshsm_store,
    operation: *const c_char,
    parameters: *const c_char,
    answer: *mut *mut c_char,
) -> kmshsm_status {
    guard(|| {
        let kms = match store.is_null() {
            true => None,
            false => Some(handle::get::<Kms>(store, "store")?),
        };
        let operation = text(operation, "operation")?;
        let parameters = optional_text(parameters, "parameters")?;
        let answer = Slot::new(answer, "answer")?;
        let json = match kms {
            Some(kms) => api::operate(&kms.share(), operation, parameters)?,
            None => api::operate_alone(operation, parameters)?,
        };
        answer.set(hand_out(&json)?);
        Ok(())
    })
}
