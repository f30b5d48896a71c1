//! RSA private keys.
#![forbid(unsafe_code)]

use std::cmp::Ordering;

use der::Decode;
use subtle::ConstantTimeEq;

use super::{BITS, MAX_MODULUS, MAX_PKCS8, OaepHash, Padding, RsaPublicKey, Scheme, pkcs1, public};
use crate::crypto::provider::RsaKey;
use crate::crypto::{Random, pkcs8};
use crate::error::{Error, ErrorCode, Result};
use crate::health;
use crate::secret::{self, Zeroizing};

/// AlgorithmIdentifier: rsaEncryption with NULL (RFC 8017, A.1).
const ALGORITHM: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

/// A private key of 2048, 3072 or 4096 bits. Where its provider's memory is used up, making, reading
/// and using it is [`ErrorCode::MemoryExhausted`].
pub struct RsaPrivateKey(pub(super) RsaKey);

impl RsaPrivateKey {
    /// Makes a key with e = 65537 and tries it once (pairwise consistency, FIPS 140-3 IG 10.3.A).
    pub fn generate(bits: usize, random: Random) -> Result<Self> {
        if !BITS.contains(&bits) {
            return Err(ErrorCode::Internal.into());
        }
        let key = Self(RsaKey::generate(bits, random)?);
        health::tested(key.is_pair(random), "The two halves of a fresh RSA key do not fit.")?;
        Ok(key)
    }

    /// Reads PKCS #8 (RFC 5208, with RFC 8017, A.1.2 inside) that somebody else has made, of a modulus of
    /// just so many bits and two primes half as long, and tries it once. Everything else is
    /// [`ErrorCode::InvalidKeyMaterial`].
    pub fn import(bits: usize, der: &[u8], random: Random) -> Result<Self> {
        let refused = ErrorCode::InvalidKeyMaterial;
        let numbers = pkcs8::private_key(der, ALGORITHM).ok_or(refused)?;
        let parts = ::pkcs1::RsaPrivateKeyRef::from_der(numbers).map_err(|_| refused)?;
        // Keys of more primes, or without any, are read by some providers and not by others.
        let lens =
            [parts.modulus, parts.prime1, parts.prime2].map(|number| number.as_bytes().len());
        if parts.other_prime_infos.is_some()
            || lens != [bits / 8, bits / 16, bits / 16]
            || !is_below(parts.private_exponent.as_bytes(), parts.modulus.as_bytes())
        {
            return Err(refused.into());
        }
        let key = Self::from_pkcs8(der, random)?;
        health::accepted(key.is_made_of(numbers).and_then(|is| Ok(is && key.is_pair(random)?)))?;
        Ok(key)
    }

    /// Whether these are all of its numbers: providers that compute some of them do not look at what
    /// they are given.
    fn is_made_of(&self, numbers: &[u8]) -> Result<bool> {
        let mut written = Zeroizing::new([0; MAX_PKCS8]);
        let len = self.write_pkcs8(&mut *written)?;
        let tail = len.checked_sub(numbers.len()).and_then(|at| written.get(at..len));
        Ok(tail.is_some_and(|tail| secret::eq(tail, numbers)))
    }

    /// Whether the private half decrypts what the public one encrypts.
    pub(in crate::crypto) fn is_pair(&self, random: Random) -> Result<bool> {
        let (mut message, mut decrypted) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
        random(&mut *message)?;
        let mut ciphertext = vec![0; self.modulus_len()];
        self.public()?.encrypt_oaep(OaepHash::Sha256, &*message, random, &mut ciphertext)?;
        message.iter_mut().take(1).for_each(|first| *first ^= health::flaw("rsa-pair"));
        let padding = Padding::Oaep(OaepHash::Sha256);
        match self.decrypt(padding, &ciphertext, message.len(), &mut *decrypted) {
            Err(error) if is_passing(&error) => Err(error),
            answer => Ok(answer.is_ok() && secret::eq(&*message, &*decrypted)),
        }
    }

    /// Reads PKCS #8 (RFC 5208) and checks that the numbers belong together. What cannot be read, or
    /// has a public half that [`RsaPublicKey::from_spki`] refuses, is
    /// [`ErrorCode::InvalidKeyMaterial`].
    pub fn from_pkcs8(der: &[u8], random: Random) -> Result<Self> {
        let key = RsaKey::from_pkcs8(der, random)?;
        public::numbers(&key.public_spki()?)?;
        Ok(Self(key))
    }

    /// Writes PKCS #8 (RFC 5208), of [`MAX_PKCS8`](super::MAX_PKCS8) bytes at most, to the front of
    /// `out` and answers its length.
    pub fn write_pkcs8(&self, out: &mut [u8]) -> Result<usize> {
        self.0.write_pkcs8(out)
    }

    /// Writes the public half as SubjectPublicKeyInfo (RFC 5280).
    pub fn public_spki(&self) -> Result<Vec<u8>> {
        self.0.public_spki()
    }

    /// The public half.
    pub fn public(&self) -> Result<RsaPublicKey> {
        RsaPublicKey::from_spki(&self.public_spki()?)
    }

    /// The length of the modulus in bytes.
    pub fn modulus_len(&self) -> usize {
        self.0.modulus_len()
    }

    /// Marks the private numbers as secret, before they are first used.
    #[cfg(all(feature = "testing", feature = "awslc"))]
    pub(crate) fn conceal(&self) {
        self.0.conceal();
    }

    /// Decrypts a message of exactly `out_len` bytes into the beginning of `out`. Every failure is
    /// [`ErrorCode::InvalidKeyMaterial`] with nothing written; which one it was shows neither in
    /// the answer nor in time.
    pub fn decrypt(
        &self,
        padding: Padding,
        ciphertext: &[u8],
        out_len: usize,
        out: &mut [u8],
    ) -> Result<()> {
        let out = out.get_mut(..out_len).ok_or(ErrorCode::Internal)?;
        decrypt(&self.0, padding, ciphertext, out)
    }

    /// RSAES-OAEP-DECRYPT (RFC 8017, 7.1.2) with an empty label: writes the message to the beginning
    /// of `out`, which has [`oaep_max`](super::oaep_max) bytes or more, and answers its length.
    /// Every failure is [`ErrorCode::InvalidCiphertext`] with nothing written; which one it was
    /// shows neither in the answer nor in time.
    pub fn decrypt_oaep(&self, hash: OaepHash, ciphertext: &[u8], out: &mut [u8]) -> Result<usize> {
        decrypt_oaep(&self.0, hash, ciphertext, out)
    }

    /// Signs a digest into `out` of the modulus' length: RSASSA-PSS-SIGN with the salt from `random`,
    /// RSASSA-PKCS1-V1_5-SIGN (RFC 8017, 8.1.1 and 8.2.1).
    pub fn sign(
        &self,
        scheme: Scheme,
        digest: &[u8; 32],
        random: Random,
        out: &mut [u8],
    ) -> Result<()> {
        sign(&self.0, |block| scheme.encode(digest, random, block), out)
    }
}

/// The same as [`RsaPrivateKey::decrypt`] for a modulus of any length.
pub(super) fn decrypt(
    key: &RsaKey,
    padding: Padding,
    ciphertext: &[u8],
    out: &mut [u8],
) -> Result<()> {
    with_block(key, ciphertext, ErrorCode::InvalidKeyMaterial, |block| unpad(padding, block, out))
}

/// Takes the padding off a block; the message goes to `out`, and has its length.
pub(crate) fn unpad(padding: Padding, block: &mut [u8], out: &mut [u8]) -> Result<()> {
    let right = match padding {
        Padding::Pkcs1V15 => pkcs1::ends_with_message(out.len(), block),
        Padding::Oaep(hash) => {
            let (right, len) = hash.decode(block);
            right & len.ct_eq(&out.len())
        }
    };
    match secret::verdict(right) {
        true => release(block, out.len(), out),
        false => Err(ErrorCode::InvalidKeyMaterial.into()),
    }
}

/// The same as [`RsaPrivateKey::decrypt_oaep`] for a modulus of any length.
pub(super) fn decrypt_oaep(
    key: &RsaKey,
    hash: OaepHash,
    ciphertext: &[u8],
    out: &mut [u8],
) -> Result<usize> {
    if out.len() < super::oaep_max(key.modulus_len(), hash) {
        return Err(ErrorCode::Internal.into());
    }
    with_block(key, ciphertext, ErrorCode::InvalidCiphertext, |block| unpad_oaep(hash, block, out))
}

/// Takes OAEP off a block; answers the message's length. `out` has room for any.
pub(crate) fn unpad_oaep(hash: OaepHash, block: &mut [u8], out: &mut [u8]) -> Result<usize> {
    let (right, len) = hash.decode(block);
    if !secret::verdict(right) {
        return Err(ErrorCode::InvalidCiphertext.into());
    }
    // From here on the length is public, as the message's owner sees it.
    let len = usize::from_ne_bytes(secret::publish(len.to_ne_bytes()));
    release(block, len, out).map(|()| len)
}

/// Signs what `encode` writes, for a modulus of any length.
pub(super) fn sign(
    key: &RsaKey,
    encode: impl FnOnce(&mut [u8]) -> Result<()>,
    out: &mut [u8],
) -> Result<()> {
    let mut block = [0; MAX_MODULUS];
    let block = block.get_mut(..key.modulus_len()).ok_or(ErrorCode::Internal)?;
    encode(block)?;
    key.apply(block, out).map_err(|error| unless_passing(error, ErrorCode::Internal))
}

/// Lets `f` see the block that was encrypted; what is no number below the modulus is `refused`.
fn with_block<R>(
    key: &RsaKey,
    ciphertext: &[u8],
    refused: ErrorCode,
    f: impl FnOnce(&mut [u8]) -> Result<R>,
) -> Result<R> {
    let mut block = Zeroizing::new([0; MAX_MODULUS]);
    let block = block.get_mut(..key.modulus_len()).ok_or(ErrorCode::Internal)?;
    key.apply(ciphertext, block).map_err(|error| unless_passing(error, refused))?;
    f(block)
}

/// Copies the message, the last `len` bytes of the block, to the beginning of `out`.
fn release(block: &[u8], len: usize, out: &mut [u8]) -> Result<()> {
    let at = block.len().checked_sub(len).ok_or(ErrorCode::Internal)?;
    let message = block.get(at..).ok_or(ErrorCode::Internal)?;
    out.get_mut(..len).ok_or(ErrorCode::Internal)?.copy_from_slice(message);
    Ok(())
}

/// Whether a secret number is below another, both big-endian without leading zeros, in time that
/// depends on their lengths alone. The answer is public.
fn is_below(number: &[u8], limit: &[u8]) -> bool {
    match number.len().cmp(&limit.len()) {
        Ordering::Less => true,
        Ordering::Equal => secret::is_below(number, limit),
        Ordering::Greater => false,
    }
}

/// Whether the same call may succeed later: that is no answer about what was given.
fn is_passing(error: &Error) -> bool {
    error.code() == ErrorCode::MemoryExhausted
}

pub(super) fn unless_passing(error: Error, otherwise: ErrorCode) -> Error {
    if is_passing(&error) { error } else { otherwise.into() }
}

#[cfg(test)]
mod tests {
    use super::is_below;

    #[test]
    fn numbers_below_numbers() {
        for (number, limit, is) in [
            (&[][..], &[][..], false),
            (&[], &[1], true),
            (&[1], &[], false),
            (&[0x80], &[0x81], true),
            (&[0x81], &[0x81], false),
            (&[0x82], &[0x81], false),
            // The shorter one is the lesser one, however high it begins.
            (&[0xff], &[1, 0], true),
            (&[1, 0], &[0xff], false),
            (&[0xff, 0xff], &[0x80, 0, 0], true),
            (&[0x80, 0xff], &[0x81, 0], true),
            (&[0x81, 0], &[0x80, 0xff], false),
            (&[0x81, 0, 0], &[0x81, 0, 1], true),
            (&[0x81, 0, 1], &[0x81, 0, 0], false),
        ] {
            assert_eq!(is_below(number, limit), is, "{number:?} {limit:?}");
        }
    }
}
