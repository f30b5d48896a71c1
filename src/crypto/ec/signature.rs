//! A signature's encoding: SEQUENCE { r INTEGER, s INTEGER } in DER (RFC 3279, 2.2.3; GB/T 35276).

use der::asn1::UintRef;
use der::{Decode, Reader, SliceReader};

use crate::error::{ErrorCode, Result};

/// The most bytes that a signature has: a header, and two integers of 33 bytes with theirs.
pub const SIGNATURE_LEN: usize = 2 + 2 * (2 + 33);

/// Writes r | s to the front of `out` and answers the length.
pub(crate) fn write(signature: &[u8; 64], out: &mut [u8; SIGNATURE_LEN]) -> Result<usize> {
    let mut len = 2;
    let mut push = |byte| {
        out.get_mut(len).map(|place| *place = byte)?;
        len += 1;
        Some(())
    };
    for number in signature.as_chunks::<32>().0 {
        integer(number, &mut push).ok_or(ErrorCode::Internal)?;
    }
    let [tag, body, ..] = out;
    (*tag, *body) = (0x30, (len - 2) as u8);
    Ok(len)
}

/// A positive integer with the fewest bytes whose first bit is no sign.
fn integer(number: &[u8; 32], push: &mut impl FnMut(u8) -> Option<()>) -> Option<()> {
    let zeros = number.iter().take(31).take_while(|byte| **byte == 0).count();
    let digits = number.get(zeros..)?;
    let sign = digits.first().filter(|first| **first >= 0x80).map(|_| 0);
    push(2)?;
    push((digits.len() + sign.iter().len()) as u8)?;
    sign.into_iter().chain(digits.iter().copied()).try_for_each(push)
}

/// r | s, if this is their encoding: no other form of it, nothing after it.
pub(crate) fn read(der: &[u8]) -> Option<[u8; 64]> {
    let mut out = [0; 64];
    let mut reader = SliceReader::new(der).ok()?;
    reader
        .sequence(|numbers| {
            let ([r, s], _) = out.as_chunks_mut::<32>() else { return Ok(None) };
            Ok::<_, der::Error>(
                pad(UintRef::decode(numbers)?, r).zip(pad(UintRef::decode(numbers)?, s)),
            )
        })
        .ok()??;
    reader.finish().ok()?;
    Some(out)
}

/// The number with zeros in front, if it has 32 bytes at most.
pub(crate) fn pad(number: UintRef<'_>, out: &mut [u8; 32]) -> Option<()> {
    let digits = number.as_bytes();
    let start = out.len().checked_sub(digits.len())?;
    out.get_mut(start..)?.copy_from_slice(digits);
    Some(())
}
