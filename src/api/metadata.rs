//! What the API says of a key (API reference, chapter 6.1).

use serde::Serialize;

use crate::error::Result;
use crate::kms::KeyRecord;
use crate::model::{
    KeyId, KeySpec, KeyState, KeyUsage, KeyVersionId, Origin, ProtectionLevel, Timestamp, key_arn,
};

/// The answer of CreateKey and DescribeKey.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyAnswer {
    /// All about the key but its material.
    pub key_metadata: KeyMetadata,
}

/// All about a key but its material.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)] // the API reference names each of them
pub struct KeyMetadata {
    pub creation_date: Timestamp,
    pub description: String,
    pub key_id: KeyId,
    pub key_spec: KeySpec,
    pub key_state: KeyState,
    pub key_usage: KeyUsage,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_key_version: Option<KeyVersionId>,
    pub delete_date: String,
    pub creator: String,
    pub arn: String,
    pub origin: Origin,
    pub material_expire_time: String,
    pub protection_level: ProtectionLevel,
    pub last_rotation_date: Timestamp,
    pub automatic_rotation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation_interval: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_rotation_date: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_protection: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_protection_description: Option<String>,
}

impl KeyMetadata {
    /// As CreateKey answers it.
    pub fn created(key: &KeyRecord) -> Result<Self> {
        let newest = key.primary()?;
        let or_empty = |time: Option<Timestamp>| time.map_or(String::new(), |at| at.to_string());
        let automatic_rotation = match (key.rotation_interval, key.state) {
            (None, _) => "Disabled",
            (Some(_), KeyState::Disabled | KeyState::PendingDeletion) => "Suspended",
            (Some(_), _) => "Enabled",
        };
        Ok(Self {
            creation_date: key.created,
            description: key.description.clone(),
            key_id: key.id,
            key_spec: key.spec,
            key_state: key.state,
            key_usage: key.usage,
            primary_key_version: key.spec.is_symmetric().then_some(newest.id),
            delete_date: or_empty(key.delete_date),
            creator: key.space.account.to_string(),
            arn: key_arn(&key.space, &key.id),
            origin: key.origin,
            material_expire_time: or_empty(key.material_expires),
            protection_level: key.level,
            last_rotation_date: newest.created,
            automatic_rotation,
            rotation_interval: key.rotation_interval.map(|seconds| format!("{seconds}s")),
            next_rotation_date: key.next_rotation(),
            deletion_protection: None,
            deletion_protection_description: None,
        })
    }

    /// As DescribeKey answers it.
    pub fn described(key: &KeyRecord) -> Result<Self> {
        let protection = &key.deletion_protection;
        Ok(Self {
            deletion_protection: Some(if protection.is_some() { "Enabled" } else { "Disabled" }),
            deletion_protection_description: Some(protection.clone().unwrap_or_default()),
            ..Self::created(key)?
        })
    }
}
