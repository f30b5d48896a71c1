//! CTR_DRBG with AES-256 and no derivation function (NIST SP 800-90A r1, 10.2.1).
#![forbid(unsafe_code)]

use super::provider::AesKey;
use crate::error::{ErrorCode, Result};
use crate::secret::wipe;

/// The length of a seed: key and block, 384 bits.
pub const SEED_LEN: usize = 48;
/// The most that one request gives: 2^19 bits (table 3).
pub const REQUEST_LEN: usize = 1 << 16;
/// Requests between two seeds (table 3).
const REQUEST_LIMIT: u64 = 1 << 48;

/// Blocks of output that are worth a copy for coming with the update.
const SHORT: usize = 8;

/// The state: Key, expanded; V; requests since the last seed. Wiped when dropped.
pub struct Drbg {
    key: AesKey,
    v: u128,
    requests: u64,
}

impl Drop for Drbg {
    fn drop(&mut self) {
        self.v = 0;
        zeroize::optimization_barrier(&self.v);
    }
}

impl Drbg {
    /// CTR_DRBG_Instantiate: the entropy must be full, since nothing condenses it.
    pub fn instantiate(entropy: &[u8; SEED_LEN], personalization: &[u8]) -> Result<Self> {
        let mut drbg = Self { key: AesKey::new(&[0; 32])?, v: 0, requests: 0 };
        drbg.reseed(entropy, personalization)?;
        Ok(drbg)
    }

    /// CTR_DRBG_Reseed.
    pub fn reseed(&mut self, entropy: &[u8; SEED_LEN], additional: &[u8]) -> Result<()> {
        let mut seed = padded(additional)?;
        seed.iter_mut().zip(entropy).for_each(|(seed, byte)| *seed ^= byte);
        let updated = self.update(&seed);
        wipe(&mut seed);
        self.requests = 1;
        updated
    }

    /// CTR_DRBG_Generate: at most [`REQUEST_LEN`] bytes.
    pub fn generate(&mut self, additional: &[u8], out: &mut [u8]) -> Result<()> {
        if out.len() > REQUEST_LEN || self.requests > REQUEST_LIMIT {
            return Err(ErrorCode::Internal.into());
        }
        let provided = padded(additional)?;
        if !additional.is_empty() {
            self.update(&provided)?;
        }
        // A short output and the update after it come from one run of the counter.
        let (head, tail) =
            if out.len() <= SHORT * 16 { (&mut [][..], out) } else { out.as_chunks_mut() };
        self.keystream(head);
        let mut blocks = [[0; 16]; SHORT + 3];
        let count = tail.len().div_ceil(16);
        let blocks = blocks.get_mut(..count + 3).ok_or(ErrorCode::Internal)?;
        self.keystream(blocks);
        tail.iter_mut().zip(blocks.as_flattened()).for_each(|(out, byte)| *out = *byte);
        let updated = self.replace(blocks.as_flattened(), &provided);
        wipe(blocks.as_flattened_mut());
        self.requests += 1;
        updated
    }

    /// E(V + 1) | E(V + 2) | ...
    fn keystream(&mut self, blocks: &mut [[u8; 16]]) {
        self.key.keystream(self.v.wrapping_add(1), blocks);
        self.v = self.v.wrapping_add(blocks.len() as u128);
    }

    /// CTR_DRBG_Update.
    fn update(&mut self, provided: &[u8; SEED_LEN]) -> Result<()> {
        let mut blocks = [[0; 16]; 3];
        self.keystream(&mut blocks);
        let updated = self.replace(blocks.as_flattened(), provided);
        wipe(blocks.as_flattened_mut());
        updated
    }

    /// Key | V = the last 384 bits of the keystream xor the provided data.
    fn replace(&mut self, keystream: &[u8], provided: &[u8; SEED_LEN]) -> Result<()> {
        let mut state = *keystream.last_chunk::<SEED_LEN>().ok_or(ErrorCode::Internal)?;
        state.iter_mut().zip(provided).for_each(|(state, byte)| *state ^= byte);
        let replaced = match (state.first_chunk::<32>(), state.last_chunk()) {
            (Some(key), Some(v)) => {
                self.v = u128::from_be_bytes(*v);
                self.key.rekey(key)
            }
            _ => Err(ErrorCode::Internal.into()),
        };
        wipe(&mut state);
        replaced
    }
}

/// The input with zeros up to the seed's length; a longer one is refused.
fn padded(input: &[u8]) -> Result<[u8; SEED_LEN]> {
    let mut out = [0; SEED_LEN];
    out.get_mut(..input.len()).ok_or(ErrorCode::Internal)?.copy_from_slice(input);
    Ok(out)
}

/// The same bytes for every thread of a test run: a [`Random`](super::Random) for tests.
#[cfg(test)]
pub fn reproducible(out: &mut [u8]) -> Result<()> {
    thread_local! {
        static DRBG: std::cell::RefCell<Option<Drbg>> = const { std::cell::RefCell::new(None) };
    }
    DRBG.with_borrow_mut(|slot| {
        let drbg = match slot {
            Some(drbg) => drbg,
            None => slot.insert(Drbg::instantiate(&[7; SEED_LEN], &[])?),
        };
        out.chunks_mut(REQUEST_LEN).try_for_each(|chunk| drbg.generate(&[], chunk))
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::crypto::vectors::{Hex, kmsvec};

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        id: String,
        src: usize,
        mech: String,
        prim: String,
        df: bool,
        pr: bool,
        ops: Vec<Operation>,
    }

    #[derive(Deserialize)]
    #[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
    enum Operation {
        Instantiate {
            entropy: Hex,
            nonce: Hex,
            pers: Hex,
        },
        Reseed {
            entropy: Hex,
            add: Hex,
        },
        Generate {
            len: usize,
            add: Hex,
            #[serde(rename = "prEntropy")]
            pr_entropy: Option<Hex>,
            out: Option<Hex>,
        },
    }

    fn seed(bytes: &Hex) -> &[u8; SEED_LEN] {
        bytes.0[..].try_into().unwrap()
    }

    #[test]
    fn cavp() {
        let file = kmsvec::<Case>("drbg_cavp.json");
        assert!(file.tests.len() >= 100);
        for case in file.tests {
            assert!(case.src < file.sources.len());
            assert_eq!((&*case.mech, &*case.prim, case.df), ("CTR_DRBG", "AES-256-CTR", false));
            let mut drbg = None;
            for operation in &case.ops {
                match operation {
                    Operation::Instantiate { entropy, nonce, pers } => {
                        assert!(nonce.0.is_empty());
                        drbg = Some(Drbg::instantiate(seed(entropy), &pers.0).unwrap());
                    }
                    Operation::Reseed { entropy, add } => {
                        drbg.as_mut().unwrap().reseed(seed(entropy), &add.0).unwrap();
                    }
                    Operation::Generate { len, add, pr_entropy, out } => {
                        assert_eq!(case.pr, pr_entropy.is_some());
                        let drbg = drbg.as_mut().unwrap();
                        // Prediction resistance: the reseed takes the additional input.
                        let mut additional = &add.0[..];
                        if let Some(entropy) = pr_entropy {
                            drbg.reseed(seed(entropy), additional).unwrap();
                            additional = &[];
                        }
                        let mut generated = vec![0; *len];
                        drbg.generate(additional, &mut generated).unwrap();
                        if let Some(out) = out {
                            assert_eq!(generated, out.0, "{}", case.id);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn lengths() {
        // Requests of any length begin with the same bytes, and a longer one than allowed is refused.
        let fresh = || Drbg::instantiate(&[1; SEED_LEN], b"").unwrap();
        let mut whole = vec![0; REQUEST_LEN];
        fresh().generate(&[], &mut whole).unwrap();
        for len in (0..100).chain([REQUEST_LEN - 1]) {
            let mut out = vec![0; len];
            fresh().generate(&[], &mut out).unwrap();
            assert_eq!(out, whole[..len]);
        }
        assert!(fresh().generate(&[], &mut vec![0; REQUEST_LEN + 1]).is_err());
        assert!(fresh().generate(&[0; SEED_LEN + 1], &mut [0]).is_err());
        assert!(Drbg::instantiate(&[1; SEED_LEN], &[0; SEED_LEN + 1]).is_err());
        let mut worn = fresh();
        worn.requests = REQUEST_LIMIT + 1;
        assert!(worn.generate(&[], &mut [0]).is_err());
    }
}
