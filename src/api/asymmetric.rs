//! Signatures, public-key encryption and public keys (API reference, chapters 12.6 and 12.8).

use der::pem::LineEnding;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::api::codec::SecretBlob;
use crate::api::{Base64Bytes, Blob, Into};
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::{Ciphertext, KeyMaterial};
use crate::kms::{Access, Action, Aliases, Door, Plane, Purpose, Rule};
use crate::model::{
    EncryptionAlgorithm, KeyId, KeyRef, KeyVersionId, SigningAlgorithm, VersionRef,
};

/// Signs a digest with a key for SIGN/VERIFY.
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, bound(deserialize = "'a: 'static"))]
pub struct AsymmetricSign<'a> {
    /// A key id, an alias, or the ARN of a key.
    pub key_id: KeyRef<'a>,
    /// The version that signs; ListKeyVersions names them.
    pub key_version_id: VersionRef,
    /// RSA_PSS_SHA_256 or RSA_PKCS1_SHA_256 for RSA, ECDSA_SHA_256 for EC_P256 and EC_P256K, SM2DSA for EC_SM2.
    pub algorithm: SigningAlgorithm,
    /// 32 bytes: the SHA-256 of the message; for SM2DSA, SM3(Z_A | message).
    pub digest: Base64Bytes<'a>,
    /// Where the signature goes.
    #[serde(skip)]
    #[schemars(skip)]
    pub into: Into<'a>,
}

/// The answer of AsymmetricSign.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Signature<'a> {
    /// The key.
    pub key_id: KeyId,
    /// The version that signed.
    pub key_version_id: KeyVersionId,
    /// The signature: of RSA as long as the modulus, otherwise DER SEQUENCE { r, s }.
    pub value: Blob<'a>,
}

impl<'a> Action for AsymmetricSign<'a> {
    const NAME: &'static str = "AsymmetricSign";
    const ACCESS: Access = Access::Read;
    const PLANE: Plane = Plane::Data;
    type Answer = Signature<'a>;

    fn run(&mut self, door: &Door<'_>) -> Result<Signature<'a>> {
        let digest = read_digest(&self.digest.0)?;
        let rule = Rule::Use(Purpose::Signature(self.algorithm));
        let (key, version) =
            door.key_version(&self.key_id, self.key_version_id, Aliases::Taken, rule)?;
        let mut value = self.into.take(SigningAlgorithm::max_signature(key.record().spec))?;
        let len = door.with_material(&key, version.id, self.algorithm, |material, permit| {
            material.pair(permit)?.sign(digest, value.as_mut())
        })?;
        value.shorten(len);
        Ok(Signature { key_id: key.record().id, key_version_id: version.id, value })
    }

    fn withdraw(mut answer: Signature<'a>) {
        answer.value.as_mut().fill(0);
    }
}

/// Tells whether a signature is one of a digest. A wrong one is an answer, not an error: look at Value.
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, bound(deserialize = "'a: 'static"))]
pub struct AsymmetricVerify<'a> {
    /// A key id, an alias, or the ARN of a key.
    pub key_id: KeyRef<'a>,
    /// The version that signed.
    pub key_version_id: VersionRef,
    /// As it was signed.
    pub algorithm: SigningAlgorithm,
    /// 32 bytes, as they were signed.
    pub digest: Base64Bytes<'a>,
    /// The signature.
    pub value: Base64Bytes<'a>,
}

/// The answer of AsymmetricVerify.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Verified {
    /// The key.
    pub key_id: KeyId,
    /// The version that verified.
    pub key_version_id: KeyVersionId,
    /// Whether the signature is right.
    pub value: bool,
}

impl Action for AsymmetricVerify<'_> {
    const NAME: &'static str = "AsymmetricVerify";
    const ACCESS: Access = Access::Read;
    const PLANE: Plane = Plane::Data;
    type Answer = Verified;

    fn run(&mut self, door: &Door<'_>) -> Result<Verified> {
        let digest = read_digest(&self.digest.0)?;
        let rule = Rule::Use(Purpose::Signature(self.algorithm));
        let (key, version) =
            door.key_version(&self.key_id, self.key_version_id, Aliases::Taken, rule)?;
        let value = door.with_material(&key, version.id, self.algorithm, |material, permit| {
            material.pair(permit)?.verify(digest, &self.value.0)
        })?;
        Ok(Verified { key_id: key.record().id, key_version_id: version.id, value })
    }
}

/// Encrypts a short message with the public half of a key for ENCRYPT/DECRYPT.
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, bound(deserialize = "'a: 'static"))]
pub struct AsymmetricEncrypt<'a> {
    /// A key id, an alias, or the ARN of a key.
    pub key_id: KeyRef<'a>,
    /// The version that encrypts; ListKeyVersions names them.
    pub key_version_id: VersionRef,
    /// RSAES_OAEP_SHA_256 or RSAES_OAEP_SHA_1 for RSA, SM2PKE for EC_SM2.
    pub algorithm: EncryptionAlgorithm,
    /// The message. At most 190 or 214 bytes for RSA_2048, 318 or 342 for RSA_3072, 446 or 470 for RSA_4096; 1 to 6047 for EC_SM2.
    pub plaintext: Base64Bytes<'a>,
    /// Where the ciphertext goes.
    #[serde(skip)]
    #[schemars(skip)]
    pub into: Into<'a>,
}

/// The answer of AsymmetricEncrypt.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PublicKeyEncrypted<'a> {
    /// The key.
    pub key_id: KeyId,
    /// The version that encrypted.
    pub key_version_id: KeyVersionId,
    /// The ciphertext: of RSA as long as the modulus; of SM2 04 | x | y | C3 | C2.
    pub ciphertext_blob: Blob<'a>,
}

impl<'a> Action for AsymmetricEncrypt<'a> {
    const NAME: &'static str = "AsymmetricEncrypt";
    const ACCESS: Access = Access::Read;
    const PLANE: Plane = Plane::Data;
    type Answer = PublicKeyEncrypted<'a>;

    fn run(&mut self, door: &Door<'_>) -> Result<PublicKeyEncrypted<'a>> {
        let rule = Rule::Use(Purpose::PublicKeyEncryption(self.algorithm));
        let (key, version) =
            door.key_version(&self.key_id, self.key_version_id, Aliases::Taken, rule)?;
        let plaintext = &*self.plaintext.0;
        let spec = key.record().spec;
        let range = self.algorithm.plaintext_len(spec);
        if !range.contains(&plaintext.len()) {
            let (min, max) = range.into_inner();
            let detail =
                format!("It must be {min} to {max} bytes for {} and {spec}.", self.algorithm);
            return Err(Error::invalid("Plaintext", detail));
        }
        let len = EncryptionAlgorithm::ciphertext_len(spec, plaintext.len());
        let mut blob = self.into.take(len)?;
        door.with_material(&key, version.id, self.algorithm, |material, permit| {
            material.pair(permit)?.encrypt(plaintext, blob.as_mut())
        })?;
        let key_id = key.record().id;
        Ok(PublicKeyEncrypted { key_id, key_version_id: version.id, ciphertext_blob: blob })
    }

    fn withdraw(mut answer: PublicKeyEncrypted<'a>) {
        answer.ciphertext_blob.as_mut().fill(0);
    }
}

/// Decrypts what was encrypted with the public half of a key for ENCRYPT/DECRYPT, here or elsewhere.
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, bound(deserialize = "'a: 'static"))]
pub struct AsymmetricDecrypt<'a> {
    /// A key id, an alias, or the ARN of a key.
    pub key_id: KeyRef<'a>,
    /// The version that decrypts.
    pub key_version_id: VersionRef,
    /// As it was encrypted.
    pub algorithm: EncryptionAlgorithm,
    /// The ciphertext; of SM2 also in DER.
    pub ciphertext_blob: Base64Bytes<'a>,
    /// Where the plaintext goes.
    #[serde(skip)]
    #[schemars(skip)]
    pub into: Into<'a>,
}

/// The answer of AsymmetricDecrypt.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PublicKeyDecrypted<'a> {
    /// The key.
    pub key_id: KeyId,
    /// The version that decrypted.
    pub key_version_id: KeyVersionId,
    /// The message; wiped when dropped unless it is in the caller's memory.
    pub plaintext: SecretBlob<'a>,
}

impl<'a> Action for AsymmetricDecrypt<'a> {
    const NAME: &'static str = "AsymmetricDecrypt";
    const ACCESS: Access = Access::Read;
    const PLANE: Plane = Plane::Data;
    type Answer = PublicKeyDecrypted<'a>;

    fn run(&mut self, door: &Door<'_>) -> Result<PublicKeyDecrypted<'a>> {
        let rule = Rule::Use(Purpose::PublicKeyEncryption(self.algorithm));
        let (key, version) =
            door.key_version(&self.key_id, self.key_version_id, Aliases::Taken, rule)?;
        let ciphertext = Ciphertext::parse(self.algorithm, &self.ciphertext_blob.0)?;
        let mut plaintext = SecretBlob(self.into.take(ciphertext.max_plaintext())?);
        let len = door.with_material(&key, version.id, self.algorithm, |material, permit| {
            material.pair(permit)?.decrypt(&ciphertext, plaintext.0.as_mut())
        })?;
        plaintext.0.shorten(len);
        Ok(PublicKeyDecrypted { key_id: key.record().id, key_version_id: version.id, plaintext })
    }

    fn withdraw(mut answer: PublicKeyDecrypted<'a>) {
        answer.plaintext.0.as_mut().fill(0);
    }
}

/// Gives the public half of an asymmetric key, in every state but PendingImport.
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, bound(deserialize = "'a: 'static"))]
pub struct GetPublicKey<'a> {
    /// A key id, an alias, or the ARN of a key.
    pub key_id: KeyRef<'a>,
    /// The version; ListKeyVersions names them.
    pub key_version_id: VersionRef,
    /// Where the public key goes.
    #[serde(skip)]
    #[schemars(skip)]
    pub into: Into<'a>,
}

/// The answer of GetPublicKey.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PublishedKey<'a> {
    /// The key.
    pub key_id: KeyId,
    /// The version.
    pub key_version_id: KeyVersionId,
    /// SubjectPublicKeyInfo (RFC 5280) in PEM (RFC 7468).
    #[serde(serialize_with = "as_text")]
    pub public_key: Blob<'a>,
}

fn as_text<S: Serializer>(text: &Blob<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(std::str::from_utf8(text).map_err(serde::ser::Error::custom)?)
}

impl<'a> Action for GetPublicKey<'a> {
    const NAME: &'static str = "GetPublicKey";
    const ACCESS: Access = Access::Read;
    type Answer = PublishedKey<'a>;

    fn run(&mut self, door: &Door<'_>) -> Result<PublishedKey<'a>> {
        let (key, version) =
            door.key_version(&self.key_id, self.key_version_id, Aliases::Taken, Rule::Publish)?;
        let spki = door.with_public_half(&key, version.id, KeyMaterial::spki)?;
        let pem = der::pem::encode_string("PUBLIC KEY", LineEnding::LF, &spki)
            .map_err(|_| ErrorCode::Internal)?;
        let mut public_key = self.into.take(pem.len())?;
        public_key.as_mut().copy_from_slice(pem.as_bytes());
        Ok(PublishedKey { key_id: key.record().id, key_version_id: version.id, public_key })
    }
}

/// A digest as all algorithms take it.
fn read_digest(digest: &[u8]) -> Result<&[u8; 32]> {
    digest.try_into().map_err(|_| Error::invalid("Digest", "It must be 32 bytes."))
}
