//! What each call says of itself: approved in the profile of its region, or not, or neither.
#![allow(missing_docs)]

use std::sync::Arc;

use kmshsm::api::{
    AsymmetricDecrypt, AsymmetricEncrypt, AsymmetricSign, AsymmetricVerify, CreateKey, Decrypt,
    DescribeKey, Encrypt, GenerateDataKey, GenerateRandom, GetParametersForImport, GetPublicKey,
    ImportKeyMaterial, Into, ListKeyVersions, ReEncrypt, dispatch_json, wrap_key_material,
};
use kmshsm::kms::{Kms, Options, Session, last_indicator};
use kmshsm::model::Indicator::{Approved, None as Neither, NotApproved};
use kmshsm::model::ProtectionLevel::{Hsm, Software};
use kmshsm::model::{
    EncryptionAlgorithm, EncryptionContext, Indicator, KeyId, KeyRef, KeySpec, KeyUsage, Origin,
    ProtectionLevel, SigningAlgorithm, VersionRef, WrappingAlgorithm,
};

const FIPS: &str = "cn-hongkong";
const GM: &str = "cn-beijing";
const NONE: &str = "cn-qingdao";

fn kms() -> Arc<Kms> {
    let options = Options { allow_unprotected_memory: true, ..Options::default() };
    Kms::in_memory(options).unwrap()
}

fn session(region: &str) -> Session {
    kms().session("111122223333", region).unwrap()
}

/// A new key, and what the call that made it said of itself.
fn create(
    session: &Session,
    level: ProtectionLevel,
    spec: KeySpec,
    usage: Option<KeyUsage>,
) -> (KeyId, Indicator) {
    let reply = session.call(CreateKey {
        protection_level: Some(level),
        key_spec: Some(spec),
        key_usage: usage,
        ..CreateKey::default()
    });
    let reply = reply.unwrap();
    assert_eq!(last_indicator(), reply.indicator);
    (reply.answer.key_metadata.key_id, reply.indicator)
}

fn version(session: &Session, key: KeyId) -> VersionRef {
    let list = ListKeyVersions { key_id: KeyRef::Id(key), page_number: None, page_size: None };
    let listed = session.call(list).unwrap();
    assert_eq!(listed.indicator, Neither);
    let listed = serde_json::to_value(listed).unwrap();
    let id = listed["KeyVersions"]["KeyVersion"][0]["KeyVersionId"].as_str().unwrap();
    VersionRef::parse(id).unwrap()
}

fn encrypt(session: &Session, key: KeyId) -> (Vec<u8>, Indicator) {
    let reply = session.call(Encrypt {
        key_id: KeyRef::Id(key),
        plaintext: b"hello".as_slice().into(),
        encryption_context: EncryptionContext::default(),
        into: Into::New,
    });
    let reply = reply.unwrap();
    (reply.answer.ciphertext_blob.into_vec(), reply.indicator)
}

fn decrypt(session: &Session, blob: &[u8]) -> kmshsm::error::Result<Indicator> {
    let reply = session.call(Decrypt {
        ciphertext_blob: blob.into(),
        encryption_context: EncryptionContext::default(),
        into: Into::New,
    });
    reply.map(|reply| reply.indicator)
}

fn data_key(session: &Session, key: KeyId) -> Indicator {
    let reply = session.call(GenerateDataKey {
        key_id: KeyRef::Id(key),
        key_spec: None,
        number_of_bytes: None,
        encryption_context: EncryptionContext::default(),
        plaintext_into: Into::New,
        ciphertext_into: Into::New,
    });
    reply.unwrap().indicator
}

#[test]
fn symmetric_keys() {
    use KeySpec::{Aes128, Aes192, Aes256, Sm4};
    for (region, level, spec, made, used, drawn) in [
        (FIPS, Hsm, Aes256, Approved, Approved, Approved),
        (FIPS, Hsm, Aes192, Approved, Approved, Approved),
        (FIPS, Hsm, Aes128, Approved, Approved, Approved),
        (FIPS, Software, Aes256, NotApproved, NotApproved, NotApproved),
        (GM, Hsm, Aes256, NotApproved, NotApproved, NotApproved),
        // The generator is AES's: what it makes is not approved, what SM4 does with it is.
        (GM, Hsm, Sm4, NotApproved, Approved, NotApproved),
        (GM, Software, Aes256, NotApproved, NotApproved, NotApproved),
        (NONE, Software, Aes256, NotApproved, NotApproved, NotApproved),
    ] {
        let session = session(region);
        let (key, indicator) = create(&session, level, spec, None);
        assert_eq!(indicator, made, "{region} {level} {spec}");
        let (blob, indicator) = encrypt(&session, key);
        assert_eq!((indicator, last_indicator()), (used, used), "{region} {level} {spec}");
        assert_eq!(decrypt(&session, &blob).unwrap(), used);
        assert_eq!(data_key(&session, key), drawn, "{region} {level} {spec}");
        assert_eq!(
            session.call(DescribeKey { key_id: KeyRef::Id(key) }).unwrap().indicator,
            Neither
        );
    }
}

#[test]
fn random_numbers() {
    for (region, expected) in [(FIPS, Approved), (GM, NotApproved), (NONE, NotApproved)] {
        let reply = session(region).call(GenerateRandom { length: 8, into: Into::New });
        assert_eq!(reply.unwrap().indicator, expected, "{region}");
    }
}

#[test]
fn signatures() {
    use KeySpec::{EcP256, EcP256k, EcSm2, Rsa2048};
    use SigningAlgorithm::{EcdsaSha256, RsaPkcs1Sha256, RsaPssSha256, Sm2Dsa};
    for (region, level, spec, algorithm, made, used) in [
        (FIPS, Hsm, Rsa2048, RsaPssSha256, Approved, Approved),
        (FIPS, Hsm, Rsa2048, RsaPkcs1Sha256, Approved, Approved),
        (FIPS, Hsm, EcP256, EcdsaSha256, Approved, Approved),
        (FIPS, Hsm, EcP256k, EcdsaSha256, NotApproved, NotApproved),
        (FIPS, Software, EcP256, EcdsaSha256, NotApproved, NotApproved),
        (GM, Hsm, EcSm2, Sm2Dsa, NotApproved, Approved),
        (GM, Hsm, EcP256, EcdsaSha256, NotApproved, NotApproved),
        (NONE, Software, EcP256, EcdsaSha256, NotApproved, NotApproved),
    ] {
        let session = session(region);
        let (key, indicator) = create(&session, level, spec, Some(KeyUsage::SignVerify));
        assert_eq!(indicator, made, "{region} {level} {spec}");
        let (key_id, key_version_id) = (KeyRef::Id(key), version(&session, key));
        let digest = [7; 32];
        let signed = session.call(AsymmetricSign {
            key_id: key_id.clone(),
            key_version_id,
            algorithm,
            digest: digest.as_slice().into(),
            into: Into::New,
        });
        let signed = signed.unwrap();
        assert_eq!(signed.indicator, used, "{region} {level} {spec} {algorithm}");
        let verified = session.call(AsymmetricVerify {
            key_id: key_id.clone(),
            key_version_id,
            algorithm,
            digest: digest.as_slice().into(),
            value: (&*signed.answer.value).into(),
        });
        let verified = verified.unwrap();
        assert!(verified.answer.value);
        assert_eq!(verified.indicator, used);
        let published = session.call(GetPublicKey { key_id, key_version_id, into: Into::New });
        assert_eq!(published.unwrap().indicator, Neither);
    }
}

#[test]
fn public_key_encryption() {
    use EncryptionAlgorithm::{OaepSha1, OaepSha256, Sm2Pke};
    for (region, spec, algorithm, used) in [
        (FIPS, KeySpec::Rsa2048, OaepSha256, Approved),
        (FIPS, KeySpec::Rsa2048, OaepSha1, Approved),
        (GM, KeySpec::Rsa2048, OaepSha256, NotApproved),
        (GM, KeySpec::EcSm2, Sm2Pke, Approved),
    ] {
        let session = session(region);
        let (key, _) = create(&session, Hsm, spec, Some(KeyUsage::EncryptDecrypt));
        let (key_id, key_version_id) = (KeyRef::Id(key), version(&session, key));
        let sealed = session.call(AsymmetricEncrypt {
            key_id: key_id.clone(),
            key_version_id,
            algorithm,
            plaintext: b"hello".as_slice().into(),
            into: Into::New,
        });
        let sealed = sealed.unwrap();
        assert_eq!(sealed.indicator, used, "{region} {spec} {algorithm}");
        let blob = sealed.answer.ciphertext_blob.into_vec();
        let opened = session.call(AsymmetricDecrypt {
            key_id,
            key_version_id,
            algorithm,
            ciphertext_blob: blob.as_slice().into(),
            into: Into::New,
        });
        assert_eq!(opened.unwrap().indicator, used);
    }
}

#[test]
fn imports() {
    use WrappingAlgorithm::{OaepSha1, OaepSha256, Pkcs1V15, Sm2Pke};
    for (region, spec, algorithm, offered, imported) in [
        (FIPS, KeySpec::Aes256, OaepSha256, Approved, Approved),
        (FIPS, KeySpec::Aes256, OaepSha1, Approved, Approved),
        (FIPS, KeySpec::Aes256, Pkcs1V15, NotApproved, NotApproved),
        (GM, KeySpec::Sm4, OaepSha256, NotApproved, NotApproved),
        (GM, KeySpec::Sm4, Sm2Pke, NotApproved, Approved),
    ] {
        let session = session(region);
        let external = CreateKey {
            protection_level: Some(Hsm),
            key_spec: Some(spec),
            origin: Some(Origin::External),
            ..CreateKey::default()
        };
        let external = session.call(external).unwrap();
        assert_eq!(external.indicator, Neither);
        let key_id = KeyRef::Id(external.answer.key_metadata.key_id);
        let parameters = session.call(GetParametersForImport {
            key_id: key_id.clone(),
            wrapping_key_spec: algorithm.wrapping_key_spec(),
            wrapping_algorithm: algorithm,
        });
        let parameters = parameters.unwrap();
        assert_eq!(parameters.indicator, offered, "{region} {algorithm}");
        let material = vec![7; spec.material_len().unwrap()];
        let parameters = parameters.answer;
        let wrapped = wrap_key_material(&parameters.public_key, algorithm, &material).unwrap();
        let done = session.call(ImportKeyMaterial {
            key_id,
            encrypted_key_material: wrapped.as_slice().into(),
            import_token: (&*parameters.import_token).into(),
            key_material_expire_unix: None,
        });
        assert_eq!(done.unwrap().indicator, imported, "{region} {algorithm}");
    }
}

/// A call is approved if all of it is.
#[test]
fn from_key_to_key() {
    let session = session(FIPS);
    let (hsm, _) = create(&session, Hsm, KeySpec::Aes256, None);
    let (software, _) = create(&session, Software, KeySpec::Aes256, None);
    for (from, to, expected) in [
        (hsm, hsm, Approved),
        (hsm, software, NotApproved),
        (software, hsm, NotApproved),
        (software, software, NotApproved),
    ] {
        let (blob, _) = encrypt(&session, from);
        let moved = session.call(ReEncrypt {
            ciphertext_blob: blob.as_slice().into(),
            source_key_id: None,
            source_key_version_id: None,
            source_encryption_algorithm: None,
            source_encryption_context: EncryptionContext::default(),
            destination_key_id: KeyRef::Id(to),
            destination_encryption_context: EncryptionContext::default(),
            into: Into::New,
        });
        assert_eq!(moved.unwrap().indicator, expected);
    }
}

#[test]
fn what_failed_or_did_nothing_has_none() {
    let session = session(FIPS);
    let (key, _) = create(&session, Hsm, KeySpec::Aes256, None);
    let (mut blob, indicator) = encrypt(&session, key);
    assert_eq!((indicator, last_indicator()), (Approved, Approved));
    // Of this thread, and no other.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            assert_eq!(last_indicator(), Neither);
            create(&session, Software, KeySpec::Aes256, None);
            assert_eq!(last_indicator(), NotApproved);
        });
    });
    assert_eq!(last_indicator(), Approved);
    *blob.last_mut().unwrap() ^= 1;
    assert!(decrypt(&session, &blob).is_err());
    assert_eq!(last_indicator(), Neither);
    encrypt(&session, key);
    // Refused before it came to the door.
    assert!(dispatch_json(&session, "Encrypt", Some("{}")).is_err());
    assert_eq!(last_indicator(), Neither);
}

/// Answers are exactly the API's.
#[test]
fn the_json_says_nothing_of_it() {
    let session = session(FIPS);
    let request = r#"{"ProtectionLevel": "HSM"}"#;
    let answer = dispatch_json(&session, "CreateKey", Some(request)).unwrap();
    assert_eq!(last_indicator(), Approved);
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let names: Vec<_> = answer.as_object().unwrap().keys().collect();
    assert_eq!(names, ["KeyMetadata", "RequestId"]);
}
