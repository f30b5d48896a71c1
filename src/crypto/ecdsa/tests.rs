use serde::Deserialize;
use sha2::{Digest, Sha224, Sha384, Sha512};

use super::*;
use crate::crypto::digest::{sha1_parts, sha256};
use crate::crypto::drbg::reproducible as random;
use crate::crypto::provider::rustcrypto::{P256Private as PurePrivate, P256Public as PurePublic};
use crate::crypto::vectors::{Group as Cases, Hex, Verdict, kmsvec, wycheproof};

/// The first 256 bits of the message's digest, shorter ones with zeros in front: the same number.
fn digest(hash: &str, message: &[u8]) -> [u8; 32] {
    let digest = match hash {
        "SHA-1" => sha1_parts(&[message]).to_vec(),
        "SHA-224" => Sha224::digest(message).to_vec(),
        "SHA-256" => sha256(message).to_vec(),
        "SHA-384" => Sha384::digest(message).to_vec(),
        "SHA-512" => Sha512::digest(message).to_vec(),
        other => panic!("{other}"),
    };
    let digest = &digest[..digest.len().min(32)];
    let mut out = [0; 32];
    out[32 - digest.len()..].copy_from_slice(digest);
    out
}

/// Whether r | s is the signature: over P-256 by both providers.
fn verify(curve: Curve, point: &[u8; 64], digest: &[u8; 32], signature: &[u8]) -> bool {
    let Ok(signature) = <&[u8; 64]>::try_from(signature) else { return false };
    let answer = EcdsaPublicKey::new(curve, point).unwrap().verify_raw(digest, signature);
    if curve == Curve::P256 {
        let other = PurePublic::new(point).unwrap();
        assert_eq!(other.verify(digest, signature), answer);
    }
    answer
}

fn curve(name: &str) -> Curve {
    match name {
        "P-256" | "secp256r1" => Curve::P256,
        "secp256k1" => Curve::Secp256k1,
        other => panic!("{other}"),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    src: usize,
    curve: String,
    hash: String,
    d: Option<Hex>,
    qx: Hex,
    qy: Hex,
    k: Option<Hex>,
    msg: Hex,
    r: Hex,
    s: Hex,
    result: Verdict,
    #[serde(rename = "comment")]
    _comment: Option<String>,
}

#[test]
fn cavp() {
    for name in [
        "ecdsa_p256_siggen_cavp.json",
        "ecdsa_p256_sigver_cavp.json",
        "ecdsa_secp256k1_siggen.json",
    ] {
        let file = kmsvec::<Case>(name);
        for case in file.tests {
            assert!(case.src < file.sources.len());
            let (curve, id) = (curve(&case.curve), &case.id);
            let point: [u8; 64] = [case.qx.0, case.qy.0].concat().try_into().unwrap();
            let signature = [case.r.0, case.s.0].concat();
            let digest = digest(&case.hash, &case.msg.0);
            let valid = case.result == Verdict::Valid;
            assert_eq!(verify(curve, &point, &digest, &signature), valid, "{id}");
            let Some(d) = case.d else { continue };
            let d: [u8; 32] = d.0.try_into().unwrap();
            let pair: [u8; PAIR_LEN] = [&d[..], &point].concat().try_into().unwrap();
            assert!(ec::is_pair(curve, &pair, random).unwrap(), "{id}");
            match curve {
                Curve::P256 => {
                    assert_eq!(P256Private::new(&d).unwrap().point().unwrap(), point, "{id}");
                    let other = PurePrivate::new(&d).unwrap();
                    assert_eq!(other.point().unwrap(), point, "{id}");
                    let k = case.k.unwrap().0.try_into().unwrap();
                    assert_eq!(other.signed_with(&k, &digest).as_slice(), signature, "{id}");
                }
                _ => {
                    let key = generic::Private::<Secp256k1>::new(&d).unwrap();
                    assert_eq!(key.point().unwrap(), point, "{id}");
                }
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Validation {
    id: String,
    src: usize,
    curve: String,
    qx: Hex,
    qy: Hex,
    result: Verdict,
    comment: String,
}

#[test]
fn points() {
    let file = kmsvec::<Validation>("ec_p256_pkv_cavp.json");
    for case in file.tests {
        assert!(case.src < file.sources.len() && case.curve == "P-256");
        let (id, valid) = (&case.id, case.result == Verdict::Valid);
        assert_eq!(valid, case.comment.starts_with('P'));
        let der = [&ec::spki(Curve::P256, &[0; 64])[..27], &case.qx.0, &case.qy.0].concat();
        assert_eq!(ec::point_from_spki(Curve::P256, &der).is_ok(), valid, "{id}");
        let Ok(point) = [case.qx.0, case.qy.0].concat().try_into() else { continue };
        assert_eq!(EcdsaPublicKey::new(Curve::P256, &point).is_ok(), valid, "{id}");
        assert_eq!(PurePublic::new(&point).is_ok(), valid, "{id}");
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PublicKey {
    #[serde(rename = "type")]
    kind: String,
    curve: String,
    key_size: usize,
    uncompressed: Hex,
    wx: Hex,
    wy: Hex,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Shared {
    public_key: PublicKey,
    public_key_der: Hex,
    sha: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WycheproofCase {
    tc_id: u32,
    comment: String,
    #[serde(rename = "flags")]
    _flags: Vec<String>,
    msg: Hex,
    sig: Hex,
    result: Verdict,
}

#[test]
fn wycheproof_vectors() {
    for (name, is_der) in [
        ("ecdsa_secp256r1_sha256_test.json", true),
        ("ecdsa_secp256r1_sha256_p1363_test.json", false),
        ("ecdsa_secp256k1_sha256_test.json", true),
        ("ecdsa_secp256k1_sha256_p1363_test.json", false),
    ] {
        for Cases { shared, tests } in wycheproof::<Shared, WycheproofCase>(name) {
            let key = shared.public_key;
            assert_eq!((&*key.kind, key.key_size), ("EcPublicKey", 256));
            let (curve, point) = (curve(&key.curve), key.uncompressed.0[1..].try_into().unwrap());
            assert_eq!(ec::point_from_spki(curve, &shared.public_key_der.0).unwrap(), point);
            assert_eq!(ec::spki(curve, &point), shared.public_key_der.0);
            assert!(key.wx.0.ends_with(&point[..32]) || point[..32].ends_with(&key.wx.0));
            assert!(key.wy.0.ends_with(&point[32..]) || point[32..].ends_with(&key.wy.0));
            for case in tests {
                let digest = digest(&shared.sha, &case.msg.0);
                let answer = if is_der {
                    let raw = signature::read(&case.sig.0);
                    let key = EcdsaPublicKey::new(curve, &point).unwrap();
                    let answer = key.verify(&digest, &case.sig.0);
                    let raw = raw.is_some_and(|raw| verify(curve, &point, &digest, &raw));
                    assert_eq!(raw, answer);
                    answer
                } else {
                    verify(curve, &point, &digest, &case.sig.0)
                };
                let valid = case.result == Verdict::Valid;
                assert_eq!(answer, valid, "{name} {} {}", case.tc_id, case.comment);
            }
        }
    }
}

#[test]
fn signed_and_verified() {
    for curve in [Curve::P256, Curve::Secp256k1] {
        let mut pair = [0; PAIR_LEN];
        ec::generate(curve, random, &mut pair).unwrap();
        let private = EcdsaPrivateKey::new(curve, &pair).unwrap();
        let public = EcdsaPublicKey::new(curve, pair.last_chunk().unwrap()).unwrap();
        let mut before = Vec::new();
        for _ in 0..32 {
            let (mut digest, mut out) = ([0; 32], [0; SIGNATURE_LEN]);
            let len = private.sign(&digest, random, &mut out).unwrap();
            assert!(public.verify(&digest, &out[..len]));
            assert!(!public.verify(&digest, &out[..len - 1]));
            let raw = signature::read(&out[..len]).unwrap();
            assert!(curve == Curve::P256 || raw[32] < 0x80, "the smaller s");
            assert!(!before.contains(&raw), "another nonce each time");
            before.push(raw);
            digest[31] = 1;
            assert!(!public.verify(&digest, &out[..len]));
        }
    }
}

#[test]
fn either_s_is_verified() {
    let mut pair = [0; PAIR_LEN];
    ec::generate(Curve::Secp256k1, random, &mut pair).unwrap();
    let private = generic::Private::<Secp256k1>::new(pair.first_chunk().unwrap()).unwrap();
    let public = generic::Public::<Secp256k1>::new(pair.last_chunk().unwrap()).unwrap();
    let mut signature = private.sign(&[7; 32], random).unwrap();
    assert!(public.verify(&[7; 32], &signature));
    let s = k256::NonZeroScalar::try_from(&signature[32..]).unwrap();
    signature[32..].copy_from_slice(&k256::FieldBytes::from(-s));
    assert!(signature[32] >= 0x80 && public.verify(&[7; 32], &signature));
}

#[test]
fn keys_that_are_none() {
    for curve in [Curve::P256, Curve::Secp256k1] {
        let mut good = [0; PAIR_LEN];
        ec::generate(curve, random, &mut good).unwrap();
        assert!(EcdsaPrivateKey::new(curve, &good).is_ok());
        for d in [[0; 32], [0xff; 32]] {
            let mut pair = good;
            pair[..32].copy_from_slice(&d);
            let error = EcdsaPrivateKey::new(curve, &pair).err().unwrap();
            assert_eq!(error, ErrorCode::InvalidKeyMaterial.into());
        }
        for at in 32..PAIR_LEN {
            let mut pair = good;
            pair[at] ^= 1;
            let error = EcdsaPrivateKey::new(curve, &pair).err().unwrap();
            assert_eq!(error, ErrorCode::InvalidKeyMaterial.into());
        }
        assert!(EcdsaPrivateKey::new(Curve::Sm2, &good).is_err());
        assert!(EcdsaPublicKey::new(curve, &[0; 64]).is_err());
    }
}
