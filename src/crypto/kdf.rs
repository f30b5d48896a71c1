//! Argon2id (RFC 9106, version 0x13): a key from a passphrase.
#![forbid(unsafe_code)]

use argon2::{Algorithm, Argon2, Block, Params, Version};

use crate::error::{Error, ErrorCode, Result};
use crate::secret::Zeroize;

/// What one attempt costs. Stored beside the salt, so it is read from outside and checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Params {
    /// Working memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes; they are computed one after the other.
    pub lanes: u32,
}

impl Argon2Params {
    /// The least that is taken (OWASP's minimum).
    pub const FLOOR: Self = Self { memory_kib: 19 * 1024, iterations: 2, lanes: 1 };
    /// The most that is taken, so that a forged header cannot exhaust the host.
    pub const CEILING: Self = Self { memory_kib: 1024 * 1024, iterations: 16, lanes: 4 };

    fn check(self) -> Result<Self> {
        let within = |value, low, high| (low..=high).contains(&value);
        if within(self.memory_kib, Self::FLOOR.memory_kib, Self::CEILING.memory_kib)
            && within(self.iterations, Self::FLOOR.iterations, Self::CEILING.iterations)
            && within(self.lanes, Self::FLOOR.lanes, Self::CEILING.lanes)
        {
            Ok(self)
        } else {
            let detail = "It is outside of 19 MiB to 1 GiB, 2 to 16 iterations, 1 to 4 lanes.";
            Err(Error::invalid("Argon2Params", detail))
        }
    }
}

impl Default for Argon2Params {
    /// 64 MiB, three passes, one lane.
    fn default() -> Self {
        Self { memory_kib: 64 * 1024, iterations: 3, lanes: 1 }
    }
}

/// The working memory, wiped when dropped (the crate's own is not).
struct Memory(Vec<Block>);

impl Drop for Memory {
    fn drop(&mut self) {
        self.0.iter_mut().zeroize();
    }
}

/// Derives a key. Parameters beyond the limits are refused before anything is allocated. The
/// working memory is ordinary memory that may be swapped out.
pub fn argon2id(
    passphrase: &[u8],
    salt: &[u8; 16],
    params: Argon2Params,
    out: &mut [u8; 32],
) -> Result<()> {
    stretch(passphrase, salt, params.check()?, out)
}

/// The same with any parameters and salt that the algorithm takes.
pub(super) fn stretch(
    passphrase: &[u8],
    salt: &[u8],
    params: Argon2Params,
    out: &mut [u8; 32],
) -> Result<()> {
    let Argon2Params { memory_kib, iterations, lanes } = params;
    let params = Params::new(memory_kib, iterations, lanes, Some(out.len()))
        .map_err(|_| ErrorCode::Internal)?;
    let mut memory = Memory(Vec::new());
    memory.0.try_reserve_exact(params.block_count()).map_err(|_| {
        Error::new(ErrorCode::Internal).because("There is too little memory for Argon2id.")
    })?;
    memory.0.resize(params.block_count(), Block::default());
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(passphrase, salt, out, &mut memory.0)
        .map_err(|_| ErrorCode::Internal.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        // Computed by pyca/cryptography 48 (OpenSSL).
        let salt = std::array::from_fn(|i| i as u8);
        for (params, expected) in [
            (
                Argon2Params::FLOOR,
                "818259b6310026a8e0dbac5d2e6927abcfdb07b32258fac4f61b18b80f929085",
            ),
            (
                Argon2Params::default(),
                "0d1a3c6523c8f06e4e0af9c515aa5b5448cfebd6838f2d52c3d8b6ef8ddc3c2e",
            ),
            (
                Argon2Params { lanes: 4, ..Argon2Params::FLOOR },
                "b9809d332460011400272cf67066fc2800f170cf066c02e22020c1f3d16fb576",
            ),
        ] {
            let mut out = [0; 32];
            argon2id(b"correct horse battery staple", &salt, params, &mut out).unwrap();
            assert_eq!(hex::encode(out), expected);
        }
    }

    #[test]
    fn beyond_the_limits() {
        let (low, high) = (Argon2Params::FLOOR, Argon2Params::CEILING);
        for params in [
            Argon2Params { memory_kib: low.memory_kib - 1, ..low },
            Argon2Params { memory_kib: high.memory_kib + 1, ..low },
            Argon2Params { memory_kib: u32::MAX, ..low },
            Argon2Params { iterations: low.iterations - 1, ..low },
            Argon2Params { iterations: high.iterations + 1, ..low },
            Argon2Params { lanes: 0, ..low },
            Argon2Params { lanes: high.lanes + 1, ..low },
        ] {
            let mut out = [0xaa; 32];
            assert!(argon2id(b"p", &[0; 16], params, &mut out).is_err());
            assert_eq!(out, [0xaa; 32]);
        }
    }
}
