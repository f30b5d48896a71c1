//! Import of a customer's own key material, BYOK (API reference, chapter 7).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::keys::Done;
use crate::api::{Base64Bytes, Blob};
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::{ImportToken, Keyring, RawMaterial, WrappingPair};
use crate::kms::{Access, Action, Aliases, Door, KeyRecord, Rule, Transaction};
use crate::model::{
    KeyId, KeyRef, KeyState, Making, Permit, Timestamp, WrappingAlgorithm, WrappingKeySpec,
};

/// How long an import token is valid, in seconds.
const TOKEN_LIFE: u64 = 24 * 3600;

/// How many pairs of one key may be alive.
const MAX_PAIRS: usize = 100;

/// Makes a key pair that wraps material for one EXTERNAL key, and a token for 24 hours.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetParametersForImport {
    /// A key id or ARN.
    pub key_id: KeyRef<'static>,
    /// The kind of key pair.
    pub wrapping_key_spec: WrappingKeySpec,
    /// How the material will be wrapped.
    pub wrapping_algorithm: WrappingAlgorithm,
}

/// The answer of GetParametersForImport.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ParametersForImport {
    /// The key.
    pub key_id: KeyId,
    /// Comes back with the material.
    pub import_token: Blob<'static>,
    /// Wraps the material; DER SubjectPublicKeyInfo.
    pub public_key: Blob<'static>,
    /// When both expire.
    pub token_expire_time: Timestamp,
}

impl Action for GetParametersForImport {
    const NAME: &'static str = "GetParametersForImport";
    const ACCESS: Access = Access::Write;
    type Answer = ParametersForImport;

    fn run(&mut self, door: &Door<'_>) -> Result<ParametersForImport> {
        let algorithm = self.wrapping_algorithm;
        if algorithm.wrapping_key_spec() != self.wrapping_key_spec {
            let detail =
                format!("{algorithm} needs WrappingKeySpec {}.", algorithm.wrapping_key_spec());
            return Err(Error::invalid("WrappingAlgorithm", detail));
        }
        let key = door.key(&self.key_id, Aliases::Refused, Rule::External)?;
        if !algorithm.fits(key.record().spec) {
            let detail = format!("{algorithm} is not for keys of spec {}.", key.record().spec);
            return Err(Error::invalid("WrappingAlgorithm", detail));
        }
        let KeyRecord { level, spec, .. } = *key.record();
        let making = door.admit_use(level, self.wrapping_key_spec.key_spec(), Making);
        let making = making.map_err(|error| error.about("WrappingKeySpec"))?;
        let wrapping = door.admit_use(level, spec, algorithm)?;
        door.admit_level(level, spec)?;
        may_have_one_more(key.record())?;

        // Held while there is a private key: closing waits for it.
        let keyring = door.keyring()?;
        // Made before the change: it takes a tenth of a second, and others wait for changes.
        let not_after = door.now().plus(TOKEN_LIFE);
        let pair = door
            .with_room(|| WrappingPair::generate(making, wrapping, key.record().id, not_after))?;
        door.change_key(&self.key_id, Aliases::Refused, Rule::External, |transaction, key| {
            may_have_one_more(key)?;
            transaction.put_pair(pair.id(), &pair.body()?)?;
            key.wrapping_pairs.push((*pair.id(), not_after));
            Ok(())
        })?;
        let token = ImportToken::issue(&keyring, door.space(), &pair)?;
        Ok(ParametersForImport {
            key_id: key.record().id,
            import_token: Blob::Owned(token),
            public_key: Blob::Owned(pair.public().to_vec()),
            token_expire_time: not_after,
        })
    }
}

fn may_have_one_more(key: &KeyRecord) -> Result<()> {
    if key.wrapping_pairs.len() >= MAX_PAIRS {
        let detail = "A key has at most 100 import tokens at a time.";
        return Err(Error::new(ErrorCode::LimitExceeded).because(detail));
    }
    Ok(())
}

/// Imports wrapped key material into an EXTERNAL key.
#[derive(Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, bound(deserialize = "'a: 'static"))]
pub struct ImportKeyMaterial<'a> {
    /// A key id or ARN.
    pub key_id: KeyRef<'a>,
    /// The material, wrapped as GetParametersForImport was told.
    pub encrypted_key_material: Base64Bytes<'a>,
    /// The token that came with the public key.
    #[serde(deserialize_with = "Base64Bytes::or_text")]
    pub import_token: Base64Bytes<'a>,
    /// When the material is destroyed, in Unix seconds; 0 or absent: never.
    #[serde(default)]
    pub key_material_expire_unix: Option<u64>,
}

impl Action for ImportKeyMaterial<'_> {
    const NAME: &'static str = "ImportKeyMaterial";
    const ACCESS: Access = Access::Write;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        let given: [(_, &[u8]); 2] = [
            ("EncryptedKeyMaterial", &self.encrypted_key_material.0),
            ("ImportToken", &self.import_token.0),
        ];
        for (name, bytes) in given {
            if bytes.is_empty() {
                return Err(Error::invalid(name, "It must not be empty."));
            }
        }
        let expires = self.key_material_expire_unix.filter(|at| *at != 0).map(Timestamp);
        if expires.is_some_and(|at| at <= door.now()) {
            return Err(Error::invalid("KeyMaterialExpireUnix", "It must be in the future."));
        }
        // A failed attempt is written down before it is answered, so it is not an error of the
        // change itself.
        door.change_key(&self.key_id, Aliases::Refused, Rule::Import, |transaction, key| {
            door.admit_level(key.level, key.spec)?;
            let token = ImportToken::parse(&self.import_token.0)?;
            let pair = transaction.pair(token.pair())?.ok_or_else(|| {
                // Pairs are destroyed when they expire; a token tells its own time.
                match token.not_after() < transaction.now() {
                    true => ErrorCode::ExpiredImportToken,
                    false => ErrorCode::InvalidImportToken,
                }
            })?;
            token.verify(transaction.keyring(), door.space(), &key.id, &pair, transaction.now())?;
            if pair.is_burnt() {
                return Err(ErrorCode::InvalidImportToken.into());
            }
            // Made before anything is tried: no failure may go uncounted for want of memory.
            let failed = pair.body_after_failure()?;
            let permit = door.admit_use(key.level, key.spec, pair.algorithm())?;
            match unwrap(permit, transaction.keyring(), key, &pair, &self.encrypted_key_material.0)
            {
                Ok(material) => {
                    let fingerprint =
                        material.fingerprint(transaction.keyring(), &key.id, key.spec)?;
                    install(transaction, key, &material, fingerprint, expires)?;
                    Ok(Ok(Done {}))
                }
                Err(error) if error.code() == ErrorCode::InvalidKeyMaterial => {
                    transaction.put_pair(pair.id(), &failed)?;
                    door.fail(&error);
                    Ok(Err(error))
                }
                Err(error) => Err(error),
            }
        })?
    }
}

/// The material inside `wrapped`, if it is what the key takes: of its kind, and the same as the first
/// time.
fn unwrap(
    permit: Permit<WrappingAlgorithm>,
    keyring: &Keyring,
    key: &KeyRecord,
    pair: &WrappingPair,
    wrapped: &[u8],
) -> Result<RawMaterial> {
    let material = pair.unwrap(permit, wrapped)?;
    if let Some(first) = &key.fingerprint
        && !material.is(first, keyring, &key.id, key.spec)?
    {
        return Err(ErrorCode::InvalidKeyMaterial.into());
    }
    Ok(material)
}

/// Puts material into a key.
pub(super) fn install(
    transaction: &mut Transaction<'_>,
    key: &mut KeyRecord,
    material: &RawMaterial,
    fingerprint: [u8; 32],
    expires: Option<Timestamp>,
) -> Result<()> {
    let version = key.primary()?;
    let body = material.version_body(version.created)?;
    transaction.put_version(key, version, &body)?;
    key.fingerprint = Some(fingerprint);
    key.material_expires = expires;
    key.has_material = true;
    if key.state == KeyState::PendingImport {
        key.state = KeyState::Enabled;
    }
    Ok(())
}

/// Destroys the imported material of a key at once; the key waits for the same material again.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteKeyMaterial {
    /// A key id or ARN.
    pub key_id: KeyRef<'static>,
}

impl Action for DeleteKeyMaterial {
    const NAME: &'static str = "DeleteKeyMaterial";
    const ACCESS: Access = Access::Write;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        door.change_key(&self.key_id, Aliases::Refused, Rule::External, |transaction, key| {
            transaction.destroy_material(key)?;
            Ok(Done {})
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{CreateKey, DescribeKey};
    use crate::kms::{Kms, Options};
    use crate::model::Origin;

    /// A private half that outlives its token could unwrap what was recorded long after the material
    /// is destroyed.
    #[test]
    fn expired_pairs_are_destroyed() {
        let manual_clock = Some(Timestamp(1_562_246_055));
        let options =
            Options { manual_clock, allow_unprotected_memory: true, ..Options::default() };
        let kms = Kms::in_memory(options).unwrap();
        let session = kms.session("1", "cn-hongkong").unwrap();
        let external = CreateKey { origin: Some(Origin::External), ..CreateKey::default() };
        let key = session.call(external).unwrap().answer.key_metadata.key_id;
        let token = session.call(GetParametersForImport {
            key_id: KeyRef::Id(key),
            wrapping_key_spec: WrappingKeySpec::Rsa2048,
            wrapping_algorithm: WrappingAlgorithm::OaepSha256,
        });
        let token = token.unwrap().answer.import_token;
        let pair = *ImportToken::parse(&token).unwrap().pair();
        let is_there = || kms.change(|transaction| transaction.pair(&pair)).unwrap().is_some();
        let clock = kms.manual_clock().unwrap();
        clock.advance(24 * 3600);
        session.call(DescribeKey { key_id: KeyRef::Id(key) }).unwrap();
        assert!(is_there());
        clock.advance(1);
        session.call(DescribeKey { key_id: KeyRef::Id(key) }).unwrap();
        assert!(!is_there());
    }
}
