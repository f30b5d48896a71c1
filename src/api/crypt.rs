//! Encrypt and Decrypt (API reference, chapters 12.2 and 12.3).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::codec::SecretBlob;
use crate::api::{Base64Bytes, Blob, Into};
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::{Envelope, MAX_PLAINTEXT, OVERHEAD};
use crate::kms::{Access, Action, Aliases, Door, Plane, Purpose, Rule};
use crate::model::{EncryptionContext, KeyId, KeyRef, KeyVersionId, Plaintext, Sealing};

/// Encrypts up to 6144 bytes under a symmetric key.
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, bound(deserialize = "'a: 'static"))]
pub struct Encrypt<'a> {
    /// A key id, an alias, or the ARN of a key.
    pub key_id: KeyRef<'a>,
    /// Up to 6144 bytes: Base64, or any other text as it is.
    #[serde(skip_serializing)]
    pub plaintext: Plaintext<'a>,
    /// A JSON object of strings, at most 8192 characters; must be given again to decrypt.
    #[serde(default)]
    pub encryption_context: EncryptionContext,
    /// Where the ciphertext goes.
    #[serde(skip)]
    #[schemars(skip)]
    pub into: Into<'a>,
}

/// The answer of Encrypt.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Encrypted<'a> {
    /// The key.
    pub key_id: KeyId,
    /// The version that encrypted.
    pub key_version_id: KeyVersionId,
    /// The ciphertext, [`OVERHEAD`](crate::api::OVERHEAD) bytes longer than the plaintext.
    pub ciphertext_blob: Blob<'a>,
}

impl<'a> Action for Encrypt<'a> {
    const NAME: &'static str = "Encrypt";
    const ACCESS: Access = Access::Read;
    const PLANE: Plane = Plane::Data;
    type Answer = Encrypted<'a>;

    #[inline]
    fn run(&mut self, door: &Door<'_>) -> Result<Encrypted<'a>> {
        let plaintext = self.plaintext.as_bytes();
        check_plaintext(plaintext.len())?;
        let key = door.key(&self.key_id, Aliases::Taken, Rule::Use(Purpose::Envelope))?;
        let version = key.record().primary()?.id;
        let mut blob = self.into.take(plaintext.len() + OVERHEAD)?;
        let is_text = self.plaintext.is_text();
        let context = &self.encryption_context;
        door.with_material(&key, version, Sealing, |material, permit| {
            Envelope::seal(
                material.symmetric(permit)?,
                &version,
                plaintext,
                is_text,
                context,
                blob.as_mut(),
            )
        })?;
        Ok(Encrypted { key_id: key.record().id, key_version_id: version, ciphertext_blob: blob })
    }

    fn withdraw(mut answer: Encrypted<'a>) {
        answer.ciphertext_blob.as_mut().fill(0);
    }
}

/// Decrypts what Encrypt or GenerateDataKey made.
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, bound(deserialize = "'a: 'static"))]
pub struct Decrypt<'a> {
    /// The ciphertext.
    pub ciphertext_blob: Base64Bytes<'a>,
    /// What was given to encrypt.
    #[serde(default)]
    pub encryption_context: EncryptionContext,
    /// Where the plaintext goes.
    #[serde(skip)]
    #[schemars(skip)]
    pub into: Into<'a>,
}

/// The answer of Decrypt.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Decrypted<'a> {
    /// The key.
    pub key_id: KeyId,
    /// The version that decrypted.
    pub key_version_id: KeyVersionId,
    /// The plaintext; wiped when dropped unless it is in the caller's memory.
    pub plaintext: Opened<'a>,
}

/// A plaintext that has been decrypted.
pub struct Opened<'a> {
    bytes: SecretBlob<'a>,
    is_text: bool,
}

impl std::ops::Deref for Opened<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Serialize for Opened<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let plaintext = match std::str::from_utf8(&self.bytes) {
            Ok(text) if self.is_text => Plaintext::Text(text.into()),
            _ => Plaintext::Bytes((&*self.bytes).into()),
        };
        plaintext.serialize(serializer)
    }
}

impl<'a> Action for Decrypt<'a> {
    const NAME: &'static str = "Decrypt";
    const ACCESS: Access = Access::Read;
    const PLANE: Plane = Plane::Data;
    type Answer = Decrypted<'a>;

    #[inline]
    fn run(&mut self, door: &Door<'_>) -> Result<Decrypted<'a>> {
        self.open(door, |_| true)
    }

    fn withdraw(mut answer: Decrypted<'a>) {
        answer.plaintext.bytes.0.as_mut().fill(0);
    }
}

impl<'a> Decrypt<'a> {
    /// Opens what is of a key that may be.
    #[inline]
    fn open(
        &mut self,
        door: &Door<'_>,
        may_be: impl FnOnce(&KeyId) -> bool,
    ) -> Result<Decrypted<'a>> {
        let envelope = Envelope::parse(&self.ciphertext_blob.0)?;
        let key = door.key_of_version(envelope.version())?;
        if !may_be(&key.record().id) {
            return Err(ErrorCode::InvalidCiphertext.into());
        }
        let mut plaintext = SecretBlob(self.into.take(envelope.plaintext_len())?);
        door.with_material(&key, envelope.version(), Sealing, |material, permit| {
            envelope.open(
                material.symmetric(permit)?,
                &self.encryption_context,
                plaintext.0.as_mut(),
            )
        })?;
        Ok(Decrypted {
            key_id: key.record().id,
            key_version_id: envelope.version(),
            plaintext: Opened { bytes: plaintext, is_text: envelope.is_text() },
        })
    }
}

/// Decrypt for a handle that stands for one key: a ciphertext of another key is an
/// [`InvalidCiphertext`](ErrorCode::InvalidCiphertext), and stays closed.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecryptOf<'a> {
    /// The key.
    pub key_id: KeyId,
    /// What to decrypt, and where the plaintext goes.
    #[serde(flatten)]
    pub request: Decrypt<'a>,
}

impl<'a> Action for DecryptOf<'a> {
    const NAME: &'static str = Decrypt::NAME;
    const ACCESS: Access = Decrypt::ACCESS;
    const PLANE: Plane = Decrypt::PLANE;
    type Answer = Decrypted<'a>;

    #[inline]
    fn run(&mut self, door: &Door<'_>) -> Result<Decrypted<'a>> {
        self.request.open(door, |key| *key == self.key_id)
    }

    fn withdraw(answer: Decrypted<'a>) {
        Decrypt::withdraw(answer);
    }
}

/// Refuses a plaintext of more than [`MAX_PLAINTEXT`](crate::api::MAX_PLAINTEXT) bytes.
pub fn check_plaintext(len: usize) -> Result<()> {
    if len > MAX_PLAINTEXT {
        return Err(Error::invalid("Plaintext", "It must be at most 6144 bytes."));
    }
    Ok(())
}
