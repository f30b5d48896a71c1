//! Stores: made, opened, kept in order, closed.

use std::ffi::c_char;

use crate::error::{Error, Result};
use crate::ffi::guard::{guard, kmshsm_status};
use crate::ffi::handle::{self, kmshsm_store};
use crate::ffi::memory::{self, Slot, bytes, hand_out_json, text};
use crate::kms::{Kms, Options, Place, Share, Unlock, parse_creation};
use crate::model::IdentitySpec;

/// No secret: stores in memory.
pub const KMSHSM_UNLOCK_NONE: u32 = 0;
/// A passphrase, stretched with Argon2id.
pub const KMSHSM_UNLOCK_PASSPHRASE: u32 = 1;
/// The 32 bytes of a key file.
pub const KMSHSM_UNLOCK_KEY_FILE: u32 = 2;
/// Shares in words, one on each line; as many as are needed. A store is created with another
/// secret.
pub const KMSHSM_UNLOCK_SHARES: u32 = 3;

/// For kmshsm_open: the operator's override. Keys at protection level HSM may be used although
/// this process cannot lock memory.
pub const KMSHSM_ALLOW_UNPROTECTED_MEMORY: u32 = 1;

/// Creates a store in the directory place, which must not exist or be empty.
///
/// @param place  a path on a local file system
/// @param unlock  KMSHSM_UNLOCK_PASSPHRASE or KMSHSM_UNLOCK_KEY_FILE
/// @param secret,secret_len  the passphrase (not empty), or the 32 bytes of the key file; the
///         caller wipes it
/// @return KMSHSM_OK, Store.Exists, InvalidParameter, Store.*
/// @code
/// status = kmshsm_create(place, KMSHSM_UNLOCK_PASSPHRASE, secret, secret_len);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_create(
    place: *const c_char,
    unlock: u32,
    secret: *const u8,
    secret_len: usize,
) -> kmshsm_status {
    guard(|| create(place, unlock, secret, secret_len, || Ok(IdentitySpec::default())))
}

/// Creates a store with what kmshsm_create has no parameter for.
///
/// @param place  as for kmshsm_create
/// @param unlock  as for kmshsm_create
/// @param secret,secret_len  as for kmshsm_create
/// @param options  a JSON object, or NULL for none: "Identity" is the kind of the key pair that
///         signs checkpoints of the audit trail for ever, "EC_P256" (the default) or "EC_SM2"
/// @return as kmshsm_create; InvalidParameter also for options
/// @code
/// status = kmshsm_create_with(place, KMSHSM_UNLOCK_PASSPHRASE, secret, secret_len,
///                             "{\"Identity\": \"EC_SM2\"}");
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_create_with(
    place: *const c_char,
    unlock: u32,
    secret: *const u8,
    secret_len: usize,
    options: *const c_char,
) -> kmshsm_status {
    let identity = || {
        let options = memory::optional_text(options, "options")?;
        options.map_or(Ok(IdentitySpec::default()), parse_creation)
    };
    guard(|| create(place, unlock, secret, secret_len, identity))
}

/// Opens a store.
///
/// @param place  the directory of a store; or "memory:", a new store that is gone when closed; or
///         "memory:?clock=manual", one whose clock stands at 2019-07-04T13:14:15Z until the action
///         AdvanceClock moves it; or "memory:?seed=TEXT", alone or with "&clock=manual", one for
///         tests, whose ids and keys, but for those of RSA, depend on TEXT and the calls alone: who
///         knows TEXT knows the keys; answers say "TestOnly": true, kmshsm_module_status
///         "test_only": true
/// @param unlock  KMSHSM_UNLOCK_*; NONE for a store in memory
/// @param secret,secret_len  as for kmshsm_create, byte for byte: one read from a file loses its
///         newline first; the caller wipes it
/// @param flags  0 or KMSHSM_ALLOW_UNPROTECTED_MEMORY
/// @param[out] out  the store; end it with kmshsm_close
/// @return KMSHSM_OK, Store.NotFound, Store.UnlockFailed, Store.NotAStore, Store.TooNew,
///         Store.Damaged, Store.InUse, InvalidParameter
/// @code
/// status = kmshsm_open("memory:", KMSHSM_UNLOCK_NONE, NULL, 0, 0, &store);
/// @endcode
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
    let options = || {
        if flags & !KMSHSM_ALLOW_UNPROTECTED_MEMORY != 0 {
            return Err(Error::invalid("flags", "There is no such flag."));
        }
        let allow_unprotected_memory = flags & KMSHSM_ALLOW_UNPROTECTED_MEMORY != 0;
        Ok(Options { allow_unprotected_memory, ..Options::default() })
    };
    guard(|| open(place, unlock, secret, secret_len, out, options))
}

/// Opens a store with options that kmshsm_open has no flags for: quotas, a thread of the library
/// that does what falls due, what the audit trail records, and what is known of the store's past.
///
/// - "AllowUnprotectedMemory": true is the flag of kmshsm_open.
/// - "Quotas": limits for each account in each region: "service" for the service's own, or an
///   object of the numbers "Keys", "Aliases", "Versions", "Tags" (of one key) and of
///   "RequestsPerSecond": {"CreateKey", "Symmetric", "Rsa", "Curves", "Read", "Write"}, calls in a
///   second, counted by each process for itself. What is absent has no limit, but a key has 20
///   tags at most; of the rates, the service's: 10, 750, 200, 200, 20, 10.
/// - "KeeperSeconds": a thread does what kmshsm_tick does every so many seconds, 1 to 4294967295,
///   until the store is closed. It takes no signals.
/// - "Audit": which uses of keys become events of the audit trail, by this process: "off", those
///   that permission is refused (the default); "denied", all that fail; "all". Changes are recorded
///   always.
/// - "StrictAudit": true: a use that is recorded is answered only when its event is on disk.
///   Otherwise events of uses are written within a second.
/// - "Identity": of a new store in memory, as for kmshsm_create_with.
/// - "Anchor": the path of a file on other media than the store's that remembers how far the store
///   has come, made if there is none; of stores in directories. A store that is behind it, a copy
///   that was put back for example, is suspect: reading and its keys work, changes answer
///   Store.Suspect.
/// - "MinGeneration": a number that "generation" of kmshsm_module_status has reached; a store that
///   has not is suspect.
/// - "AcceptRollback": true takes a suspect store as it is, which is recorded.
///
/// @param place  as for kmshsm_open
/// @param unlock  as for kmshsm_open
/// @param secret,secret_len  as for kmshsm_open
/// @param options  a JSON object of these members, or NULL for none
/// @param[out] out  as for kmshsm_open
/// @return as kmshsm_open; InvalidParameter also for options or quotas
/// @code
/// status = kmshsm_open_with("memory:", KMSHSM_UNLOCK_NONE, NULL, 0,
///                           "{\"Quotas\": \"service\", \"KeeperSeconds\": 3600}", &store);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_open_with(
    place: *const c_char,
    unlock: u32,
    secret: *const u8,
    secret_len: usize,
    options: *const c_char,
    out: *mut *const kmshsm_store,
) -> kmshsm_status {
    let options = || {
        memory::optional_text(options, "options")?.map_or(Ok(Options::default()), Options::parse)
    };
    guard(|| open(place, unlock, secret, secret_len, out, options))
}

/// Does all that is due in the store, whoever's it is: destroys keys whose waiting period is over
/// and material that has expired, makes the versions of automatic rotation. No answer of any call
/// depends on it, but a key that nobody asks for leaves the store only then. Call it now and then,
/// once a day for example, from any process; or see kmshsm_open_with for a thread that does.
///
/// @param store  the store
/// @param[out] answer  JSON, to be freed with kmshsm_string_free: how many keys were destroyed,
///         versions made, and keys lost their material, by this call: {"Deleted": 0, "Rotated": 0,
///         "Expired": 0}
/// @return KMSHSM_OK, Store.*
/// @code
/// status = kmshsm_tick(store, &answer);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_tick(
    store: *const kmshsm_store,
    answer: *mut *mut c_char,
) -> kmshsm_status {
    guard(|| {
        let kms = handle::get::<Kms>(store, "store")?;
        let answer = Slot::new(answer, "answer")?;
        answer.set(hand_out_json(&kms.marked(kms.tick()?))?);
        Ok(())
    })
}

/// Closes a store and wipes its keys. Its sessions answer Abi.Closed from then on; free them, too.
/// Returns when the calls under way that use the store or its keys have ended, and the thread that
/// kmshsm_open_with may have started. NULL is fine, and so is a handle that has been closed
/// already.
///
/// @param store  the store, or NULL
/// @code
/// kmshsm_close(store);
/// @endcode
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kmshsm_close(store: *const kmshsm_store) {
    if !store.is_null() {
        guard(|| handle::close::<Kms>(store, "store").map(|kms| kms.close()));
    }
}

/// Creates a store, with what is read when every pointer has been looked at.
fn create(
    place: *const c_char,
    unlock: u32,
    secret: *const u8,
    secret_len: usize,
    identity: impl FnOnce() -> Result<IdentitySpec>,
) -> Result<()> {
    let (place, secret) = (text(place, "place")?, bytes(secret, secret_len, "secret")?);
    let identity = identity()?;
    let secret = match unlock {
        KMSHSM_UNLOCK_SHARES => {
            return Err(Error::invalid(
                "unlock",
                "A store is created with another secret; AddUnlockSlot makes shares.",
            ));
        }
        _ => Secret::read(unlock, secret)?,
    };
    Place::parse(place)?.create(secret.unlock().as_ref(), identity)
}

/// Opens a store, with options that are read when every pointer has been looked at.
fn open(
    place: *const c_char,
    unlock: u32,
    secret: *const u8,
    secret_len: usize,
    out: *mut *const kmshsm_store,
    options: impl FnOnce() -> Result<Options>,
) -> Result<()> {
    let (place, secret) = (text(place, "place")?, bytes(secret, secret_len, "secret")?);
    let out = Slot::new(out, "out")?;
    let options = options()?;
    let secret = Secret::read(unlock, secret)?;
    let kms = Place::parse(place)?.open(secret.unlock().as_ref(), options)?;
    out.set(handle::open(kms)?);
    Ok(())
}

/// What opens a store.
enum Secret<'a> {
    None,
    Passphrase(&'a [u8]),
    KeyFile(&'a [u8; 32]),
    Shares(Vec<Share>),
}

impl<'a> Secret<'a> {
    fn read(kind: u32, secret: &'a [u8]) -> Result<Self> {
        match kind {
            KMSHSM_UNLOCK_NONE if secret.is_empty() => Ok(Self::None),
            KMSHSM_UNLOCK_NONE => {
                Err(Error::invalid("secret", "It must be empty: unlock is NONE."))
            }
            KMSHSM_UNLOCK_PASSPHRASE => Ok(Self::Passphrase(secret)),
            KMSHSM_UNLOCK_KEY_FILE => match secret.try_into() {
                Ok(key) => Ok(Self::KeyFile(key)),
                Err(_) => Err(Error::invalid("secret", "A key file has 32 bytes.")),
            },
            KMSHSM_UNLOCK_SHARES => {
                let text = std::str::from_utf8(secret)
                    .map_err(|_| Error::invalid("secret", "Shares are words."))?;
                let lines = text.lines().filter(|line| !line.trim().is_empty());
                Share::parse_all(lines).map(Self::Shares)
            }
            _ => Err(Error::invalid("unlock", "There is no such kind.")),
        }
    }

    fn unlock(&self) -> Option<Unlock<'_>> {
        match self {
            Self::None => None,
            Self::Passphrase(passphrase) => Some(Unlock::Passphrase(passphrase)),
            Self::KeyFile(key) => Some(Unlock::KeyFile(key)),
            Self::Shares(shares) => Some(Unlock::Shares(shares)),
        }
    }
}
