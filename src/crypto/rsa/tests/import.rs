//! Private keys from outside.
#![forbid(unsafe_code)]

use ::rsa::pkcs8::DecodePrivateKey;
use ::rsa::traits::{PrivateKeyParts, PublicKeyParts};
use der::{Decode, Encode};

use super::*;

/// Where the RSAPrivateKey begins in PKCS #8 of these lengths.
const HEAD: usize = 26;

fn import(bits: usize, der: &[u8]) -> bool {
    match RsaPrivateKey::import(bits, der, random) {
        Ok(key) => key.modulus_len() * 8 == bits,
        Err(error) => {
            assert_eq!(error.code(), ErrorCode::InvalidKeyMaterial);
            false
        }
    }
}

/// An element of DER.
fn element(tag: u8, body: &[u8]) -> Vec<u8> {
    let head = match body.len() {
        len @ 0..128 => vec![tag, len as u8],
        len @ 128..256 => vec![tag, 0x81, len as u8],
        len => vec![tag, 0x82, (len >> 8) as u8, len as u8],
    };
    [&head[..], body].concat()
}

/// PrivateKeyInfo with the algorithm of RSA, and with something behind the key.
fn info(version: u8, key: &[u8], rest: &[u8]) -> Vec<u8> {
    let algorithm = hex::decode("300d06092a864886f70d0101010500").unwrap();
    element(0x30, &[&[2, 1, version], &algorithm[..], &element(4, key), rest].concat())
}

#[test]
fn of_the_length_that_is_asked_for() {
    for (bits, key) in BITS.into_iter().zip(fresh()) {
        let der = pkcs8(key);
        for asked in BITS {
            assert_eq!(import(asked, &der), asked == bits);
        }
    }
}

#[test]
fn in_strict_der() {
    let der = pkcs8(&fresh()[0]);
    let key = &der[HEAD..];
    assert_eq!(info(0, key, &[]), der);
    // An attribute does not matter: [0] SET.
    let dressed = RsaPrivateKey::import(2048, &info(0, key, b"\xa0\x02\x30\x00"), random).unwrap();
    assert_eq!(pkcs8(&dressed), der);
    for wrong in [
        [&der[..], &[0]].concat(),
        der[..der.len() - 1].to_vec(),
        info(1, key, &[]),
        info(0, key, &[5, 0]),
        info(0, &[key, &[0]].concat(), &[]),
        info(0, &key[..key.len() - 1], &[]),
        key.to_vec(),
        fresh()[0].public_spki().unwrap(),
        vec![],
    ] {
        assert!(!import(2048, &wrong));
    }
}

#[test]
fn every_number_counts() {
    let der = pkcs8(&fresh()[0]);
    let numbers = ::pkcs1::RsaPrivateKeyRef::from_der(&der[HEAD..]).unwrap();
    let numbers = [
        numbers.modulus,
        numbers.public_exponent,
        numbers.private_exponent,
        numbers.prime1,
        numbers.prime2,
        numbers.exponent1,
        numbers.exponent2,
        numbers.coefficient,
    ]
    .map(|number| number.as_bytes().to_vec());
    let with = |at: usize, number: Vec<u8>| {
        let mut changed = numbers.clone();
        changed[at] = number;
        let integers = changed.iter().flat_map(|digits| {
            let digits =
                if digits[0] < 0x80 { digits.clone() } else { [&[0], &digits[..]].concat() };
            element(2, &digits)
        });
        info(0, &element(0x30, &[vec![2, 1, 0], integers.collect()].concat()), &[])
    };
    for (at, number) in numbers.iter().enumerate() {
        assert_eq!(with(at, number.clone()), der);
        let len = number.len();
        let mut wrong = vec![vec![0], vec![1], vec![2], vec![3]];
        wrong.extend([0x80, 0xff].map(|first| [&[first], &vec![0; len - 1][..]].concat()));
        wrong.extend([vec![0xff; len], number[..len / 2].to_vec(), [&[1], &number[..]].concat()]);
        for mask in [1, 2] {
            let mut changed = number.clone();
            changed[len - 1] ^= mask;
            wrong.push(changed);
        }
        for wrong in wrong {
            assert!(!import(2048, &with(at, wrong.clone())), "{at} {wrong:?}");
        }
    }
}

/// Keys of the crate, each with numbers of other lengths. `KMSHSM_CASES` is how many.
#[test]
fn whatever_the_numbers() {
    let cases = std::env::var("KMSHSM_CASES").map_or(100, |text| text.parse().unwrap());
    let key = ::rsa::RsaPrivateKey::from_pkcs8_der(&pkcs8(&fresh()[0])).unwrap();
    let mut exponents = (0u64..).map(|at| 65537 + 2 * at);
    let mut tried = 0;
    while tried < cases {
        let e = exponents.next().unwrap();
        let primes = key.primes().iter().map(|prime| prime.as_ref().clone()).collect();
        // Some exponents have a divisor of a prime less one.
        let Ok(made) = ::rsa::RsaPrivateKey::from_primes(primes, e.into()) else { continue };
        let der = made.to_pkcs8_der().unwrap();
        let imported = RsaPrivateKey::import(2048, der.as_bytes(), random)
            .unwrap_or_else(|error| panic!("{error:?}: {}", hex::encode(der.as_bytes())));
        assert_eq!(pkcs8(&imported), der.as_bytes());
        tried += 1;
    }
}

/// Others write the larger prime last, or choose another d that does the same.
#[test]
fn written_by_others() {
    let key = ::rsa::RsaPrivateKey::from_pkcs8_der(&pkcs8(&fresh()[0])).unwrap();
    let [p, q] = key.primes() else { panic!() };
    let swapped = ::rsa::RsaPrivateKey::from_components(
        key.n().as_ref().clone(),
        key.e().clone(),
        key.d().clone(),
        vec![q.as_ref().clone(), p.as_ref().clone()],
    );
    let der = swapped.unwrap().to_pkcs8_der().unwrap();
    assert!(import(2048, der.as_bytes()));
}

/// A private exponent that is a byte shorter than the modulus, as of one key in some hundred, and begins
/// with a higher byte (made with OpenSSL).
#[test]
fn an_exponent_shorter_than_the_modulus() {
    let der = include_bytes!("short_exponent.der");
    let key = ::pkcs1::RsaPrivateKeyRef::from_der(&der[HEAD..]).unwrap();
    let (d, n) = (key.private_exponent.as_bytes(), key.modulus.as_bytes());
    assert!(d.len() < n.len() && d[0] > n[0]);
    let imported = RsaPrivateKey::import(2048, der, random).unwrap();
    assert_eq!(pkcs8(&imported), der);
}

/// d and the order more do the same, but d is below n (RFC 8017, 3.2).
#[test]
fn exponents_beyond_the_modulus() {
    for (bits, key) in BITS.into_iter().zip(fresh()) {
        let der = pkcs8(key);
        let key = ::pkcs1::RsaPrivateKeyRef::from_der(&der[HEAD..]).unwrap();
        let from_the_end = |number: ::pkcs1::UintRef<'_>, at: usize| {
            let digits = number.as_bytes();
            digits.len().checked_sub(at).map_or(0, |at| i32::from(digits[at]))
        };
        // d + (p - 1)(q - 1) = d + n - p - q + 1
        let (mut sum, mut carry) = (Vec::new(), 1);
        for at in 1..=bits / 8 + 1 {
            carry += from_the_end(key.private_exponent, at) + from_the_end(key.modulus, at);
            carry -= from_the_end(key.prime1, at) + from_the_end(key.prime2, at);
            sum.insert(0, carry as u8);
            carry >>= 8;
        }
        let private_exponent = ::pkcs1::UintRef::new(&sum).unwrap();
        let longer = ::pkcs1::RsaPrivateKeyRef { private_exponent, ..key };
        assert!(!import(bits, &info(0, &longer.to_der().unwrap(), &[])));
    }
}
