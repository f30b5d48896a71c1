//! Checkpoints: what the store's identity key signs now and then.

use super::{Chain, PublicKey};
use crate::crypto::ec::SIGNATURE_LEN;
use crate::error::{ErrorCode, Result};
use crate::model::{SigningAlgorithm, Timestamp};
use crate::octets::{Reader, Writer};

/// What the signed message begins with.
const LABEL: &[u8] = b"kmshsm/v1/checkpoint";
/// The format of stored checkpoints.
const VERSION: u8 = 1;

/// A statement: at this time the trail had so many events, and this was its head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The trail.
    pub chain: Chain,
    /// When.
    pub time: Timestamp,
}

impl Checkpoint {
    /// What is signed: label | store | count u64 | head | time u64. By ECDSA its SHA-256, by SM2
    /// SM3(Z_A | message) with the user id 1234567812345678.
    pub fn message(&self) -> Vec<u8> {
        let Chain { store, count, head } = &self.chain;
        let mut writer = Writer::with_capacity(LABEL.len() + 16 + 8 + 32 + 8);
        writer.raw(LABEL).raw(store).u64(*count).raw(head).u64(self.time.0).finish()
    }
}

/// A checkpoint with its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// What is signed.
    pub checkpoint: Checkpoint,
    /// How: ECDSA_SHA_256 or SM2DSA.
    pub algorithm: SigningAlgorithm,
    /// The signature in DER.
    pub signature: Vec<u8>,
}

impl SignedCheckpoint {
    /// The stored form: 01 | count u64 | head | time u64 | algorithm u8 | lp(signature).
    pub fn encode(&self) -> Vec<u8> {
        let Checkpoint { chain, time } = &self.checkpoint;
        let mut writer = Writer::with_capacity(54 + SIGNATURE_LEN);
        writer.u8(VERSION).u64(chain.count).raw(&chain.head).u64(time.0);
        writer.u8(self.algorithm.number()).lp(&self.signature).finish()
    }

    /// Reads the stored form of a checkpoint of `store`; [`ErrorCode::StoreDamaged`] if it is none,
    /// [`ErrorCode::StoreTooNew`] if it is of another version. The signature is not verified.
    pub fn decode(store: [u8; 16], bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != VERSION {
            return Err(ErrorCode::StoreTooNew.into());
        }
        let chain = Chain { store, count: reader.u64()?, head: reader.array()? };
        let checkpoint = Checkpoint { chain, time: Timestamp(reader.u64()?) };
        let algorithm = SigningAlgorithm::from_number(reader.u8()?)?;
        let signature = reader.lp()?.to_vec();
        reader.finish()?;
        let is_known =
            matches!(algorithm, SigningAlgorithm::EcdsaSha256 | SigningAlgorithm::Sm2Dsa);
        if !is_known || signature.len() > SIGNATURE_LEN {
            return Err(ErrorCode::StoreDamaged.into());
        }
        Ok(Self { checkpoint, algorithm, signature })
    }

    /// Whether the signature is the key's.
    pub(crate) fn is_by(&self, key: &PublicKey) -> bool {
        self.algorithm == key.algorithm() && key.verify(&self.checkpoint.message(), &self.signature)
    }
}
