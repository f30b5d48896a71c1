//! SHA-256 and SHA-1 (FIPS 180-4), SM3 (GB/T 32905).
#![forbid(unsafe_code)]

use sm3::{Digest, Sm3};

use super::provider::{self, Sha256};

/// SHA-256.
pub fn sha256(message: &[u8]) -> [u8; 32] {
    provider::sha256(&[message])
}

/// SHA-256 of the parts' concatenation.
pub fn sha256_parts(parts: &[&[u8]]) -> [u8; 32] {
    provider::sha256(parts)
}

/// SHA-1 of the parts' concatenation, for OAEP and for identifiers only: collisions are known.
pub fn sha1_parts(parts: &[&[u8]]) -> [u8; 20] {
    provider::sha1(parts)
}

/// SM3 of the parts' concatenation.
pub fn sm3_parts(parts: &[&[u8]]) -> [u8; 32] {
    parts.iter().fold(Sm3::new(), Digest::chain_update).finalize().into()
}

/// SHA-256 or SM3 of a message that comes in pieces.
#[derive(Clone)]
pub enum Hasher {
    /// SHA-256, by the provider.
    Sha256(Sha256),
    /// SM3.
    Sm3(Sm3),
}

impl Hasher {
    /// SHA-256 of nothing yet.
    pub fn sha256() -> Self {
        Self::Sha256(Sha256::new())
    }

    /// SM3 of nothing yet.
    pub fn sm3() -> Self {
        Self::Sm3(Sm3::new())
    }

    /// Appends a piece.
    pub fn update(&mut self, piece: &[u8]) {
        match self {
            Self::Sha256(state) => state.update(piece),
            Self::Sm3(state) => state.update(piece),
        }
    }

    /// The digest of all pieces.
    pub fn finish(self) -> [u8; 32] {
        match self {
            Self::Sha256(state) => state.finish(),
            Self::Sm3(state) => state.finalize().into(),
        }
    }
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
        hash: String,
        msg: Hex,
        digest: Hex,
    }

    #[test]
    fn cavp() {
        let file = kmsvec::<Case>("sha_short_cavp.json");
        let mut tried = 0;
        for case in file.tests {
            let (whole, parts) =
                match (case.hash.as_str(), case.msg.0.split_at(case.msg.0.len() / 3)) {
                    ("SHA-1", (a, b)) => {
                        (sha1_parts(&[&case.msg.0]).to_vec(), sha1_parts(&[a, b]).to_vec())
                    }
                    ("SHA-256", (a, b)) => {
                        (sha256(&case.msg.0).to_vec(), sha256_parts(&[a, b]).to_vec())
                    }
                    _ => continue,
                };
            assert!(case.src < file.sources.len());
            assert_eq!((&whole, &parts), (&case.digest.0, &case.digest.0), "{}", case.id);
            tried += 1;
        }
        assert_eq!(tried, 33 + 26);
    }
}
