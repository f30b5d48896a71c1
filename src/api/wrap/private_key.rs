//! What the owner of a private key gives: PKCS #8 (RFC 5208, RFC 5958), in DER or PEM (RFC 7468).
//! Other forms are told apart, since `openssl` writes all of them.
#![forbid(unsafe_code)]

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Reader, SliceReader, Tag, Tagged};
use spki::AlgorithmIdentifierRef;

use super::SCALAR;
use crate::crypto::rsa::MAX_PKCS8;
use crate::error::{Error, Result};
use crate::secret::Zeroizing;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SM2_CURVE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.301");

/// The DER of a private key of RSA or of a curve.
pub(super) fn pkcs8(given: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let der = without_pem(given)?;
    let (algorithm, _) = parts(&der)?;
    if algorithm.oid != RSA && algorithm.oid != EC {
        return Err(refused(
            "This is a key of another algorithm than RSA and those of the curves.",
        ));
    }
    if der.len() > MAX_PKCS8 {
        return Err(refused(format!("It has at most {MAX_PKCS8} bytes.")));
    }
    Ok(der)
}

/// The 32 bytes of d of a private key of SM2.
pub(super) fn scalar(given: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let der = without_pem(given)?;
    let (algorithm, key) = parts(&der)?;
    let curve = algorithm.parameters.and_then(|named| named.decode_as().ok());
    if algorithm.oid != EC || curve != Some(SM2_CURVE) {
        return Err(refused("For SM2PKE_SM4_ECB it is a key of SM2."));
    }
    let scalar = of_curve(key).filter(|scalar| scalar.len() == SCALAR);
    scalar.map(|scalar| Zeroizing::new(scalar.to_vec())).ok_or_else(|| refused(NONE))
}

const NONE: &str = "This is none.";

/// The bytes inside of PEM, or those that were given.
fn without_pem(given: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    if !given.trim_ascii_start().starts_with(b"-----BEGIN") {
        return Ok(Zeroizing::new(given.to_vec()));
    }
    let mut bytes = Zeroizing::new(vec![0; given.len()]);
    let (label, len) = match der::pem::decode(given, &mut bytes) {
        Ok((label, der)) => (label, der.len()),
        Err(_) => return Err(refused("This is not the PEM of one (RFC 7468).")),
    };
    match label {
        "PRIVATE KEY" => {}
        "ENCRYPTED PRIVATE KEY" => return Err(other("PKCS #8 under a passphrase")),
        "RSA PRIVATE KEY" => return Err(other("PKCS #1")),
        "EC PRIVATE KEY" => return Err(other("SEC 1")),
        _ => return Err(refused(NONE)),
    }
    bytes.truncate(len);
    Ok(bytes)
}

/// The algorithm and the key inside of PrivateKeyInfo.
fn parts(der: &[u8]) -> Result<(AlgorithmIdentifierRef<'_>, &[u8])> {
    let parsed = SliceReader::new(der).and_then(|mut reader| {
        let parts = reader.sequence(|parts| {
            u8::decode(parts)?;
            let algorithm = AlgorithmIdentifierRef::decode(parts)?;
            let key = <&OctetStringRef>::decode(parts)?.as_bytes();
            skip(parts)?;
            Ok::<_, der::Error>((algorithm, key))
        })?;
        reader.finish()?;
        Ok(parts)
    });
    parsed.map_err(|_| form(der).map_or_else(|| refused(NONE), other))
}

/// d in ECPrivateKey (RFC 5915), with or without what may follow it.
fn of_curve(key: &[u8]) -> Option<&[u8]> {
    let mut reader = SliceReader::new(key).ok()?;
    let scalar = reader.sequence(|parts| {
        u8::decode(parts)?;
        let scalar = <&OctetStringRef>::decode(parts)?.as_bytes();
        skip(parts)?;
        Ok::<_, der::Error>(scalar)
    });
    reader.finish().ok()?;
    scalar.ok()
}

/// Steps over what is left: attributes, parameters, a public key.
fn skip<'a>(parts: &mut impl Reader<'a>) -> Result<(), der::Error> {
    while !parts.is_finished() {
        AnyRef::decode(parts)?;
    }
    Ok(())
}

/// Which other form of a private key begins like this.
fn form(der: &[u8]) -> Option<&'static str> {
    let mut reader = SliceReader::new(der).ok()?;
    let tags = reader.sequence(|parts| {
        let first = AnyRef::decode(parts)?;
        let second = AnyRef::decode(parts)?;
        skip(parts)?;
        Ok::<_, der::Error>((first.tag(), second.tag()))
    });
    match tags.ok()? {
        (Tag::Integer, Tag::Integer) => Some("PKCS #1"),
        (Tag::Integer, Tag::OctetString) => Some("SEC 1"),
        (Tag::Sequence, Tag::OctetString) => Some("PKCS #8 under a passphrase"),
        _ => None,
    }
}

fn other(form: &str) -> Error {
    refused(format!("This is {form}: openssl pkcs8 -topk8 -nocrypt makes PKCS #8 of it."))
}

fn refused(detail: impl std::fmt::Display) -> Error {
    let detail = format!("It must be a private key in PKCS #8, DER or PEM. {detail}");
    Error::invalid("KeyMaterial", detail)
}
