//! Signatures and public-key encryption, with keys that both sides have parsed before.

use std::ffi::{CString, c_char, c_int, c_void};
use std::hint::black_box;

use aws_lc_rs::digest::{Digest, SHA256};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey,
};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256,
    RsaEncoding, RsaKeyPair, VerificationAlgorithm,
};
use k256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use k256::elliptic_curve::Generate;
use rand_core::{TryCryptoRng, TryRng};

use crate::store::{call, create};
use crate::timing::{Contestant, group};

const DIGEST: [u8; 32] = [7; 32];

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
        ("kmshsm_sign", Box::new(move || _ = black_box(key.signature())))
    }

    fn signature(&self) -> ([u8; 512], usize) {
        let (mut out, mut len) = ([0; 512], 0);
        // SAFETY: the contract of kmshsm.h.
        let status = unsafe {
            kmshsm_sign(
                self.session,
                self.id.as_ptr(),
                self.version.as_ptr(),
                self.algorithm.as_ptr(),
                DIGEST.as_ptr(),
                DIGEST.len(),
                out.as_mut_ptr(),
                out.len(),
                &mut len,
            )
        };
        assert_eq!(status, 0);
        (out, len)
    }

    fn verify(&self) -> Contestant {
        let (key, (signature, len)) = (self.clone(), self.signature());
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
        ("kmshsm_asymmetric_encrypt", Box::new(move || _ = black_box(key.ciphertext())))
    }

    fn ciphertext(&self) -> ([u8; 512], usize) {
        let (mut out, mut len) = ([0; 512], 0);
        // SAFETY: the contract of kmshsm.h.
        let status = unsafe {
            kmshsm_asymmetric_encrypt(
                self.session,
                self.id.as_ptr(),
                self.version.as_ptr(),
                self.algorithm.as_ptr(),
                DIGEST.as_ptr(),
                DIGEST.len(),
                out.as_mut_ptr(),
                out.len(),
                &mut len,
            )
        };
        assert_eq!(status, 0);
        (out, len)
    }

    fn decrypt(&self) -> Contestant {
        let (key, (ciphertext, len)) = (self.clone(), self.ciphertext());
        let mut out = [0; 512];
        let run = move || {
            let mut out_len = 0;
            // SAFETY: the contract of kmshsm.h.
            let status = unsafe {
                kmshsm_asymmetric_decrypt(
                    key.session,
                    key.id.as_ptr(),
                    key.version.as_ptr(),
                    key.algorithm.as_ptr(),
                    ciphertext.as_ptr(),
                    len,
                    out.as_mut_ptr(),
                    out.len(),
                    &mut out_len,
                )
            };
            assert_eq!((status, out_len), (0, DIGEST.len()));
        };
        ("kmshsm_asymmetric_decrypt", Box::new(run))
    }
}

fn digest() -> Digest {
    Digest::import_less_safe(&DIGEST, &SHA256).unwrap()
}

fn rsa_signer(
    size: KeySize,
    sign: &'static dyn RsaEncoding,
    verify: &'static dyn VerificationAlgorithm,
) -> [Contestant; 2] {
    let key = RsaKeyPair::generate(size).unwrap();
    let public = ParsedPublicKey::new(verify, key.public_key().as_ref()).unwrap();
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign_digest(sign, &digest(), &mut signature).unwrap();
    let signed = signature.clone();
    let sign = move || key.sign_digest(sign, &digest(), &mut signature).unwrap();
    let verify = move || public.verify_digest_sig(&digest(), &signed).unwrap();
    [("aws-lc-rs sign", Box::new(sign)), ("aws-lc-rs verify, the key parsed", Box::new(verify))]
}

fn p256_signer() -> [Contestant; 2] {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let public = key.public_key().as_ref();
    let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public).unwrap();
    let signed = key.sign_digest(&digest()).unwrap();
    let sign = move || _ = black_box(key.sign_digest(&digest()).unwrap());
    let verify = move || public.verify_digest_sig(&digest(), signed.as_ref()).unwrap();
    [("aws-lc-rs sign", Box::new(sign)), ("aws-lc-rs verify, the key parsed", Box::new(verify))]
}

fn k256_signer() -> [Contestant; 2] {
    let key = k256::ecdsa::SigningKey::generate_from_rng(&mut Rng(1));
    let public = *key.verifying_key();
    let signed: k256::ecdsa::Signature = key.sign_prehash(&DIGEST).unwrap();
    let sign = move || {
        let signature: k256::ecdsa::Signature = key.sign_prehash(black_box(&DIGEST)).unwrap();
        black_box(signature.to_der());
    };
    let verify = move || public.verify_prehash(black_box(&DIGEST), &signed).unwrap();
    [("k256 sign", Box::new(sign)), ("k256 verify", Box::new(verify))]
}

fn sm2_signer() -> [Contestant; 2] {
    let secret = sm2::SecretKey::generate_from_rng(&mut Rng(2));
    let key = sm2::dsa::SigningKey::new("1234567812345678", &secret).unwrap();
    let public = key.verifying_key().clone();
    let signed = key.sign_prehash(&DIGEST).unwrap();
    let sign = move || {
        black_box(key.sign_prehash(black_box(&DIGEST)).unwrap());
    };
    let verify = move || public.verify_prehash(black_box(&DIGEST), &signed).unwrap();
    [("sm2 sign", Box::new(sign)), ("sm2 verify", Box::new(verify))]
}

fn raw_oaep(size: KeySize) -> Contestant {
    let key = PrivateDecryptingKey::generate(size).unwrap();
    let public = OaepPublicEncryptingKey::new(key.public_key()).unwrap();
    let mut ciphertext = vec![0; public.ciphertext_size()];
    public.encrypt(&OAEP_SHA256_MGF1SHA256, &DIGEST, &mut ciphertext, None).unwrap();
    let key = OaepPrivateDecryptingKey::new(key).unwrap();
    let mut out = vec![0; key.min_output_size()];
    let run = move || {
        let plaintext = key.decrypt(&OAEP_SHA256_MGF1SHA256, &ciphertext, &mut out, None).unwrap();
        assert_eq!(plaintext, DIGEST);
    };
    ("aws-lc-rs decrypt", Box::new(run))
}

fn raw_sm2() -> [Contestant; 2] {
    use sm2::pke::{DecryptingKey, Mode};
    let secret = sm2::SecretKey::generate_from_rng(&mut Rng(3));
    let key = DecryptingKey::new_with_mode(secret.to_nonzero_scalar(), Mode::C1C3C2);
    let public = key.encrypting_key().clone();
    let ciphertext = public.encrypt(&mut Rng(4), &DIGEST).unwrap();
    let mut rng = Rng(5);
    let encrypt = move || drop(black_box(public.encrypt(&mut rng, &DIGEST).unwrap()));
    let decrypt = move || assert_eq!(key.decrypt(&ciphertext).unwrap(), DIGEST);
    [("sm2 encrypt", Box::new(encrypt)), ("sm2 decrypt", Box::new(decrypt))]
}

/// Numbers for keys and nonces that protect nothing: SplitMix64, which costs next to nothing.
struct Rng(u64);

impl TryRng for Rng {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.try_next_u64().map(|word| word as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(word ^ (word >> 31))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        for chunk in out.chunks_mut(8) {
            let word = self.try_next_u64()?.to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Rng {}
