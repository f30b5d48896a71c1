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
use crate::model::KeySpec;
use crate::secret::Zeroizing;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// P-256, secp256k1 (SEC 2) and SM2 (GM/T 0006).
const CURVES: [ObjectIdentifier; 3] = [
    ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
    ObjectIdentifier::new_unwrap("1.3.132.0.10"),
    ObjectIdentifier::new_unwrap("1.2.156.10197.1.301"),
];

/// The DER of a private key of RSA or of a curve.
pub(super) fn pkcs8(given: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let der = without_pem(given)?;
    let key = read(&der)?;
    if key.algorithm == RSA {
        let bits = modulus_bits(key.numbers);
        if bits.is_some() && !KeySpec::ALL.iter().any(|spec| spec.modulus_bits() == bits) {
            return Err(refused("No key spec is RSA of this length."));
        }
    } else if key.algorithm != EC {
        return Err(refused(
            "This is a key of another algorithm than RSA and those of the curves.",
        ));
    } else if key.curve.is_some_and(|curve| !CURVES.contains(&curve)) {
        return Err(refused("It is on a curve that no key spec has."));
    } else if key.curve.is_some() && scalar_len(key.numbers).is_some_and(|len| len != SCALAR) {
        return Err(refused("Its d has 32 bytes, with its leading zeros (RFC 5915)."));
    }
    if der.len() > MAX_PKCS8 {
        return Err(refused(format!("It has at most {MAX_PKCS8} bytes.")));
    }
    Ok(der)
}

/// Whether it is a private key in this or another form, rather than a symmetric key.
pub(super) fn is_one(given: &[u8]) -> bool {
    without_pem(given).map_or(true, |der| parse(&der).is_some() || form(&der).is_some())
}

/// d of a private key of SM2, which is its 32 bytes or in PKCS #8.
pub(super) fn scalar(given: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let mut pair = Zeroizing::new([0; PAIR_LEN]);
    let read = match given.try_into() {
        Ok(d) => secluded(|| ec::from_scalar(Curve::Sm2, d, rng::fill, &mut pair)),
        Err(_) => {
            let der = without_pem(given)?;
            read(&der)?;
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
    let text = given.trim_ascii();
    if !text.starts_with(b"-----BEGIN") {
        return Ok(Zeroizing::new(given.to_vec()));
    }
    // What `openssl ecparam -genkey` writes: the curve, and behind it the key.
    if text.starts_with(b"-----BEGIN EC PARAMETERS") {
        return Err(other("SEC 1"));
    }
    let mut bytes = Zeroizing::new(vec![0; given.len()]);
    let (label, len) = match der::pem::decode(text, &mut bytes) {
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

/// What a PrivateKeyInfo says of its key.
struct PrivateKey<'a> {
    algorithm: ObjectIdentifier,
    curve: Option<ObjectIdentifier>,
    numbers: &'a [u8],
}

fn read(der: &[u8]) -> Result<PrivateKey<'_>> {
    parse(der).ok_or_else(|| form(der).map_or_else(|| refused(NONE), other))
}

/// A PrivateKeyInfo of version 0, which `openssl` writes and the engine reads.
fn parse(der: &[u8]) -> Option<PrivateKey<'_>> {
    let mut reader = SliceReader::new(der).ok()?;
    let parsed = reader.sequence(|parts| {
        let version = u8::decode(parts)?;
        let AlgorithmIdentifierRef { oid: algorithm, parameters } = Decode::decode(parts)?;
        let curve = parameters.and_then(|parameters| parameters.decode_as().ok());
        let numbers = <&OctetStringRef>::decode(parts)?.as_bytes();
        skip(parts)?;
        Ok::<_, der::Error>((version == 0).then_some(PrivateKey { algorithm, curve, numbers }))
    });
    reader.finish().ok()?;
    parsed.ok()?
}

/// The length of the modulus in an RSAPrivateKey (RFC 8017, A.1.2).
fn modulus_bits(numbers: &[u8]) -> Option<usize> {
    let modulus = pkcs1::RsaPrivateKeyRef::try_from(numbers).ok()?.modulus.as_bytes();
    Some(modulus.len() * 8 - modulus.first()?.leading_zeros() as usize)
}

/// The length of d in an ECPrivateKey (RFC 5915).
fn scalar_len(numbers: &[u8]) -> Option<usize> {
    let mut reader = SliceReader::new(numbers).ok()?;
    let parsed = reader.sequence(|parts| {
        u8::decode(parts)?;
        let d = <&OctetStringRef>::decode(parts)?;
        skip(parts)?;
        Ok::<_, der::Error>(d.as_bytes().len())
    });
    parsed.ok()
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
