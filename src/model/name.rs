//! Names of keys: ids, aliases and ARNs (API reference, chapter 1.3).

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Account, KeyId, KeyVersionId, Profile, Region};
use crate::error::Result;

/// An account in a region: the space in which names are unique and sessions live.
#[derive(Clone, Copy, Debug)]
pub struct Space {
    /// The account.
    pub account: Account,
    /// The region's identifier.
    pub region: &'static str,
    /// The rules of the region.
    pub profile: Profile,
}

impl Space {
    /// The space of `account` in `region`.
    /// [`InvalidParameter`](crate::error::ErrorCode::InvalidParameter) (`AccountId` or `RegionId`)
    /// when the account is not 1 to 32 decimal digits or there is no such region.
    pub fn new(account: &str, region: &str) -> Result<Self> {
        let region = Region::find(region)?;
        Ok(Self::of(Account::parse(account)?, region))
    }

    /// The space of `account` in `region`.
    pub const fn of(account: Account, region: &Region) -> Self {
        Self { account, region: region.id, profile: region.profile }
    }

    /// The space that events of the whole store are written for: no account's, and no region.
    pub(crate) fn of_store() -> Result<Self> {
        Ok(Self { account: Account::parse("0")?, region: "local", profile: Profile::None })
    }
}

impl PartialEq for Space {
    fn eq(&self, other: &Self) -> bool {
        // Identifiers are those of the table, so nearly always the very same.
        let is_same_region = std::ptr::eq(self.region, other.region) || self.region == other.region;
        self.account == other.account && is_same_region
    }
}

impl Eq for Space {}

impl Hash for Space {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.account.hash(state);
        self.region.hash(state);
    }
}

/// The ARN of a key.
pub fn key_arn(space: &Space, key: &KeyId) -> String {
    format!("acs:kms:{}:{}:key/{key}", space.region, space.account)
}

/// The resource that stands for all keys of a space in policies.
pub fn key_container_arn(space: &Space) -> String {
    format!("acs:kms:{}:{}:key", space.region, space.account)
}

/// The ARN of an alias.
pub fn alias_arn(space: &Space, alias: &AliasName) -> String {
    format!("acs:kms:{}:{}:{alias}", space.region, space.account)
}

/// The name of an alias: `alias/` and 1 to 255 letters, digits, `_`, `-` and `/` of ASCII.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasName(String);

impl AliasName {
    /// What every name begins with.
    pub const PREFIX: &'static str = "alias/";

    /// Reads a name; otherwise a sentence that says what it must be.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-/".contains(&byte);
        match text.strip_prefix(Self::PREFIX) {
            Some(name) if (1..=255).contains(&name.len()) && name.bytes().all(allowed) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err("It must be alias/ and 1 to 255 letters, digits, _, - and /."),
        }
    }

    /// The name, prefix included.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name is one of the service's own, which no caller may create.
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with("alias/acs")
    }
}

impl fmt::Display for AliasName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for AliasName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AliasName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl JsonSchema for AliasName {
    fn schema_name() -> Cow<'static, str> {
        "AliasName".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

/// What a caller may write where a key is asked for. Any text but the empty one is a reference; one
/// that can name no key of this product is simply not found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyRef<'a> {
    /// A key id.
    Id(KeyId),
    /// `alias/...`, prefix included.
    Alias(Cow<'a, str>),
    /// The ARN of a key: region, account and key id.
    Arn(Cow<'a, str>, Cow<'a, str>, KeyId),
    /// Text that names no key.
    Nothing,
}

impl<'a> KeyRef<'a> {
    /// Reads a reference; `None` for the empty text.
    #[inline]
    pub fn parse(text: &'a str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        Some(if let Some(id) = KeyId::parse(text) {
            Self::Id(id)
        } else if text.starts_with("alias/") {
            Self::Alias(text.into())
        } else {
            Self::parse_arn(text).unwrap_or(Self::Nothing)
        })
    }

    /// The key id, if it is written out.
    pub const fn key_id(&self) -> Option<KeyId> {
        match self {
            Self::Id(id) | Self::Arn(_, _, id) => Some(*id),
            Self::Alias(_) | Self::Nothing => None,
        }
    }

    /// The same reference, owning its text.
    pub fn into_owned(self) -> KeyRef<'static> {
        match self {
            Self::Id(id) => KeyRef::Id(id),
            Self::Alias(name) => KeyRef::Alias(name.into_owned().into()),
            Self::Arn(region, account, id) => {
                KeyRef::Arn(region.into_owned().into(), account.into_owned().into(), id)
            }
            Self::Nothing => KeyRef::Nothing,
        }
    }

    fn parse_arn(text: &'a str) -> Option<Self> {
        let mut parts = text.strip_prefix("acs:kms:")?.splitn(3, ':');
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        if let Some(name) = resource.strip_prefix("key/") {
            return Some(Self::Arn(region.into(), account.into(), KeyId::parse(name)?));
        }
        None
    }
}

impl<'de> Deserialize<'de> for KeyRef<'static> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        match KeyRef::parse(&text) {
            Some(reference) => Ok(reference.into_owned()),
            None => Err(de::Error::custom("It must not be empty.")),
        }
    }
}

impl JsonSchema for KeyRef<'_> {
    fn schema_name() -> Cow<'static, str> {
        "KeyRef".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

impl Serialize for KeyRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Id(id) => id.serialize(serializer),
            Self::Alias(name) => serializer.serialize_str(name),
            Self::Arn(region, account, id) => {
                serializer.collect_str(&format_args!("acs:kms:{region}:{account}:key/{id}"))
            }
            Self::Nothing => serializer.serialize_none(),
        }
    }
}

/// What a caller may write where a key version is asked for. Any text but the empty one is a
/// reference; one that is no version id is simply not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionRef {
    /// A version id.
    Id(KeyVersionId),
    /// Text that names no version.
    Nothing,
}

impl VersionRef {
    /// Reads a reference; `None` for the empty text.
    pub fn parse(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| KeyVersionId::parse(text).map_or(Self::Nothing, Self::Id))
    }
}

impl Serialize for VersionRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Id(id) => id.serialize(serializer),
            Self::Nothing => serializer.serialize_none(),
        }
    }
}

impl<'de> Deserialize<'de> for VersionRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("It must not be empty."))
    }
}

impl JsonSchema for VersionRef {
    fn schema_name() -> Cow<'static, str> {
        "VersionRef".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "2ab1a983-7072-4bbc-a582-584b5bd8ecf3";

    #[test]
    fn references_are_told_apart() {
        assert!(matches!(KeyRef::parse(ID), Some(KeyRef::Id(_))));
        assert!(matches!(KeyRef::parse("alias/x"), Some(KeyRef::Alias(name)) if name == "alias/x"));
        let arn = format!("acs:kms:cn-hongkong:111122223333:key/{ID}");
        assert!(
            matches!(KeyRef::parse(&arn), Some(KeyRef::Arn(r, a, _)) if r == "cn-hongkong" && a == "111122223333")
        );
        assert_eq!(KeyRef::parse("acs:kms:cn-hongkong:1:key/x"), Some(KeyRef::Nothing));
        assert_eq!(KeyRef::parse("nonsense"), Some(KeyRef::Nothing));
        assert_eq!(KeyRef::parse(""), None);
    }

    #[test]
    fn aliases_are_a_prefix_and_a_name() {
        let long = |len| format!("alias/{}", "x".repeat(len));
        for text in ["alias/a", "alias/a_B-9/c", "alias//", &long(255)] {
            assert_eq!(AliasName::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "alias", "alias/", "a", "Alias/a", "alias/a b", "alias/密", &long(256)] {
            assert!(AliasName::parse(text).is_err(), "{text}");
        }
        assert!(AliasName::parse("alias/acs/kms").unwrap().is_reserved());
        assert!(!AliasName::parse("alias/ac").unwrap().is_reserved());
    }

    #[test]
    fn accounts_are_digits() {
        assert!(Space::new("111122223333", "cn-hongkong").is_ok());
        assert!(Space::new("", "cn-hongkong").is_err());
        assert!(Space::new("12a", "cn-hongkong").is_err());
        assert!(Space::new("1", "nowhere").is_err());
    }
}
