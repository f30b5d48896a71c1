//! The two encodings of an SM2 ciphertext.

use der::asn1::{OctetStringRef, UintRef};
use der::{Decode, Reader, SliceReader};

use crate::crypto::ec::signature::joined;
use crate::error::{ErrorCode, Result};

/// A ciphertext: the point C1, the digest C3, and C2, as long as the message.
pub struct Sm2Ciphertext<'a> {
    pub(super) point: [u8; 64],
    pub(super) digest: &'a [u8; 32],
    pub(super) masked: &'a [u8],
}

impl<'a> Sm2Ciphertext<'a> {
    /// Takes it apart: `04 | x | y | C3 | C2` (GB/T 32918.4), or in DER SEQUENCE { x INTEGER,
    /// y INTEGER, C3 OCTET STRING, C2 OCTET STRING } (GM/T 0009). Everything else is
    /// [`ErrorCode::InvalidCiphertext`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let parsed = match bytes.split_first() {
            Some((4, rest)) => Self::raw(rest),
            Some((0x30, _)) => Self::der(bytes),
            _ => None,
        };
        let parsed = parsed.filter(|parsed| !parsed.masked.is_empty());
        Ok(parsed.ok_or(ErrorCode::InvalidCiphertext)?)
    }

    /// The length of the message inside.
    pub const fn plaintext_len(&self) -> usize {
        self.masked.len()
    }

    fn raw(bytes: &'a [u8]) -> Option<Self> {
        let (point, rest) = bytes.split_first_chunk()?;
        let (digest, masked) = rest.split_first_chunk()?;
        Some(Self { point: *point, digest, masked })
    }

    fn der(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = SliceReader::new(bytes).ok()?;
        let parsed = reader
            .sequence(|parts| {
                let (x, y) = (UintRef::decode(parts)?, UintRef::decode(parts)?);
                let digest = <&OctetStringRef>::decode(parts)?.as_bytes();
                let masked = <&OctetStringRef>::decode(parts)?.as_bytes();
                Ok::<_, der::Error>((x, y, digest, masked))
            })
            .ok();
        let (x, y, digest, masked) = parsed?;
        reader.finish().ok()?;
        Some(Self { point: joined(x, y)?, digest: digest.try_into().ok()?, masked })
    }
}
