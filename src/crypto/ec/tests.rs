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
fn written_and_read() {
    for curve in CURVES {
        let pair = fresh(curve);
        let point = pair.last_chunk::<64>().unwrap();
        let der = spki(curve, point);
        assert_eq!(point_from_spki(curve, &der).unwrap(), *point);
        let mut compressed = spki_head(curve, 33);
        compressed.push(2 + (point[63] & 1));
        compressed.extend_from_slice(&point[..32]);
        assert_eq!(point_from_spki(curve, &compressed).unwrap(), *point);
    }
}
