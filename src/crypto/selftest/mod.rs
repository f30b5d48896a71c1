//! The self-tests of the algorithms: each gives the answer that is known (FIPS 140-3, IG 10.3.A;
//! for the generator SP 800-90A, 11.3), and refuses what it must.
#![forbid(unsafe_code)]

mod answers;
mod curves;

use answers::{aes, argon2id, derivation, drbg, rsa, sm4, xaes};

use super::block::{BlockKey, Cipher, decrypt_blocks};
use super::drbg::{Drbg, SEED_LEN};
use super::rsa::{OaepHash, Padding, RsaPrivateKey, Scheme};
use super::xaes::DerivationKey;
use super::{aead, digest, kdf, mac, provider};
use crate::error::Result;
use crate::health;

/// What a test holds against what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An answer against the one that is known.
    KnownAnswer,
    /// The two halves of a key pair against each other.
    Pairwise,
    /// What the entropy source gives against what it gave.
    Continuous,
}

/// One test.
pub struct Test {
    /// What it tests.
    pub name: &'static str,
    /// How.
    pub kind: Kind,
    run: fn(u8) -> Result<bool>,
}

impl Test {
    /// A test; `run` tells whether it passed, and xors its argument into one byte of the input.
    pub const fn new(name: &'static str, kind: Kind, run: fn(u8) -> Result<bool>) -> Self {
        Self { name, kind, run }
    }

    const fn known(name: &'static str, run: fn(u8) -> Result<bool>) -> Self {
        Self::new(name, Kind::KnownAnswer, run)
    }

    /// Runs it. Its keys are published ones: a heap that is full of others fails no test.
    pub fn passes(&self) -> bool {
        provider::openly(|| (self.run)(health::flaw(self.name))).unwrap_or(false)
    }
}

/// One test for every algorithm without key pairs.
pub static TESTS: [Test; 20] = [
    Test::known("aes-128", |flaw| block(Cipher::Aes128, &aes::KEY, aes::BLOCK, aes::AES_128, flaw)),
    Test::known("aes-192", |flaw| block(Cipher::Aes192, &aes::KEY, aes::BLOCK, aes::AES_192, flaw)),
    Test::known("aes-256", |flaw| block(Cipher::Aes256, &aes::KEY, aes::BLOCK, aes::AES_256, flaw)),
    Test::known("sm4", |flaw| block(Cipher::Sm4, &sm4::KEY, sm4::BLOCK, sm4::ANSWER, flaw)),
    Test::known("aes-128-gcm", gcm_128),
    Test::known("aes-192-gcm", gcm_192),
    Test::known("aes-256-gcm", gcm_256),
    Test::known("sm4-gcm", gcm_sm4),
    Test::known("sha-1", sha_1),
    Test::known("sha-256", sha_256),
    Test::known("sm3", sm3),
    Test::known("hmac-sha-256", hmac),
    Test::known("hkdf-sha-256", hkdf),
    Test::known("argon2id", stretching),
    Test::known("ctr-drbg-aes-256", generator),
    Test::known("aes-128-derivation", |flaw| {
        derive(Cipher::Aes128, &derivation::AES_128, &derivation::AES_128_COMMITMENT, flaw)
    }),
    Test::known("aes-192-derivation", |flaw| {
        derive(Cipher::Aes192, &derivation::AES_192, &derivation::AES_192_COMMITMENT, flaw)
    }),
    Test::known("aes-256-derivation", |flaw| {
        derive(Cipher::Aes256, &derivation::AES_256, &derivation::AES_256_COMMITMENT, flaw)
    }),
    Test::known("sm4-derivation", |flaw| {
        derive(Cipher::Sm4, &derivation::SM4, &derivation::SM4_COMMITMENT, flaw)
    }),
    Test::known("xaes-256-gcm", xaes_256_gcm),
];

/// The tests of key pairs. AWS-LC blinds and signs with a generator of its own: seeding that takes a
/// tenth of a second, the first time in a process.
pub static PAIR_TESTS: [Test; 11] = [
    Test::known("rsa-oaep-sha-256", |flaw| oaep(OaepHash::Sha256, &rsa::OAEP_SHA_256, flaw)),
    Test::known("rsa-oaep-sha-1", |flaw| oaep(OaepHash::Sha1, &rsa::OAEP_SHA_1, flaw)),
    Test::known("rsa-pkcs1-v1.5", |flaw| unwrap(Padding::Pkcs1V15, &rsa::PKCS1_V15, flaw)),
    Test::known("rsa-pss-sha-256", |flaw| sign(Scheme::PssSha256, &rsa::PSS_SHA_256, flaw)),
    Test::known("rsa-pkcs1-sha-256", |flaw| sign(Scheme::Pkcs1Sha256, &rsa::PKCS1_SHA_256, flaw)),
    Test::new("rsa-pair", Kind::Pairwise, |_| rsa_key()?.is_pair(scatter)),
    Test::known("ecdsa-p256", curves::p256),
    Test::known("ecdsa-secp256k1", curves::secp256k1),
    Test::known("sm2-sign", curves::sm2_sign),
    Test::known("sm2-decrypt", curves::sm2_decrypt),
    Test::new("ec-pair", Kind::Pairwise, |_| curves::are_pairs()),
];

/// The input with the flaw in its first byte.
fn with<const N: usize>(mut input: [u8; N], flaw: u8) -> [u8; N] {
    input.iter_mut().take(1).for_each(|first| *first ^= flaw);
    input
}

/// There and back.
fn block(cipher: Cipher, key: &[u8], input: [u8; 16], answer: [u8; 16], flaw: u8) -> Result<bool> {
    let mut blocks = [with(input, flaw)];
    let key = key.get(..cipher.key_len()).unwrap_or_default();
    BlockKey::new(cipher, key)?.encrypt_blocks(&mut blocks);
    let is_right = blocks == [answer];
    decrypt_blocks(cipher, key, &mut blocks)?;
    Ok(is_right && blocks == [input])
}

/// Sealing, opening, and refusing another tag.
macro_rules! gcm {
    ($name:ident, $cipher:expr, $answers:ident) => {
        fn $name(flaw: u8) -> Result<bool> {
            use answers::$answers::{AAD, CIPHERTEXT, IV, KEY, MESSAGE, TAG};
            let (mut out, mut tag) = (MESSAGE, [0; 16]);
            let message = with(MESSAGE, flaw);
            aead::seal($cipher, &KEY, &IV, &AAD, &message, &mut out, &mut tag)?;
            let sealed = (out, tag) == (CIPHERTEXT, TAG);
            aead::open($cipher, &KEY, &IV, &AAD, &CIPHERTEXT, &TAG, &mut out)?;
            let opened = out == MESSAGE;
            let wrong = with(TAG, 1);
            let refused = aead::open($cipher, &KEY, &IV, &AAD, &CIPHERTEXT, &wrong, &mut out);
            Ok(sealed && opened && refused.is_err())
        }
    };
}

gcm!(gcm_128, Cipher::Aes128, gcm_128);
gcm!(gcm_192, Cipher::Aes192, gcm_192);
gcm!(gcm_256, Cipher::Aes256, gcm_256);
gcm!(gcm_sm4, Cipher::Sm4, gcm_sm4);

fn sha_1(flaw: u8) -> Result<bool> {
    use answers::sha_1::{DIGEST, MESSAGE};
    Ok(digest::sha1_parts(&[&with(MESSAGE, flaw)]) == DIGEST)
}

fn sha_256(flaw: u8) -> Result<bool> {
    use answers::sha_256::{DIGEST, MESSAGE};
    Ok(digest::sha256(&with(MESSAGE, flaw)) == DIGEST)
}

fn sm3(flaw: u8) -> Result<bool> {
    use answers::sm3::{DIGEST, MESSAGE};
    Ok(digest::sm3_parts(&[&with(MESSAGE, flaw)]) == DIGEST)
}

fn hmac(flaw: u8) -> Result<bool> {
    use answers::hmac::{KEY, MESSAGE, TAG};
    Ok(mac::hmac_sha256(&KEY, &[&with(MESSAGE, flaw)]) == TAG)
}

fn hkdf(flaw: u8) -> Result<bool> {
    use answers::hkdf::{INFO, MATERIAL, OUT, SALT};
    let mut out = [0; OUT.len()];
    let prk = mac::hkdf_extract(&SALT, &[&with(MATERIAL, flaw)]);
    mac::hkdf_expand_sha256(&prk, &[&INFO], &mut out);
    Ok(out == OUT)
}

/// With less memory than any store takes: the algorithm is the same, and this is run often.
fn stretching(flaw: u8) -> Result<bool> {
    let params = kdf::Argon2Params { memory_kib: 256, iterations: 2, lanes: 1 };
    let mut key = [0; 32];
    let passphrase = with(argon2id::PASSPHRASE, flaw);
    kdf::stretch(&passphrase, &argon2id::SALT, params, &mut key)?;
    Ok(key == argon2id::KEY)
}

/// Instantiate, reseed and generate; and no input that is too long.
fn generator(flaw: u8) -> Result<bool> {
    let mut out = [0; drbg::OUT.len()];
    let mut drbg = Drbg::instantiate(&with(drbg::ENTROPY, flaw), &drbg::PERSONALIZATION)?;
    drbg.reseed(&drbg::RESEED, &drbg::RESEED_INPUT)?;
    drbg.generate(&drbg::FIRST_INPUT, &mut out)?;
    drbg.generate(&drbg::SECOND_INPUT, &mut out)?;
    Ok(out == drbg::OUT && drbg.generate(&[0; SEED_LEN + 1], &mut out).is_err())
}

fn derive(cipher: Cipher, key: &[u8], commitment: &[u8; 32], flaw: u8) -> Result<bool> {
    let base = derivation::KEY.get(..cipher.key_len()).unwrap_or_default();
    let derived = DerivationKey::new(cipher, base)?.derive(&with(derivation::NONCE, flaw));
    Ok(derived.message_key() == key && derived.commitment == *commitment)
}

fn xaes_256_gcm(flaw: u8) -> Result<bool> {
    use xaes::{AAD, KEY, MESSAGE, NONCE, SEALED};
    let mut opened = [0; MESSAGE.len()];
    let sealed = super::xaes::seal(&KEY, &NONCE, &AAD, &with(MESSAGE, flaw))?;
    super::xaes::open(&KEY, &NONCE, &AAD, &SEALED, &mut opened)?;
    let refused = super::xaes::open(&KEY, &NONCE, &AAD, &with(SEALED, 1), &mut [0; MESSAGE.len()]);
    Ok(sealed == SEALED && opened == MESSAGE && refused.is_err())
}

fn oaep(hash: OaepHash, ciphertext: &[u8; 256], flaw: u8) -> Result<bool> {
    unwrap(Padding::Oaep(hash), ciphertext, flaw)
}

/// Opening the right ciphertext and refusing a damaged one.
fn unwrap(padding: Padding, ciphertext: &[u8; 256], flaw: u8) -> Result<bool> {
    let (key, mut out) = (rsa_key()?, [0; rsa::MESSAGE.len()]);
    key.decrypt(padding, &with(*ciphertext, flaw), out.len(), &mut out)?;
    let damaged = key.decrypt(padding, &with(*ciphertext, 1), 32, &mut [0; 32]);
    Ok(out == rsa::MESSAGE && damaged.is_err())
}

/// Signing, verifying, and refusing a damaged signature.
fn sign(scheme: Scheme, answer: &[u8; 256], flaw: u8) -> Result<bool> {
    let (key, mut out) = (rsa_key()?, [0; 256]);
    let (public, digest) = (key.public()?, with(rsa::MESSAGE, flaw));
    key.sign(scheme, &digest, scatter, &mut out)?;
    let verified = public.verify(scheme, &digest, answer);
    Ok(out == *answer && verified && !public.verify(scheme, &rsa::MESSAGE, &with(*answer, 1)))
}

fn rsa_key() -> Result<RsaPrivateKey> {
    RsaPrivateKey::from_pkcs8(rsa::KEY, scatter)
}

/// What blinds and pads for a key that is no secret: no generator is used before it is tested.
fn scatter(out: &mut [u8]) -> Result<()> {
    out.fill(0x5a);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every test passes, and fails on another input: so each is seen to look at the answer.
    #[test]
    fn each_passes_and_can_fail() {
        for Test { name, kind, run } in TESTS.iter().chain(&PAIR_TESTS) {
            assert!(run(0).unwrap(), "{name}");
            // A pair is broken where it is tried, by its name.
            assert!(*kind == Kind::Pairwise || !run(1).unwrap_or(false), "{name}");
        }
    }

    #[test]
    fn names_differ() {
        let mut names: Vec<_> = TESTS.iter().chain(&PAIR_TESTS).map(|test| test.name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
