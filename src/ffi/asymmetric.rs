//! What crosses as bytes of asymmetric keys: digests and signatures, messages and ciphertexts, public
//! keys.

use std::ffi::{c_char, c_int};

use crate::api::{
    AsymmetricDecrypt, AsymmetricEncrypt, AsymmetricSign, AsymmetricVerify, GetPublicKey,
};
use crate::error::Result;
use crate::ffi::guard::{guard, kmshsm_status};
use crate::ffi::handle::{self, kmshsm_session};
use crate::ffi::memory::{Out, Slot, bytes};
use crate::ffi::parameters::{key, version, word};
use crate::model::{EncryptionAlgorithm, KeySpec, SigningAlgorithm};

/// The length of a digest that is signed, in bytes, whatever the algorithm.
pub const KMSHSM_DIGEST_LEN: usize = 32;
/// Room for the signature of any key, in bytes.
pub const KMSHSM_SIGNATURE_MAX: usize = 512;
/// How much longer a ciphertext of SM2PKE is than its plaintext, in bytes.
pub const KMSHSM_SM2_OVERHEAD: usize = 97;
/// Room for the ciphertext of any RSA key, in bytes.
pub const KMSHSM_RSA_CIPHERTEXT_MAX: usize = 512;
/// Room for the public key of any key in PEM, in bytes.
pub const KMSHSM_PUBLIC_KEY_PEM_MAX: usize = 1024;

// cbindgen wants literals; the engine decides.
const _: () = assert!(KMSHSM_SIGNATURE_MAX == SigningAlgorithm::max_signature(KeySpec::Rsa4096));
const _: () = assert!(KMSHSM_SIGNATURE_MAX >= SigningAlgorithm::max_signature(KeySpec::EcSm2));
const _: () =
    assert!(KMSHSM_SM2_OVERHEAD == EncryptionAlgorithm::ciphertext_len(KeySpec::EcSm2, 0));
const _: () =
    assert!(KMSHSM_RSA_CIPHERTEXT_MAX == EncryptionAlgorithm::ciphertext_len(KeySpec::Rsa4096, 0));

/// Signs a digest. Of a message, kmshsm_sign_message and kmshsm_digest_finish make it.
///
/// @param session  who calls
/// @param key_id  a key id, an alias, or the ARN of a key, of a key for SIGN/VERIFY
/// @param key_version_id  the version that signs; the action ListKeyVersions names them
/// @param algorithm  "RSA_PSS_SHA_256" or "RSA_PKCS1_SHA_256" for RSA, "ECDSA_SHA_256" for EC_P256
///         and EC_P256K, "SM2DSA" for EC_SM2
/// @param digest,digest_len  KMSHSM_DIGEST_LEN bytes: SHA-256 of the message, for SM2DSA SM3(Z_A |
///         message)
/// @param[out] out,out_capacity,out_len  the signature. The size that is asked for depends on the
///         key: the length of its modulus for RSA (256, 384 or 512 bytes), otherwise 72, of which
///         DER SEQUENCE { r, s } mostly takes 70 to 72: *out_len tells. Or give room for
///         KMSHSM_SIGNATURE_MAX
/// @return KMSHSM_OK, Abi.BufferTooSmall, Forbidden.KeyNotFound,
///         KMSHSM_ERROR_KEY_VERSION_NOT_FOUND, Rejected.*, InvalidParameter
/// @code
/// status = kmshsm_sign(session, signer, version, "ECDSA_SHA_256", hash, KMSHSM_DIGEST_LEN,
///                      signature, sizeof signature, &signature_len);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_sign(
    session: *const kmshsm_session,
    key_id: *const c_char,
    key_version_id: *const c_char,
    algorithm: *const c_char,
    digest: *const u8,
    digest_len: usize,
    out: *mut u8,
    out_capacity: usize,
    out_len: *mut usize,
) -> kmshsm_status {
    guard(|| {
        let session = handle::session(session)?;
        let (key_id, key_version_id) = (key(key_id)?, version(key_version_id)?);
        let algorithm = signing(algorithm)?;
        let digest = bytes(digest, digest_len, "digest")?;
        let max = KMSHSM_SIGNATURE_MAX;
        Out::open_apart([digest], out, out_capacity, out_len, max)?.fill(|into| {
            let digest = digest.into();
            let request = AsymmetricSign { key_id, key_version_id, algorithm, digest, into };
            Ok(session.call(request)?.answer.value.len())
        })
    })
}

/// Tells whether a signature is one of a digest. A wrong one is an answer, not an error: look at
/// both the status and *is_valid.
///
/// @param session  who calls
/// @param key_id  a key id, an alias, or the ARN of a key
/// @param key_version_id  the version that signed
/// @param algorithm  as it was signed
/// @param digest,digest_len  KMSHSM_DIGEST_LEN bytes, as they were signed
/// @param signature,signature_len  of any length
/// @param[out] is_valid  1 if the signature is right, else 0; written on KMSHSM_OK only
/// @return as kmshsm_sign
/// @code
/// status = kmshsm_verify(session, signer, version, "ECDSA_SHA_256", hash, KMSHSM_DIGEST_LEN,
///                        signature, signature_len, &is_valid);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_verify(
    session: *const kmshsm_session,
    key_id: *const c_char,
    key_version_id: *const c_char,
    algorithm: *const c_char,
    digest: *const u8,
    digest_len: usize,
    signature: *const u8,
    signature_len: usize,
    is_valid: *mut c_int,
) -> kmshsm_status {
    guard(|| {
        let session = handle::session(session)?;
        let (key_id, key_version_id) = (key(key_id)?, version(key_version_id)?);
        let algorithm = signing(algorithm)?;
        let digest = bytes(digest, digest_len, "digest")?.into();
        let value = bytes(signature, signature_len, "signature")?.into();
        let is_valid = Slot::new(is_valid, "is_valid")?;
        let request = AsymmetricVerify { key_id, key_version_id, algorithm, digest, value };
        is_valid.set(session.call(request)?.answer.value.into());
        Ok(())
    })
}

/// Encrypts a short message with the public half of a key.
///
/// @param session  who calls
/// @param key_id  a key id, an alias, or the ARN of a key; asymmetric, for ENCRYPT/DECRYPT
/// @param key_version_id  the version that encrypts
/// @param algorithm  "RSAES_OAEP_SHA_256" or "RSAES_OAEP_SHA_1" for RSA, "SM2PKE" for EC_SM2
/// @param plaintext,plaintext_len  at most 190 or 214 bytes for RSA_2048, 318 or 342 for RSA_3072,
///         446 or 470 for RSA_4096; 1 to 6047 for EC_SM2
/// @param[out] out,out_capacity,out_len  the ciphertext: of RSA as long as the modulus (256, 384 or
///         512 bytes); of SM2 plaintext_len + KMSHSM_SM2_OVERHEAD, in the form 04 | x | y | C3 | C2
/// @return as kmshsm_sign
/// @code
/// status = kmshsm_asymmetric_encrypt(session, rsa, rsa_version, "RSAES_OAEP_SHA_256",
///                                    text, text_len, out, sizeof out, &out_len);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_asymmetric_encrypt(
    session: *const kmshsm_session,
    key_id: *const c_char,
    key_version_id: *const c_char,
    algorithm: *const c_char,
    plaintext: *const u8,
    plaintext_len: usize,
    out: *mut u8,
    out_capacity: usize,
    out_len: *mut usize,
) -> kmshsm_status {
    guard(|| {
        let session = handle::session(session)?;
        let (key_id, key_version_id) = (key(key_id)?, version(key_version_id)?);
        let algorithm = encryption(algorithm)?;
        let plaintext = bytes(plaintext, plaintext_len, "plaintext")?;
        let max = KMSHSM_RSA_CIPHERTEXT_MAX.max(plaintext_len + KMSHSM_SM2_OVERHEAD);
        Out::open_apart([plaintext], out, out_capacity, out_len, max)?.fill(|into| {
            let plaintext = plaintext.into();
            let request = AsymmetricEncrypt { key_id, key_version_id, algorithm, plaintext, into };
            Ok(session.call(request)?.answer.ciphertext_blob.len())
        })
    })
}

/// Decrypts what was encrypted with the public half of a key, here or elsewhere.
///
/// @param session  who calls
/// @param key_id  a key id, an alias, or the ARN of a key
/// @param key_version_id  the version that decrypts
/// @param algorithm  as it was encrypted
/// @param ciphertext,ciphertext_len  of SM2 also in DER (GB/T 35276)
/// @param[out] out,out_capacity,out_len  the plaintext; *out_len tells its length. The size that is
///         asked for is that of the longest it can be, less than ciphertext_len; what lies behind
///         the plaintext may have become zero
/// @return as kmshsm_sign; KMSHSM_ERROR_INVALID_CIPHERTEXT (whose name is InvalidParameter, too)
///         for any ciphertext that does not open
/// @code
/// status = kmshsm_asymmetric_decrypt(session, rsa, rsa_version, "RSAES_OAEP_SHA_256",
///                                    sealed, sealed_len, out, sizeof out, &out_len);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_asymmetric_decrypt(
    session: *const kmshsm_session,
    key_id: *const c_char,
    key_version_id: *const c_char,
    algorithm: *const c_char,
    ciphertext: *const u8,
    ciphertext_len: usize,
    out: *mut u8,
    out_capacity: usize,
    out_len: *mut usize,
) -> kmshsm_status {
    guard(|| {
        let session = handle::session(session)?;
        let (key_id, key_version_id) = (key(key_id)?, version(key_version_id)?);
        let algorithm = encryption(algorithm)?;
        let ciphertext = bytes(ciphertext, ciphertext_len, "ciphertext")?;
        Out::open_apart([ciphertext], out, out_capacity, out_len, ciphertext_len)?.fill(|into| {
            let ciphertext_blob = ciphertext.into();
            let request =
                AsymmetricDecrypt { key_id, key_version_id, algorithm, ciphertext_blob, into };
            Ok(session.call(request)?.answer.plaintext.len())
        })
    })
}

/// Gives the public half of an asymmetric key, in every state but PendingImport.
///
/// @param session  who calls
/// @param key_id  a key id, an alias, or the ARN of a key
/// @param key_version_id  the version
/// @param[out] out,out_capacity,out_len  SubjectPublicKeyInfo (RFC 5280) in PEM (RFC 7468), as the
///         action GetPublicKey: *out_len characters, lines ended by LF, and no NUL behind them;
///         at most KMSHSM_PUBLIC_KEY_PEM_MAX
/// @return KMSHSM_OK, Abi.BufferTooSmall, Forbidden.KeyNotFound,
///         KMSHSM_ERROR_KEY_VERSION_NOT_FOUND, UnsupportedOperation for a symmetric key,
///         Rejected.PendingImport
/// @code
/// status = kmshsm_public_key(session, signer, version, out, sizeof out, &out_len);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_public_key(
    session: *const kmshsm_session,
    key_id: *const c_char,
    key_version_id: *const c_char,
    out: *mut u8,
    out_capacity: usize,
    out_len: *mut usize,
) -> kmshsm_status {
    guard(|| {
        let session = handle::session(session)?;
        let (key_id, key_version_id) = (key(key_id)?, version(key_version_id)?);
        let max = KMSHSM_PUBLIC_KEY_PEM_MAX;
        Out::open_apart([], out, out_capacity, out_len, max)?.fill(|into| {
            let request = GetPublicKey { key_id, key_version_id, into };
            Ok(session.call(request)?.answer.public_key.len())
        })
    })
}

/// How a key signs.
pub(super) fn signing(algorithm: *const c_char) -> Result<SigningAlgorithm> {
    word(algorithm, ("algorithm", "Algorithm"), SigningAlgorithm::parse)
}

fn encryption(algorithm: *const c_char) -> Result<EncryptionAlgorithm> {
    word(algorithm, ("algorithm", "Algorithm"), EncryptionAlgorithm::parse)
}
