//! Tags of one key (API reference, chapter 10.1).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::keys::Done;
use crate::error::{Error, ErrorCode, Result};
use crate::kms::{Access, Action, Aliases, Door, Rule};
use crate::model::{JsonText, KeyId, KeyRef, Tags, check_tag};

/// How many tags a key may have.
pub(super) const MAX_TAGS: usize = 20;

/// Adds tags to a key, or replaces their values.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TagResource {
    /// A JSON array of objects with TagKey and TagValue. A key has at most 20 tags.
    pub tags: JsonText,
    /// A key id, an alias, or the ARN of a key.
    #[serde(default)]
    pub key_id: Option<KeyRef<'static>>,
    /// Secrets are not kept here.
    #[serde(default)]
    pub secret_name: Option<String>,
    /// Certificates are not kept here.
    #[serde(default)]
    pub certificate_id: Option<String>,
}

impl Action for TagResource {
    const NAME: &'static str = "TagResource";
    const ACCESS: Access = Access::Write;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        let key = one_key(&self.key_id, &self.secret_name, &self.certificate_id)?;
        let tags = read(&self.tags.0)?;
        let limit = door.quotas().tags.unwrap_or(MAX_TAGS);
        door.change_key(key, Aliases::Taken, Rule::Annotate, |_, key| {
            add(&mut key.tags, &tags, limit)?;
            Ok(Done {})
        })
    }
}

/// Removes tags from a key; those that it does not have are passed over.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UntagResource {
    /// The keys of the tags: a JSON array of texts, or texts with commas between them.
    pub tag_keys: JsonText,
    /// A key id or ARN.
    #[serde(default)]
    pub key_id: Option<KeyRef<'static>>,
    /// Secrets are not kept here.
    #[serde(default)]
    pub secret_name: Option<String>,
    /// Certificates are not kept here.
    #[serde(default)]
    pub certificate_id: Option<String>,
}

impl Action for UntagResource {
    const NAME: &'static str = "UntagResource";
    const ACCESS: Access = Access::Write;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        let key = one_key(&self.key_id, &self.secret_name, &self.certificate_id)?;
        let keys = read_keys(&self.tag_keys.0)?;
        door.change_key(key, Aliases::Refused, Rule::Annotate, |_, key| {
            key.tags.retain(|(key, _)| !keys.contains(key));
            Ok(Done {})
        })
    }
}

/// Lists the tags of a key, in the order of their keys.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListResourceTags {
    /// A key id or ARN.
    pub key_id: KeyRef<'static>,
}

/// The answer of ListResourceTags.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagList {
    /// The tags.
    pub tags: TagsOfKey,
}

/// Lists nest two deep in the API.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagsOfKey {
    /// The tags.
    pub tag: Vec<ListedTag>,
}

/// A tag in a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListedTag {
    /// The key that has it.
    pub key_id: KeyId,
    /// The tag's key.
    pub tag_key: String,
    /// The tag's value.
    pub tag_value: String,
}

impl Action for ListResourceTags {
    const NAME: &'static str = "ListResourceTags";
    const ACCESS: Access = Access::Read;
    type Answer = TagList;

    fn run(&mut self, door: &Door<'_>) -> Result<TagList> {
        let key = door.key(&self.key_id, Aliases::Refused, Rule::Always)?;
        let record = key.record();
        let listed = |(tag_key, tag_value): &(String, String)| ListedTag {
            key_id: record.id,
            tag_key: tag_key.clone(),
            tag_value: tag_value.clone(),
        };
        Ok(TagList { tags: TagsOfKey { tag: record.tags.iter().map(listed).collect() } })
    }
}

/// The key among the three kinds of resources that the API tags.
fn one_key<'a>(
    key: &'a Option<KeyRef<'static>>,
    secret: &Option<String>,
    certificate: &Option<String>,
) -> Result<&'a KeyRef<'static>> {
    if secret.is_some() {
        return Err(Error::invalid("SecretName", "Secrets are not kept here."));
    }
    if certificate.is_some() {
        return Err(Error::invalid("CertificateId", "Certificates are not kept here."));
    }
    key.as_ref().ok_or_else(|| Error::missing("KeyId"))
}

/// Adds tags to those of a key: [`ErrorCode::LimitExceeded`] if they become more than `limit`.
pub(super) fn add(tags: &mut Tags, more: &Tags, limit: usize) -> Result<()> {
    tags.retain(|(key, _)| !more.iter().any(|(other, _)| other == key));
    tags.extend_from_slice(more);
    tags.sort_unstable();
    let limit = limit.min(MAX_TAGS);
    if tags.len() > limit {
        let detail = format!("A key has at most {limit} tags.");
        return Err(Error::new(ErrorCode::LimitExceeded).because(detail));
    }
    Ok(())
}

/// Tags in JSON, sorted by key.
pub(super) fn read(json: &str) -> Result<Tags> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    struct Tag {
        tag_key: String,
        tag_value: String,
    }
    let invalid = |detail: &'static str| Error::invalid("Tags", detail);
    let tags: Vec<Tag> = serde_json::from_str(json)
        .map_err(|_| invalid("It must be a JSON array of objects with TagKey and TagValue."))?;
    if tags.len() > MAX_TAGS {
        return Err(invalid("A key has at most 20 tags."));
    }
    let mut pairs = Vec::new();
    for Tag { tag_key, tag_value } in tags {
        check_tag(&tag_key, &tag_value).map_err(|_| {
            invalid("Keys and values are at most 128 letters, digits, spaces and /\\_-.+=:@; a key is not empty and does not start with aliyun or acs:.")
        })?;
        pairs.push((tag_key, tag_value));
    }
    pairs.sort_unstable();
    if pairs.windows(2).any(|pair| matches!(pair, [a, b] if a.0 == b.0)) {
        return Err(invalid("Each key may occur once."));
    }
    Ok(pairs)
}

/// The keys of tags: a JSON array, or with commas between them.
fn read_keys(text: &str) -> Result<Vec<String>> {
    let keys: Vec<String> = match text.trim_start().starts_with(['[', '{']) {
        true => serde_json::from_str(text)
            .map_err(|_| Error::invalid("TagKeys", "It must be a JSON array of texts."))?,
        false => text.split(',').map(|key| key.trim().to_owned()).collect(),
    };
    // Bytes, says the API here; characters elsewhere.
    if keys.is_empty() || keys.iter().any(|key| !(1..=128).contains(&key.chars().count())) {
        return Err(Error::invalid("TagKeys", "Each key has 1 to 128 characters."));
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_checked() {
        assert_eq!(read("[]"), Ok(vec![]));
        let two = r#"[{"TagKey":"b","TagValue":""},{"TagKey":"a","TagValue":"1"}]"#;
        assert_eq!(read(two), Ok(vec![("a".into(), "1".into()), ("b".into(), String::new())]));
        for text in [
            "{}",
            r#"[{"TagKey":"a"}]"#,
            r#"[{"TagKey":"","TagValue":"1"}]"#,
            r#"[{"TagKey":"acs:x","TagValue":"1"}]"#,
            r#"[{"TagKey":"a","TagValue":"1"},{"TagKey":"a","TagValue":"2"}]"#,
            r#"[{"TagKey":"a","TagValue":"!"}]"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn keys_of_tags_come_in_two_spellings() {
        let two = Ok(vec!["a".to_owned(), "b c".to_owned()]);
        assert_eq!(read_keys(r#"["a","b c"]"#), two);
        assert_eq!(read_keys("a, b c"), two);
        for text in ["", "a,,b", "[]", "[1]", r#"[""]"#, "[", r#"{"a":"b"}"#] {
            assert!(read_keys(text).is_err(), "{text}");
        }
    }
}
