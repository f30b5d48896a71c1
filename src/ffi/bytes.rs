//! What crosses as bytes: encrypting, decrypting, data keys. No JSON, no Base64, no copy of the
//! input.

use std::ffi::c_char;

use crate::api::{
    Decrypt, Encrypt, GenerateDataKey, GenerateDataKeyWithoutPlaintext, GenerateRandom, Into,
    MAX_DATA_KEY, MAX_RANDOM, check_plaintext, data_key_len, random_len,
};
use crate::error::ErrorCode;
use crate::ffi::guard::{guard, kmshsm_status};
use crate::ffi::handle::{self, kmshsm_session};
use crate::ffi::memory::{Out, bytes};
use crate::ffi::parameters::{context, key};
use crate::hsm::{MAX_PLAINTEXT, OVERHEAD};

/// How much longer a ciphertext is than its plaintext, in bytes.
pub const KMSHSM_CIPHERTEXT_OVERHEAD: usize = 91;
/// The longest plaintext that kmshsm_encrypt takes, in bytes.
pub const KMSHSM_PLAINTEXT_MAX: usize = 6144;
/// The longest data key, in bytes.
pub const KMSHSM_DATA_KEY_MAX: usize = 1024;
/// The most bytes that kmshsm_random gives.
pub const KMSHSM_RANDOM_MAX: usize = 1024;

// cbindgen wants literals; the engine decides.
const _: () = assert!(KMSHSM_CIPHERTEXT_OVERHEAD == OVERHEAD);
const _: () = assert!(KMSHSM_PLAINTEXT_MAX == MAX_PLAINTEXT);
const _: () = assert!(KMSHSM_DATA_KEY_MAX == MAX_DATA_KEY as usize);
const _: () = assert!(KMSHSM_RANDOM_MAX == MAX_RANDOM as usize);

/// Encrypts up to KMSHSM_PLAINTEXT_MAX bytes under a symmetric key. Base64 given to the action
/// Encrypt in JSON is bytes here: both read each other's ciphertext.
///
/// @param session  who calls
/// @param key_id  a key id, an alias, or the ARN of a key
/// @param plaintext,plaintext_len  0 to KMSHSM_PLAINTEXT_MAX bytes
/// @param encryption_context  a JSON object of strings that must be given again to decrypt, or NULL
/// @param[out] out,out_capacity,out_len  the ciphertext: plaintext_len + KMSHSM_CIPHERTEXT_OVERHEAD
///         bytes
/// @return KMSHSM_OK, Abi.BufferTooSmall, Forbidden.KeyNotFound, Rejected.*, InvalidParameter,
///         UnsupportedOperation
/// @code
/// status = kmshsm_encrypt(session, key, text, text_len, "{\"for\": \"mail\"}",
///                         out, sizeof out, &out_len);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_encrypt(
    session: *const kmshsm_session,
    key_id: *const c_char,
    plaintext: *const u8,
    plaintext_len: usize,
    encryption_context: *const c_char,
    out: *mut u8,
    out_capacity: usize,
    out_len: *mut usize,
) -> kmshsm_status {
    guard(|| {
        let session = handle::session(session)?;
        let key_id = key(key_id)?;
        let plaintext = bytes(plaintext, plaintext_len, "plaintext")?;
        let encryption_context = context(encryption_context, "EncryptionContext")?;
        check_plaintext(plaintext_len)?;
        let needed = plaintext_len + OVERHEAD;
        let (memory, len) = Out::room_apart(plaintext, out, out_capacity, out_len, needed)?;
        let into = Into::Memory(memory);
        let plaintext = plaintext.into();
        session.serve(&mut Encrypt { key_id, plaintext, encryption_context, into })?;
        len.set(needed);
        Ok(())
    })
}

/// Decrypts what kmshsm_encrypt, kmshsm_generate_data_key or the actions of the same names made. Of
/// a text it gives the UTF-8.
///
/// @param session  who calls
/// @param ciphertext,ciphertext_len  the ciphertext, which names its key
/// @param encryption_context  what was given to encrypt, or NULL
/// @param[out] out,out_capacity,out_len  the plaintext: ciphertext_len - KMSHSM_CIPHERTEXT_OVERHEAD
///         bytes; on failure it is untouched or holds zeros
/// @return KMSHSM_OK, Abi.BufferTooSmall, KMSHSM_ERROR_INVALID_CIPHERTEXT (whose name is
///         InvalidParameter, too) for any ciphertext that does not open, Forbidden.KeyNotFound,
///         Rejected.*
/// @code
/// status = kmshsm_decrypt(session, blob, blob_len, NULL, out, sizeof out, &out_len);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_decrypt(
    session: *const kmshsm_session,
    ciphertext: *const u8,
    ciphertext_len: usize,
    encryption_context: *const c_char,
    out: *mut u8,
    out_capacity: usize,
    out_len: *mut usize,
) -> kmshsm_status {
    guard(|| {
        let session = handle::session(session)?;
        let ciphertext = bytes(ciphertext, ciphertext_len, "ciphertext")?;
        let encryption_context = context(encryption_context, "EncryptionContext")?;
        let needed = ciphertext_len.checked_sub(OVERHEAD).ok_or(ErrorCode::InvalidCiphertext)?;
        let (memory, len) = Out::room_apart(ciphertext, out, out_capacity, out_len, needed)?;
        let into = Into::Memory(memory);
        let ciphertext_blob = ciphertext.into();
        session.serve(&mut Decrypt { ciphertext_blob, encryption_context, into })?;
        len.set(needed);
        Ok(())
    })
}

/// Makes a data key: random bytes to encrypt with, and the same bytes encrypted, to be kept beside
/// the data and given to kmshsm_decrypt later.
///
/// @param session  who calls
/// @param key_id  a key id, an alias, or the ARN of a key
/// @param number_of_bytes  1 to KMSHSM_DATA_KEY_MAX
/// @param encryption_context  a JSON object of strings that must be given again to decrypt, or NULL
/// @param[out] plaintext,plaintext_capacity,plaintext_len  the data key: number_of_bytes; the
///         caller wipes it after use
/// @param[out] ciphertext,ciphertext_capacity,ciphertext_len  number_of_bytes +
///         KMSHSM_CIPHERTEXT_OVERHEAD
/// @return as kmshsm_encrypt; nothing stays in either buffer on failure
/// @code
/// status = kmshsm_generate_data_key(session, key, 32, NULL, data_key, 32, &data_key_len,
///                                   blob, sizeof blob, &blob_len);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_generate_data_key(
    session: *const kmshsm_session,
    key_id: *const c_char,
    number_of_bytes: usize,
    encryption_context: *const c_char,
    plaintext: *mut u8,
    plaintext_capacity: usize,
    plaintext_len: *mut usize,
    ciphertext: *mut u8,
    ciphertext_capacity: usize,
    ciphertext_len: *mut usize,
) -> kmshsm_status {
    guard(|| {
        let session = handle::session(session)?;
        let key_id = key(key_id)?;
        let encryption_context = context(encryption_context, "EncryptionContext")?;
        let number = data_key_len(number_of_bytes)?;
        let sealed = number_of_bytes + OVERHEAD;
        let [plaintext, ciphertext] = Out::rooms([
            Out::wanted(plaintext, plaintext_capacity, plaintext_len, number_of_bytes)?,
            Out::wanted(ciphertext, ciphertext_capacity, ciphertext_len, sealed)?,
        ])?;
        let (plaintext, plaintext_len) = plaintext.into_parts();
        let (ciphertext, ciphertext_len) = ciphertext.into_parts();
        session.serve(&mut GenerateDataKey {
            key_id,
            key_spec: None,
            number_of_bytes: Some(number),
            encryption_context,
            plaintext_into: Into::Memory(plaintext),
            ciphertext_into: Into::Memory(ciphertext),
        })?;
        plaintext_len.set(number_of_bytes);
        ciphertext_len.set(sealed);
        Ok(())
    })
}

/// Makes a data key and gives its ciphertext only, for those who distribute keys they must not see.
///
/// @param session  who calls
/// @param key_id  a key id, an alias, or the ARN of a key
/// @param number_of_bytes  1 to KMSHSM_DATA_KEY_MAX
/// @param encryption_context  as for kmshsm_generate_data_key
/// @param[out] ciphertext,ciphertext_capacity,ciphertext_len  number_of_bytes +
///         KMSHSM_CIPHERTEXT_OVERHEAD
/// @return as kmshsm_encrypt
/// @code
/// status = kmshsm_generate_data_key_without_plaintext(session, key, 32, NULL,
///                                                     blob, sizeof blob, &blob_len);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_generate_data_key_without_plaintext(
    session: *const kmshsm_session,
    key_id: *const c_char,
    number_of_bytes: usize,
    encryption_context: *const c_char,
    ciphertext: *mut u8,
    ciphertext_capacity: usize,
    ciphertext_len: *mut usize,
) -> kmshsm_status {
    guard(|| {
        let session = handle::session(session)?;
        let key_id = key(key_id)?;
        let encryption_context = context(encryption_context, "EncryptionContext")?;
        let number = data_key_len(number_of_bytes)?;
        let needed = number_of_bytes + OVERHEAD;
        let (memory, len) = Out::room(ciphertext, ciphertext_capacity, ciphertext_len, needed)?;
        session.serve(&mut GenerateDataKeyWithoutPlaintext {
            key_id,
            key_spec: None,
            number_of_bytes: Some(number),
            encryption_context,
            into: Into::Memory(memory),
        })?;
        len.set(needed);
        Ok(())
    })
}

/// Draws random bytes from the generator that also makes the keys: a CTR_DRBG with AES-256 (NIST SP
/// 800-90A). An extension; the action of the same kind is GenerateRandom.
///
/// @param session  who calls
/// @param number_of_bytes  1 to KMSHSM_RANDOM_MAX
/// @param[out] out,out_capacity,out_len  number_of_bytes
/// @return KMSHSM_OK, Abi.BufferTooSmall, InvalidParameter
/// @code
/// status = kmshsm_random(session, 16, out, sizeof out, &out_len);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_random(
    session: *const kmshsm_session,
    number_of_bytes: usize,
    out: *mut u8,
    out_capacity: usize,
    out_len: *mut usize,
) -> kmshsm_status {
    guard(|| {
        let session = handle::session(session)?;
        let length = random_len(number_of_bytes)?;
        let (memory, len) = Out::room(out, out_capacity, out_len, number_of_bytes)?;
        session.serve(&mut GenerateRandom { length, into: Into::Memory(memory) })?;
        len.set(number_of_bytes);
        Ok(())
    })
}
