//! Key material: raw bytes on their way between a generator, a wrapped import and a sealed record,
//! and keys ready for use. Neither can be printed, cloned or serialized.
//!
//! The bytes are those of a symmetric key; of RSA, PKCS #8; of the curves, d | x | y.

use crate::crypto::block::Cipher;
use crate::crypto::ec::{self, PAIR_LEN};
use crate::crypto::mac;
use crate::crypto::rsa::{MAX_PKCS8, RsaPrivateKey};
use crate::crypto::xaes::DerivationKey;
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::arena::{SecretBox, SecretBytes, arena, secluded_at_length};
use crate::hsm::pair::{KeyPair, Permitted, curve_of};
use crate::hsm::unlock::room;
use crate::hsm::{Keyring, rng, selftest};
use crate::model::{KeyId, KeySpec, Making, Permit, Sealing, Timestamp};
use crate::octets::{Reader, Writer};
use crate::secret::{self, Zeroizing};

/// The bytes of a key, in the arena.
pub struct RawMaterial(SecretBytes);

/// A key ready for use. It is used only with a permit of the region's profile.
pub struct KeyMaterial {
    spec: KeySpec,
    key: Key,
}

enum Key {
    Symmetric(SymmetricKey),
    Asymmetric(Box<KeyPair>),
}

/// A symmetric key ready for use: its expanded schedule, in the arena.
pub struct SymmetricKey {
    cipher: Cipher,
    key: SecretBox<DerivationKey>,
}

impl RawMaterial {
    /// Fresh material for a key of the permit's spec. A key pair is tried once; RSA takes from a
    /// tenth of a second to several.
    pub fn generate(permit: Permit<Making>) -> Result<Self> {
        let spec = permit.spec();
        if let Some(len) = spec.material_len() {
            let mut bytes = room(len)?;
            bytes.write(rng::fill)?;
            return Ok(Self(bytes));
        }
        selftest::ready_for_pairs()?;
        match spec.modulus_bits() {
            Some(bits) => rsa_pkcs8(bits).map(|(pkcs8, _)| Self(pkcs8)),
            None => {
                let curve = curve_of(spec)?;
                ec_pair(|pair| ec::generate(curve, rng::fill, pair)).map(Self)
            }
        }
    }

    /// Material that has been unwrapped into the arena.
    pub(super) const fn unwrapped(bytes: SecretBytes) -> Self {
        Self(bytes)
    }

    /// The material in the body of a version record; [`ErrorCode::PendingImport`] if it has been destroyed.
    pub fn from_version_body(body: &SecretBytes) -> Result<Self> {
        body.read(|body| {
            let material = material_in(body)?;
            let mut bytes = room(material.len())?;
            bytes.write(|bytes| {
                bytes.copy_from_slice(material);
                Ok(())
            })?;
            Ok(Self(bytes))
        })
    }

    /// Material that is known, for vectors.
    #[cfg(test)]
    pub(super) fn of(known: &[u8]) -> Result<Self> {
        let mut bytes = room(known.len())?;
        bytes.write(|bytes| {
            bytes.copy_from_slice(known);
            Ok(())
        })?;
        Ok(Self(bytes))
    }

    /// `HMAC-SHA256(fingerprint key, key id | lp(spec) | material)`: tells whether a later import is
    /// the same material, and nothing else.
    pub fn fingerprint(&self, keyring: &Keyring, key: &KeyId, spec: KeySpec) -> Result<[u8; 32]> {
        let head = Writer::default().raw(key.as_bytes()).lp(spec.as_str().as_bytes()).finish();
        keyring
            .fingerprint
            .read(|mac_key| self.0.read(|bytes| Ok(mac::hmac_sha256(mac_key, &[&head, bytes]))))
    }

    /// Whether this is the material with that fingerprint.
    pub fn is(
        &self,
        first: &[u8; 32],
        keyring: &Keyring,
        key: &KeyId,
        spec: KeySpec,
    ) -> Result<bool> {
        Ok(secret::eq(first, &self.fingerprint(keyring, key, spec)?))
    }

    /// The body of a version record: `01 | created u64 | lp(material)`.
    pub fn version_body(&self, created: Timestamp) -> Result<SecretBytes> {
        let mut body = room(1 + 8 + 4 + self.0.len())?;
        let len = u32::try_from(self.0.len()).map_err(|_| ErrorCode::Internal)?;
        self.0.read(|bytes| {
            body.write(|body| {
                let head = [&[1][..], &created.0.to_be_bytes(), &len.to_be_bytes()].concat();
                for (to, from) in body.iter_mut().zip(head.iter().chain(bytes)) {
                    *to = *from;
                }
                Ok(())
            })
        })?;
        Ok(body)
    }
}

impl KeyMaterial {
    /// The key in the body of a version record; [`ErrorCode::PendingImport`] if its material has
    /// been destroyed.
    pub fn from_version_body(spec: KeySpec, body: &SecretBytes) -> Result<Self> {
        let key = match cipher_of(spec) {
            Some(cipher) => {
                let make = |body: &[u8]| {
                    let material = material_in(body)?;
                    arena().keep(|| DerivationKey::new(cipher, material))
                };
                Key::Symmetric(SymmetricKey { cipher, key: body.read(make)? })
            }
            None => Key::Asymmetric(Box::new(KeyPair::new(spec, body)?)),
        };
        Ok(Self { spec, key })
    }

    /// The symmetric key, to seal and open with; [`ErrorCode::Internal`] if it is none, or not what
    /// the permit is for.
    #[inline]
    pub fn symmetric(&self, permit: Permit<Sealing>) -> Result<&SymmetricKey> {
        let Sealing = permit.algorithm_for(self.spec)?;
        match &self.key {
            Key::Symmetric(key) => Ok(key),
            Key::Asymmetric(_) => Err(ErrorCode::Internal.into()),
        }
    }

    /// The key pair, for one algorithm; [`ErrorCode::Internal`] if it is none, or not what the permit
    /// is for.
    pub fn pair<A: Copy>(&self, permit: Permit<A>) -> Result<Permitted<'_, A>> {
        let algorithm = permit.algorithm_for(self.spec)?;
        Ok(Permitted::new(self.asymmetric()?, algorithm))
    }

    /// The public half of a key pair, as SubjectPublicKeyInfo (RFC 5280).
    pub fn spki(&self) -> Result<Vec<u8>> {
        Ok(self.asymmetric()?.public().spki())
    }

    pub(super) fn asymmetric(&self) -> Result<&KeyPair> {
        match &self.key {
            Key::Symmetric(_) => Err(ErrorCode::Internal.into()),
            Key::Asymmetric(pair) => Ok(pair),
        }
    }
}

impl SymmetricKey {
    /// The cipher of the key.
    pub const fn cipher(&self) -> Cipher {
        self.cipher
    }

    /// Runs `f` with the key.
    pub(super) fn with<R>(&self, f: impl FnOnce(&DerivationKey) -> Result<R>) -> Result<R> {
        self.key.read(f)
    }
}

/// The material in the body of a version record.
pub(super) fn material_in(body: &[u8]) -> Result<&[u8]> {
    let mut reader = Reader::new(body);
    if reader.u8()? != 1 {
        return Err(Error::new(ErrorCode::StoreTooNew));
    }
    reader.u64()?;
    let material = reader.lp()?;
    reader.finish()?;
    if material.is_empty() {
        return Err(ErrorCode::PendingImport.into());
    }
    Ok(material)
}

/// A fresh RSA key in PKCS #8, and its public half as SubjectPublicKeyInfo.
pub(super) fn rsa_pkcs8(bits: usize) -> Result<(SecretBytes, Vec<u8>)> {
    secluded_at_length(|| {
        let pair = RsaPrivateKey::generate(bits, rng::fill)?;
        Ok((written(&pair)?, pair.public_spki()?))
    })
}

/// The material of a key pair of `spec` that somebody else has written in PKCS #8, in the form in which
/// such material is stored: that of one key is always the same. The pair is tried once; everything that
/// is none is [`ErrorCode::InvalidKeyMaterial`]. Takes long: for those who are secluded at length.
pub(super) fn imported(spec: KeySpec, pkcs8: &[u8]) -> Result<SecretBytes> {
    match spec.modulus_bits() {
        Some(bits) => written(&RsaPrivateKey::import(bits, pkcs8, rng::fill)?),
        None => {
            let curve = curve_of(spec)?;
            ec_pair(|pair| ec::from_pkcs8(curve, pkcs8, rng::fill, pair))
        }
    }
}

/// A key in PKCS #8.
fn written(pair: &RsaPrivateKey) -> Result<SecretBytes> {
    let mut pkcs8 = Zeroizing::new([0; MAX_PKCS8]);
    let len = pair.write_pkcs8(&mut *pkcs8)?;
    let mut private = room(len)?;
    private.write(|private| {
        private.iter_mut().zip(&*pkcs8).for_each(|(to, from)| *to = *from);
        Ok(())
    })?;
    Ok(private)
}

/// The pair d | x | y that `make` writes.
pub(super) fn ec_pair(make: impl FnOnce(&mut [u8; PAIR_LEN]) -> Result<()>) -> Result<SecretBytes> {
    let mut pair = room(PAIR_LEN)?;
    pair.write(|pair| make(pair.first_chunk_mut().ok_or(ErrorCode::Internal)?))?;
    Ok(pair)
}

/// The body of a version record whose material has been destroyed.
pub(crate) fn destroyed_version_body(created: Timestamp) -> Vec<u8> {
    Writer::default().u8(1).u64(created.0).lp(&[]).finish()
}

/// When the version was created whose body this is, and how long its material is: 0 if it is awaited or
/// destroyed.
pub(crate) fn version_outline(body: &SecretBytes) -> Result<(Timestamp, usize)> {
    body.read(|body| {
        let mut reader = Reader::new(body);
        if reader.u8()? != 1 {
            return Err(ErrorCode::StoreTooNew.into());
        }
        let (created, len) = (Timestamp(reader.u64()?), reader.lp()?.len());
        reader.finish()?;
        Ok((created, len))
    })
}

/// The cipher of a symmetric key.
const fn cipher_of(spec: KeySpec) -> Option<Cipher> {
    match spec {
        KeySpec::Aes256 => Some(Cipher::Aes256),
        KeySpec::Aes192 => Some(Cipher::Aes192),
        KeySpec::Aes128 => Some(Cipher::Aes128),
        KeySpec::Sm4 => Some(Cipher::Sm4),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hsm::permitted;
    use crate::model::{Algorithm, EncryptionAlgorithm, Hashing, SigningAlgorithm};

    fn material(spec: KeySpec) -> KeyMaterial {
        let raw = RawMaterial::generate(permitted(spec, Making).unwrap()).unwrap();
        KeyMaterial::from_version_body(spec, &raw.version_body(Timestamp(1)).unwrap()).unwrap()
    }

    /// Tries a permit for each spec on a key: it opens keys of its own spec.
    fn opens_its_own<A: Algorithm>(
        spec: KeySpec,
        algorithm: A,
        open: impl Fn(Permit<A>) -> Result<()>,
    ) {
        for other in KeySpec::ALL {
            let Ok(permit) = permitted(*other, algorithm) else { continue };
            let expected = if *other == spec { Ok(()) } else { Err(ErrorCode::Internal.into()) };
            assert_eq!(open(permit), expected, "{spec} with a permit for {other}");
        }
    }

    #[test]
    fn a_permit_opens_keys_of_its_spec_only() {
        // RSA is left out for its slowness.
        for spec in KeySpec::ALL.iter().copied().filter(|spec| !spec.is_rsa()) {
            let material = material(spec);
            opens_its_own(spec, Sealing, |permit| material.symmetric(permit).map(drop));
            opens_its_own(spec, Hashing, |permit| material.pair(permit).map(drop));
            for algorithm in SigningAlgorithm::ALL {
                opens_its_own(spec, *algorithm, |permit| material.pair(permit).map(drop));
            }
            for algorithm in EncryptionAlgorithm::ALL {
                opens_its_own(spec, *algorithm, |permit| material.pair(permit).map(drop));
            }
            assert_eq!(material.spki().is_ok(), !spec.is_symmetric());
        }
    }
}
