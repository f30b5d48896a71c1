//! Which public and private keys are read.
#![forbid(unsafe_code)]

use super::*;

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let head = match len {
        0..128 => vec![tag, len as u8],
        128..256 => vec![tag, 0x81, len as u8],
        _ => vec![tag, 0x82, (len >> 8) as u8, len as u8],
    };
    [head, content.to_vec()].concat()
}

/// INTEGER, of bytes that are written as they are.
fn integer(bytes: &[u8]) -> Vec<u8> {
    tlv(2, bytes)
}

/// INTEGER of a number with its top bit set, or a small one.
fn natural(bytes: &[u8]) -> Vec<u8> {
    if bytes[0] >> 7 == 1 { integer(&[&[0], bytes].concat()) } else { integer(bytes) }
}

const RSA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const RSA_PSS: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
const NULL: &[u8] = &[5, 0];

fn spki(algorithm: &[&[u8]], numbers: &[&[u8]]) -> Vec<u8> {
    let key = [&[0], &tlv(0x30, &numbers.concat())[..]].concat();
    tlv(0x30, &[tlv(0x30, &algorithm.concat()), tlv(3, &key)].concat())
}

fn reads(der: &[u8]) -> bool {
    match RsaPublicKey::from_spki(der) {
        Ok(key) => {
            assert_eq!(key.spki(), der);
            true
        }
        Err(error) => {
            assert_eq!(error, ErrorCode::InvalidKeyMaterial.into());
            false
        }
    }
}

/// An odd number of so many bits.
fn modulus(bits: usize) -> Vec<u8> {
    let mut number = vec![0xa5; bits.div_ceil(8)];
    number[0] = match bits % 8 {
        0 => 0xa5,
        odd => 1 << (odd - 1),
    };
    number
}

#[test]
fn numbers_of_public_keys() {
    let with = |n: &[u8], e: &[u8]| reads(&spki(&[RSA, NULL], &[&natural(n), &natural(e)]));
    let f4: &[u8] = &[1, 0, 1];
    for bits in [2048, 3072, 4096] {
        assert!(with(&modulus(bits), f4));
        let mut even = modulus(bits);
        *even.last_mut().unwrap() = 2;
        assert!(!with(&even, f4));
    }
    for bits in [8, 512, 1024, 1536, 2040, 2047, 2049, 2056, 3071, 3073, 4095, 4097, 8192, 16384] {
        assert!(!with(&modulus(bits), f4), "{bits}");
    }
    let n = modulus(2048);
    for e in [1, 3, 17, 65535, 65536, 65538, 1 << 32, 1 << 33, (1 << 33) + 1, u64::MAX] {
        let bytes = e.to_be_bytes();
        let at = bytes.iter().position(|byte| *byte != 0).unwrap();
        assert!(!with(&n, &bytes[at..]), "{e}");
    }
    for e in [65537, 65539, (1 << 32) + 1, (1 << 33) - 1] {
        let bytes = u64::to_be_bytes(e);
        let at = bytes.iter().position(|byte| *byte != 0).unwrap();
        assert!(with(&n, &bytes[at..]), "{e}");
    }
    assert!(!with(&n, &[0]) && !with(&n, &[1; 9]) && !with(&n, &[1; 256]) && !with(&n, &n));
}

#[test]
fn encodings_of_public_keys() {
    let (n, e) = (natural(&modulus(2048)), natural(&[1, 0, 1]));
    let right = spki(&[RSA, NULL], &[&n, &e]);
    assert!(reads(&right));
    for wrong in [
        spki(&[RSA], &[&n, &e]),
        spki(&[RSA, &[5, 1, 0]], &[&n, &e]),
        spki(&[RSA, &[4, 0]], &[&n, &e]),
        spki(&[RSA, NULL, NULL], &[&n, &e]),
        spki(&[RSA_PSS, NULL], &[&n, &e]),
        spki(&[RSA_PSS], &[&n, &e]),
        spki(&[NULL, RSA], &[&n, &e]),
        spki(&[RSA, NULL], &[&n, &e, NULL]),
        spki(&[RSA, NULL], &[&n]),
        spki(&[RSA, NULL], &[&e, &n]),
        spki(&[RSA, NULL], &[]),
        // The sign and the shortest form of INTEGER.
        spki(&[RSA, NULL], &[&integer(&modulus(2048)), &e]),
        spki(&[RSA, NULL], &[&integer(&[&[0, 0], &modulus(2048)[..]].concat()), &e]),
        spki(&[RSA, NULL], &[&n, &integer(&[0, 1, 0, 1])]),
        spki(&[RSA, NULL], &[&n, &integer(&[])]),
        [&right[..], &[0]].concat(),
    ] {
        assert!(!reads(&wrong), "{}", hex::encode(&wrong));
    }
    for len in 0..right.len() {
        assert!(!reads(&right[..len]));
    }
    // In front of the modulus every bit is as it must be.
    let head = right.len() - n.len() - e.len() + 4;
    for bit in 0..head * 8 {
        let mut damaged = right.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(!reads(&damaged), "{bit}");
    }
    // Lengths in more bytes than they need, and without end (BER).
    let inner = &right[4..];
    let len = inner.len() as u8;
    assert!(!reads(&[&[0x30, 0x83, 0, 1, len], inner].concat()));
    assert!(!reads(&[&[0x30, 0x80], inner, &[0, 0]].concat()));
    // RSAPublicKey of PKCS #1, without what SubjectPublicKeyInfo puts around it.
    assert!(!reads(&tlv(0x30, &[n, e].concat())));
}

#[test]
fn private_keys_have_the_same_numbers() {
    for (bits, exponent, is_taken) in [(2048, 3, false), (1024, 65537, false), (2048, 65537, true)]
    {
        let exponent = BoxedUint::from(exponent as u64);
        let key =
            ::rsa::RsaPrivateKey::new_with_exp(&mut { oracle::SOURCE }, bits, exponent).unwrap();
        let der = key.to_pkcs8_der().unwrap();
        assert!(RsaKey::from_pkcs8(der.as_bytes(), random).is_ok());
        let answer = RsaPrivateKey::from_pkcs8(der.as_bytes(), random).map(drop);
        let refused = Err(ErrorCode::InvalidKeyMaterial.into());
        assert_eq!(answer, if is_taken { Ok(()) } else { refused });
    }
}
