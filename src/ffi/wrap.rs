//! Wrapping of key material for import, as its owner does it. No store is needed.

use std::ffi::c_char;

use crate::api::{WRAPPING_OVERHEAD, wrap_key_material_into};
use crate::ffi::guard::{guard, kmshsm_status};
use crate::ffi::memory::{Out, bytes};
use crate::ffi::parameters::word;
use crate::model::WrappingAlgorithm;

/// How much longer wrapped key material is than the material at most, in bytes.
pub const KMSHSM_WRAPPING_OVERHEAD: usize = 272;

// cbindgen wants literals; the engine decides.
const _: () = assert!(KMSHSM_WRAPPING_OVERHEAD == WRAPPING_OVERHEAD);

/// Wraps key material for kmshsm_import_key_material, on the side of its owner: with the public key
/// of kmshsm_parameters_for_import alone, without a store or session. It may be the first call of a
/// process.
///
/// @param algorithm  the wrapping algorithm that the public key was made for: "RSAES_OAEP_SHA_256",
///         "RSAES_OAEP_SHA_1", "RSAES_PKCS1_V1_5" and "SM2PKE" for the 16, 24 or 32 bytes of a
///         symmetric key; "RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD" for a private key in PKCS #8,
///         DER or PEM; "SM2PKE_SM4_ECB" for the 32 bytes d of a private key of SM2, or the key in
///         PKCS #8
/// @param public_key,public_key_len  DER SubjectPublicKeyInfo, not PEM
/// @param material,material_len  the key; the caller wipes it after use
/// @param[out] out,out_capacity,out_len  the wrapped material: of RSA 256 bytes; of SM2 97 more
///         than the material; of the two last ones 256 and the material padded to blocks of 16, and
///         145; never more than material_len + KMSHSM_WRAPPING_OVERHEAD
/// @return KMSHSM_OK, Abi.BufferTooSmall, InvalidParameter
/// @code
/// status = kmshsm_wrap_key_material("RSAES_OAEP_SHA_256", public_key, public_key_len,
///                                   material, material_len, out, sizeof out, &out_len);
/// @endcode
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kmshsm_wrap_key_material(
    algorithm: *const c_char,
    public_key: *const u8,
    public_key_len: usize,
    material: *const u8,
    material_len: usize,
    out: *mut u8,
    out_capacity: usize,
    out_len: *mut usize,
) -> kmshsm_status {
    guard(|| {
        let names = ("algorithm", "WrappingAlgorithm");
        let algorithm = word(algorithm, names, WrappingAlgorithm::parse)?;
        let public_key = bytes(public_key, public_key_len, "public_key")?;
        let material = bytes(material, material_len, "material")?;
        let max = material_len + WRAPPING_OVERHEAD;
        Out::open_apart([public_key, material], out, out_capacity, out_len, max)?
            .fill(|into| Ok(wrap_key_material_into(public_key, algorithm, material, into)?.len()))
    })
}
