//! The typed calls: the actions that bytes cross, with borrowed parameters.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kmshsm::api::{
    AsymmetricDecrypt, AsymmetricEncrypt, AsymmetricSign, AsymmetricVerify, Decrypt, Encrypt,
    ExportDataKey, GenerateAndExportDataKey, GenerateDataKey, GenerateDataKeyWithoutPlaintext,
    GenerateRandom, GetParametersForImport, GetPublicKey, ImportKeyMaterial, Into, ReEncrypt,
};
use kmshsm::error::{Error, Result};
use kmshsm::kms::Session;
use kmshsm::model::{
    EncryptionAlgorithm, EncryptionContext, KeyRef, SigningAlgorithm, VersionRef,
    WrappingAlgorithm, WrappingKeySpec,
};
use serde_json::{Map, Value, json};

use crate::lanes::plain;

/// More than any answer takes.
const ROOM: usize = 8192;

/// The parameters of a step.
struct Given<'a>(&'a Map<String, Value>);

impl<'a> Given<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).and_then(Value::as_str)
    }

    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        STANDARD.decode(self.text(name)?).ok().filter(|bytes| !bytes.is_empty())
    }

    /// Bytes that may be none.
    fn message(&self, name: &str) -> Option<Vec<u8>> {
        STANDARD.decode(self.text(name)?).ok()
    }

    fn number(&self, name: &str) -> Option<u64> {
        let value = self.0.get(name)?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    }

    /// A context in JSON text, or none.
    fn context(&self, name: &'static str) -> Option<Result<EncryptionContext>> {
        match self.0.get(name) {
            Some(Value::String(text)) => Some(EncryptionContext::from_json(text, name)),
            Some(_) => None,
            None => Some(Ok(EncryptionContext::default())),
        }
    }

    fn key(&self, name: &'static str) -> Option<Result<KeyRef<'a>>> {
        let empty = || Error::invalid(name, "It must not be empty.");
        self.text(name).map(|text| KeyRef::parse(text).ok_or_else(empty))
    }

    fn version(&self, name: &str) -> Option<VersionRef> {
        VersionRef::parse(self.text(name)?)
    }

    fn has_just(&self, needed: &[&str], more: &[&str]) -> bool {
        needed.iter().all(|name| self.0.contains_key(*name))
            && self.0.keys().all(|name| needed.iter().chain(more).any(|known| known == name))
    }
}

/// The typed call, if there is one with just these parameters.
pub fn typed(session: &Session, action: &str, with: &Value) -> Option<Result<Value>> {
    let given = Given(with.as_object()?);
    let (needed, more) = parameters(action)?;
    if !given.has_just(needed, more) {
        return None;
    }
    if needed.contains(&"Algorithm") || action == "GetPublicKey" {
        return asymmetric(session, action, &given);
    }
    match action {
        "ReEncrypt" | "ExportDataKey" | "GenerateAndExportDataKey" => {
            between_keys(session, action, &given)
        }
        "GetParametersForImport" | "ImportKeyMaterial" => import(session, action, &given),
        _ => symmetric(session, action, &given),
    }
}

/// The parameters that a typed call needs, and those that it takes besides.
fn parameters(action: &str) -> Option<(&'static [&'static str], &'static [&'static str])> {
    Some(match action {
        "Encrypt" => (&["KeyId", "Plaintext"], &["EncryptionContext"]),
        "Decrypt" => (&["CiphertextBlob"], &["EncryptionContext"]),
        "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext" => {
            (&["KeyId", "NumberOfBytes"], &["EncryptionContext"])
        }
        "GenerateRandom" => (&["Length"], &[]),
        "ReEncrypt" => (
            &["CiphertextBlob", "DestinationKeyId"],
            &[
                "SourceKeyId",
                "SourceKeyVersionId",
                "SourceEncryptionAlgorithm",
                "SourceEncryptionContext",
                "DestinationEncryptionContext",
            ],
        ),
        "ExportDataKey" => (
            &["CiphertextBlob", "PublicKeyBlob", "WrappingKeySpec", "WrappingAlgorithm"],
            &["EncryptionContext"],
        ),
        "GenerateAndExportDataKey" => (
            &["KeyId", "NumberOfBytes", "PublicKeyBlob", "WrappingKeySpec", "WrappingAlgorithm"],
            &["EncryptionContext"],
        ),
        "AsymmetricSign" => (&["KeyId", "KeyVersionId", "Algorithm", "Digest"], &[]),
        "AsymmetricVerify" => (&["KeyId", "KeyVersionId", "Algorithm", "Digest", "Value"], &[]),
        "AsymmetricEncrypt" => (&["KeyId", "KeyVersionId", "Algorithm", "Plaintext"], &[]),
        "AsymmetricDecrypt" => (&["KeyId", "KeyVersionId", "Algorithm", "CiphertextBlob"], &[]),
        "GetPublicKey" => (&["KeyId", "KeyVersionId"], &[]),
        "GetParametersForImport" => (&["KeyId", "WrappingKeySpec", "WrappingAlgorithm"], &[]),
        "ImportKeyMaterial" => {
            (&["KeyId", "EncryptedKeyMaterial", "ImportToken"], &["KeyMaterialExpireUnix"])
        }
        _ => return None,
    })
}

/// Leaves by the error that stands for an answer.
macro_rules! ok {
    ($outcome:expr) => {
        match $outcome {
            Ok(value) => value,
            Err(error) => return Some(Err(error)),
        }
    };
}

fn symmetric(session: &Session, action: &str, given: &Given<'_>) -> Option<Result<Value>> {
    let encryption_context = ok!(given.context("EncryptionContext")?);
    let mut memory = vec![0; ROOM];
    Some(Ok(match action {
        "Encrypt" => {
            let plaintext = plain(given.text("Plaintext")?);
            let answer = session.call(Encrypt {
                key_id: ok!(given.key("KeyId")?),
                plaintext: plaintext.as_slice().into(),
                encryption_context,
                into: Into::Memory(&mut memory),
            });
            json!({ "CiphertextBlob": STANDARD.encode(&*ok!(answer).answer.ciphertext_blob) })
        }
        "Decrypt" => {
            let blob = given.bytes("CiphertextBlob")?;
            let answer = session.call(Decrypt {
                ciphertext_blob: blob.as_slice().into(),
                encryption_context,
                into: Into::Memory(&mut memory),
            });
            json!({ "Plaintext": STANDARD.encode(&*ok!(answer).answer.plaintext) })
        }
        "GenerateDataKey" => {
            let bytes = u32::try_from(given.number("NumberOfBytes")?).ok()?;
            let answer = session.call(GenerateDataKey {
                key_id: ok!(given.key("KeyId")?),
                key_spec: None,
                number_of_bytes: Some(bytes),
                encryption_context,
                plaintext_into: Into::New,
                ciphertext_into: Into::Memory(&mut memory),
            });
            let key = ok!(answer).answer;
            json!({
                "CiphertextBlob": STANDARD.encode(&*key.ciphertext_blob),
                "Plaintext": STANDARD.encode(&*key.plaintext),
            })
        }
        "GenerateDataKeyWithoutPlaintext" => {
            let bytes = u32::try_from(given.number("NumberOfBytes")?).ok()?;
            let answer = session.call(GenerateDataKeyWithoutPlaintext {
                key_id: ok!(given.key("KeyId")?),
                key_spec: None,
                number_of_bytes: Some(bytes),
                encryption_context,
                into: Into::New,
            });
            json!({ "CiphertextBlob": STANDARD.encode(&*ok!(answer).answer.ciphertext_blob) })
        }
        "GenerateRandom" => {
            let length = u32::try_from(given.number("Length")?).ok()?;
            let answer = session.call(GenerateRandom { length, into: Into::New });
            json!({ "Random": STANDARD.encode(&*ok!(answer).answer.random) })
        }
        _ => return None,
    }))
}

fn between_keys(session: &Session, action: &str, given: &Given<'_>) -> Option<Result<Value>> {
    let mut memory = vec![0; ROOM];
    if action == "ReEncrypt" {
        let blob = given.bytes("CiphertextBlob")?;
        let source_encryption_algorithm = match given.0.get("SourceEncryptionAlgorithm") {
            Some(name) => Some(EncryptionAlgorithm::from_name(name.as_str()?)?),
            None => None,
        };
        let source_key_id = match given.key("SourceKeyId") {
            Some(key) => Some(ok!(key)),
            None => None,
        };
        let answer = session.call(ReEncrypt {
            ciphertext_blob: blob.as_slice().into(),
            source_key_id,
            source_key_version_id: given.version("SourceKeyVersionId"),
            source_encryption_algorithm,
            source_encryption_context: ok!(given.context("SourceEncryptionContext")?),
            destination_key_id: ok!(given.key("DestinationKeyId")?),
            destination_encryption_context: ok!(given.context("DestinationEncryptionContext")?),
            into: Into::Memory(&mut memory),
        });
        let moved = STANDARD.encode(&*ok!(answer).answer.ciphertext_blob);
        return Some(Ok(json!({ "CiphertextBlob": moved })));
    }
    let encryption_context = ok!(given.context("EncryptionContext")?);
    let public_key = given.bytes("PublicKeyBlob")?;
    let wrapping_key_spec = WrappingKeySpec::from_name(given.text("WrappingKeySpec")?)?;
    let wrapping_algorithm = EncryptionAlgorithm::from_name(given.text("WrappingAlgorithm")?)?;
    if action == "ExportDataKey" {
        let blob = given.bytes("CiphertextBlob")?;
        let answer = session.call(ExportDataKey {
            ciphertext_blob: blob.as_slice().into(),
            encryption_context,
            public_key_blob: public_key.as_slice().into(),
            wrapping_key_spec,
            wrapping_algorithm,
            into: Into::Memory(&mut memory),
        });
        let exported = STANDARD.encode(&*ok!(answer).answer.exported_data_key);
        return Some(Ok(json!({ "ExportedDataKey": exported })));
    }
    let answer = session.call(GenerateAndExportDataKey {
        key_id: ok!(given.key("KeyId")?),
        key_spec: None,
        number_of_bytes: Some(u32::try_from(given.number("NumberOfBytes")?).ok()?),
        encryption_context,
        public_key_blob: public_key.as_slice().into(),
        wrapping_key_spec,
        wrapping_algorithm,
        ciphertext_into: Into::Memory(&mut memory),
        exported_into: Into::New,
    });
    let key = ok!(answer).answer;
    Some(Ok(json!({
        "CiphertextBlob": STANDARD.encode(&*key.ciphertext_blob),
        "ExportedDataKey": STANDARD.encode(&*key.exported_data_key),
    })))
}

fn asymmetric(session: &Session, action: &str, given: &Given<'_>) -> Option<Result<Value>> {
    let mut memory = vec![0; ROOM];
    let key_id = ok!(given.key("KeyId")?);
    let key_version_id = given.version("KeyVersionId")?;
    let into = Into::Memory(&mut memory);
    if action == "GetPublicKey" {
        let answer = ok!(session.call(GetPublicKey { key_id, key_version_id, into })).answer;
        let pem = std::str::from_utf8(&answer.public_key).unwrap();
        return Some(Ok(json!({ "PublicKey": pem })));
    }
    let algorithm = given.text("Algorithm")?;
    Some(Ok(match action {
        "AsymmetricSign" => {
            let digest = given.bytes("Digest")?;
            let (algorithm, digest) =
                (SigningAlgorithm::from_name(algorithm)?, digest.as_slice().into());
            let request = AsymmetricSign { key_id, key_version_id, algorithm, digest, into };
            json!({ "Value": STANDARD.encode(&*ok!(session.call(request)).answer.value) })
        }
        "AsymmetricVerify" => {
            let (digest, value) = (given.bytes("Digest")?, given.message("Value")?);
            let (digest, value) = (digest.as_slice().into(), value.as_slice().into());
            let algorithm = SigningAlgorithm::from_name(algorithm)?;
            let request = AsymmetricVerify { key_id, key_version_id, algorithm, digest, value };
            json!({ "Value": ok!(session.call(request)).answer.value })
        }
        "AsymmetricEncrypt" => {
            let message = given.message("Plaintext")?;
            let (algorithm, plaintext) =
                (EncryptionAlgorithm::from_name(algorithm)?, message.as_slice().into());
            let request = AsymmetricEncrypt { key_id, key_version_id, algorithm, plaintext, into };
            let blob = STANDARD.encode(&*ok!(session.call(request)).answer.ciphertext_blob);
            json!({ "CiphertextBlob": blob })
        }
        _ => {
            let blob = given.message("CiphertextBlob")?;
            let algorithm = EncryptionAlgorithm::from_name(algorithm)?;
            let ciphertext_blob = blob.as_slice().into();
            let request =
                AsymmetricDecrypt { key_id, key_version_id, algorithm, ciphertext_blob, into };
            let plaintext = STANDARD.encode(&*ok!(session.call(request)).answer.plaintext);
            json!({ "Plaintext": plaintext })
        }
    }))
}

fn import(session: &Session, action: &str, given: &Given<'_>) -> Option<Result<Value>> {
    if action == "GetParametersForImport" {
        let answer = session.call(GetParametersForImport {
            wrapping_key_spec: WrappingKeySpec::from_name(given.text("WrappingKeySpec")?)?,
            wrapping_algorithm: WrappingAlgorithm::from_name(given.text("WrappingAlgorithm")?)?,
            key_id: ok!(given.key("KeyId")?).into_owned(),
        });
        let answer = ok!(answer).answer;
        return Some(Ok(json!({
            "PublicKey": STANDARD.encode(&*answer.public_key),
            "ImportToken": STANDARD.encode(&*answer.import_token),
            "TokenExpireTime": answer.token_expire_time.to_string(),
        })));
    }
    let expires = match given.0.get("KeyMaterialExpireUnix") {
        Some(_) => Some(given.number("KeyMaterialExpireUnix")?),
        None => None,
    };
    let (material, token) = (given.bytes("EncryptedKeyMaterial")?, given.bytes("ImportToken")?);
    ok!(session.call(ImportKeyMaterial {
        key_id: ok!(given.key("KeyId")?),
        encrypted_key_material: material.as_slice().into(),
        import_token: token.as_slice().into(),
        key_material_expire_unix: expires,
    }));
    Some(Ok(json!({})))
}
