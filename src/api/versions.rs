//! Versions of keys (API reference, chapter 8).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::list::page;
use crate::error::Result;
use crate::kms::{Access, Action, Aliases, Door, Rule, Version};
use crate::model::{KeyId, KeyRef, KeyVersionId, Timestamp, VersionRef};

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

/// Describes a version of a key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeKeyVersion {
    /// A key id, alias or ARN.
    pub key_id: KeyRef<'static>,
    /// The version.
    pub key_version_id: VersionRef,
}

/// The answer of DescribeKeyVersion.
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

    fn run(self, door: &Door<'_>) -> Result<VersionAnswer> {
        let (key, version) =
            door.key_version(&self.key_id, self.key_version_id, Aliases::Taken, Rule::Always)?;
        Ok(VersionAnswer { key_version: VersionMetadata::of(key.record().id, &version) })
    }
}

/// Lists the versions of a key, the newest first.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListKeyVersions {
    /// A key id, alias or ARN.
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
    /// How many versions the key has.
    pub total_count: u64,
    /// The page.
    pub page_number: u32,
    /// Versions per page.
    pub page_size: u32,
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

    fn run(self, door: &Door<'_>) -> Result<VersionList> {
        let (page_number, page_size) = page(self.page_number, self.page_size)?;
        let key = door.key(&self.key_id, Aliases::Taken, Rule::Always)?;
        let record = key.record();
        let skip = (page_number as usize - 1).saturating_mul(page_size as usize);
        let shown = record.versions.iter().rev().skip(skip).take(page_size as usize);
        let key_version = shown.map(|version| VersionMetadata::of(record.id, version)).collect();
        Ok(VersionList {
            key_versions: VersionsOfPage { key_version },
            total_count: record.versions.len() as u64,
            page_number,
            page_size,
        })
    }
}
