//! Import of a customer's own key material: the bytes of it.

use std::ffi::c_char;

use crate::api::{GetParametersForImport, ImportKeyMaterial};
use crate::error::Result;
use crate::ffi::guard::{guard, kmshsm_status};
use crate::ffi::handle::{self, kmshsm_session};
use crate::ffi::memory::{Out, Slot, bytes};
use crate::ffi::parameters::{key, word};
use crate::hsm::TOKEN_LEN;
use crate::model::{WrappingAlgorithm, WrappingKeySpec};

/// Room for the public key of any wrapping key pair, in bytes.
pub const KMSHSM_IMPORT_PUBLIC_KEY_MAX: usize = 512;
/// The length of an import token, in bytes.
pub const KMSHSM_IMPORT_TOKEN_LEN: usize = 57;

// cbindgen wants literals; the engine decides.
const _: () = assert!(KMSHSM_IMPORT_TOKEN_LEN == TOKEN_LEN);

/// Makes a key pair that wraps material for one EXTERNAL key, and a token; both are good for 24
/// hours and for that key only.
///
/// @param session  who calls
/// @param key_id  a key id or ARN
/// @param wrapping_key_spec  "RSA_2048"; at level HSM in regions of the GM class also "EC_SM2"
/// @param wrapping_algorithm  "RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1", "RSAES_PKCS1_V1_5", or
///         "SM2PKE" under EC_SM2; for private keys "RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD", or
///         "SM2PKE_SM4_ECB"
/// @param[out] public_key,public_key_capacity,public_key_len  DER SubjectPublicKeyInfo; give room
///         for KMSHSM_IMPORT_PUBLIC_KEY_MAX
/// @param[out] import_token,import_token_capacity,import_token_len  KMSHSM_IMPORT_TOKEN_LEN bytes
/// @param[out] token_expire_unix  when both expire, in Unix seconds; may be NULL
/// @return KMSHSM_OK, Abi.BufferTooSmall before any work, Unsupported.Origin,
///         Forbidden.KeyNotFound, InvalidParameter
/// @code
/// status = kmshsm_parameters_for_import(session, external, "RSA_2048", "RSAES_OAEP_SHA_256",
///                                       public_key, sizeof public_key, &public_key_len,
///                                       token, sizeof token, &token_len, NULL);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_parameters_for_import(
    session: *const kmshsm_session,
    key_id: *const c_char,
    wrapping_key_spec: *const c_char,
    wrapping_algorithm: *const c_char,
    public_key: *mut u8,
    public_key_capacity: usize,
    public_key_len: *mut usize,
    import_token: *mut u8,
    import_token_capacity: usize,
    import_token_len: *mut usize,
    token_expire_unix: *mut u64,
) -> kmshsm_status {
    guard(|| {
        let session = handle::session(session)?;
        let key_id = key(key_id)?.into_owned();
        let names = ("wrapping_key_spec", "WrappingKeySpec");
        let wrapping_key_spec = word(wrapping_key_spec, names, WrappingKeySpec::parse)?;
        let names = ("wrapping_algorithm", "WrappingAlgorithm");
        let wrapping_algorithm = word(wrapping_algorithm, names, WrappingAlgorithm::parse)?;
        let max = KMSHSM_IMPORT_PUBLIC_KEY_MAX;
        let [public_key, import_token] = Out::rooms([
            Out::wanted(public_key, public_key_capacity, public_key_len, max)?,
            Out::wanted(import_token, import_token_capacity, import_token_len, TOKEN_LEN)?,
        ])?;
        let (public_key, public_key_len) = public_key.into_parts();
        let (import_token, import_token_len) = import_token.into_parts();
        let request = GetParametersForImport { key_id, wrapping_key_spec, wrapping_algorithm };
        let answer = session.call(request)?.answer;
        public_key_len.set(copy(&answer.public_key, public_key)?);
        import_token_len.set(copy(&answer.import_token, import_token)?);
        if let Ok(expires) = Slot::new(token_expire_unix, "token_expire_unix") {
            expires.set(answer.token_expire_time.0);
        }
        Ok(())
    })
}

/// Imports wrapped material into an EXTERNAL key, which is enabled by that if it waited for it.
///
/// @param session  who calls
/// @param key_id  the key that the token was issued for
/// @param encrypted_material,encrypted_material_len  the material, wrapped with the public key that
///         came with the token
/// @param import_token,import_token_len  the token of kmshsm_parameters_for_import
/// @param material_expire_unix  when the material is destroyed, in Unix seconds; 0: never
/// @return KMSHSM_OK, InvalidKeyMaterial whatever is wrong with the material, InvalidImportToken,
///         ExpiredImportToken, Unsupported.Origin, Rejected.StateModifiedFailed, InvalidParameter
/// @code
/// status = kmshsm_import_key_material(session, external, wrapped, wrapped_len,
///                                     token, token_len, 0);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_import_key_material(
    session: *const kmshsm_session,
    key_id: *const c_char,
    encrypted_material: *const u8,
    encrypted_material_len: usize,
    import_token: *const u8,
    import_token_len: usize,
    material_expire_unix: u64,
) -> kmshsm_status {
    guard(|| {
        let session = handle::session(session)?;
        let key_id = key(key_id)?;
        let material = bytes(encrypted_material, encrypted_material_len, "encrypted_material")?;
        let token = bytes(import_token, import_token_len, "import_token")?;
        session.serve(&mut ImportKeyMaterial {
            key_id,
            encrypted_key_material: material.into(),
            import_token: token.into(),
            key_material_expire_unix: Some(material_expire_unix),
        })?;
        Ok(())
    })
}

/// Copies an answer to the front of the caller's memory and tells its length.
fn copy(from: &[u8], to: &mut [u8]) -> Result<usize> {
    let room = to.get_mut(..from.len()).ok_or(crate::error::ErrorCode::Internal)?;
    room.copy_from_slice(from);
    Ok(from.len())
}
