//! The numbers of an RSA key in PKCS #8 (RFC 5208, with RFC 8017, A.1.2 inside), as imports read them.
#![forbid(unsafe_code)]

use der::asn1::UintRef;
use der::{Encode, Header, Length, SliceWriter, Tag, Writer};

/// version 0, and rsaEncryption with NULL.
const HEAD: &[u8] = b"\x02\x01\x00\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

/// Writes n, e, d, p, q, dp, dq and qinv, big-endian, to the front of `out`; answers the length.
pub(super) fn pkcs8(numbers: &[&[u8]; 8], out: &mut [u8]) -> der::Result<usize> {
    let [n, e, d, p, q, dp, dq, qinv] = numbers.map(UintRef::new);
    let numbers = [n?, e?, d?, p?, q?, dp?, dq?, qinv?];
    let version = 0u8;
    let mut key_len = version.encoded_len()?;
    for number in &numbers {
        key_len = (key_len + number.encoded_len()?)?;
    }
    let key = Header::new(Tag::Sequence, key_len);
    let octets_len = (key.encoded_len()? + key_len)?;
    let octets = Header::new(Tag::OctetString, octets_len);
    let head_len = Length::try_from(HEAD.len())?;
    let len = ((head_len + octets.encoded_len()?)? + octets_len)?;
    let mut writer = SliceWriter::new(out);
    Header::new(Tag::Sequence, len).encode(&mut writer)?;
    writer.write(HEAD)?;
    octets.encode(&mut writer)?;
    key.encode(&mut writer)?;
    version.encode(&mut writer)?;
    numbers.iter().try_for_each(|number| number.encode(&mut writer))?;
    Ok(writer.finish()?.len())
}
