//! What others have wrapped.

use aws_lc_rs::key_wrap::{AES_128, AES_256, AesKek, KeyWrapPadded};
use serde::Deserialize;

use super::*;
use crate::crypto::ec::PAIR_LEN;
use crate::crypto::vectors::{Hex, Verdict, kmsvec};
use crate::hsm::material::material_in;
use crate::hsm::permitted;
use crate::model::{KeyId, Making, Timestamp};
use crate::octets::Writer;

/// A pair that is known.
fn pair(algorithm: WrappingAlgorithm, private: &[u8]) -> WrappingPair {
    let body = Writer::default()
        .u8(1)
        .raw(KeyId::from_bytes([1; 16]).as_bytes())
        .u8(algorithm.wrapping_key_spec().number())
        .u8(algorithm.number())
        .u64(1)
        .u8(0)
        .lp(b"public half")
        .lp(private)
        .finish();
    WrappingPair::from_body([2; 16], &copy(&body).unwrap()).unwrap()
}

fn unwrap(pair: &WrappingPair, wrapped: &[u8], spec: KeySpec) -> Result<RawMaterial> {
    pair.unwrap(permitted(spec, pair.algorithm())?, wrapped)
}

/// The material of a key as it is stored.
fn stored(material: &RawMaterial) -> Vec<u8> {
    let body = material.version_body(Timestamp(1)).unwrap();
    body.read(|body| Ok(material_in(body)?.to_vec())).unwrap()
}

fn bytes(secret: &SecretBytes) -> Vec<u8> {
    secret.read(|bytes| Ok(bytes.to_vec())).unwrap()
}

/// Nothing that is a little different is taken. Of SM4 without padding every block is a number, and
/// with it another key.
fn refuses_others(pair: &WrappingPair, spec: KeySpec, blob: &[u8]) {
    let len = blob.len();
    let mut wrong =
        vec![vec![], blob[1..].to_vec(), blob[..len - 1].to_vec(), [blob, &[0]].concat()];
    wrong.extend([&blob[..len - 16], &blob[..len / 2]].map(<[u8]>::to_vec));
    wrong.push([blob, &[0; 16]].concat());
    let checked = len - if pair.algorithm() == WrappingAlgorithm::Sm2PkeSm4Ecb { 32 } else { 0 };
    for at in [1, 40, len / 2, checked - 1] {
        let mut damaged = blob.to_vec();
        damaged[at] ^= 1;
        wrong.push(damaged);
    }
    for blob in wrong {
        let answer = unwrap(pair, &blob, spec).map(drop);
        assert_eq!(answer, Err(ErrorCode::InvalidKeyMaterial.into()), "{}", blob.len());
    }
}

/// The spec of the keys that this target is, if it is one.
fn spec_of(target: &str) -> Option<KeySpec> {
    Some(match target {
        "AES_128" => KeySpec::Aes128,
        "AES_192" => KeySpec::Aes192,
        "AES_256" => KeySpec::Aes256,
        "SM4" => KeySpec::Sm4,
        "RSA_2048-pkcs8" => KeySpec::Rsa2048,
        "EC_P256-pkcs8" => KeySpec::EcP256,
        "EC_P256K-pkcs8" => KeySpec::EcP256k,
        "EC_SM2-pkcs8" | "EC_SM2 (raw 32-byte d)" => KeySpec::EcSm2,
        "RAW_1" | "RAW_33" => return None,
        other => panic!("{other}"),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RsaCase {
    id: String,
    src: usize,
    wrapping_key_spec: String,
    target_spec: String,
    msg: Option<Hex>,
    mechanism: String,
    oaep_hash: Option<String>,
    mgf_hash: Option<String>,
    aes_bits: Option<usize>,
    blob: Hex,
    result: Verdict,
    wrap_key: String,
    comment: Option<String>,
}

impl RsaCase {
    /// CKM_RSA_AES_KEY_WRAP, which is not offered: OAEP by our own code, and the key wrap with padding
    /// (RFC 5649) by AWS-LC's.
    fn by_key_wrap(&self, pair: &WrappingPair) -> Option<Vec<u8>> {
        assert_eq!(self.oaep_hash, self.mgf_hash);
        let hash = match self.oaep_hash.as_deref() {
            Some("sha1") => OaepHash::Sha1,
            Some("sha256") => OaepHash::Sha256,
            other => panic!("{other:?}"),
        };
        let (cipher, len) = match self.aes_bits {
            Some(128) => (&AES_128, 16),
            Some(256) => (&AES_256, 32),
            other => panic!("{other:?}"),
        };
        let (head, wrapped) = self.blob.0.split_at(RSA_LEN);
        let key = bytes(&pair.by_rsa(Padding::Oaep(hash), head, len).ok()?);
        let mut out = vec![0; wrapped.len()];
        let kek = AesKek::new(cipher, &key).unwrap();
        kek.unwrap_with_padding(wrapped, &mut out).ok().map(|opened| opened.to_vec())
    }

    /// Both steps of the hybrid, whatever is inside.
    fn by_ecb(&self, pair: &WrappingPair) -> Vec<u8> {
        let (head, blocks) = self.blob.0.split_at(RSA_LEN);
        let key = bytes(&pair.by_rsa(Padding::Oaep(OaepHash::Sha256), head, 32).unwrap());
        let mut blocks = blocks.to_vec();
        let len = ecb::decrypt_padded(&key.try_into().unwrap(), &mut blocks).unwrap();
        blocks.truncate(len);
        blocks
    }
}

#[test]
fn under_rsa() {
    let file = kmsvec::<RsaCase>("byok_rsa_wrap_generated.json");
    let (mut direct, mut hybrid, mut key_wrap, mut refused) = (0, 0, 0, 0);
    for case in &file.tests {
        assert!(case.src < file.sources.len() && case.wrapping_key_spec == "RSA_2048");
        let [("pkcs8", der)] = file.keys[&case.wrap_key]
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .collect::<Vec<_>>()[..]
        else {
            panic!("{}", case.wrap_key)
        };
        let algorithm = WrappingAlgorithm::from_name(&case.mechanism);
        let pair =
            pair(algorithm.unwrap_or(WrappingAlgorithm::OaepSha256), &hex::decode(der).unwrap());
        let message = case.msg.as_ref().map(|message| &message.0);
        assert_eq!(case.result == Verdict::Valid, message.is_some());
        assert_eq!(message.is_none(), case.comment.is_some(), "{}", case.id);
        let spec = spec_of(&case.target_spec);
        match (algorithm, spec) {
            (None, _) => {
                assert_eq!(case.mechanism, "CKM_RSA_AES_KEY_WRAP");
                assert_eq!(case.by_key_wrap(&pair).as_ref(), message, "{}", case.id);
                key_wrap += 1;
                refused += usize::from(message.is_none());
                continue;
            }
            (Some(WrappingAlgorithm::OaepSha256Aes256Ecb), spec) => {
                let message = message.unwrap();
                assert_eq!(case.by_ecb(&pair), *message, "{}", case.id);
                hybrid += 1;
                let Some(spec) = spec.filter(|spec| !spec.is_symmetric()) else { continue };
                let material = stored(&unwrap(&pair, &case.blob.0, spec).unwrap());
                if spec.is_rsa() {
                    assert_eq!(material, *message, "{}", case.id);
                } else {
                    let (d, point) = material.split_at(32);
                    assert!(message.windows(32).any(|part| part == d), "{}", case.id);
                    assert!(message.ends_with(point), "{}", case.id);
                }
                for other in [KeySpec::Rsa3072, KeySpec::EcP256, KeySpec::EcP256k, KeySpec::EcSm2] {
                    let is_taken = unwrap(&pair, &case.blob.0, other).is_ok();
                    assert_eq!(is_taken, other == spec, "{}", case.id);
                }
                refuses_others(&pair, spec, &case.blob.0);
            }
            (Some(_), Some(spec)) => {
                let material = unwrap(&pair, &case.blob.0, spec).unwrap();
                assert_eq!(stored(&material), *message.unwrap(), "{}", case.id);
                refuses_others(&pair, spec, &case.blob.0);
                direct += 1;
            }
            (Some(_), None) => {
                let padding = match case.mechanism.as_str() {
                    "RSAES_PKCS1_V1_5" => Padding::Pkcs1V15,
                    "RSAES_OAEP_SHA_1" => Padding::Oaep(OaepHash::Sha1),
                    "RSAES_OAEP_SHA_256" => Padding::Oaep(OaepHash::Sha256),
                    other => panic!("{other}"),
                };
                let message = message.unwrap();
                let opened = pair.by_rsa(padding, &case.blob.0, message.len()).unwrap();
                assert_eq!(bytes(&opened), *message, "{}", case.id);
                direct += 1;
            }
        }
    }
    assert_eq!((direct, hybrid, key_wrap, refused), (15, 10, 51, 21));
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Sm2Case {
    id: String,
    src: usize,
    mechanism: String,
    target_spec: String,
    msg: Hex,
    blob_der: Hex,
    #[serde(rename = "blobC1C3C2")]
    blob_raw: Hex,
    result: Verdict,
    wrap_key: String,
}

#[test]
fn under_sm2() {
    let file = kmsvec::<Sm2Case>("byok_sm2_wrap_generated.json");
    for case in &file.tests {
        assert!(case.src < file.sources.len() && case.result == Verdict::Valid);
        let key = &file.keys[&case.wrap_key];
        assert_eq!(key.len(), 2);
        let number = |name: &str| hex::decode(key[name].as_str().unwrap()).unwrap();
        let mut private = [0; PAIR_LEN];
        ec::from_pkcs8(Curve::Sm2, &number("wrapKeyPkcs8"), rng::fill, &mut private).unwrap();
        assert_eq!(private[..32], number("wrapKeyD"));
        let pair = pair(WrappingAlgorithm::from_name(&case.mechanism).unwrap(), &private);
        let spec = spec_of(&case.target_spec).unwrap();
        for blob in [&case.blob_raw.0, &case.blob_der.0] {
            let material = stored(&unwrap(&pair, blob, spec).unwrap());
            match spec.is_symmetric() {
                true => assert_eq!(material, case.msg.0, "{}", case.id),
                false => {
                    assert_eq!(material.len(), PAIR_LEN);
                    assert!(material.starts_with(&case.msg.0), "{}", case.id);
                }
            }
            refuses_others(&pair, spec, blob);
        }
        if spec.is_symmetric() {
            let other = if spec == KeySpec::Aes256 { KeySpec::Aes192 } else { KeySpec::Aes256 };
            let answer = unwrap(&pair, &case.blob_raw.0, other).map(drop);
            assert_eq!(answer, Err(ErrorCode::InvalidKeyMaterial.into()));
        }
    }
}

/// What this library wraps itself, it unwraps; a private key out of range is none.
#[test]
fn made_here() {
    use crate::crypto::sm2::Sm2PublicKey;
    let algorithm = WrappingAlgorithm::Sm2PkeSm4Ecb;
    let making = permitted(KeySpec::EcSm2, Making).unwrap();
    let wrapping = permitted(KeySpec::EcSm2, algorithm).unwrap();
    let key = KeyId::from_bytes([1; 16]);
    let pair = WrappingPair::generate(making, wrapping, key, Timestamp(1)).unwrap();
    let point = ec::point_from_spki(Curve::Sm2, pair.public()).unwrap();
    let wrapped = |d: &[u8; 32]| {
        let (key, mut head, mut blocks) = ([9; 16], [0; 97 + 16], *d);
        Sm2PublicKey::new(&point).unwrap().encrypt(&key, rng::fill, &mut head).unwrap();
        ecb::sm4_encrypt(&key, &mut blocks).unwrap();
        [&head[..], &blocks].concat()
    };
    assert!(
        stored(&unwrap(&pair, &wrapped(&[7; 32]), KeySpec::EcSm2).unwrap()).starts_with(&[7; 32])
    );
    let other = permitted(KeySpec::Aes256, WrappingAlgorithm::Sm2Pke).unwrap();
    assert_eq!(pair.unwrap(other, &[]).map(drop), Err(ErrorCode::Internal.into()));
    for d in [[0; 32], [0xff; 32]] {
        let answer = unwrap(&pair, &wrapped(&d), KeySpec::EcSm2).map(drop);
        assert_eq!(answer, Err(ErrorCode::InvalidKeyMaterial.into()));
    }
}
