//! From key to key: plaintexts that never leave the boundary. ReEncrypt, and data keys under a public
//! key of somebody else's.

use std::ffi::c_char;

use crate::api::{
    ExportDataKey, GenerateAndExportDataKey, Into, OVERHEAD, ReEncrypt, data_key_len,
};
use crate::error::{Error, ErrorCode, Result};
use crate::ffi::guard::{guard, kmshsm_status};
use crate::ffi::handle::{self, kmshsm_session};
use crate::ffi::memory::{Out, bytes};
use crate::ffi::parameters::{context, key, optional_key, optional_version, optional_word, word};
use crate::model::{EncryptionAlgorithm, WrappingKeySpec};

/// Decrypts a ciphertext inside and encrypts the plaintext under another symmetric key, or the
/// newest version of the same.
///
/// @param session  who calls
/// @param ciphertext,ciphertext_len  of a symmetric key, or encrypted with a public key
/// @param source_key_id  of what was encrypted with a public key: a key id or ARN. This and the two
///         that follow are all NULL for a symmetric source
/// @param source_key_version_id  the version
/// @param source_encryption_algorithm  "RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1" or "SM2PKE"
/// @param source_encryption_context  what was given to encrypt, or NULL
/// @param destination_key_id  a key id or ARN: the symmetric key that encrypts
/// @param destination_encryption_context  a JSON object of strings that must be given again to
///         decrypt, or NULL
/// @param[out] out,out_capacity,out_len  the new ciphertext: ciphertext_len bytes of a symmetric
///         source, otherwise the plaintext's + KMSHSM_CIPHERTEXT_OVERHEAD, for which more may be
///         asked for, but never more than ciphertext_len + KMSHSM_CIPHERTEXT_OVERHEAD
/// @return KMSHSM_OK, Abi.BufferTooSmall, KMSHSM_ERROR_INVALID_CIPHERTEXT (whose name is
///         InvalidParameter, too), Forbidden.KeyNotFound, KMSHSM_ERROR_KEY_VERSION_NOT_FOUND,
///         Unsupported.Alias, Rejected.*, MissingParameter, InvalidParameter, UnsupportedOperation
/// @code
/// status = kmshsm_re_encrypt(session, blob, blob_len, NULL, NULL, NULL, NULL, key, NULL,
///                            out, sizeof out, &out_len);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_re_encrypt(
    session: *const kmshsm_session,
    ciphertext: *const u8,
    ciphertext_len: usize,
    source_key_id: *const c_char,
    source_key_version_id: *const c_char,
    source_encryption_algorithm: *const c_char,
    source_encryption_context: *const c_char,
    destination_key_id: *const c_char,
    destination_encryption_context: *const c_char,
    out: *mut u8,
    out_capacity: usize,
    out_len: *mut usize,
) -> kmshsm_status {
    guard(|| {
        let session = handle::session(session)?;
        let ciphertext = bytes(ciphertext, ciphertext_len, "ciphertext")?;
        let source_key_id = optional_key(source_key_id, "SourceKeyId")?;
        let source_key_version_id = optional_version(source_key_version_id, "SourceKeyVersionId")?;
        let source_encryption_algorithm = optional_word(
            source_encryption_algorithm,
            "SourceEncryptionAlgorithm",
            EncryptionAlgorithm::parse,
        )?;
        let source_encryption_context =
            context(source_encryption_context, "SourceEncryptionContext")?;
        let destination_key_id = optional_key(destination_key_id, "DestinationKeyId")?
            .ok_or_else(|| Error::null("destination_key_id"))?;
        let destination_encryption_context =
            context(destination_encryption_context, "DestinationEncryptionContext")?;
        let max = ciphertext_len + OVERHEAD;
        Out::open_apart([ciphertext], out, out_capacity, out_len, max)?.fill(|into| {
            let request = ReEncrypt {
                ciphertext_blob: ciphertext.into(),
                source_key_id,
                source_key_version_id,
                source_encryption_algorithm,
                source_encryption_context,
                destination_key_id,
                destination_encryption_context,
                into,
            };
            Ok(session.call(request)?.answer.ciphertext_blob.len())
        })
    })
}

/// Decrypts a data key inside and gives it encrypted with a public key.
///
/// @param session  who calls
/// @param ciphertext,ciphertext_len  the data key, of kmshsm_generate_data_key, or bytes of
///         kmshsm_encrypt
/// @param encryption_context  what was given to encrypt, or NULL
/// @param public_key,public_key_len  DER SubjectPublicKeyInfo, not PEM
/// @param wrapping_key_spec  "RSA_2048"; or "EC_SM2", for keys at level HSM in regions of the GM
///         class
/// @param wrapping_algorithm  "RSAES_OAEP_SHA_256" (data keys of at most 190 bytes) or
///         "RSAES_OAEP_SHA_1" (214) for RSA_2048, "SM2PKE" for EC_SM2
/// @param[out] out,out_capacity,out_len  the exported data key: 256 bytes for RSA_2048; for EC_SM2
///         the length of the data key + KMSHSM_SM2_OVERHEAD
/// @return KMSHSM_OK, Abi.BufferTooSmall, KMSHSM_ERROR_INVALID_CIPHERTEXT (whose name is
///         InvalidParameter, too), Forbidden.KeyNotFound, Rejected.*, InvalidParameter
/// @code
/// status = kmshsm_export_data_key(session, blob, blob_len, NULL, public_key, public_key_len,
///                                 "RSA_2048", "RSAES_OAEP_SHA_256", out, sizeof out, &out_len);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_export_data_key(
    session: *const kmshsm_session,
    ciphertext: *const u8,
    ciphertext_len: usize,
    encryption_context: *const c_char,
    public_key: *const u8,
    public_key_len: usize,
    wrapping_key_spec: *const c_char,
    wrapping_algorithm: *const c_char,
    out: *mut u8,
    out_capacity: usize,
    out_len: *mut usize,
) -> kmshsm_status {
    guard(|| {
        let session = handle::session(session)?;
        let ciphertext = bytes(ciphertext, ciphertext_len, "ciphertext")?;
        let encryption_context = context(encryption_context, "EncryptionContext")?;
        let public_key = bytes(public_key, public_key_len, "public_key")?;
        let (wrapping_key_spec, wrapping_algorithm) =
            wrapping(wrapping_key_spec, wrapping_algorithm)?;
        let data_key = ciphertext_len.checked_sub(OVERHEAD).ok_or(ErrorCode::InvalidCiphertext)?;
        let needed = EncryptionAlgorithm::ciphertext_len(wrapping_key_spec.key_spec(), data_key);
        let inputs = [ciphertext, public_key];
        let [out] = Out::rooms_apart(inputs, [Out::wanted(out, out_capacity, out_len, needed)?])?;
        let (memory, len) = out.into_parts();
        session.serve(&mut ExportDataKey {
            ciphertext_blob: ciphertext.into(),
            encryption_context,
            public_key_blob: public_key.into(),
            wrapping_key_spec,
            wrapping_algorithm,
            into: Into::Memory(memory),
        })?;
        len.set(needed);
        Ok(())
    })
}

/// Makes a data key and gives it encrypted twice: under the key, to be kept beside the data and
/// given to kmshsm_decrypt later, and with a public key.
///
/// @param session  who calls
/// @param key_id  a key id, an alias, or the ARN of a key, of a symmetric key
/// @param number_of_bytes  1 to KMSHSM_DATA_KEY_MAX, and no more than the wrapping takes
/// @param encryption_context  as for kmshsm_generate_data_key
/// @param public_key,public_key_len  as for kmshsm_export_data_key
/// @param wrapping_key_spec  as for kmshsm_export_data_key
/// @param wrapping_algorithm  as for kmshsm_export_data_key
/// @param[out] ciphertext,ciphertext_capacity,ciphertext_len  number_of_bytes +
///         KMSHSM_CIPHERTEXT_OVERHEAD
/// @param[out] exported,exported_capacity,exported_len  as out of kmshsm_export_data_key
/// @return as kmshsm_export_data_key; UnsupportedOperation for an asymmetric key
/// @code
/// status = kmshsm_generate_and_export_data_key(session, key, 32, NULL, public_key, public_key_len,
///                                              "RSA_2048", "RSAES_OAEP_SHA_256",
///                                              blob, sizeof blob, &blob_len,
///                                              out, sizeof out, &out_len);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_generate_and_export_data_key(
    session: *const kmshsm_session,
    key_id: *const c_char,
    number_of_bytes: usize,
    encryption_context: *const c_char,
    public_key: *const u8,
    public_key_len: usize,
    wrapping_key_spec: *const c_char,
    wrapping_algorithm: *const c_char,
    ciphertext: *mut u8,
    ciphertext_capacity: usize,
    ciphertext_len: *mut usize,
    exported: *mut u8,
    exported_capacity: usize,
    exported_len: *mut usize,
) -> kmshsm_status {
    guard(|| {
        let session = handle::session(session)?;
        let key_id = key(key_id)?;
        let encryption_context = context(encryption_context, "EncryptionContext")?;
        let public_key = bytes(public_key, public_key_len, "public_key")?;
        let (wrapping_key_spec, wrapping_algorithm) =
            wrapping(wrapping_key_spec, wrapping_algorithm)?;
        let number = data_key_len(number_of_bytes)?;
        let sealed = number_of_bytes + OVERHEAD;
        let wrapped =
            EncryptionAlgorithm::ciphertext_len(wrapping_key_spec.key_spec(), number_of_bytes);
        let outputs = [
            Out::wanted(ciphertext, ciphertext_capacity, ciphertext_len, sealed)?,
            Out::wanted(exported, exported_capacity, exported_len, wrapped)?,
        ];
        let [ciphertext, exported] = Out::rooms_apart([public_key], outputs)?;
        let (ciphertext, ciphertext_len) = ciphertext.into_parts();
        let (exported, exported_len) = exported.into_parts();
        session.serve(&mut GenerateAndExportDataKey {
            key_id,
            key_spec: None,
            number_of_bytes: Some(number),
            encryption_context,
            public_key_blob: public_key.into(),
            wrapping_key_spec,
            wrapping_algorithm,
            ciphertext_into: Into::Memory(ciphertext),
            exported_into: Into::Memory(exported),
        })?;
        ciphertext_len.set(sealed);
        exported_len.set(wrapped);
        Ok(())
    })
}

/// How a data key is encrypted with a public key.
fn wrapping(
    spec: *const c_char,
    algorithm: *const c_char,
) -> Result<(WrappingKeySpec, EncryptionAlgorithm)> {
    let names = ("wrapping_key_spec", "WrappingKeySpec");
    let spec = word(spec, names, WrappingKeySpec::parse)?;
    let names = ("wrapping_algorithm", "WrappingAlgorithm");
    Ok((spec, word(algorithm, names, EncryptionAlgorithm::parse)?))
}
