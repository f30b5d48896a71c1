//! Private keys on the curves that others have made. The point is computed here; one that came along
//! must be the same.
#![forbid(unsafe_code)]

use der::asn1::{BitStringRef, OctetStringRef};
use der::{Decode, Reader, TagMode, TagNumber};

use super::{Curve, PAIR_LEN, complete, is_pair, is_private, point_from_sec1};
use crate::crypto::{Random, pkcs8};
use crate::error::{ErrorCode, Result};
use crate::health;
use crate::secret::wipe;

/// The pair in PKCS #8 (RFC 5208, with RFC 5915 inside), tried once. What cannot be read, is on
/// another curve or no pair is [`ErrorCode::InvalidKeyMaterial`], and leaves nothing in `pair`.
pub fn from_pkcs8(
    curve: Curve,
    der: &[u8],
    random: Random,
    pair: &mut [u8; PAIR_LEN],
) -> Result<()> {
    let (d, sec1) = read(curve, der).ok_or(ErrorCode::InvalidKeyMaterial)?;
    let point = sec1.map(|sec1| point_from_sec1(curve, sec1)).transpose()?;
    from_scalar(curve, d, random, pair)?;
    if point.is_some_and(|point| !pair.ends_with(&point)) {
        wipe(pair);
        return Err(ErrorCode::InvalidKeyMaterial.into());
    }
    Ok(())
}

/// The same for a private key that is known by its number alone.
pub fn from_scalar(
    curve: Curve,
    d: &[u8; 32],
    random: Random,
    pair: &mut [u8; PAIR_LEN],
) -> Result<()> {
    if !is_private(curve, d) {
        return Err(ErrorCode::InvalidKeyMaterial.into());
    }
    pair.iter_mut().zip(d).for_each(|(to, from)| *to = *from);
    let made = complete(curve, pair).and_then(|()| health::accepted(is_pair(curve, pair, random)));
    made.inspect_err(|_| wipe(pair))
}

/// d, and the public key if there is one, in ECPrivateKey: version 1, d of 32 bytes, the curve again
/// or not, a point or not.
fn read(curve: Curve, der: &[u8]) -> Option<(&[u8; 32], Option<&[u8]>)> {
    let key = pkcs8::private_key(der, curve.algorithm())?;
    pkcs8::whole(key, |parts| {
        let version = u8::decode(parts)?;
        let d = <&OctetStringRef>::decode(parts)?.as_bytes();
        let is_here = match parts.peek_byte() {
            Some(0xa0) => parts.tlv_bytes()?.get(2..) == Some(curve.name()),
            _ => true,
        };
        // What is asked for by its number below steps over lower ones.
        let is_here = is_here && matches!(parts.peek_byte(), None | Some(0xa1));
        let point = parts.context_specific::<BitStringRef<'_>>(TagNumber(1), TagMode::Explicit)?;
        let point = point.map(|bits| bits.as_bytes().unwrap_or_default());
        let d = d.try_into().ok().filter(|_| version == 1 && is_here);
        Ok(d.map(|d| (d, point)))
    })
}

#[cfg(test)]
mod tests {
    use super::super::{generate, spki};
    use super::*;
    use crate::crypto::drbg::reproducible as random;

    const CURVES: [Curve; 3] = [Curve::P256, Curve::Secp256k1, Curve::Sm2];

    /// An element of DER.
    fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let body = parts.concat();
        let len = match u8::try_from(body.len()).unwrap() {
            len @ 0..128 => vec![len],
            len => vec![0x81, len],
        };
        [&[tag], &len[..], &body].concat()
    }

    fn ec_key(d: &[u8], rest: &[&[u8]]) -> Vec<u8> {
        tlv(0x30, &[&[2, 1, 1], &tlv(4, &[d]), &rest.concat()])
    }

    fn info(algorithm: &[u8], key: &[u8], rest: &[&[u8]]) -> Vec<u8> {
        tlv(0x30, &[&[2, 1, 0], algorithm, &tlv(4, &[key]), &rest.concat()])
    }

    fn public(sec1: &[u8]) -> Vec<u8> {
        tlv(0xa1, &[&tlv(3, &[&[0], sec1])])
    }

    fn opened(curve: Curve, der: &[u8]) -> Option<[u8; PAIR_LEN]> {
        let mut pair = [0; PAIR_LEN];
        match from_pkcs8(curve, der, random, &mut pair) {
            Ok(()) => Some(pair),
            Err(error) => {
                assert_eq!((error.code(), pair), (ErrorCode::InvalidKeyMaterial, [0; PAIR_LEN]));
                None
            }
        }
    }

    #[test]
    fn every_dress_of_one_key() {
        for curve in CURVES {
            let mut pair = [0; PAIR_LEN];
            generate(curve, random, &mut pair).unwrap();
            let (d, point) = pair.split_at(32);
            let sec1 = [&[4], point].concat();
            let compressed = [&[2 + (point[63] & 1)], &point[..32]].concat();
            let name = tlv(0xa0, &[curve.name()]);
            let attributes = tlv(0xa0, &[&tlv(0x30, &[b"any"])]);
            for rest in [
                vec![],
                vec![public(&sec1)],
                vec![public(&compressed)],
                vec![name.clone()],
                vec![name.clone(), public(&sec1)],
            ] {
                let rest: Vec<_> = rest.iter().map(Vec::as_slice).collect();
                let key = ec_key(d, &rest);
                for attributes in [&[][..], &[&attributes[..]]] {
                    let der = info(curve.algorithm(), &key, attributes);
                    assert_eq!(opened(curve, &der), Some(pair));
                }
            }
            let mut again = [0; PAIR_LEN];
            from_scalar(curve, d.try_into().unwrap(), random, &mut again).unwrap();
            assert_eq!(again, pair);
        }
    }

    #[test]
    fn what_is_no_private_key() {
        for (at, curve) in CURVES.into_iter().enumerate() {
            let (mut pair, mut another) = ([0; PAIR_LEN], [0; PAIR_LEN]);
            generate(curve, random, &mut pair).unwrap();
            generate(curve, random, &mut another).unwrap();
            let other = CURVES[(at + 1) % 3];
            let d = &pair[..32];
            let sec1 = [&[4], &pair[32..]].concat();
            let right = info(curve.algorithm(), &ec_key(d, &[&public(&sec1)]), &[]);
            assert!(opened(curve, &right).is_some());
            for key in [
                ec_key(&d[1..], &[]),
                ec_key(&[&[0], d].concat(), &[]),
                ec_key(d, &[&public(&[&[4], &another[32..]].concat())]),
                ec_key(d, &[&public(&sec1[1..])]),
                ec_key(d, &[&public(&[&[6], &sec1[1..]].concat())]),
                ec_key(d, &[&tlv(0xa1, &[&tlv(3, &[&[1], &sec1])])]),
                ec_key(d, &[&tlv(0xa0, &[other.name()])]),
                ec_key(d, &[&public(&sec1), &tlv(0xa0, &[curve.name()])]),
                ec_key(d, &[&tlv(0xa0, &[curve.name()]), &tlv(0xa0, &[other.name()])]),
                ec_key(d, &[&tlv(0x80, &[b"any"]), &public(&sec1)]),
                ec_key(d, &[&[5, 0]]),
                [&ec_key(d, &[])[..], &[0]].concat(),
                tlv(0x30, &[&[2, 1, 0], &tlv(4, &[d])]),
                d.to_vec(),
                vec![],
            ] {
                assert!(opened(curve, &info(curve.algorithm(), &key, &[])).is_none(), "{key:?}");
            }
            let key = ec_key(d, &[]);
            for der in [
                info(other.algorithm(), &key, &[]),
                info(curve.algorithm(), &key, &[&[5, 0]]),
                info(curve.algorithm(), &key, &[&tlv(0x81, &[&[0], &sec1])]),
                tlv(0x30, &[&[2, 1, 1], curve.algorithm(), &tlv(4, &[&key])]),
                [&right[..], &[0]].concat(),
                // A length in two bytes where one would do.
                [&[0x30, 0x82, 0], &right[2..]].concat(),
                spki(curve, pair.last_chunk().unwrap()),
                key,
            ] {
                assert!(opened(curve, &der).is_none(), "{der:?}");
            }
            for len in 0..right.len() {
                assert!(opened(curve, &right[..len]).is_none(), "{len}");
            }
            assert!(opened(other, &right).is_none());
        }
    }

    #[test]
    fn scalars_out_of_range() {
        for curve in CURVES {
            let largest: [u8; 32] = curve.largest().concat().try_into().unwrap();
            let mut one_more = largest;
            one_more[31] += 1;
            let one = std::array::from_fn(|at| u8::from(at == 31));
            for (d, is_taken) in [
                ([0; 32], false),
                (one, true),
                (largest, true),
                (one_more, false),
                ([0xff; 32], false),
            ] {
                let mut pair = [0; PAIR_LEN];
                let answer = from_scalar(curve, &d, random, &mut pair);
                let expected =
                    if is_taken { Ok(()) } else { Err(ErrorCode::InvalidKeyMaterial.into()) };
                assert_eq!(answer, expected, "{curve:?} {d:?}");
                assert_eq!(pair == [0; PAIR_LEN], !is_taken);
                let der = info(curve.algorithm(), &ec_key(&d, &[]), &[]);
                assert_eq!(opened(curve, &der).is_some(), is_taken);
            }
        }
    }
}
