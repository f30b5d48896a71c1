//! Messages that are signed: whole ones, and digests of those that come in pieces.

use std::ffi::{c_char, c_int};
use std::sync::{Arc, Mutex};

use crate::api::{AsymmetricSign, AsymmetricVerify, DigestBegun, DigestMessage, Into};
use crate::error::{ErrorCode, Result};
use crate::ffi::asymmetric::{KMSHSM_DIGEST_LEN, KMSHSM_SIGNATURE_MAX, signing};
use crate::ffi::guard::{guard, kmshsm_status};
use crate::ffi::handle::{self, kmshsm_digest, kmshsm_session};
use crate::ffi::memory::{Out, Slot, bytes};
use crate::ffi::parameters::{key, version};
use crate::hsm::MessageDigest;
use crate::kms::{Kms, Session};
use crate::model::{KeyRef, SigningAlgorithm, VersionRef};

/// Signs a message of any length: what kmshsm_digest_new, _update and _finish and then kmshsm_sign
/// do.
///
/// @param session  who calls
/// @param key_id  as for kmshsm_sign
/// @param key_version_id  as for kmshsm_sign
/// @param algorithm  as for kmshsm_sign
/// @param user_id,user_id_len  the signer's name in Z_A (GB/T 32918.2), 1 to 8191 bytes, for SM2DSA
///         only; NULL with user_id_len 0 is the usual one, "1234567812345678", and the only choice
///         for other algorithms
/// @param message,message_len  hashed inside: SHA-256, for SM2DSA SM3(Z_A | message)
/// @param[out] out,out_capacity,out_len  as of kmshsm_sign
/// @return as kmshsm_sign
/// @code
/// status = kmshsm_sign_message(session, signer, version, "ECDSA_SHA_256", NULL, 0,
///                              text, text_len, signature, sizeof signature, &signature_len);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_sign_message(
    session: *const kmshsm_session,
    key_id: *const c_char,
    key_version_id: *const c_char,
    algorithm: *const c_char,
    user_id: *const u8,
    user_id_len: usize,
    message: *const u8,
    message_len: usize,
    out: *mut u8,
    out_capacity: usize,
    out_len: *mut usize,
) -> kmshsm_status {
    guard(|| {
        let session = handle::session(session)?;
        let signer = Signer::new(key_id, key_version_id, algorithm, user_id, user_id_len)?;
        let message = bytes(message, message_len, "message")?;
        let inputs = [message, signer.user_id.unwrap_or_default()];
        let max = KMSHSM_SIGNATURE_MAX;
        Out::open_apart(inputs, out, out_capacity, out_len, max)?.fill(|mut into| {
            let begun = signer.begin(&session)?;
            // Before a message that may be long is read.
            let mut signature = into.take(begun.max_signature)?;
            let digest = of_all(begun.digest, message);
            let Signer { key_id, key_version_id, algorithm, .. } = signer;
            let digest = digest.as_slice().into();
            let into = Into::Memory(signature.as_mut());
            let request = AsymmetricSign { key_id, key_version_id, algorithm, digest, into };
            Ok(session.call(request)?.answer.value.len())
        })
    })
}

/// Tells whether a signature is one of a message of any length. A wrong one is an answer, not an
/// error: look at both the status and *is_valid.
///
/// @param session  who calls
/// @param key_id  as for kmshsm_verify
/// @param key_version_id  as for kmshsm_sign
/// @param algorithm  as for kmshsm_sign
/// @param user_id,user_id_len  as it was signed; see kmshsm_sign_message
/// @param message,message_len  as it was signed
/// @param signature,signature_len  of any length
/// @param[out] is_valid  as of kmshsm_verify
/// @return as kmshsm_sign
/// @code
/// status = kmshsm_verify_message(session, signer, version, "ECDSA_SHA_256", NULL, 0,
///                                text, text_len, signature, signature_len, &is_valid);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_verify_message(
    session: *const kmshsm_session,
    key_id: *const c_char,
    key_version_id: *const c_char,
    algorithm: *const c_char,
    user_id: *const u8,
    user_id_len: usize,
    message: *const u8,
    message_len: usize,
    signature: *const u8,
    signature_len: usize,
    is_valid: *mut c_int,
) -> kmshsm_status {
    guard(|| {
        let session = handle::session(session)?;
        let signer = Signer::new(key_id, key_version_id, algorithm, user_id, user_id_len)?;
        let message = bytes(message, message_len, "message")?;
        let value = bytes(signature, signature_len, "signature")?.into();
        let is_valid = Slot::new(is_valid, "is_valid")?;
        let digest = of_all(signer.begin(&session)?.digest, message);
        let Signer { key_id, key_version_id, algorithm, .. } = signer;
        let digest = digest.as_slice().into();
        let request = AsymmetricVerify { key_id, key_version_id, algorithm, digest, value };
        is_valid.set(session.call(request)?.answer.value.into());
        Ok(())
    })
}

/// Begins the digest of a message that comes in pieces, for kmshsm_sign and kmshsm_verify with the
/// same key, version and algorithm. It outlives the session, but not the store.
///
/// @param session  who calls
/// @param key_id  as for kmshsm_sign
/// @param key_version_id  as for kmshsm_sign
/// @param algorithm  as for kmshsm_sign
/// @param user_id,user_id_len  as for kmshsm_sign_message
/// @param[out] out  the digest; end it with kmshsm_digest_free
/// @return as kmshsm_sign
/// @code
/// status = kmshsm_digest_new(session, signer, version, "ECDSA_SHA_256", NULL, 0, &digest);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_digest_new(
    session: *const kmshsm_session,
    key_id: *const c_char,
    key_version_id: *const c_char,
    algorithm: *const c_char,
    user_id: *const u8,
    user_id_len: usize,
    out: *mut *const kmshsm_digest,
) -> kmshsm_status {
    guard(|| {
        let session = handle::session(session)?;
        let signer = Signer::new(key_id, key_version_id, algorithm, user_id, user_id_len)?;
        let out = Slot::new(out, "out")?;
        let state = Mutex::new(Some(signer.begin(&session)?.digest));
        let kms = Arc::clone(session.kms());
        out.set(handle::open(Arc::new(Digesting { kms, state }))?);
        Ok(())
    })
}

/// Appends the next piece of the message. Pieces that several threads append at once come in some
/// order, each of them whole.
///
/// @param digest  the digest
/// @param data,data_len  of any length
/// @return KMSHSM_OK, Abi.Closed after kmshsm_digest_finish and once the store is closed
/// @code
/// status = kmshsm_digest_update(digest, text, text_len);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_digest_update(
    digest: *const kmshsm_digest,
    data: *const u8,
    data_len: usize,
) -> kmshsm_status {
    guard(|| {
        let digest = handle::get::<Digesting>(digest, "digest")?;
        let data = bytes(data, data_len, "data")?;
        digest.with(|state| {
            state.as_mut().ok_or(ErrorCode::Closed)?.update(data);
            Ok(())
        })
    })
}

/// Gives the digest of all pieces, once; from then on the handle answers Abi.Closed, and is only to
/// be freed.
///
/// @param digest  the digest
/// @param[out] out,out_capacity,out_len  KMSHSM_DIGEST_LEN bytes; without room for them the digest
///         goes on
/// @return KMSHSM_OK, Abi.BufferTooSmall, Abi.Closed as kmshsm_digest_update
/// @code
/// status = kmshsm_digest_finish(digest, hash, sizeof hash, &hash_len);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_digest_finish(
    digest: *const kmshsm_digest,
    out: *mut u8,
    out_capacity: usize,
    out_len: *mut usize,
) -> kmshsm_status {
    guard(|| {
        let digest = handle::get::<Digesting>(digest, "digest")?;
        let (memory, len) = Out::room(out, out_capacity, out_len, KMSHSM_DIGEST_LEN)?;
        digest.with(|state| {
            memory.copy_from_slice(&state.take().ok_or(ErrorCode::Closed)?.finish());
            Ok(())
        })?;
        len.set(KMSHSM_DIGEST_LEN);
        Ok(())
    })
}

/// Ends a digest, finished or not. Returns when the calls under way on it have ended. NULL is fine,
/// and so is a handle that has been freed already.
///
/// @param digest  the digest, or NULL
/// @code
/// kmshsm_digest_free(digest);
/// @endcode
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kmshsm_digest_free(digest: *const kmshsm_digest) {
    if !digest.is_null() {
        guard(|| handle::close::<Digesting>(digest, "digest").map(drop));
    }
}

/// A message that comes in pieces.
pub(super) struct Digesting {
    /// Whoever signs the digest asks it; in its error state nothing is hashed either.
    kms: Arc<Kms>,
    /// Nothing once it is finished.
    state: Mutex<Option<MessageDigest>>,
}

impl Digesting {
    fn with(&self, f: impl FnOnce(&mut Option<MessageDigest>) -> Result<()>) -> Result<()> {
        self.kms.check()?;
        f(&mut *self.state.lock().map_err(|_| ErrorCode::ErrorState)?)
    }
}

/// Who signs, and how.
struct Signer<'a> {
    key_id: KeyRef<'a>,
    key_version_id: VersionRef,
    algorithm: SigningAlgorithm,
    user_id: Option<&'a [u8]>,
}

impl Signer<'_> {
    fn new(
        key_id: *const c_char,
        key_version_id: *const c_char,
        algorithm: *const c_char,
        user_id: *const u8,
        user_id_len: usize,
    ) -> Result<Self> {
        let user_id = match (user_id.is_null(), user_id_len) {
            (true, 0) => None,
            _ => Some(bytes(user_id, user_id_len, "user_id")?),
        };
        let (key_id, key_version_id) = (key(key_id)?, version(key_version_id)?);
        Ok(Self { key_id, key_version_id, algorithm: signing(algorithm)?, user_id })
    }

    fn begin(&self, session: &Session) -> Result<DigestBegun> {
        let Self { key_version_id, algorithm, user_id, .. } = *self;
        let key_id = self.key_id.clone();
        Ok(session.call(DigestMessage { key_id, key_version_id, algorithm, user_id })?.answer)
    }
}

fn of_all(mut digest: MessageDigest, message: &[u8]) -> [u8; KMSHSM_DIGEST_LEN] {
    digest.update(message);
    digest.finish()
}
