//! Asymmetric keys ready for use: the private half in the arena, or in the provider's secret heap;
//! the public half, which is no secret, beside it (API reference, chapter 12.6).

use crate::crypto::ec::{self, Curve, PAIR_LEN};
use crate::crypto::ecdsa::{EcdsaPrivateKey, EcdsaPublicKey};
use crate::crypto::rsa::{OaepHash, RsaPrivateKey, RsaPublicKey, Scheme, oaep_max};
use crate::crypto::sm2::{Sm2Ciphertext, Sm2PrivateKey, Sm2PublicKey};
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::arena::{SecretBox, SecretBytes, keep_pair, secluded, secluded_at_length};
use crate::hsm::material::material_in;
use crate::hsm::{MessageDigest, rng, selftest};
use crate::model::{EncryptionAlgorithm, Hashing, KeySpec, SigningAlgorithm, WrappingKeySpec};

/// A key pair ready for use.
pub struct KeyPair {
    public: PublicKey,
    private: SecretBox<PrivateKey>,
}

// A box would lie outside of secret memory.
#[allow(clippy::large_enum_variant)]
enum PrivateKey {
    Rsa(RsaPrivateKey),
    Ecdsa(EcdsaPrivateKey),
    Sm2(Sm2PrivateKey),
}

/// A public key ready for use: of a pair, or from outside.
pub enum PublicKey {
    /// RSA.
    Rsa(RsaPublicKey),
    /// ECDSA on P-256 or secp256k1, and the point x | y.
    Ecdsa(EcdsaPublicKey, Curve, [u8; 64]),
    /// SM2, and the point x | y.
    Sm2(Sm2PublicKey, [u8; 64]),
}

impl KeyPair {
    /// The pair in the body of a version record of a key of `spec`; [`ErrorCode::StoreDamaged`] if it
    /// is none.
    pub(super) fn new(spec: KeySpec, body: &SecretBytes) -> Result<Self> {
        selftest::ready_for_pairs()?;
        // What is public is made out here: an enum made beside the private half would take along what
        // that has left in the bytes it does not use.
        let read =
            body.read(|body| read(spec, material_in(body)?)).and_then(|(private, public)| {
                let public = match spec.is_rsa() {
                    true => PublicKey::Rsa(RsaPublicKey::from_spki(&public)?),
                    false => {
                        let point =
                            public.as_slice().try_into().map_err(|_| ErrorCode::Internal)?;
                        PublicKey::on_curve(curve_of(spec)?, point)?
                    }
                };
                Ok(Self { public, private })
            });
        read.map_err(|error| match error.code() {
            ErrorCode::InvalidKeyMaterial => ErrorCode::StoreDamaged.into(),
            _ => error,
        })
    }

    /// The public half.
    pub(super) const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Runs `f` on a secret stack, at length if that is what RSA takes.
    fn with_private<R>(&self, f: impl FnOnce(&PrivateKey) -> Result<R>) -> Result<R> {
        match self.public {
            PublicKey::Rsa(_) => secluded_at_length(|| self.private.read(f)),
            _ => self.private.read(f),
        }
    }
}

/// A key pair as one algorithm uses it: what a permit opens.
#[derive(Clone, Copy)]
pub struct Permitted<'a, A> {
    pair: &'a KeyPair,
    algorithm: A,
}

impl<'a, A> Permitted<'a, A> {
    pub(super) const fn new(pair: &'a KeyPair, algorithm: A) -> Self {
        Self { pair, algorithm }
    }
}

impl Permitted<'_, SigningAlgorithm> {
    /// Signs a digest into the front of `out`, which holds the longest signature of the key, and
    /// answers the signature's length.
    pub fn sign(self, digest: &[u8; 32], out: &mut [u8]) -> Result<usize> {
        self.pair.with_private(|key| match (key, self.algorithm) {
            (PrivateKey::Rsa(key), algorithm) => {
                let out = out.get_mut(..key.modulus_len()).ok_or(ErrorCode::Internal)?;
                key.sign(scheme_of(algorithm)?, digest, rng::fill, out)?;
                Ok(out.len())
            }
            (PrivateKey::Ecdsa(key), SigningAlgorithm::EcdsaSha256) => {
                key.sign(digest, rng::fill, out.first_chunk_mut().ok_or(ErrorCode::Internal)?)
            }
            (PrivateKey::Sm2(key), SigningAlgorithm::Sm2Dsa) => {
                key.sign(digest, rng::fill, out.first_chunk_mut().ok_or(ErrorCode::Internal)?)
            }
            _ => Err(unfit()),
        })
    }

    /// Whether `signature` is one of the digest. What cannot be read is none.
    pub fn verify(self, digest: &[u8; 32], signature: &[u8]) -> Result<bool> {
        match (&self.pair.public, self.algorithm) {
            (PublicKey::Rsa(key), algorithm) => {
                Ok(key.verify(scheme_of(algorithm)?, digest, signature))
            }
            (PublicKey::Ecdsa(key, ..), SigningAlgorithm::EcdsaSha256) => {
                Ok(key.verify(digest, signature))
            }
            (PublicKey::Sm2(key, _), SigningAlgorithm::Sm2Dsa) => Ok(key.verify(digest, signature)),
            _ => Err(unfit()),
        }
    }
}

impl Permitted<'_, EncryptionAlgorithm> {
    /// Encrypts as [`PublicKey::encrypt`] does.
    pub fn encrypt(self, message: &[u8], out: &mut [u8]) -> Result<()> {
        self.pair.public.encrypt(self.algorithm, message, out)
    }

    /// Decrypts into the front of `out`, which holds [`Ciphertext::max_plaintext`] bytes, and answers
    /// the message's length. Every failure of the ciphertext is [`ErrorCode::InvalidCiphertext`], and
    /// leaves nothing in `out`.
    pub fn decrypt(self, ciphertext: &Ciphertext<'_>, out: &mut [u8]) -> Result<usize> {
        let out = out.get_mut(..ciphertext.max_plaintext()).ok_or(ErrorCode::Internal)?;
        self.pair.with_private(|key| match (key, ciphertext) {
            (PrivateKey::Rsa(key), Ciphertext::Oaep(hash, bytes))
                if hash_of(self.algorithm)? == *hash =>
            {
                if bytes.len() != key.modulus_len() {
                    return Err(ErrorCode::InvalidCiphertext.into());
                }
                key.decrypt_oaep(*hash, bytes, out)
            }
            (PrivateKey::Sm2(key), Ciphertext::Sm2(ciphertext)) => {
                key.decrypt(ciphertext, out)?;
                Ok(out.len())
            }
            _ => Err(unfit()),
        })
    }
}

impl Permitted<'_, Hashing> {
    /// Begins the digest of a message that the key signs; see [`MessageDigest::new`].
    pub fn digest(
        self,
        algorithm: SigningAlgorithm,
        user_id: Option<&[u8]>,
    ) -> Result<MessageDigest> {
        MessageDigest::new(&self.pair.public, algorithm, user_id)
    }
}

/// The private half in the material of a key, and the public one: of RSA in SubjectPublicKeyInfo, of the
/// curves x | y.
fn read(spec: KeySpec, material: &[u8]) -> Result<(SecretBox<PrivateKey>, Vec<u8>)> {
    if spec.is_rsa() {
        let key =
            keep_pair(|| Ok(PrivateKey::Rsa(RsaPrivateKey::from_pkcs8(material, rng::fill)?)))?;
        let public = key.read(|key| match key {
            PrivateKey::Rsa(key) => key.public_spki(),
            _ => Err(ErrorCode::Internal.into()),
        })?;
        return Ok((key, public));
    }
    let curve = curve_of(spec)?;
    let pair: &[u8; PAIR_LEN] = material.try_into().map_err(|_| ErrorCode::StoreDamaged)?;
    let (_, point) = pair.split_first_chunk::<32>().ok_or(ErrorCode::Internal)?;
    let key = keep_pair(|| {
        Ok(match curve {
            Curve::Sm2 => PrivateKey::Sm2(Sm2PrivateKey::new(pair)?),
            curve => PrivateKey::Ecdsa(EcdsaPrivateKey::new(curve, pair)?),
        })
    })?;
    Ok((key, point.to_vec()))
}

#[cfg(test)]
impl KeyPair {
    /// Lets `f` see the key of SM2, if it is one.
    pub(super) fn look(&self, f: impl FnOnce(&Sm2PrivateKey)) {
        self.with_private(|key| {
            if let PrivateKey::Sm2(key) = key {
                f(key);
            }
            Ok(())
        })
        .unwrap();
    }
}

impl PublicKey {
    pub(super) fn on_curve(curve: Curve, point: [u8; 64]) -> Result<Self> {
        Ok(match curve {
            Curve::Sm2 => Self::Sm2(Sm2PublicKey::new(&point)?, point),
            curve => Self::Ecdsa(EcdsaPublicKey::new(curve, &point)?, curve, point),
        })
    }

    /// The key in a SubjectPublicKeyInfo (RFC 5280), if it is of that kind and fit to wrap with;
    /// [`ErrorCode::InvalidKeyMaterial`] otherwise.
    pub fn from_spki(spec: WrappingKeySpec, der: &[u8]) -> Result<Self> {
        selftest::ready_for_pairs()?;
        match spec {
            WrappingKeySpec::Rsa2048 => {
                let key = RsaPublicKey::from_spki(der)?;
                if key.modulus_len() * 8 != 2048 {
                    return Err(ErrorCode::InvalidKeyMaterial.into());
                }
                Ok(Self::Rsa(key))
            }
            WrappingKeySpec::EcSm2 => {
                Self::on_curve(Curve::Sm2, ec::point_from_spki(Curve::Sm2, der)?)
            }
        }
    }

    /// The key as SubjectPublicKeyInfo (RFC 5280).
    pub(super) fn spki(&self) -> Vec<u8> {
        match self {
            Self::Rsa(key) => key.spki().to_vec(),
            Self::Ecdsa(_, curve, point) => ec::spki(*curve, point),
            Self::Sm2(_, point) => ec::spki(Curve::Sm2, point),
        }
    }

    /// Encrypts a message of a length that the algorithm and the key take into `out`, which must be
    /// just as long as the ciphertext.
    pub fn encrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        message: &[u8],
        out: &mut [u8],
    ) -> Result<()> {
        // The message is a secret of the caller's.
        secluded(|| match (self, algorithm) {
            (Self::Rsa(key), _) => key.encrypt_oaep(hash_of(algorithm)?, message, rng::fill, out),
            (Self::Sm2(key, _), EncryptionAlgorithm::Sm2Pke) => {
                key.encrypt(message, rng::fill, out)
            }
            _ => Err(unfit()),
        })
    }

    /// The kind of key that it is.
    pub(super) fn spec(&self) -> Result<KeySpec> {
        let is_it = |spec: &&KeySpec| match self {
            Self::Rsa(key) => spec.modulus_bits() == Some(key.modulus_len() * 8),
            Self::Ecdsa(_, curve, _) => curve_of(**spec).is_ok_and(|known| known == *curve),
            Self::Sm2(..) => matches!(spec, KeySpec::EcSm2),
        };
        KeySpec::ALL.iter().find(is_it).copied().ok_or_else(unfit)
    }

    /// The same by RSAES-PKCS1-v1_5: how material may be wrapped for import, and nothing else.
    pub fn encrypt_pkcs1(&self, message: &[u8], out: &mut [u8]) -> Result<()> {
        secluded(|| match self {
            Self::Rsa(key) => key.encrypt_pkcs1(message, rng::fill, out),
            _ => Err(unfit()),
        })
    }
}

/// What a public key has encrypted, taken apart; nothing in it is believed yet.
pub enum Ciphertext<'a> {
    /// RSAES-OAEP.
    Oaep(OaepHash, &'a [u8]),
    /// SM2, raw or in DER.
    Sm2(Sm2Ciphertext<'a>),
}

impl<'a> Ciphertext<'a> {
    /// Takes a ciphertext apart; [`ErrorCode::InvalidCiphertext`] if it is none.
    pub fn parse(algorithm: EncryptionAlgorithm, bytes: &'a [u8]) -> Result<Self> {
        match (algorithm, bytes.len()) {
            (EncryptionAlgorithm::Sm2Pke, _) => {
                let ciphertext = Sm2Ciphertext::parse(bytes)?;
                // The scheme knows no bound; envelopes, answers and the arena do.
                let range = algorithm.plaintext_len(KeySpec::EcSm2);
                if !range.contains(&ciphertext.plaintext_len()) {
                    return Err(ErrorCode::InvalidCiphertext.into());
                }
                Ok(Self::Sm2(ciphertext))
            }
            (_, 256 | 384 | 512) => Ok(Self::Oaep(hash_of(algorithm)?, bytes)),
            _ => Err(ErrorCode::InvalidCiphertext.into()),
        }
    }

    /// The length of the plaintext, or of the longest that it may hold, in bytes.
    pub fn max_plaintext(&self) -> usize {
        match self {
            Self::Oaep(hash, bytes) => oaep_max(bytes.len(), *hash),
            Self::Sm2(ciphertext) => ciphertext.plaintext_len(),
        }
    }
}

/// The curve of a key.
pub(super) fn curve_of(spec: KeySpec) -> Result<Curve> {
    match spec {
        KeySpec::EcP256 => Ok(Curve::P256),
        KeySpec::EcP256k => Ok(Curve::Secp256k1),
        KeySpec::EcSm2 => Ok(Curve::Sm2),
        _ => Err(ErrorCode::Internal.into()),
    }
}

/// How RSA signs.
fn scheme_of(algorithm: SigningAlgorithm) -> Result<Scheme> {
    match algorithm {
        SigningAlgorithm::RsaPssSha256 => Ok(Scheme::PssSha256),
        SigningAlgorithm::RsaPkcs1Sha256 => Ok(Scheme::Pkcs1Sha256),
        _ => Err(unfit()),
    }
}

/// The hash with which RSA encrypts.
fn hash_of(algorithm: EncryptionAlgorithm) -> Result<OaepHash> {
    match algorithm {
        EncryptionAlgorithm::OaepSha1 => Ok(OaepHash::Sha1),
        EncryptionAlgorithm::OaepSha256 => Ok(OaepHash::Sha256),
        EncryptionAlgorithm::Sm2Pke => Err(unfit()),
    }
}

/// An algorithm that the caller should have refused by the key's spec.
fn unfit() -> Error {
    ErrorCode::Internal.into()
}

/// Whether the provider keeps the numbers of such a key where it allocates, and not in the key itself.
pub(super) const fn lies_with_provider(spec: KeySpec) -> bool {
    spec.is_rsa() || (cfg!(feature = "awslc") && matches!(spec, KeySpec::EcP256))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of sizes in `model` and the algorithms in `crypto` know nothing of each other.
    #[test]
    fn sizes_are_those_of_the_algorithms() {
        use crate::crypto::ec::SIGNATURE_LEN;
        use EncryptionAlgorithm::{OaepSha1, OaepSha256, Sm2Pke};
        for spec in KeySpec::ALL.iter().copied().filter(|spec| !spec.is_symmetric()) {
            let max = SigningAlgorithm::max_signature(spec);
            let Some(bits) = spec.modulus_bits() else {
                assert_eq!(max, SIGNATURE_LEN);
                continue;
            };
            assert_eq!((max, EncryptionAlgorithm::ciphertext_len(spec, 1)), (bits / 8, bits / 8));
            for (algorithm, hash) in [(OaepSha1, OaepHash::Sha1), (OaepSha256, OaepHash::Sha256)] {
                assert_eq!(*algorithm.plaintext_len(spec).end(), oaep_max(bits / 8, hash));
            }
        }
        let mut pair = [0; PAIR_LEN];
        ec::generate(Curve::Sm2, rng::fill, &mut pair).unwrap();
        let public = PublicKey::on_curve(Curve::Sm2, *pair.last_chunk().unwrap()).unwrap();
        for len in [1, 33, *Sm2Pke.plaintext_len(KeySpec::EcSm2).end()] {
            let mut out = vec![0; EncryptionAlgorithm::ciphertext_len(KeySpec::EcSm2, len)];
            public.encrypt(Sm2Pke, &vec![7; len], &mut out).unwrap();
            assert_eq!(Ciphertext::parse(Sm2Pke, &out).unwrap().max_plaintext(), len);
        }
    }

    /// What is longer than what can be encrypted here could be sealed by ReEncrypt, and never opened.
    #[test]
    fn ciphertexts_of_sm2_are_bounded() {
        for (len, is_taken) in [(0, false), (1, true), (6047, true), (6048, false), (9000, false)] {
            let raw = vec![4; 97 + len];
            let parsed = Ciphertext::parse(EncryptionAlgorithm::Sm2Pke, &raw);
            assert_eq!(parsed.map(|parsed| parsed.max_plaintext()).ok(), is_taken.then_some(len));
        }
    }
}
