//! ReEncrypt: from one key to another, with the plaintext never outside (API reference, chapter
//! 12.5).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::{Base64Bytes, Blob, Into};
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::{Ciphertext, Envelope, OVERHEAD, Transfer};
use crate::kms::{Access, Action, Aliases, Door, Plane, Purpose, Rule};
use crate::model::{
    EncryptionAlgorithm, EncryptionContext, KeyId, KeyRef, KeyVersionId, Sealing, VersionRef,
};

/// Decrypts a ciphertext inside and encrypts the plaintext under another symmetric key, or the newest version of the same.
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, bound(deserialize = "'a: 'static"))]
pub struct ReEncrypt<'a> {
    /// What a symmetric key has encrypted, or, with the three parameters of its source, what was encrypted with a public key.
    pub ciphertext_blob: Base64Bytes<'a>,
    /// For what was encrypted with a public key: a key id or ARN.
    #[serde(default)]
    pub source_key_id: Option<KeyRef<'a>>,
    /// For what was encrypted with a public key: the version.
    #[serde(default)]
    pub source_key_version_id: Option<VersionRef>,
    /// For what was encrypted with a public key: RSAES_OAEP_SHA_256, RSAES_OAEP_SHA_1 or SM2PKE.
    #[serde(default)]
    pub source_encryption_algorithm: Option<EncryptionAlgorithm>,
    /// What was given to encrypt.
    #[serde(default)]
    pub source_encryption_context: EncryptionContext,
    /// A key id or ARN: the symmetric key that encrypts.
    pub destination_key_id: KeyRef<'a>,
    /// A JSON object of strings, at most 8192 characters; must be given again to decrypt.
    #[serde(default)]
    pub destination_encryption_context: EncryptionContext,
    /// Where the new ciphertext goes.
    #[serde(skip)]
    #[schemars(skip)]
    pub into: Into<'a>,
}

/// The answer of ReEncrypt.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReEncrypted<'a> {
    /// The key that decrypted.
    pub key_id: KeyId,
    /// The version that decrypted.
    pub key_version_id: KeyVersionId,
    /// The new ciphertext, as Encrypt makes it.
    pub ciphertext_blob: Blob<'a>,
}

/// Where the plaintext comes from.
enum Source<'a> {
    Envelope(Envelope<'a>),
    PublicKey(&'a KeyRef<'a>, VersionRef, EncryptionAlgorithm, Ciphertext<'a>),
}

impl<'a> Action for ReEncrypt<'a> {
    const NAME: &'static str = "ReEncrypt";
    const ACCESS: Access = Access::Read;
    const PLANE: Plane = Plane::Data;
    type Answer = ReEncrypted<'a>;

    fn run(&mut self, door: &Door<'_>) -> Result<ReEncrypted<'a>> {
        let mut into = std::mem::take(&mut self.into);
        let source = self.source()?;
        let max = match &source {
            Source::Envelope(envelope) => envelope.plaintext_len(),
            Source::PublicKey(.., ciphertext) => ciphertext.max_plaintext(),
        };
        let (from, to) = (door.under(&["ReEncryptFrom"]), door.under(&["ReEncryptTo"]));
        let found = match &source {
            Source::Envelope(envelope) => {
                from.key_of_version(envelope.version()).map(|key| (key, envelope.version()))
            }
            Source::PublicKey(key, version, algorithm, _) => {
                let rule = Rule::Use(Purpose::PublicKeyEncryption(*algorithm));
                let found = from.key_version(key, *version, Aliases::Refused, rule);
                let found = found.map_err(|error| match error.code() {
                    ErrorCode::InvalidParameter => error.about("SourceEncryptionAlgorithm"),
                    _ => error,
                });
                found.map(|(key, version)| (key, version.id))
            }
        };
        let (source_key, source_version) = found.map_err(|error| {
            // Both permissions come before what is wrong with either key.
            let permitted = to.key(&self.destination_key_id, Aliases::Refused, Rule::Always);
            let denied = permitted.err().filter(|it| it.code() == ErrorCode::NoPermission);
            denied.unwrap_or(error)
        })?;
        let rule = Rule::Use(Purpose::Envelope);
        let key = to.key(&self.destination_key_id, Aliases::Refused, rule)?;
        let version = key.record().primary()?.id;
        let mut blob = into.take(max + OVERHEAD)?;

        // Held while there is a plaintext: closing waits for it.
        let _keyring = door.keyring()?;
        let plaintext = match &source {
            Source::Envelope(envelope) => {
                door.with_material(&source_key, source_version, Sealing, |material, permit| {
                    Transfer::open(
                        material.symmetric(permit)?,
                        envelope,
                        &self.source_encryption_context,
                    )
                })
            }
            Source::PublicKey(.., algorithm, ciphertext) => {
                door.with_material(&source_key, source_version, *algorithm, |material, permit| {
                    Transfer::decrypt(material.pair(permit)?, ciphertext)
                })
            }
        }?;
        blob.shorten(plaintext.plaintext_len() + OVERHEAD);
        let context = &self.destination_encryption_context;
        door.with_material(&key, version, Sealing, |material, permit| {
            plaintext.seal(material.symmetric(permit)?, &version, context, blob.as_mut())
        })?;
        Ok(ReEncrypted {
            key_id: source_key.record().id,
            key_version_id: source_version,
            ciphertext_blob: blob,
        })
    }

    fn withdraw(mut answer: ReEncrypted<'a>) {
        answer.ciphertext_blob.as_mut().fill(0);
    }
}

impl ReEncrypt<'_> {
    /// The three parameters of a public-key source come together or not at all.
    fn source(&self) -> Result<Source<'_>> {
        let blob = &*self.ciphertext_blob.0;
        let (key, version, algorithm) =
            (&self.source_key_id, self.source_key_version_id, self.source_encryption_algorithm);
        match (key, version, algorithm) {
            (None, None, None) => Envelope::parse(blob).map(Source::Envelope),
            (Some(key), Some(version), Some(algorithm)) => {
                if !self.source_encryption_context.is_empty() {
                    let detail = "What is encrypted with a public key has none.";
                    return Err(Error::invalid("SourceEncryptionContext", detail));
                }
                let ciphertext = Ciphertext::parse(algorithm, blob)?;
                Ok(Source::PublicKey(key, version, algorithm, ciphertext))
            }
            (None, ..) => Err(Error::missing("SourceKeyId")),
            (_, None, _) => Err(Error::missing("SourceKeyVersionId")),
            (.., None) => Err(Error::missing("SourceEncryptionAlgorithm")),
        }
    }
}
