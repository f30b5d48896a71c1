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

    /// The digest of the whole, of parts, and of pieces.
    fn check(case: &Case, whole: &[u8], parts: &[u8], hasher: Option<Hasher>) {
        assert_eq!((whole, parts), (&*case.digest.0, &*case.digest.0), "{}", case.id);
        if let Some(mut hasher) = hasher {
            case.msg.0.chunks(7).for_each(|piece| hasher.update(piece));
            assert_eq!(hasher.finish().as_slice(), case.digest.0, "{}", case.id);
        }
    }

    #[test]
    fn cavp() {
        let file = kmsvec::<Case>("sha_short_cavp.json");
        let mut tried = 0;
        for case in file.tests {
            let (message, (a, b)) = (&*case.msg.0, case.msg.0.split_at(case.msg.0.len() / 3));
            match case.hash.as_str() {
                "SHA-1" => check(&case, &sha1_parts(&[message]), &sha1_parts(&[a, b]), None),
                "SHA-256" => {
                    let hasher = Some(Hasher::sha256());
                    check(&case, &sha256(message), &sha256_parts(&[a, b]), hasher);
                }
                _ => continue,
            }
            assert!(case.src < file.sources.len());
            tried += 1;
        }
        assert_eq!(tried, 33 + 26);
    }

    #[test]
    fn sm3_vectors() {
        let file = kmsvec::<Case>("sm3.json");
        for case in file.tests {
            let (message, (a, b)) = (&*case.msg.0, case.msg.0.split_at(case.msg.0.len() / 3));
            assert!(case.src < file.sources.len() && case.hash == "SM3");
            let hasher = Some(Hasher::sm3());
            check(&case, &sm3_parts(&[message]), &sm3_parts(&[a, &[], b]), hasher);
        }
    }
}
