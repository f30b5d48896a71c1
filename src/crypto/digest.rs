//! SHA-256 and SHA-1 (FIPS 180-4).
#![forbid(unsafe_code)]

use super::provider;

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
