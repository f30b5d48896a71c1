//! Versions of keys (API reference, chapter 8).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::list::{Paging, Wanted};
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::RawMaterial;
use crate::kms::{Access, Action, Aliases, Door, KeyRecord, Resource, Rule, Version};
use crate::model::{KeyId, KeyRef, KeyVersionId, Making, Timestamp, VersionRef};

/// How many seconds must pass between two versions of a key pair: 7 days.
const BETWEEN_VERSIONS: u64 = 7 * 86_400;

/// How many versions a key pair may have.
const MAX_VERSIONS: usize = 50;

/// What is said of a version.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct VersionMetadata {
    /// The key.
    pub key_id: KeyId,
    /// The version.
    pub key_version_id: KeyVersionId,
    /// When it was made.
    pub creation_date: Timestamp,
}

impl VersionMetadata {
    const fn of(key_id: KeyId, version: &Version) -> Self {
        Self { key_id, key_version_id: version.id, creation_date: version.created }
    }
}

/// Makes a further version of a key pair. The older ones remain in use.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateKeyVersion {
    /// A key id, an alias, or the ARN of a key, of an asymmetric key.
    pub key_id: KeyRef<'static>,
}

impl Action for CreateKeyVersion {
    const NAME: &'static str = "CreateKeyVersion";
    const ACCESS: Access = Access::Write;
    type Answer = VersionAnswer;

    fn run(&mut self, door: &Door<'_>) -> Result<VersionAnswer> {
        let key = door.key(&self.key_id, Aliases::Taken, Rule::Version)?;
        let record = key.record();
        may_be_made(record, door.now())?;
        door.admit_level(record.level, record.spec)?;
        door.room_for(Resource::Versions)?;
        // Held while there is material in clear: closing waits for it.
        let _keyring = door.keyring()?;
        // Made before the change: a key pair takes long, and others wait for changes.
        let permit = door.admit_use(record.level, record.spec, Making)?;
        let material = door.with_room(|| RawMaterial::generate(permit))?;
        let key_id = KeyRef::Id(record.id);
        door.change_key(&key_id, Aliases::Refused, Rule::Version, |transaction, key| {
            may_be_made(key, transaction.now())?;
            transaction.room_for(&key.space, Resource::Versions)?;
            let version = transaction.add_version(key, &material)?;
            Ok(VersionAnswer { key_version: VersionMetadata::of(key.id, &version) })
        })
    }
}

/// Refuses a version that comes too early, or is one too many.
fn may_be_made(key: &KeyRecord, now: Timestamp) -> Result<()> {
    let last = key.primary()?.created;
    if now < last.plus(BETWEEN_VERSIONS) {
        let detail = "It is less than 7 days since the last version.";
        return Err(Error::new(ErrorCode::RejectedUnsupportedOperation).because(detail));
    }
    if key.versions.len() >= MAX_VERSIONS {
        let detail = "A key has at most 50 versions.";
        return Err(Error::new(ErrorCode::LimitExceeded).because(detail));
    }
    Ok(())
}

/// Describes a version of a key.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeKeyVersion {
    /// A key id, an alias, or the ARN of a key.
    pub key_id: KeyRef<'static>,
    /// The version.
    pub key_version_id: VersionRef,
}

/// The answer of CreateKeyVersion and DescribeKeyVersion.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct VersionAnswer {
    /// The version.
    pub key_version: VersionMetadata,
}

impl Action for DescribeKeyVersion {
    const NAME: &'static str = "DescribeKeyVersion";
    const ACCESS: Access = Access::Read;
    type Answer = VersionAnswer;

    fn run(&mut self, door: &Door<'_>) -> Result<VersionAnswer> {
        let (key, version) =
            door.key_version(&self.key_id, self.key_version_id, Aliases::Taken, Rule::Always)?;
        Ok(VersionAnswer { key_version: VersionMetadata::of(key.record().id, &version) })
    }
}

/// Lists the versions of a key, the newest first.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListKeyVersions {
    /// A key id, an alias, or the ARN of a key.
    pub key_id: KeyRef<'static>,
    /// The page, from 1. Default: 1.
    #[serde(default)]
    pub page_number: Option<u32>,
    /// Versions per page, 1 to 100. Default: 10.
    #[serde(default)]
    pub page_size: Option<u32>,
}

/// A page of versions.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct VersionList {
    /// The versions of the page.
    pub key_versions: VersionsOfPage,
    /// Which page, and how many versions the key has.
    #[serde(flatten)]
    pub paging: Paging,
}

/// Lists nest two deep in the API.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct VersionsOfPage {
    /// The versions.
    pub key_version: Vec<VersionMetadata>,
}

impl Action for ListKeyVersions {
    const NAME: &'static str = "ListKeyVersions";
    const ACCESS: Access = Access::Read;
    type Answer = VersionList;

    fn run(&mut self, door: &Door<'_>) -> Result<VersionList> {
        let wanted = Wanted::new(self.page_number, self.page_size)?;
        let key = door.key(&self.key_id, Aliases::Taken, Rule::Always)?;
        let record = key.record();
        let skip = usize::try_from(wanted.skip()).unwrap_or(usize::MAX);
        let shown = record.versions.iter().rev().skip(skip).take(wanted.limit());
        let key_version = shown.map(|version| VersionMetadata::of(record.id, version)).collect();
        Ok(VersionList {
            key_versions: VersionsOfPage { key_version },
            paging: wanted.of(record.versions.len() as u64),
        })
    }
}
