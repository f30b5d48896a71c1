//! What concerns the module as a whole: its memory, its state, its tests.

use std::ffi::c_char;

use crate::error::{Error, ErrorCode};
use crate::ffi::guard::{guard, kmshsm_status};
use crate::ffi::handle::{self, kmshsm_store};
use crate::ffi::memory::{Slot, hand_out_json};
use crate::kms::{self, Kms};

/// Sets how many bytes of locked memory keys may take in this process, before the first store is
/// created or opened. Of more keys in use than fit, those that are not needed at the moment are
/// wiped, and unsealed again when they are. The default, 4 MiB, fits an RLIMIT_MEMLOCK of 8 MiB;
/// where less may be locked there is less, as "size" of kmshsm_module_status says. A child of a
/// fork keeps what its parent has set.
///
/// @param bytes  65536 to 1073741824; two guard pages are taken from it
/// @return KMSHSM_OK, InvalidParameter, also after the first kmshsm_create, kmshsm_open (even in
///         vain), kmshsm_self_test or kmshsm_wrap_key_material
/// @code
/// status = kmshsm_set_key_memory(8 << 20);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn kmshsm_set_key_memory(bytes: usize) -> kmshsm_status {
    guard(|| kms::set_key_memory(bytes))
}

/// Reports how the module stands and how well this process protects keys. Works in the error state,
/// too.
///
/// - "version": as kmshsm_version.
/// - "state": operational; error; closed, after kmshsm_zeroize. "failure": the reason of the error
///   state, or null. "validated": false.
/// - "hsm_keys": usable, overridden or refused. "allows_unprotected_memory": as the store was
///   opened.
/// - "store": writable; degraded, after a failure to write; read-only.
/// - "rollback": none, if nothing is known of the past; anchored; suspect, if it has gone back and
///   takes no changes.
/// - "anchor": none; new; found; damaged; failed, if it cannot be written, and the store takes no
///   changes.
/// - "generation": how often the store has been changed.
/// - "shred": pending, if what was destroyed could still be read in old copies of the store; done;
///   absent if the store cannot be read.
/// - "test_only": true, of a store with a seed.
/// - "memory": each protection ("secret_stack" and "provider_heap" among them), and "reasons" for
///   what is missing, each with the step, the system's answer and a hint.
///
/// @param store  the store
/// @param[out] answer  JSON, to be freed with kmshsm_string_free
/// @return KMSHSM_OK
/// @code
/// status = kmshsm_module_status(store, &answer);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_module_status(
    store: *const kmshsm_store,
    answer: *mut *mut c_char,
) -> kmshsm_status {
    guard(|| {
        let kms = handle::get::<Kms>(store, "store")?;
        let answer = Slot::new(answer, "answer")?;
        answer.set(hand_out_json(&kms.status())?);
        Ok(())
    })
}

/// Runs every self-test: a known answer for each algorithm, and the integrity of this library, if
/// its HMAC stands in a file beside it. The tests also run by themselves, before an algorithm is
/// first used and when a store is opened after a failure.
///
/// If one fails, every store that is open answers Module.ErrorState from then on. Works in the
/// error state, too.
///
/// The report is {"passed": true, "tests": [{"name": "aes-128", "kind": "known answer", "result":
/// "passed"}, ...], "integrity": {"result": "not available", "file": "/usr/lib/libkmshsm.so.0"}}. A
/// "result" is passed or failed; of "integrity" also not available, if no .FILE.hmac stands beside
/// the file.
///
/// @param[out] answer  the report in JSON, to be freed with kmshsm_string_free; written also when a
///         test has failed, as no other function does
/// @return KMSHSM_OK, Module.ErrorState if a test has failed
/// @code
/// status = kmshsm_self_test(&answer);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_self_test(answer: *mut *mut c_char) -> kmshsm_status {
    guard(|| {
        let answer = Slot::new(answer, "answer")?;
        let report = kms::self_test();
        answer.set(hand_out_json(&report)?);
        match report.passed {
            true => Ok(()),
            false => Err(Error::new(ErrorCode::ErrorState).because("A self-test failed.")),
        }
    })
}

/// Closes every open store of this process and wipes its keys, the states of the generators and the
/// secret stacks; AWS-LC's own generators stay. The handles of stores and sessions answer
/// Abi.Closed from then on; free them, too. Returns when the calls under way have let go of all
/// keys. Stores can be opened afterwards; one that another thread is opening meanwhile may stay
/// open. A child of a fork leaves its parent's stores alone.
///
/// @return KMSHSM_OK
/// @code
/// status = kmshsm_zeroize();
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn kmshsm_zeroize() -> kmshsm_status {
    guard(|| {
        kms::zeroize();
        Ok(())
    })
}
