//! Import of a customer's own material (BYOK): wrapping key pairs and the tokens that go with them
//! (ARCHITECTURE.md, Formats: Import token 0x01; API reference, chapter 7).

use crate::crypto::ec::{self, Curve};
use crate::crypto::{digest, mac};
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::arena::SecretBytes;
use crate::hsm::material::{ec_pair, rsa_pkcs8};
use crate::hsm::unlock::room;
use crate::hsm::{Keyring, random, rng, selftest};
use crate::model::{KeyId, Making, Permit, Space, Timestamp, WrappingAlgorithm, WrappingKeySpec};
use crate::octets::{Reader, Writer};
use crate::secret;

/// How many failed unwraps burn a pair. With constant-time unpadding this ends attacks that need
/// many answers (Bleichenbacher, Manger).
const MAX_FAILURES: u8 = 5;

/// The bits of an RSA wrapping key.
const RSA_BITS: usize = 2048;

const VERSION: u8 = 1;

/// A key pair that wraps material for one key. Its private half is in the arena, or gone.
pub struct WrappingPair {
    id: [u8; 16],
    key: KeyId,
    spec: WrappingKeySpec,
    algorithm: WrappingAlgorithm,
    not_after: Timestamp,
    failures: u8,
    public: Vec<u8>,
    private: SecretBytes,
}

impl WrappingPair {
    /// A fresh pair for `key`, made inside, of the kind that the algorithm needs:
    /// [`ErrorCode::Internal`] if `making` is for another.
    pub fn generate(
        making: Permit<Making>,
        wrapping: Permit<WrappingAlgorithm>,
        key: KeyId,
        not_after: Timestamp,
    ) -> Result<Self> {
        selftest::ready_for_pairs()?;
        let algorithm = wrapping.algorithm();
        let spec = algorithm.wrapping_key_spec();
        let Making = making.algorithm_for(spec.key_spec())?;
        let (private, public) = match spec {
            WrappingKeySpec::Rsa2048 => rsa_pkcs8(RSA_BITS)?,
            WrappingKeySpec::EcSm2 => sm2_pair()?,
        };
        Ok(Self { id: random()?, key, spec, algorithm, not_after, failures: 0, public, private })
    }

    /// Names the pair.
    pub const fn id(&self) -> &[u8; 16] {
        &self.id
    }

    /// The key whose material it wraps, and until when.
    pub const fn purpose(&self) -> (KeyId, Timestamp) {
        (self.key, self.not_after)
    }

    /// The public half, as DER SubjectPublicKeyInfo.
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// Whether the private half has been destroyed.
    pub const fn is_burnt(&self) -> bool {
        self.failures >= MAX_FAILURES
    }

    /// How material is wrapped for it.
    pub const fn algorithm(&self) -> WrappingAlgorithm {
        self.algorithm
    }

    pub(super) const fn private(&self) -> &SecretBytes {
        &self.private
    }

    /// The body after one more failed unwrap; the fifth destroys the private half.
    pub fn body_after_failure(&self) -> Result<SecretBytes> {
        let failures = self.failures.saturating_add(1);
        match failures >= MAX_FAILURES {
            true => self.body_with(failures, &room(0)?),
            false => self.body_with(failures, &self.private),
        }
    }

    /// The body of the pair's record: `01 | key id | spec | algorithm | not-after u64 | failures |
    /// lp(public) | lp(private)`, of RSA PKCS #8, of SM2 d | x | y.
    pub fn body(&self) -> Result<SecretBytes> {
        self.body_with(self.failures, &self.private)
    }

    fn body_with(&self, failures: u8, private: &SecretBytes) -> Result<SecretBytes> {
        let head = Writer::default()
            .u8(VERSION)
            .raw(self.key.as_bytes())
            .u8(self.spec.number())
            .u8(self.algorithm.number())
            .u64(self.not_after.0)
            .u8(failures)
            .lp(&self.public)
            .u32(u32::try_from(private.len()).map_err(|_| ErrorCode::Internal)?)
            .finish();
        let mut body = room(head.len() + private.len())?;
        private.read(|private| {
            body.write(|body| {
                let (front, back) = body.split_at_mut(head.len());
                front.copy_from_slice(&head);
                back.copy_from_slice(private);
                Ok(())
            })
        })?;
        Ok(body)
    }

    /// The pair in the body of its record.
    pub fn from_body(id: [u8; 16], body: &SecretBytes) -> Result<Self> {
        body.read(|body| {
            let mut reader = Reader::new(body);
            if reader.u8()? != VERSION {
                return Err(ErrorCode::StoreTooNew.into());
            }
            let key = KeyId::from_bytes(reader.array()?);
            let spec = WrappingKeySpec::from_number(reader.u8()?)?;
            let algorithm = WrappingAlgorithm::from_number(reader.u8()?)?;
            let not_after = Timestamp(reader.u64()?);
            let failures = reader.u8()?;
            let public = reader.lp()?.to_vec();
            let half = reader.lp()?;
            reader.finish()?;
            let mut private = room(half.len())?;
            private.write(|private| {
                private.copy_from_slice(half);
                Ok(())
            })?;
            Ok(Self { id, key, spec, algorithm, not_after, failures, public, private })
        })
    }
}

/// A fresh pair of SM2, d | x | y, and its public half as SubjectPublicKeyInfo.
fn sm2_pair() -> Result<(SecretBytes, Vec<u8>)> {
    let pair = ec_pair(|pair| ec::generate(Curve::Sm2, rng::fill, pair))?;
    let public =
        pair.read(|pair| Ok(ec::spki(Curve::Sm2, pair.last_chunk().ok_or(ErrorCode::Internal)?)))?;
    Ok((pair, public))
}

/// Binds an import to its pair, key, space and time:
/// `01 | pair id (16) | not-after u64 | HMAC-SHA256(token key, ...)`.
pub struct ImportToken {
    pair: [u8; 16],
    not_after: Timestamp,
    mac: [u8; 32],
}

/// The length of an import token in bytes.
pub const TOKEN_LEN: usize = 1 + 16 + 8 + 32;

impl ImportToken {
    /// The token of `pair` in `space`.
    pub fn issue(keyring: &Keyring, space: &Space, pair: &WrappingPair) -> Result<Vec<u8>> {
        let mac = Self::mac(keyring, space, pair, pair.not_after)?;
        Ok(Writer::default().u8(VERSION).raw(&pair.id).u64(pair.not_after.0).raw(&mac).finish())
    }

    /// Takes a token apart; [`ErrorCode::InvalidImportToken`] if it is none.
    pub fn parse(token: &[u8]) -> Result<Self> {
        let parse = || {
            let mut reader = Reader::new(token);
            if reader.u8()? != VERSION {
                return Err(ErrorCode::InvalidImportToken.into());
            }
            let pair = reader.array()?;
            let not_after = Timestamp(reader.u64()?);
            let mac = reader.array()?;
            reader.finish()?;
            Ok::<_, Error>(Self { pair, not_after, mac })
        };
        parse().map_err(|_| ErrorCode::InvalidImportToken.into())
    }

    /// When it says it expires. Unverified: good for choosing between two refusals, for nothing
    /// else.
    pub const fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// The pair it names.
    pub const fn pair(&self) -> &[u8; 16] {
        &self.pair
    }

    /// [`ErrorCode::InvalidImportToken`] unless this token was issued for `pair` and `key`, and
    /// [`ErrorCode::ExpiredImportToken`] if its time is over.
    pub fn verify(
        &self,
        keyring: &Keyring,
        space: &Space,
        key: &KeyId,
        pair: &WrappingPair,
        now: Timestamp,
    ) -> Result<()> {
        let mac = Self::mac(keyring, space, pair, self.not_after)?;
        if !secret::eq(&mac, &self.mac) {
            return Err(ErrorCode::InvalidImportToken.into());
        }
        if now > self.not_after {
            return Err(ErrorCode::ExpiredImportToken.into());
        }
        if pair.key != *key {
            return Err(ErrorCode::InvalidImportToken.into());
        }
        Ok(())
    }

    fn mac(
        keyring: &Keyring,
        space: &Space,
        pair: &WrappingPair,
        not_after: Timestamp,
    ) -> Result<[u8; 32]> {
        let message = Writer::default()
            .u8(VERSION)
            .lp(space.account.as_bytes())
            .lp(space.region.as_bytes())
            .raw(pair.key.as_bytes())
            .raw(&pair.id)
            .lp(pair.spec.as_str().as_bytes())
            .lp(pair.algorithm.as_str().as_bytes())
            .raw(&digest::sha256(&pair.public))
            .u64(not_after.0)
            .finish();
        keyring.token.read(|key| Ok(mac::hmac_sha256(key, &[&message])))
    }
}
