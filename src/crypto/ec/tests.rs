use std::sync::atomic::{AtomicU8, Ordering};

use k256::elliptic_curve::ff::PrimeField;
use p256::NistP256;

use super::*;
use crate::crypto::drbg::reproducible as random;

const CURVES: [Curve; 3] = [Curve::P256, Curve::Secp256k1, Curve::Sm2];

fn fresh(curve: Curve) -> [u8; PAIR_LEN] {
    let mut pair = [0; PAIR_LEN];
    generate(curve, random, &mut pair).unwrap();
    pair
}

#[test]
fn generated() {
    for curve in CURVES {
        let pair = fresh(curve);
        assert_ne!(pair, fresh(curve));
        assert!(is_pair(curve, &pair, random).unwrap());
        let mut other = pair;
        other[..32].copy_from_slice(&fresh(curve)[..32]);
        assert!(!is_pair(curve, &other, random).unwrap(), "{curve:?}");
    }
}

#[test]
fn private_keys() {
    for curve in CURVES {
        let largest: [u8; 32] = curve.largest().as_flattened().try_into().unwrap();
        let mut too_large = largest;
        too_large[31] += 1;
        let mut small = [0; 32];
        assert!(!is_private(curve, &small) && !is_private(curve, &[0xff; 32]));
        small[31] = 1;
        assert!(is_private(curve, &small) && is_private(curve, &largest));
        assert!(!is_private(curve, &too_large));
        // The crates' orders: n - 1 is the last number that is read.
        if curve == Curve::Sm2 {
            assert!(sm2::point_of(&too_large).is_ok());
            too_large[31] += 1;
        }
        assert!(match curve {
            Curve::P256 =>
                P256Private::new(&largest).is_ok() && P256Private::new(&too_large).is_err(),
            Curve::Secp256k1 => group::secret::<Secp256k1>(&too_large).is_err(),
            Curve::Sm2 => sm2::point_of(&too_large).is_err(),
        });
    }
}

/// A draw out of range is thrown away; a generator that gives nothing else is no generator.
#[test]
fn drawn() {
    fn second(out: &mut [u8]) -> Result<()> {
        static DRAWN: AtomicU8 = AtomicU8::new(0);
        out.fill(if DRAWN.fetch_add(1, Ordering::Relaxed) == 0 { 0xff } else { 7 });
        Ok(())
    }
    let mut d = [0; 32];
    draw(Curve::Sm2, second, &mut d).unwrap();
    assert_eq!(d, [7; 32]);
    for stuck in [0, 0xff] {
        let random: Random =
            if stuck == 0 { |out| Ok(out.fill(0)) } else { |out| Ok(out.fill(0xff)) };
        for curve in CURVES {
            let mut pair = [1; PAIR_LEN];
            assert_eq!(generate(curve, random, &mut pair).unwrap_err(), ErrorCode::Internal.into());
            assert_eq!(pair, [0; PAIR_LEN]);
        }
    }
}

#[test]
fn written_and_read() {
    for curve in CURVES {
        for _ in 0..8 {
            let pair = fresh(curve);
            let point = pair.last_chunk::<64>().unwrap();
            let der = spki(curve, point);
            assert_eq!(point_from_spki(curve, &der).unwrap(), *point);
            let read = |form, bytes: &[u8]| {
                let head = spki_head(curve, bytes.len() as u8 + 1);
                point_from_spki(curve, &[&*head, &[form], bytes].concat())
            };
            let parity = point[63] & 1;
            assert_eq!(read(2 + parity, &point[..32]).unwrap(), *point);
            let other = read(3 - parity, &point[..32]).unwrap();
            assert_eq!((&other[..32], other[63] & 1), (&point[..32], 1 - parity));
            // SEC 1 has more forms; and points are in none of these.
            for form in [0, 1, 5, 6, 7] {
                assert!(read(form, point).is_err() && read(form, &point[..32]).is_err());
            }
            for form in [2, 3, 4] {
                assert!(read(form, &[0xff; 32]).is_err() && read(form, &[0xff; 64]).is_err());
                assert!(read(form, &[]).is_err() && read(form, &point[..31]).is_err());
            }
            assert!(read(4, &[0; 64]).is_err() && read(4, &point[..32]).is_err());
            assert!(read(0, &[]).is_err());
        }
    }
}

/// A coordinate that is larger by p is the same number, and another encoding: refused.
#[test]
fn coordinates_out_of_range() {
    for (curve, p) in [
        (Curve::P256, "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"),
        (Curve::Secp256k1, "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f"),
        (Curve::Sm2, "fffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff"),
    ] {
        let read = |form, bytes: &[u8]| {
            let head = spki_head(curve, bytes.len() as u8 + 1);
            point_from_spki(curve, &[&*head, &[form], bytes].concat())
        };
        let (mut x, mut larger) = ([0; 32], hex::decode(p).unwrap());
        assert!(read(2, &larger).is_err() && read(3, &larger).is_err());
        let point = loop {
            x[31] += 1;
            increment(&mut larger);
            if let Ok(point) = read(2, &x) {
                break point;
            }
        };
        assert!(read(4, &point).is_ok());
        assert!(read(2, &larger).is_err());
        assert!(read(4, &[&*larger, &point[32..]].concat()).is_err());
        let large: [u8; 64] = [&*larger, &point[32..]].concat().try_into().unwrap();
        assert!(match curve {
            Curve::Sm2 => Sm2PublicKey::new(&large).is_err(),
            _ => EcdsaPublicKey::new(curve, &large).is_err(),
        });
    }
}

fn increment(number: &mut [u8]) {
    for digit in number.iter_mut().rev() {
        *digit = digit.wrapping_add(1);
        if *digit != 0 {
            break;
        }
    }
}

#[test]
fn encodings_that_are_none() {
    for curve in CURVES {
        let pair = fresh(curve);
        let der = spki(curve, pair.last_chunk().unwrap());
        for other in CURVES {
            assert_eq!(point_from_spki(other, &der).is_ok(), other == curve);
        }
        for len in 0..der.len() {
            assert!(point_from_spki(curve, &der[..len]).is_err());
        }
        assert!(point_from_spki(curve, &[&*der, &[0]].concat()).is_err());
        for at in 0..der.len() {
            let mut wrong = der.clone();
            wrong[at] ^= 1;
            let error = point_from_spki(curve, &wrong).unwrap_err();
            assert_eq!(error, ErrorCode::InvalidKeyMaterial.into(), "{at}");
        }
    }
}

#[test]
fn signatures() {
    let numbers = [1, 0x7f, 0x80, 0xff].into_iter().flat_map(|first| {
        (0..32).map(move |zeros| std::array::from_fn(|at| if at < zeros { 0 } else { first }))
    });
    let numbers: Vec<[u8; 32]> = numbers.chain([[0; 32]]).collect();
    for (r, s) in numbers.iter().zip(numbers.iter().rev()) {
        let raw = [*r, *s].concat().try_into().unwrap();
        let mut out = [0xaa; SIGNATURE_LEN];
        let len = signature::write(&raw, &mut out).unwrap();
        assert_eq!(signature::read(&out[..len]).unwrap(), raw);
        assert!(signature::read(&out[..len - 1]).is_none());
        assert!(len == out.len() || signature::read(&out[..=len]).is_none());
    }
    let integer = |digits: &[u8]| [&[2, digits.len() as u8], digits].concat();
    let sequence = |body: &[u8]| [&[0x30, body.len() as u8], body].concat();
    let (one, long) = (integer(&[1]), integer(&[1; 33]));
    assert!(signature::read(&sequence(&[one.clone(), one.clone()].concat())).is_some());
    for wrong in [integer(&[0, 1]), integer(&[0x80]), integer(&[]), long, vec![4, 1, 1], vec![]] {
        assert!(signature::read(&sequence(&[wrong.clone(), one.clone()].concat())).is_none());
        assert!(signature::read(&sequence(&[one.clone(), wrong].concat())).is_none());
    }
}

/// RFC 6979, A.2.5: P-256 with SHA-256, "sample" and "test".
#[test]
fn rfc_6979() {
    let d = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
    for (message, k) in [
        ("sample", "a6e3c57dd01abe90086538398355dd4c3b17aa873382b0f24d6129493d8aad60"),
        ("test", "d16b6ae827f17175e040871a1c7ec3500192c4c92677336ec2537acaee0008e0"),
    ] {
        let d = group::secret::<NistP256>(&hex::decode(d).unwrap().try_into().unwrap()).unwrap();
        let e = crate::crypto::digest::sha256(message.as_bytes());
        let (d, e) = (d.to_repr().into(), group::reduced::<NistP256>(&e.into()).to_repr().into());
        let next = nonce::Nonces::with(&d, &e, &[]).next(group::nonzero::<NistP256>);
        assert_eq!(hex::encode(p256::FieldBytes::from(*next)), k);
        let mut fresh = nonce::Nonces::new(&d, &e, random).unwrap();
        let fresh = fresh.next(group::nonzero::<NistP256>);
        assert_ne!(*fresh, *next);
    }
}
