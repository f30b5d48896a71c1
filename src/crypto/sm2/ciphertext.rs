//! The two encodings of an SM2 ciphertext.

use der::asn1::{Any, OctetStringRef, UintRef};
use der::{Decode, Encode, Reader, SliceReader, Tag};

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

    /// Writes it in DER.
    pub fn to_der(&self) -> Result<Vec<u8>> {
        let (x, y) = self.point.split_at(32);
        let write = || {
            let (x, y) =
                (Any::encode_from(&UintRef::new(x)?)?, Any::encode_from(&UintRef::new(y)?)?);
            let string = |bytes: &[u8]| Any::new(Tag::OctetString, bytes);
            [x, y, string(self.digest)?, string(self.masked)?].to_der()
        };
        Ok(write().map_err(|_: der::Error| ErrorCode::Internal)?)
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
