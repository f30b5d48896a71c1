//! Signatures and public-key encryption, with keys that both sides have parsed before.

use std::ffi::{CString, c_char, c_int, c_void};
use std::hint::black_box;

use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256,
    RsaEncoding,
};

use crate::peers::{DIGEST, k256_signer, p256_signer, raw_oaep, raw_sm2, rsa_signer, sm2_signer};
use crate::store::{call, create};
use crate::timing::{Contestant, group};

unsafe extern "C" {
    fn kmshsm_sign(
        session: *const c_void,
        key_id: *const c_char,
        key_version_id: *const c_char,
        algorithm: *const c_char,
        digest: *const u8,
        digest_len: usize,
        out: *mut u8,
        out_capacity: usize,
        out_len: *mut usize,
    ) -> u32;
    fn kmshsm_verify(
        session: *const c_void,
        key_id: *const c_char,
        key_version_id: *const c_char,
        algorithm: *const c_char,
        digest: *const u8,
        digest_len: usize,
        signature: *const u8,
        signature_len: usize,
        is_valid: *mut c_int,
    ) -> u32;
    fn kmshsm_asymmetric_encrypt(
        session: *const c_void,
        key_id: *const c_char,
        key_version_id: *const c_char,
        algorithm: *const c_char,
        plaintext: *const u8,
        plaintext_len: usize,
        out: *mut u8,
        out_capacity: usize,
        out_len: *mut usize,
    ) -> u32;
    fn kmshsm_asymmetric_decrypt(
        session: *const c_void,
        key_id: *const c_char,
        key_version_id: *const c_char,
        algorithm: *const c_char,
        ciphertext: *const u8,
        ciphertext_len: usize,
        out: *mut u8,
        out_capacity: usize,
        out_len: *mut usize,
    ) -> u32;
}

/// What signing, encrypting and decrypting are in C.
type Function = unsafe extern "C" fn(
    *const c_void,
    *const c_char,
    *const c_char,
    *const c_char,
    *const u8,
    usize,
    *mut u8,
    usize,
    *mut usize,
) -> u32;

/// The groups whose name is wanted.
pub fn groups(session: *const c_void, wanted: impl Fn(&str) -> bool) {
    for (spec, size) in [("RSA_2048", KeySize::Rsa2048), ("RSA_3072", KeySize::Rsa3072)] {
        for (algorithm, sign, verify) in [
            ("RSA_PSS_SHA_256", &RSA_PSS_SHA256 as &dyn RsaEncoding, &RSA_PSS_2048_8192_SHA256),
            ("RSA_PKCS1_SHA_256", &RSA_PKCS1_SHA256, &RSA_PKCS1_2048_8192_SHA256),
        ] {
            signatures(session, &wanted, spec, algorithm, || rsa_signer(size, sign, verify));
        }
        let name = format!("decrypt, {spec} RSAES_OAEP_SHA_256");
        if wanted(&name) {
            let key = Key::new(session, spec, "ENCRYPT/DECRYPT", "RSAES_OAEP_SHA_256");
            group(&name, &mut [raw_oaep(size), key.decrypt()]);
        }
    }
    signatures(session, &wanted, "EC_P256", "ECDSA_SHA_256", p256_signer);
    signatures(session, &wanted, "EC_P256K", "ECDSA_SHA_256", k256_signer);
    signatures(session, &wanted, "EC_SM2", "SM2DSA", sm2_signer);
    let key = Key::new(session, "EC_SM2", "ENCRYPT/DECRYPT", "SM2PKE");
    let [encrypt, decrypt] = raw_sm2();
    if wanted("encrypt, EC_SM2 SM2PKE") {
        group("encrypt, EC_SM2 SM2PKE", &mut [encrypt, key.encrypt()]);
    }
    if wanted("decrypt, EC_SM2 SM2PKE") {
        group("decrypt, EC_SM2 SM2PKE", &mut [decrypt, key.decrypt()]);
    }
}

fn signatures(
    session: *const c_void,
    wanted: &impl Fn(&str) -> bool,
    spec: &str,
    algorithm: &str,
    raw: impl Fn() -> [Contestant; 2],
) {
    let names = ["sign", "verify"].map(|what| format!("{what}, {spec} {algorithm}"));
    if !names.iter().any(|name| wanted(name)) {
        return;
    }
    let key = Key::new(session, spec, "SIGN/VERIFY", algorithm);
    for ((name, raw), ours) in names.iter().zip(raw()).zip([key.sign(), key.verify()]) {
        if wanted(name) {
            group(name, &mut [raw, ours]);
        }
    }
}

/// A key of the store.
#[derive(Clone)]
struct Key {
    session: *const c_void,
    id: CString,
    version: CString,
    algorithm: CString,
}

impl Key {
    fn new(session: *const c_void, spec: &str, usage: &str, algorithm: &str) -> Self {
        let parameters = serde_json::json!({
            "KeySpec": spec, "KeyUsage": usage, "ProtectionLevel": "HSM",
        });
        let id = create(session, &parameters.to_string());
        let parameters = serde_json::json!({ "KeyId": id.to_str().unwrap() });
        let versions = call(session, c"ListKeyVersions", &parameters.to_string());
        let version = versions["KeyVersions"]["KeyVersion"][0]["KeyVersionId"].as_str().unwrap();
        let [version, algorithm] = [version, algorithm].map(|text| CString::new(text).unwrap());
        Self { session, id, version, algorithm }
    }

    fn sign(&self) -> Contestant {
        let key = self.clone();
        ("kmshsm_sign", Box::new(move || _ = black_box(key.call(kmshsm_sign, &DIGEST))))
    }

    fn verify(&self) -> Contestant {
        let (key, (signature, len)) = (self.clone(), self.call(kmshsm_sign, &DIGEST));
        let run = move || {
            let mut is_valid = 0;
            // SAFETY: the contract of kmshsm.h.
            let status = unsafe {
                kmshsm_verify(
                    key.session,
                    key.id.as_ptr(),
                    key.version.as_ptr(),
                    key.algorithm.as_ptr(),
                    DIGEST.as_ptr(),
                    DIGEST.len(),
                    signature.as_ptr(),
                    len,
                    &mut is_valid,
                )
            };
            assert_eq!((status, is_valid), (0, 1));
        };
        ("kmshsm_verify", Box::new(run))
    }

    fn encrypt(&self) -> Contestant {
        let key = self.clone();
        let run = move || _ = black_box(key.call(kmshsm_asymmetric_encrypt, &DIGEST));
        ("kmshsm_asymmetric_encrypt", Box::new(run))
    }

    fn decrypt(&self) -> Contestant {
        let (key, (sealed, len)) = (self.clone(), self.call(kmshsm_asymmetric_encrypt, &DIGEST));
        let run = move || {
            let (_, len) = black_box(key.call(kmshsm_asymmetric_decrypt, &sealed[..len]));
            assert_eq!(len, DIGEST.len());
        };
        ("kmshsm_asymmetric_decrypt", Box::new(run))
    }

    /// The output of a function, and its length.
    fn call(&self, function: Function, input: &[u8]) -> ([u8; 512], usize) {
        let (mut out, mut len) = ([0; 512], 0);
        // SAFETY: the contract of kmshsm.h.
        let status = unsafe {
            function(
                self.session,
                self.id.as_ptr(),
                self.version.as_ptr(),
                self.algorithm.as_ptr(),
                input.as_ptr(),
                input.len(),
                out.as_mut_ptr(),
                out.len(),
                &mut len,
            )
        };
        assert_eq!(status, 0);
        (out, len)
    }
}
