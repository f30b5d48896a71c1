//! What concerns a store as a whole: the operations of whoever has it open.

use std::ffi::c_char;

use crate::api;
use crate::ffi::guard::{guard, kmshsm_status};
use crate::ffi::handle::{self, kmshsm_store};
use crate::ffi::memory::{Slot, hand_out, optional_text, text};
use crate::kms::Kms;

/// Does an operation on a store as a whole: for whoever has it open, or has a backup and what opens
/// that. No policy speaks of these, and what they change is in the audit trail.
///
/// Each is listed with its parameters and, behind "->", its answer. What is in parentheses may be
/// absent; Path, Place and Directory are paths on this machine.
///
/// SECRET is one of Passphrase, a text; KeyFile, 32 bytes in Base64; or Threshold and Count, 2 <=
/// Threshold <= Count <= 16: fresh Shares, which are answered, each a text of 33 words, and are
/// nowhere else.
///
/// OPENS is one of Shares, a list of the words of at least as many as are needed, of which the
/// first four letters will do; PrivateKey, a recipient's in PKCS #8, PEM; or BackupKey, 32 bytes in
/// Base64.
///
/// - ListUnlockSlots {}: -> Slots, a list of {Number, Kind: Passphrase, MemoryKib, Passes, Lanes},
///   {Number, Kind: KeyFile}, {Number, Kind: Shares, Threshold, Count}
/// - AddUnlockSlot {SECRET}: one more secret opens the store -> Slot, Shares. 256 slots at most
/// - ReplaceUnlockSlot {Slot, SECRET}: another secret in place of that one -> Slot, Shares
/// - RemoveUnlockSlot {Slot}: -> Slot. The last one stays
/// - RekeyRoot {SECRET}: a new root key, and only SECRET opens the store -> Slot, Shares. Others
///   that have it open must open it again: changes answer them Store.Rekeyed
/// - RotateDomainKey {}: -> DomainKey, the number of the new key that records are sealed under;
///   kmshsm_tick brings the old ones along
/// - VerifyStore {}: reads all of the store -> Records, Keys, Events, Generation, Lineage,
///   Complete, Found, and Findings, a list of {What, Where, Key}. That something is wrong is no
///   error
/// - AcceptRollback {}: takes a suspect store as it is -> Accepted: whether it was suspect
/// - CreateBackup {Path, (Recipients), (Threshold, Shares), (Custodians), (IncludeImported)}: a
///   file that is not there yet. Recipients: public keys, a list of PEM, RSA of 2048 to 4096 bits
///   or SM2; Threshold of so many Shares; one of them or both. Custodians: a public key for each
///   share, that it is encrypted to. IncludeImported: true takes keys of origin EXTERNAL along ->
///   Manifest, Shares or SealedShares, a list of {Custodian, Ciphertext}
/// - RestoreKeys {Path, OPENS, (PublicKey), (KeyIds)}: keys of a backup, all or those of a list,
///   into this store. PublicKey: of the store that must have signed it, as kmshsm_audit_key gives
///   it -> Taken, an object of numbers, and LeftOut, a list of {KeyId, Alias, Reason}
/// - ImportSoftHsmToken {Account, Region, Directory, Pin, (ProtectionLevel), (KeyUsage), (DryRun)}:
///   keys of a token of SoftHSM 2 -> TokenLabel, TokenSerial, Taken, a list of {Label, Id, KeyId,
///   KeySpec, KeyUsage, Alias}, and Refused, a list of {Label, Id, Why}
/// - VerifyBackup * {Path, (PublicKey), (OPENS)}: with OPENS every record is opened -> Manifest,
///   KeyFingerprint, Opened
/// - RestoreStore * {Path, Place, Passphrase or KeyFile, OPENS, (PublicKey), (Newer, NewerShares,
///   NewerPrivateKey or NewerBackupKey)}: makes a store of a backup. What a Newer one knows to be
///   destroyed stays so -> Taken, LeftOut
///
/// @param store  NULL for the operations marked *, which need no open store
/// @param operation  the name
/// @param parameters  a JSON object of these members and no others, or NULL for none; the caller
///         wipes it
/// @param[out] answer  JSON, to be freed with kmshsm_string_free, which wipes it; written on
///         success only
/// @return KMSHSM_OK, InvalidAction.NotFound, MissingParameter, InvalidParameter,
///         ParseRequestParameterException, Shares.Invalid, Rejected.LimitExceeded, Store.*,
///         Backup.*, Token.Failed
/// @code
/// status = kmshsm_operate(store, "AddUnlockSlot", "{\"Threshold\": 2, \"Count\": 3}", &answer);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_operate(
    store: *const kmshsm_store,
    operation: *const c_char,
    parameters: *const c_char,
    answer: *mut *mut c_char,
) -> kmshsm_status {
    guard(|| {
        let operation = text(operation, "operation")?;
        // Of what needs a store, NULL is none.
        let kms = match store.is_null() && api::stands_alone(operation) {
            true => None,
            false => Some(handle::get::<Kms>(store, "store")?),
        };
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
