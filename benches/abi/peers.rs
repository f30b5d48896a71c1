//! The raw providers of signatures and public-key encryption, their keys parsed before.

use std::hint::black_box;

use aws_lc_rs::digest::{Digest, SHA256};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey,
};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey,
    RsaEncoding, RsaKeyPair, VerificationAlgorithm,
};
use k256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use k256::elliptic_curve::Generate;
use rand_core::{TryCryptoRng, TryRng};

use crate::timing::Contestant;

/// What everybody signs and encrypts.
pub const DIGEST: [u8; 32] = [7; 32];

fn digest() -> Digest {
    Digest::import_less_safe(&DIGEST, &SHA256).unwrap()
}

pub fn rsa_signer(
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

pub fn p256_signer() -> [Contestant; 2] {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let public = key.public_key().as_ref();
    let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public).unwrap();
    let signed = key.sign_digest(&digest()).unwrap();
    let sign = move || _ = black_box(key.sign_digest(&digest()).unwrap());
    let verify = move || public.verify_digest_sig(&digest(), signed.as_ref()).unwrap();
    [("aws-lc-rs sign", Box::new(sign)), ("aws-lc-rs verify, the key parsed", Box::new(verify))]
}

pub fn k256_signer() -> [Contestant; 2] {
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

pub fn sm2_signer() -> [Contestant; 2] {
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

pub fn raw_oaep(size: KeySize) -> Contestant {
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

pub fn raw_sm2() -> [Contestant; 2] {
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
