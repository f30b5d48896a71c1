//! The engine takes what is wrapped here, and its keys are those that were given.

use super::*;
use crate::api::{
    CreateKey, Decrypt, Encrypt, GetParametersForImport, GetPublicKey, ImportKeyMaterial,
    ListKeyVersions,
};
use crate::kms::{Kms, Options, Session};
use crate::model::{EncryptionContext, KeyId, KeyRef, Origin, ProtectionLevel, VersionRef};

fn session() -> Session {
    let options = Options { allow_unprotected_memory: true, ..Options::default() };
    Kms::in_memory(options).unwrap().session("1", "cn-hangzhou").unwrap()
}

/// A key into which the material has been imported.
fn imported(
    session: &Session,
    spec: KeySpec,
    algorithm: WrappingAlgorithm,
    material: &[u8],
) -> KeyId {
    let created = session.call(CreateKey {
        origin: Some(Origin::External),
        key_spec: Some(spec),
        protection_level: Some(ProtectionLevel::Hsm),
        ..CreateKey::default()
    });
    let key = created.unwrap().answer.key_metadata.key_id;
    let parameters = session.call(GetParametersForImport {
        key_id: KeyRef::Id(key),
        wrapping_key_spec: algorithm.wrapping_key_spec(),
        wrapping_algorithm: algorithm,
    });
    let parameters = parameters.unwrap().answer;
    let wrapped = wrap_key_material(&parameters.public_key, algorithm, material).unwrap();
    let import = ImportKeyMaterial {
        key_id: KeyRef::Id(key),
        encrypted_key_material: (&*wrapped).into(),
        import_token: (&*parameters.import_token).into(),
        key_material_expire_unix: None,
    };
    session.call(import).unwrap_or_else(|error| panic!("{spec} {algorithm}: {error}"));
    key
}

#[test]
fn symmetric_keys() {
    let session = session();
    for (spec, len) in [(KeySpec::Aes256, 32), (KeySpec::Sm4, 16)] {
        for algorithm in [Pkcs1V15, OaepSha1, OaepSha256, Sm2Pke] {
            let mut material = vec![0; len];
            rng::fill(&mut material).unwrap();
            let key = imported(&session, spec, algorithm, &material);
            let sealed = session.call(Encrypt {
                key_id: KeyRef::Id(key),
                plaintext: b"hello".as_slice().into(),
                encryption_context: EncryptionContext::default(),
                into: Into::New,
            });
            let sealed = sealed.unwrap().answer.ciphertext_blob;
            let opened = session.call(Decrypt {
                ciphertext_blob: (&*sealed).into(),
                encryption_context: EncryptionContext::default(),
                into: Into::New,
            });
            assert_eq!(&*opened.unwrap().answer.plaintext, b"hello");
        }
    }
}

/// The public half inside is that of the private key outside.
#[test]
fn private_keys() {
    let session = session();
    let (rsa_key, of_rsa) = of_rsa();
    let rsa_key = rsa_key.to_pkcs8_der().unwrap();
    let mut given = vec![(KeySpec::Rsa2048, rsa_key.as_bytes().to_vec(), of_rsa)];
    for (spec, curve, name) in [
        (KeySpec::EcP256, Curve::P256, P256),
        (KeySpec::EcP256k, Curve::Secp256k1, &b"\x06\x05\x2b\x81\x04\x00\x0a"[..]),
        (KeySpec::EcSm2, Curve::Sm2, SM2),
    ] {
        let mut pair = [0; ec::PAIR_LEN];
        ec::generate(curve, rng::fill, &mut pair).unwrap();
        let (_, pkcs8) = of_curve(name, &pair[..32], &pair[32..]);
        given.push((spec, pkcs8, ec::spki(curve, pair.last_chunk().unwrap())));
    }
    for (spec, der, public) in given {
        let pem = encode_string("PRIVATE KEY", LineEnding::LF, &der).unwrap();
        let amid_blanks = format!("\r\n {}\n \r\n", &*pem);
        let expected = encode_string("PUBLIC KEY", LineEnding::LF, &public).unwrap();
        let hybrids = [OaepSha256Aes256Ecb, Sm2PkeSm4Ecb];
        for algorithm in hybrids.into_iter().filter(|hybrid| hybrid.fits(spec)) {
            for form in [&der, pem.as_bytes(), amid_blanks.as_bytes()] {
                let key = imported(&session, spec, algorithm, form);
                assert_eq!(public_key(&session, key), expected, "{spec} {algorithm}");
            }
        }
    }
}

#[test]
fn a_number_that_is_a_private_key() {
    let session = session();
    let (pair, public) = of_sm2();
    let key = imported(&session, KeySpec::EcSm2, Sm2PkeSm4Ecb, &pair[..32]);
    let expected = encode_string("PUBLIC KEY", LineEnding::LF, &public).unwrap();
    assert_eq!(public_key(&session, key), expected);
}

fn public_key(session: &Session, key: KeyId) -> String {
    let key_id = KeyRef::Id(key);
    let versions = ListKeyVersions { key_id, page_number: None, page_size: None };
    let versions = session.call(versions).unwrap().answer.key_versions.key_version;
    let found = session.call(GetPublicKey {
        key_id: KeyRef::Id(key),
        key_version_id: VersionRef::Id(versions[0].key_version_id),
        into: Into::New,
    });
    String::from_utf8(found.unwrap().answer.public_key.into_vec()).unwrap()
}
