use serde::Deserialize;

use super::*;
use crate::crypto::drbg::reproducible as random;
use crate::crypto::ec::SIGNATURE_LEN;
use crate::crypto::vectors::{Hex, Verdict, kmsvec};

fn fresh() -> ([u8; PAIR_LEN], Sm2PrivateKey, Sm2PublicKey) {
    let mut pair = [0; PAIR_LEN];
    ec::generate(Curve::Sm2, random, &mut pair).unwrap();
    let point = pair.last_chunk().unwrap();
    (pair, Sm2PrivateKey::new(&pair).unwrap(), Sm2PublicKey::new(point).unwrap())
}

/// The private key of d and an uncompressed point.
fn private(d: &Hex, point: &[u8; 64]) -> Sm2PrivateKey {
    let pair: [u8; PAIR_LEN] = [&*d.0, point].concat().try_into().unwrap();
    assert!(ec::is_pair(Curve::Sm2, &pair, random).unwrap());
    Sm2PrivateKey::new(&pair).unwrap()
}

fn point(uncompressed: &Hex) -> [u8; 64] {
    assert_eq!(uncompressed.0[0], 4);
    uncompressed.0[1..].try_into().unwrap()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Signed {
    id: String,
    src: usize,
    d: Option<Hex>,
    pkcs8: Option<Hex>,
    spki: Option<Hex>,
    k: Option<Hex>,
    #[serde(rename = "pub")]
    public: Hex,
    uid: Option<Hex>,
    msg: Option<Hex>,
    e: Hex,
    r: Option<Hex>,
    s: Option<Hex>,
    sig_der: Hex,
    result: Verdict,
    #[serde(rename = "comment")]
    _comment: Option<String>,
}

#[test]
fn signatures() {
    let mut tried = 0;
    for name in [
        "sm2_sign.json",
        "sm2_sign_edge.json",
        "sm2_sign_generated.json",
        "sm2_cert_signatures.json",
    ] {
        let file = kmsvec::<Signed>(name);
        for case in file.tests {
            assert!(case.src < file.sources.len());
            let (id, valid) = (&case.id, case.result == Verdict::Valid);
            let (point, e) = (point(&case.public), case.e.0.try_into().unwrap());
            let key = Sm2PublicKey::new(&point);
            if let (Some(uid), Some(message), Ok(_)) = (&case.uid, &case.msg, &key) {
                let digest = sm3_parts(&[&za(&uid.0, &point).unwrap(), &message.0]);
                assert_eq!(digest, e, "{id}");
            }
            if let Some(spki) = case.spki {
                assert_eq!(ec::point_from_spki(Curve::Sm2, &spki.0).unwrap(), point, "{id}");
                assert_eq!(ec::spki(Curve::Sm2, &point), spki.0, "{id}");
            }
            let verified = key.is_ok_and(|key| key.verify(&e, &case.sig_der.0));
            assert_eq!(verified, valid, "{id}");
            let raw = [case.r, case.s].map(|number| number.map_or(vec![], |number| number.0));
            let read = ec::signature::read(&case.sig_der.0);
            assert!(!valid || read.unwrap() == *raw.concat(), "{id}");
            if let Some(d) = case.d {
                assert!(case.pkcs8.is_none_or(|der| der.0.windows(32).any(|part| part == d.0)));
                let key = private(&d, &point);
                if let Some(k) = case.k {
                    let k = k.0.try_into().unwrap();
                    assert_eq!(key.signed_with(&k, &e), *raw.concat(), "{id}");
                }
                tried += 1;
            }
        }
    }
    assert_eq!(tried, 3 + 44);
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Encrypted {
    id: String,
    src: usize,
    d: Hex,
    pkcs8: Option<Hex>,
    #[serde(rename = "pub")]
    public: Hex,
    k: Option<Hex>,
    msg: Option<Hex>,
    ct_der: Hex,
    #[serde(rename = "ctC1C3C2")]
    ct_raw: Hex,
    result: Verdict,
    #[serde(rename = "comment")]
    _comment: Option<String>,
}

fn decrypt(key: &Sm2PrivateKey, bytes: &[u8]) -> Result<Vec<u8>> {
    let ciphertext = Sm2Ciphertext::parse(bytes)?;
    let mut out = vec![0xaa; ciphertext.plaintext_len()];
    let answer = key.decrypt(&ciphertext, &mut out);
    assert!(answer.is_ok() || out.iter().all(|byte| *byte == 0));
    answer.map(|()| out)
}

#[test]
fn ciphertexts() {
    for name in ["sm2_encrypt.json", "sm2_encrypt_edge.json", "sm2_encrypt_generated.json"] {
        let file = kmsvec::<Encrypted>(name);
        for case in file.tests {
            assert!(case.src < file.sources.len());
            let (id, point) = (&case.id, point(&case.public));
            let key = private(&case.d, &point);
            assert!(case.pkcs8.is_none_or(|der| der.0.windows(32).any(|part| part == case.d.0)));
            for bytes in [&case.ct_der.0, &case.ct_raw.0] {
                let opened = decrypt(&key, bytes);
                // What is acceptable has bytes left over: refused here.
                match case.result {
                    Verdict::Valid => {
                        assert_eq!(opened.unwrap(), case.msg.as_ref().unwrap().0, "{id}")
                    }
                    _ => assert_eq!(opened, Err(ErrorCode::InvalidCiphertext.into()), "{id}"),
                }
            }
            if let Some(k) = case.k {
                let (public, k) = (Sm2PublicKey::new(&point).unwrap(), k.0.try_into().unwrap());
                assert_eq!(public.encrypted_with(&k, &case.msg.unwrap().0), case.ct_raw.0, "{id}");
            }
        }
    }
}

#[test]
fn signed_and_verified() {
    let (_, private, public) = fresh();
    let mut before = Vec::new();
    for _ in 0..32 {
        let (mut digest, mut out) = ([0xff; 32], [0; SIGNATURE_LEN]);
        let len = private.sign(&digest, random, &mut out).unwrap();
        assert!(public.verify(&digest, &out[..len]));
        assert!(!before.contains(&out), "another nonce each time");
        before.push(out);
        digest[0] = 0;
        assert!(!public.verify(&digest, &out[..len]));
    }
}

#[test]
fn encrypted_and_decrypted() {
    let (_, private, public) = fresh();
    for len in [1, 2, 31, 32, 33, 63, 64, 65, 1000, 6144] {
        let (message, mut sealed) = (vec![7; len], vec![0; len + 97]);
        public.encrypt(&message, random, &mut sealed).unwrap();
        assert_eq!(decrypt(&private, &sealed).unwrap(), message);
        let first = sealed.clone();
        public.encrypt(&message, random, &mut sealed).unwrap();
        assert!(sealed[..65] != first[..65], "another nonce each time");
    }
    let mut sealed = [0; 33 + 97];
    public.encrypt(&[7; 33], random, &mut sealed).unwrap();
    for at in 0..sealed.len() {
        let mut wrong = sealed;
        wrong[at] ^= 1;
        assert_eq!(decrypt(&private, &wrong), Err(ErrorCode::InvalidCiphertext.into()), "{at}");
    }
    let ciphertext = Sm2Ciphertext::parse(&sealed).unwrap();
    for len in [32, 34] {
        let answer = private.decrypt(&ciphertext, &mut vec![0; len]);
        assert_eq!(answer, Err(ErrorCode::Internal.into()));
        let answer = public.encrypt(&[7; 33], random, &mut vec![0; len + 97]);
        assert_eq!(answer, Err(ErrorCode::Internal.into()));
    }
    assert_eq!(public.encrypt(&[], random, &mut [0; 97]), Err(ErrorCode::Internal.into()));
}

#[test]
fn keys_that_are_none() {
    let (good, ..) = fresh();
    let with = |d: &[u8; 32]| {
        let mut pair = good;
        pair[..32].copy_from_slice(d);
        Sm2PrivateKey::new(&pair).err().map(|error| error.code())
    };
    let order = "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123";
    let mut d: [u8; 32] = hex::decode(order).unwrap().try_into().unwrap();
    for _ in 0..2 {
        assert_eq!(with(&d), Some(ErrorCode::InvalidKeyMaterial));
        d[31] -= 1;
    }
    assert_eq!(with(&d), None);
    assert_eq!(with(&[0; 32]), Some(ErrorCode::InvalidKeyMaterial));
    for at in 32..PAIR_LEN {
        let mut pair = good;
        pair[at] ^= 1;
        assert!(Sm2PrivateKey::new(&pair).is_err());
        assert!(Sm2PublicKey::new(pair.last_chunk().unwrap()).is_err());
    }
}

#[test]
fn user_ids() {
    let point = [1; 64];
    assert_ne!(za(&[b'a'; 8191], &point).unwrap(), za(DEFAULT_USER_ID, &point).unwrap());
    for wrong in [&[][..], &[b'a'; 8192]] {
        assert_eq!(za(wrong, &point), Err(ErrorCode::Internal.into()));
    }
}
