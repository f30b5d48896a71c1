//! What the owner of a private key gives: PKCS #8 (RFC 5208), in DER or PEM (RFC 7468).
//! Other forms are told apart, since `openssl` writes all of them.
#![forbid(unsafe_code)]

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Reader, SliceReader, Tag, Tagged};
use spki::AlgorithmIdentifierRef;

use super::SCALAR;
use crate::crypto::ec::{self, Curve, PAIR_LEN};
use crate::crypto::rsa::MAX_PKCS8;
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::arena::secluded;
use crate::hsm::rng;
use crate::secret::Zeroizing;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// The DER of a private key of RSA or of a curve.
pub(super) fn pkcs8(given: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let der = without_pem(given)?;
    let algorithm = algorithm_of(&der)?;
    if algorithm != RSA && algorithm != EC {
        return Err(refused(
            "This is a key of another algorithm than RSA and those of the curves.",
        ));
    }
    if der.len() > MAX_PKCS8 {
        return Err(refused(format!("It has at most {MAX_PKCS8} bytes.")));
    }
    Ok(der)
}

/// d of a private key of SM2, which is its 32 bytes or in PKCS #8.
pub(super) fn scalar(given: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let mut pair = Zeroizing::new([0; PAIR_LEN]);
    let read = match given.try_into() {
        Ok(d) => secluded(|| ec::from_scalar(Curve::Sm2, d, rng::fill, &mut pair)),
        Err(_) => {
            let der = without_pem(given)?;
            algorithm_of(&der)?;
            secluded(|| ec::from_pkcs8(Curve::Sm2, &der, rng::fill, &mut pair))
        }
    };
    read.map_err(|error| match error.code() {
        ErrorCode::InvalidKeyMaterial => {
            refused("This is no key of SM2, nor the 32 bytes of its d.")
        }
        _ => error,
    })?;
    let d = pair.first_chunk::<SCALAR>().ok_or(ErrorCode::Internal)?;
    Ok(Zeroizing::new(d.to_vec()))
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
        "ENCRYPTED PRIVATE KEY" => return Err(other("under a passphrase")),
        "RSA PRIVATE KEY" => return Err(other("PKCS #1")),
        "EC PRIVATE KEY" => return Err(other("SEC 1")),
        _ => return Err(refused(NONE)),
    }
    bytes.truncate(len);
    Ok(bytes)
}

/// The algorithm in a PrivateKeyInfo of version 0, which `openssl` writes and the engine reads.
fn algorithm_of(der: &[u8]) -> Result<ObjectIdentifier> {
    let parsed = SliceReader::new(der).and_then(|mut reader| {
        let algorithm = reader.sequence(|parts| {
            let version = u8::decode(parts)?;
            let algorithm = AlgorithmIdentifierRef::decode(parts)?.oid;
            <&OctetStringRef>::decode(parts)?;
            skip(parts)?;
            Ok::<_, der::Error>((version == 0).then_some(algorithm))
        })?;
        reader.finish()?;
        Ok(algorithm)
    });
    let algorithm = parsed.ok().flatten();
    algorithm.ok_or_else(|| form(der).map_or_else(|| refused(NONE), other))
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
        (Tag::Sequence, Tag::OctetString) => Some("under a passphrase"),
        _ => None,
    }
}

fn other(form: &str) -> Error {
    refused(format!("This is {form}: openssl pkey makes PKCS #8 of it."))
}

fn refused(detail: impl std::fmt::Display) -> Error {
    let detail = format!("It must be a private key in PKCS #8, DER or PEM. {detail}");
    Error::invalid("KeyMaterial", detail)
}
