//! Block ciphers, GCM, XAES, HMAC, the generator and Argon2id: key and message are secret.
#![forbid(unsafe_code)]

use super::{Subject, demand, public, revealed, secret};
use crate::crypto::block::{BlockKey, Cipher};
use crate::crypto::drbg::{Drbg, SEED_LEN};
use crate::crypto::kdf::{Argon2Params, argon2id};
use crate::crypto::sm4::{Path, Sm4Key};
use crate::crypto::xaes::DerivationKey;
use crate::crypto::{aead, digest, ghash, mac, xaes};
use crate::error::{ErrorCode, Result};
use crate::secret::marks;

pub(super) const SUBJECTS: &[Subject] = &[
    Subject::clean("AES-128: schedule and blocks", || blocks(Cipher::Aes128)),
    Subject::clean("AES-192: schedule and blocks", || blocks(Cipher::Aes192)),
    Subject::clean("AES-256: schedule and blocks", || blocks(Cipher::Aes256)),
    Subject::clean("SM4: schedule and blocks", || blocks(Cipher::Sm4)),
    Subject::clean("SM4 in any processor: schedule, blocks, stream", || sm4(Path::PORTABLE)),
    Subject::clean("SM4 by AES-NI: schedule, blocks, stream", || {
        sm4(Path::aesni().unwrap_or(Path::PORTABLE))
    }),
    Subject::clean("AES-128-GCM: seal and open", || gcm(Cipher::Aes128)),
    Subject::clean("AES-256-GCM: seal and open", || gcm(Cipher::Aes256)),
    Subject::clean("SM4-GCM: seal and open", || gcm(Cipher::Sm4)),
    Subject::clean("GHASH in any processor", || sum(ghash::Path::Portable)),
    Subject::clean("GHASH by the best of its paths", || sum(ghash::Path::best(100))),
    Subject::clean("derivation of message key and commitment", derivation),
    Subject::clean("XAES-256-GCM: seal and open", xaes_gcm),
    Subject::clean("SHA-1, SHA-256, SM3", digests),
    Subject::clean("HMAC-SHA-256, HKDF", macs),
    Subject::clean("CTR_DRBG", generator),
    Subject::leaking(
        "Argon2id",
        "the first half of its first pass aside, addresses depend on the passphrase (RFC 9106)",
        stretching,
    ),
];

fn blocks(cipher: Cipher) -> Result<()> {
    let (key, mut message) = (secret::<32>(1), [secret::<16>(2); 5]);
    let key = key.get(..cipher.key_len()).unwrap_or_default();
    BlockKey::new(cipher, key)?.encrypt_blocks(&mut message);
    let [first, second, ..] = message.map(revealed);
    demand(first == second)
}

/// As many blocks as every kernel of the path is for, and a piece of one.
fn sm4(path: Path) -> Result<()> {
    let key = Sm4Key::on(path, &secret(1));
    for message in [&mut [secret::<16>(2); 3][..], &mut [secret(2); 24]] {
        key.encrypt_blocks(message);
        key.decrypt_blocks(message);
        demand(message.iter().all(|block| revealed(*block) == public(2)))?;
    }
    for len in [50, 300] {
        let (message, mut once, mut twice) = (secret::<300>(3), [0; 300], [0; 300]);
        let (Some(message), Some(once)) = (message.get(..len), once.get_mut(..len)) else {
            return Err(ErrorCode::Internal.into());
        };
        key.ctr(&public(4), message, once);
        key.ctr(&public(4), once, &mut twice);
        let opened = revealed(twice);
        demand(opened.iter().zip(public::<300>(3)).take(len).all(|(a, b)| *a == b))?;
    }
    Ok(())
}

/// Longer than what is done at once, and not whole blocks.
const LEN: usize = 700;

fn gcm(cipher: Cipher) -> Result<()> {
    let (key, message, iv) = (secret::<32>(1), secret::<LEN>(2), public::<12>(3));
    let key = key.get(..cipher.key_len()).unwrap_or_default();
    let (mut ciphertext, mut tag, mut opened) = ([0; LEN], [0; 16], [0; LEN]);
    aead::seal(cipher, key, &iv, b"public", &message, &mut ciphertext, &mut tag)?;
    let (ciphertext, tag) = (revealed(ciphertext), revealed(tag));
    aead::open(cipher, key, &iv, b"public", &ciphertext, &tag, &mut opened)?;
    let refused = aead::open(cipher, key, &iv, b"other", &ciphertext, &tag, &mut [0; LEN]);
    demand(revealed(opened) == public(2) && refused.is_err())
}

fn sum(path: ghash::Path) -> Result<()> {
    let sum = ghash::on(path, &secret(1), &public::<50>(2), &secret::<LEN>(3));
    demand(revealed(sum) == ghash::ghash(&public(1), &public::<50>(2), &public::<LEN>(3)))
}

fn derivation() -> Result<()> {
    let derived = DerivationKey::new(Cipher::Aes256, &secret::<32>(1))?.derive(&public(2));
    let key: [u8; 32] = derived.message_key().try_into().map_err(|_| ErrorCode::Internal)?;
    demand(revealed(key) != revealed(derived.commitment))
}

fn xaes_gcm() -> Result<()> {
    let (key, nonce, mut opened) = (secret(1), public(2), [0; 32]);
    let mut sealed = xaes::seal(&key, &nonce, b"public", &secret::<32>(3))?;
    marks::reveal(&mut sealed);
    xaes::open(&key, &nonce, b"public", &sealed, &mut opened)?;
    demand(revealed(opened) == public(3))
}

fn digests() -> Result<()> {
    let message = secret::<200>(1);
    let (sha1, sha256) = (digest::sha1_parts(&[&message]), digest::sha256(&message));
    let sm3 = digest::sm3_parts(&[&message]);
    demand(revealed(sm3) == digest::sm3_parts(&[&public::<200>(1)]))?;
    demand(revealed(sha256) == digest::sha256(&public::<200>(1)) && revealed(sha1) != [0; 20])
}

fn macs() -> Result<()> {
    let (key, mut out) = (secret::<32>(1), [0; 40]);
    mac::hkdf_expand_sha256(&mac::hkdf_extract(b"salt", &[&key]), &[b"info"], &mut out);
    let tag = mac::hmac_sha256(&key, &[&secret::<80>(2)]);
    let expected = mac::hmac_sha256(&public::<32>(1), &[&public::<80>(2)]);
    demand(revealed(tag) == expected && revealed(out) != [0; 40])
}

fn generator() -> Result<()> {
    let (mut first, mut second) = ([0; 60], [0; 60]);
    let mut drbg = Drbg::instantiate(&secret::<SEED_LEN>(1), b"public")?;
    drbg.generate(&[], &mut first)?;
    drbg.reseed(&secret(2), &[])?;
    drbg.generate(&[], &mut second)?;
    demand(revealed(first) != revealed(second))
}

fn stretching() -> Result<()> {
    let mut key = [0; 32];
    argon2id(&secret::<20>(1), &[7; 16], Argon2Params::FLOOR, &mut key)?;
    demand(revealed(key) != [0; 32])
}
