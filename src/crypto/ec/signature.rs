//! A signature's encoding: SEQUENCE { r INTEGER, s INTEGER } in DER (RFC 3279, 2.2.3; GB/T 35276).

use der::asn1::UintRef;
use der::{Decode, Encode, Reader, SliceReader};

use crate::error::{ErrorCode, Result};

/// The most bytes that a signature has: a header, and two integers of 33 bytes with theirs.
pub const SIGNATURE_LEN: usize = 2 + 2 * (2 + 33);

/// Writes r | s to the front of `out` and answers the length.
pub(crate) fn write(signature: &[u8; 64], out: &mut [u8; SIGNATURE_LEN]) -> Result<usize> {
    let (r, s) = signature.split_at(32);
    let numbers = UintRef::new(r).and_then(|r| Ok([r, UintRef::new(s)?]));
    let written = numbers.and_then(|numbers| numbers.encode_to_slice(out).map(<[u8]>::len));
    Ok(written.map_err(|_| ErrorCode::Internal)?)
}

/// r | s, if this is their encoding: no other form of it, nothing after it.
pub(crate) fn read(der: &[u8]) -> Option<[u8; 64]> {
    let mut reader = SliceReader::new(der).ok()?;
    let numbers = reader.sequence(|numbers| {
        Ok::<_, der::Error>((UintRef::decode(numbers)?, UintRef::decode(numbers)?))
    });
    let (r, s) = numbers.ok()?;
    reader.finish().ok()?;
    joined(r, s)
}

/// Two numbers in 32 bytes each, if they have no more.
pub(crate) fn joined(first: UintRef<'_>, second: UintRef<'_>) -> Option<[u8; 64]> {
    let mut out = [0; 64];
    for (number, half) in [first, second].into_iter().zip(out.chunks_mut(32)) {
        let digits = number.as_bytes();
        let zeros = half.len().checked_sub(digits.len())?;
        half.get_mut(zeros..)?.copy_from_slice(digits);
    }
    Some(out)
}
