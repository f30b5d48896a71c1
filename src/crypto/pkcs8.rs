//! Private keys that others have made, as far as all algorithms write them alike: PrivateKeyInfo of
//! PKCS #8 (RFC 5208), in DER.
#![forbid(unsafe_code)]

use der::asn1::{OctetStringRef, SequenceRef};
use der::{Decode, Error, Reader, SliceReader, TagMode, TagNumber};

/// What is in the privateKey of a PrivateKeyInfo of version 0 with just this AlgorithmIdentifier in
/// DER. Attributes, which say nothing about the key, may follow; nothing else may.
pub(super) fn private_key<'a>(der: &'a [u8], algorithm: &[u8]) -> Option<&'a [u8]> {
    whole(der, |parts| {
        let (version, found) = (u8::decode(parts)?, parts.tlv_bytes()?);
        let key = <&OctetStringRef>::decode(parts)?.as_bytes();
        parts.context_specific::<&SequenceRef>(TagNumber(0), TagMode::Implicit)?;
        Ok((version == 0 && found == algorithm).then_some(key))
    })
}

/// What `read` makes of a SEQUENCE, if that is all there is and `read` leaves nothing of it.
pub(super) fn whole<'a, T>(
    der: &'a [u8],
    read: impl FnOnce(&mut SliceReader<'a>) -> Result<Option<T>, Error>,
) -> Option<T> {
    let mut reader = SliceReader::new(der).ok()?;
    let read = reader.sequence(read).ok()?;
    reader.finish().ok()?;
    read
}
