//! Keys: creating, describing, enabling, disabling (API reference, chapter 6).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::metadata::{KeyAnswer, KeyMetadata};
use crate::error::{Error, Result};
use crate::hsm::{RawMaterial, random};
use crate::kms::{Access, Action, Aliases, Door, KeyRecord, Rule, Version};
use crate::model::{
    JsonText, KeyId, KeyRef, KeySpec, KeyState, KeyUsage, KeyVersionId, Origin, ProtectionLevel,
    Region,
};

/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 8192;

/// Creates a customer master key.
#[derive(Debug, Default, Deserialize, JsonSchema)]
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
    /// A whole number and d, h, m or s: 7 to 730 days. Needed when rotation is enabled.
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

    fn run(self, door: &Door<'_>) -> Result<KeyAnswer> {
        let region = Region::find(door.space().region)?;
        let level = self.protection_level.unwrap_or(ProtectionLevel::Software);
        let spec = self.key_spec.unwrap_or_else(|| region.default_spec(level));
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
        let description = self.description.unwrap_or_default();
        check_description(&description)?;
        let rotates = self.enable_automatic_rotation == Some(true);
        let rotation_interval = match (rotates, self.rotation_interval, origin) {
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
            (true, Some(interval), _) => Some(rotation_seconds(&interval)?),
        };
        let tags = self.tags.map_or(Ok(Vec::new()), |JsonText(text)| parse_tags(&text))?;
        region.admit(spec, level)?;
        door.container()?;
        door.admit_level(level, spec)?;

        // Held while there is material in clear: closing waits for it.
        let _keyring = door.keyring()?;
        // Made before the change: a key pair takes long, and others wait for changes.
        let material = match origin {
            Origin::Kms => Some(door.with_room(|| RawMaterial::generate(spec))?),
            Origin::External => None,
        };
        door.change(|transaction| {
            let now = transaction.now();
            let version = Version { id: KeyVersionId::from_random(random()?), created: now };
            let key = KeyRecord {
                space: *door.space(),
                id: KeyId::from_random(random()?),
                spec,
                usage,
                origin,
                level,
                seq: transaction.next_seq(door.space())?,
                created: now,
                state: match origin {
                    Origin::Kms => KeyState::Enabled,
                    Origin::External => KeyState::PendingImport,
                },
                description: description.clone(),
                versions: vec![version],
                delete_date: None,
                material_expires: None,
                fingerprint: None,
                rotation_interval,
                deletion_protection: None,
                tags: tags.clone(),
                wrapping_pairs: Vec::new(),
            };
            match &material {
                Some(material) => {
                    transaction.put_version(&key, version, &material.version_body(now)?)?;
                }
                // The version id is fixed now, so that ciphertexts survive a re-import.
                None => transaction.put_empty_version(&key, version)?,
            }
            transaction.put_key(None, &key)?;
            Ok(KeyAnswer { key_metadata: KeyMetadata::created(&key)? })
        })
    }
}

/// Describes a key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeKey {
    /// A key id, alias or ARN.
    pub key_id: KeyRef<'static>,
}

impl Action for DescribeKey {
    const NAME: &'static str = "DescribeKey";
    const ACCESS: Access = Access::Read;
    type Answer = KeyAnswer;

    fn run(self, door: &Door<'_>) -> Result<KeyAnswer> {
        let key = door.key(&self.key_id, Aliases::Taken, Rule::Always)?;
        Ok(KeyAnswer { key_metadata: KeyMetadata::described(key.record())? })
    }
}

/// The answer of actions that answer nothing but the request id.
#[derive(Debug, Serialize)]
pub struct Done {}

/// Puts a key into use.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct EnableKey {
    /// A key id or ARN.
    pub key_id: KeyRef<'static>,
}

impl Action for EnableKey {
    const NAME: &'static str = "EnableKey";
    const ACCESS: Access = Access::Write;
    type Answer = Done;

    fn run(self, door: &Door<'_>) -> Result<Done> {
        switch(door, &self.key_id, KeyState::Enabled)
    }
}

/// Puts a key out of use until it is enabled again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DisableKey {
    /// A key id or ARN.
    pub key_id: KeyRef<'static>,
}

impl Action for DisableKey {
    const NAME: &'static str = "DisableKey";
    const ACCESS: Access = Access::Write;
    type Answer = Done;

    fn run(self, door: &Door<'_>) -> Result<Done> {
        switch(door, &self.key_id, KeyState::Disabled)
    }
}

fn switch(door: &Door<'_>, key: &KeyRef<'_>, to: KeyState) -> Result<Done> {
    door.change_key(key, Rule::Switch, |_, key| {
        key.state = to;
        Ok(Done {})
    })
}

/// Replaces the description of a key.
#[derive(Debug, Deserialize, JsonSchema)]
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

    fn run(self, door: &Door<'_>) -> Result<Done> {
        check_description(&self.description)?;
        door.change_key(&self.key_id, Rule::Annotate, |_, key| {
            key.description.clone_from(&self.description);
            Ok(Done {})
        })
    }
}

fn check_description(text: &str) -> Result<()> {
    if text.chars().count() > MAX_DESCRIPTION {
        return Err(Error::invalid("Description", "It must be at most 8192 characters."));
    }
    Ok(())
}

/// A rotation interval in seconds.
fn rotation_seconds(text: &str) -> Result<u64> {
    const DAY: u64 = 86_400;
    let invalid = || {
        let detail = "It must be a whole number and d, h, m or s: 7 to 730 days.";
        Error::invalid("RotationInterval", detail)
    };
    let unit = match text.as_bytes().last() {
        Some(b'd') => DAY,
        Some(b'h') => 3600,
        Some(b'm') => 60,
        Some(b's') => 1,
        _ => return Err(invalid()),
    };
    let number = text.get(..text.len() - 1).ok_or_else(invalid)?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid());
    }
    let number: u64 = number.parse().map_err(|_| invalid())?;
    let seconds = number.checked_mul(unit).ok_or_else(invalid)?;
    if (7 * DAY..=730 * DAY).contains(&seconds) { Ok(seconds) } else { Err(invalid()) }
}

/// Tags in JSON, sorted by key (API reference, chapter 10).
fn parse_tags(json: &str) -> Result<Vec<(String, String)>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    struct Tag {
        tag_key: String,
        tag_value: String,
    }
    let invalid = |detail: &'static str| Error::invalid("Tags", detail);
    let tags: Vec<Tag> = serde_json::from_str(json)
        .map_err(|_| invalid("It must be a JSON array of objects with TagKey and TagValue."))?;
    if tags.len() > 20 {
        return Err(invalid("A key has at most 20 tags."));
    }
    let fits = |text: &str| {
        text.chars().count() <= 128
            && text.chars().all(|c| c.is_alphanumeric() || "/\\_-.+=:@ ".contains(c))
    };
    let mut pairs = Vec::new();
    for Tag { tag_key, tag_value } in tags {
        let reserved = tag_key.starts_with("aliyun") || tag_key.starts_with("acs:");
        if tag_key.is_empty() || reserved || !fits(&tag_key) || !fits(&tag_value) {
            return Err(invalid(
                "Keys and values are at most 128 letters, digits and /\\_-.+=:@; a key is not empty and does not start with aliyun or acs:.",
            ));
        }
        pairs.push((tag_key, tag_value));
    }
    pairs.sort_unstable();
    if pairs.windows(2).any(|pair| matches!(pair, [a, b] if a.0 == b.0)) {
        return Err(invalid("Each key may occur once."));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotation_is_7_to_730_days() {
        assert_eq!(rotation_seconds("7d"), Ok(604_800));
        assert_eq!(rotation_seconds("604800s"), Ok(604_800));
        assert_eq!(rotation_seconds("730d"), Ok(63_072_000));
        for text in
            ["", "d", "6d", "731d", "7", "7w", "-7d", "7 d", "604799s", "99999999999999999999d"]
        {
            assert!(rotation_seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn tags_are_checked() {
        assert_eq!(parse_tags("[]"), Ok(vec![]));
        let two = r#"[{"TagKey":"b","TagValue":""},{"TagKey":"a","TagValue":"1"}]"#;
        assert_eq!(
            parse_tags(two),
            Ok(vec![("a".into(), "1".into()), ("b".into(), String::new())])
        );
        for text in [
            "{}",
            r#"[{"TagKey":"a"}]"#,
            r#"[{"TagKey":"","TagValue":"1"}]"#,
            r#"[{"TagKey":"acs:x","TagValue":"1"}]"#,
            r#"[{"TagKey":"a","TagValue":"1"},{"TagKey":"a","TagValue":"2"}]"#,
            r#"[{"TagKey":"a","TagValue":"!"}]"#,
        ] {
            assert!(parse_tags(text).is_err(), "{text}");
        }
    }
}
