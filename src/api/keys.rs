//! Keys: creating, describing, enabling, disabling (API reference, chapter 6).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::metadata::{KeyAnswer, KeyMetadata};
use crate::api::{rotation, tags};
use crate::error::{Error, Result};
use crate::hsm::{RawMaterial, random};
use crate::kms::{
    Access, Action, Aliases, Class, Door, KeyRecord, Quotas, Resource, Rule, Target, Transaction,
    Version,
};
use crate::model::{
    JsonText, KeyId, KeyRef, KeySpec, KeyState, KeyUsage, KeyVersionId, Making, Origin,
    ProtectionLevel, Tags,
};

/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 8192;

/// Creates a customer master key.
#[derive(Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateKey {
    /// The kind of key. Default: Aliyun_SM4 at level HSM in a region of the GM class, else Aliyun_AES_256.
    #[serde(default)]
    pub key_spec: Option<KeySpec>,
    /// What the key may be used for. Default: by the spec.
    #[serde(default)]
    pub key_usage: Option<KeyUsage>,
    /// Where its material comes from. Default: Aliyun_KMS.
    #[serde(default)]
    pub origin: Option<Origin>,
    /// How its material is held. Default: SOFTWARE.
    #[serde(default)]
    pub protection_level: Option<ProtectionLevel>,
    /// Up to 8192 characters.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether new versions are made automatically. Not for EXTERNAL and asymmetric keys.
    #[serde(default)]
    pub enable_automatic_rotation: Option<bool>,
    /// A whole number and d, h, m or s: 7 to 730 days. Needed when rotation is enabled, otherwise passed over.
    #[serde(default)]
    pub rotation_interval: Option<String>,
    /// A JSON array of at most 20 objects with TagKey and TagValue.
    #[serde(default)]
    pub tags: Option<JsonText>,
}

impl Action for CreateKey {
    const NAME: &'static str = "CreateKey";
    const ACCESS: Access = Access::Write;
    type Answer = KeyAnswer;

    fn run(&mut self, door: &Door<'_>) -> Result<KeyAnswer> {
        let plan = self.plan(door)?;
        // Held while there is material in clear: closing waits for it.
        let _keyring = door.keyring()?;
        // Made before the change: a key pair takes long, and others wait for changes.
        let material = match plan.origin {
            Origin::Kms => {
                let permit = door.admit_use(plan.level, plan.spec, Making)?;
                Some(door.with_room(|| RawMaterial::generate(permit))?)
            }
            Origin::External => None,
        };
        door.change(|transaction| {
            let mut key = plan.record(door, transaction)?;
            let version = key.primary()?;
            match &material {
                Some(material) => {
                    key.state = KeyState::Enabled;
                    key.has_material = true;
                    let body = material.version_body(version.created)?;
                    transaction.put_version(&key, version, &body)?;
                }
                // The version id is fixed now, so that ciphertexts survive a re-import.
                None => transaction.put_empty_version(&key, version)?,
            }
            transaction.put_key(None, &key)?;
            Ok(KeyAnswer { key_metadata: KeyMetadata::created(&key)? })
        })
    }
}

/// A key that may be made.
pub(super) struct Plan {
    pub(super) level: ProtectionLevel,
    pub(super) spec: KeySpec,
    usage: KeyUsage,
    origin: Origin,
    description: String,
    rotation_interval: Option<u64>,
    tags: Tags,
}

impl CreateKey {
    /// What is to be made, if the caller may make it, and once more.
    pub(super) fn plan(&self, door: &Door<'_>) -> Result<Plan> {
        let profile = door.space().profile;
        let level = self.protection_level.unwrap_or(ProtectionLevel::Software);
        let spec = self.key_spec.unwrap_or_else(|| profile.default_spec(level));
        let origin = self.origin.unwrap_or(Origin::Kms);
        let usage = match (self.key_usage, spec.usages()) {
            (None, [default, ..]) => *default,
            (Some(usage), offered) if offered.contains(&usage) => usage,
            (_, offered) => {
                let words: Vec<_> = offered.iter().map(|usage| usage.as_str()).collect();
                let detail = format!("{spec} is for {} only.", words.join(" or "));
                return Err(Error::invalid("KeyUsage", detail));
            }
        };
        let description = self.description.clone().unwrap_or_default();
        check_description("Description", &description)?;
        let rotates = self.enable_automatic_rotation == Some(true);
        let rotation_interval = match (rotates, &self.rotation_interval, origin) {
            (false, ..) => None,
            (true, _, Origin::External) => {
                let detail = "Keys of origin EXTERNAL are not rotated.";
                return Err(Error::invalid("EnableAutomaticRotation", detail));
            }
            (true, ..) if !spec.is_symmetric() => {
                let detail = "Asymmetric keys are not rotated automatically.";
                return Err(Error::invalid("EnableAutomaticRotation", detail));
            }
            (true, None, _) => return Err(Error::missing("RotationInterval")),
            (true, Some(interval), _) => Some(rotation::interval(interval)?),
        };
        let tags = self.tags.as_ref().map_or(Ok(Vec::new()), |JsonText(text)| tags::read(text))?;
        profile.admit(spec, level)?;
        door.permit(Target::Keys)?;
        door.count(Class::Create, Some(spec))?;
        door.admit_level(level, spec)?;
        if *door.quotas() != Quotas::default() {
            // Keys that are gone leave room.
            door.settle()?;
            door.room_for(Resource::Keys)?;
            door.room_for(Resource::Versions)?;
        }

        Ok(Plan { level, spec, usage, origin, description, rotation_interval, tags })
    }
}

impl Plan {
    /// The key as it begins, without material and unwritten.
    pub(super) fn record(
        &self,
        door: &Door<'_>,
        transaction: &mut Transaction<'_>,
    ) -> Result<KeyRecord> {
        transaction.room_for(door.space(), Resource::Keys)?;
        transaction.room_for(door.space(), Resource::Versions)?;
        let now = transaction.now();
        let version = Version { id: KeyVersionId::from_random(random()?), created: now };
        Ok(KeyRecord {
            space: *door.space(),
            id: KeyId::from_random(random()?),
            spec: self.spec,
            usage: self.usage,
            origin: self.origin,
            level: self.level,
            seq: transaction.next_seq(door.space())?,
            created: now,
            state: KeyState::PendingImport,
            description: self.description.clone(),
            versions: vec![version],
            delete_date: None,
            material_expires: None,
            has_material: false,
            fingerprint: None,
            rotation_interval: self.rotation_interval,
            deletion_protection: None,
            tags: self.tags.clone(),
            aliases: 0,
            wrapping_pairs: Vec::new(),
            policy: None,
        })
    }
}

/// Describes a key.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeKey {
    /// A key id, an alias, or the ARN of a key.
    pub key_id: KeyRef<'static>,
}

impl Action for DescribeKey {
    const NAME: &'static str = "DescribeKey";
    const ACCESS: Access = Access::Read;
    type Answer = KeyAnswer;

    fn run(&mut self, door: &Door<'_>) -> Result<KeyAnswer> {
        let key = door.key(&self.key_id, Aliases::Taken, Rule::Always)?;
        Ok(KeyAnswer { key_metadata: KeyMetadata::described(key.record())? })
    }
}

/// The answer of actions that answer nothing but the request id.
#[derive(Debug, Serialize)]
pub struct Done {}

/// Puts a key into use.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct EnableKey {
    /// A key id or ARN.
    pub key_id: KeyRef<'static>,
}

impl Action for EnableKey {
    const NAME: &'static str = "EnableKey";
    const ACCESS: Access = Access::Write;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        switch(door, &self.key_id, KeyState::Enabled)
    }
}

/// Puts a key out of use until it is enabled again.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DisableKey {
    /// A key id or ARN.
    pub key_id: KeyRef<'static>,
}

impl Action for DisableKey {
    const NAME: &'static str = "DisableKey";
    const ACCESS: Access = Access::Write;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        switch(door, &self.key_id, KeyState::Disabled)
    }
}

fn switch(door: &Door<'_>, key: &KeyRef<'_>, to: KeyState) -> Result<Done> {
    door.change_key(key, Aliases::Refused, Rule::Switch, |_, key| {
        key.state = to;
        Ok(Done {})
    })
}

/// Replaces the description of a key.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UpdateKeyDescription {
    /// A key id or ARN.
    pub key_id: KeyRef<'static>,
    /// Up to 8192 characters; the empty text clears it.
    pub description: String,
}

impl Action for UpdateKeyDescription {
    const NAME: &'static str = "UpdateKeyDescription";
    const ACCESS: Access = Access::Write;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        check_description("Description", &self.description)?;
        door.change_key(&self.key_id, Aliases::Refused, Rule::Annotate, |_, key| {
            key.description.clone_from(&self.description);
            Ok(Done {})
        })
    }
}

/// Refuses a description, given as `parameter`, that is too long.
pub(super) fn check_description(parameter: &'static str, text: &str) -> Result<()> {
    if text.chars().count() > MAX_DESCRIPTION {
        return Err(Error::invalid(parameter, "It must be at most 8192 characters."));
    }
    Ok(())
}
