//! The two ways of a call: everything as JSON, or what crosses in bytes through the typed structs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kmshsm::api::{
    Decrypt, Encrypt, GenerateDataKey, GenerateDataKeyWithoutPlaintext, GenerateRandom,
    GetParametersForImport, ImportKeyMaterial, Into, dispatch_json,
};
use kmshsm::error::{Error, Result};
use kmshsm::kms::Session;
use kmshsm::model::{EncryptionContext, KeyRef, WrappingAlgorithm, WrappingKeySpec};
use serde_json::{Value, json};

use crate::expect;

/// How calls are made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    Json,
    Typed,
}

/// What a call answered; of a typed one, only what its function returns.
pub struct Answer {
    value: Value,
    is_whole: bool,
}

impl Answer {
    /// An answer with all its fields.
    pub fn whole(value: Value) -> Self {
        Self { value, is_whole: true }
    }

    /// Compares one field.
    pub fn check(&self, path: &str, expected: &Value) -> Result<(), String> {
        let found = self.at(path);
        if found.is_none() && !self.is_whole {
            return Ok(());
        }
        if !self.is_whole && path == "Plaintext" && expected.is_string() {
            let wanted = plain(expected.as_str().unwrap());
            let bytes = STANDARD.decode(found.and_then(Value::as_str).unwrap()).unwrap();
            return if bytes == wanted { Ok(()) } else { Err("another plaintext".into()) };
        }
        if expect::fits(expected, found) {
            return Ok(());
        }
        Err(format!("{path} should be {expected} and is {}", found.unwrap_or(&Value::Null)))
    }

    /// A field as text.
    pub fn text(&self, path: &str) -> Option<String> {
        let found = self.at(path)?;
        Some(found.as_str().map_or_else(|| found.to_string(), str::to_owned))
    }

    fn at(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(&self.value, |value, part| match value {
            Value::Array(items) => items.get(part.parse::<usize>().ok()?),
            value => value.get(part),
        })
    }
}

/// Makes the call in its lane.
pub fn call(
    session: &Session,
    lane: Lane,
    action: &str,
    with: &Value,
    raw: Option<&str>,
) -> Result<Answer> {
    if lane == Lane::Typed
        && raw.is_none()
        && let Some(outcome) = typed(session, action, with)
    {
        return outcome.map(|value| Answer { value, is_whole: false });
    }
    let text = raw.map_or_else(|| with.to_string(), str::to_owned);
    let json = dispatch_json(session, action, Some(&text))?;
    Ok(Answer::whole(serde_json::from_str(&json).unwrap()))
}

/// The typed call, if there is one with just these parameters.
fn typed(session: &Session, action: &str, with: &Value) -> Option<Result<Value>> {
    let with = with.as_object()?;
    let only = |names: &[&str]| with.keys().all(|name| names.contains(&name.as_str()));
    let text = |name: &str| with.get(name).and_then(Value::as_str);
    let binary = |name: &str| STANDARD.decode(text(name)?).ok().filter(|bytes| !bytes.is_empty());
    let number = |name: &str| {
        let value = with.get(name)?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    };
    let context = match with.get("EncryptionContext") {
        Some(Value::String(text)) => EncryptionContext::from_json(text, "EncryptionContext"),
        Some(_) => return None,
        None => Ok(EncryptionContext::default()),
    };
    let context = match context {
        Ok(context) => context,
        Err(error) => return Some(Err(error)),
    };
    let key = || {
        let empty = || Error::invalid("KeyId", "It must not be empty.");
        text("KeyId").map(|text| KeyRef::parse(text).ok_or_else(empty))
    };
    match action {
        "Encrypt" if only(&["KeyId", "Plaintext", "EncryptionContext"]) => {
            let plaintext = plain(text("Plaintext")?);
            let mut out = vec![0; plaintext.len() + 91];
            let request = key()?.map(|key_id| Encrypt {
                key_id,
                plaintext: plaintext.as_slice().into(),
                encryption_context: context,
                into: Into::Memory(&mut out),
            });
            Some(request.and_then(|request| session.call(request)).map(|reply| {
                json!({ "CiphertextBlob": STANDARD.encode(&*reply.answer.ciphertext_blob) })
            }))
        }
        "Decrypt" if only(&["CiphertextBlob", "EncryptionContext"]) => {
            let blob = binary("CiphertextBlob")?;
            let mut out = vec![0; blob.len()];
            let request = Decrypt {
                ciphertext_blob: blob.as_slice().into(),
                encryption_context: context,
                into: Into::Memory(&mut out),
            };
            Some(
                session
                    .call(request)
                    .map(|reply| json!({ "Plaintext": STANDARD.encode(&*reply.answer.plaintext) })),
            )
        }
        "GenerateDataKey" if only(&["KeyId", "NumberOfBytes", "EncryptionContext"]) => {
            let bytes = u32::try_from(number("NumberOfBytes")?).ok()?;
            let request = key()?.map(|key_id| GenerateDataKey {
                key_id,
                key_spec: None,
                number_of_bytes: Some(bytes),
                encryption_context: context,
                plaintext_into: Into::New,
                ciphertext_into: Into::New,
            });
            Some(request.and_then(|request| session.call(request)).map(|reply| {
                json!({
                    "CiphertextBlob": STANDARD.encode(&*reply.answer.ciphertext_blob),
                    "Plaintext": STANDARD.encode(&*reply.answer.plaintext),
                })
            }))
        }
        "GenerateDataKeyWithoutPlaintext"
            if only(&["KeyId", "NumberOfBytes", "EncryptionContext"]) =>
        {
            let bytes = u32::try_from(number("NumberOfBytes")?).ok()?;
            let request = key()?.map(|key_id| GenerateDataKeyWithoutPlaintext {
                key_id,
                key_spec: None,
                number_of_bytes: Some(bytes),
                encryption_context: context,
                into: Into::New,
            });
            Some(request.and_then(|request| session.call(request)).map(|reply| {
                json!({ "CiphertextBlob": STANDARD.encode(&*reply.answer.ciphertext_blob) })
            }))
        }
        "GenerateRandom" if only(&["Length"]) => {
            let length = u32::try_from(number("Length")?).ok()?;
            let answer = session.call(GenerateRandom { length, into: Into::New });
            Some(answer.map(|reply| json!({ "Random": STANDARD.encode(&*reply.answer.random) })))
        }
        "GetParametersForImport" if only(&["KeyId", "WrappingKeySpec", "WrappingAlgorithm"]) => {
            let wrapping_key_spec = WrappingKeySpec::from_name(text("WrappingKeySpec")?)?;
            let wrapping_algorithm = WrappingAlgorithm::from_name(text("WrappingAlgorithm")?)?;
            let request = key()?.map(|key_id| GetParametersForImport {
                key_id: key_id.into_owned(),
                wrapping_key_spec,
                wrapping_algorithm,
            });
            Some(request.and_then(|request| session.call(request)).map(|reply| {
                json!({
                    "PublicKey": STANDARD.encode(&*reply.answer.public_key),
                    "ImportToken": STANDARD.encode(&*reply.answer.import_token),
                    "TokenExpireTime": reply.answer.token_expire_time.to_string(),
                })
            }))
        }
        "ImportKeyMaterial"
            if only(&["KeyId", "EncryptedKeyMaterial", "ImportToken", "KeyMaterialExpireUnix"]) =>
        {
            let expires = match with.get("KeyMaterialExpireUnix") {
                Some(_) => Some(number("KeyMaterialExpireUnix")?),
                None => None,
            };
            let (material, token) = (binary("EncryptedKeyMaterial")?, binary("ImportToken")?);
            let request = key()?.map(|key_id| ImportKeyMaterial {
                key_id,
                encrypted_key_material: material.as_slice().into(),
                import_token: token.as_slice().into(),
                key_material_expire_unix: expires,
            });
            Some(request.and_then(|request| session.call(request)).map(|_| json!({})))
        }
        _ => None,
    }
}

/// A plaintext of the JSON lane as the bytes of the typed one.
fn plain(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap_or_else(|_| text.as_bytes().to_vec())
}
