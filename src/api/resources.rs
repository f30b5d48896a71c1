//! Tags of many keys at once (API reference, chapter 10.2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::api::keys::Done;
use crate::api::tags::{MAX_TAGS, add};
use crate::error::{Error, ErrorCode, Result};
use crate::kms::{Access, Action, Aliases, Class, Door, KeyRecord, Rule, Target};
use crate::model::{JsonText, KeyId, KeyRef, Tags, check_tag, check_tag_key};

/// How many resources one request may name.
const MAX_RESOURCES: usize = 50;

/// How many rows a page of ListTagResources has.
const ROWS: usize = 200;

/// Adds tags to keys, or replaces their values: to all of them or, if one is refused, to none.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TagResources {
    /// The region of the session.
    pub region_id: String,
    /// key.
    pub resource_type: String,
    /// 1 to 50 key ids: a JSON array, or ResourceId.1, ResourceId.2, ...
    pub resource_id: JsonText,
    /// 1 to 20 tags: a JSON array of objects with Key and Value, or Tag.1.Key, Tag.1.Value, ...
    pub tag: JsonText,
}

impl Action for TagResources {
    const NAME: &'static str = "TagResources";
    const ACCESS: Access = Access::Write;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        check_scope(door, &self.region_id, &self.resource_type)?;
        let keys = resources(&self.resource_id)?;
        let tags = given_tags(&self.tag)?;
        change_all(door, &keys, |key| add(&mut key.tags, &tags, MAX_TAGS))
    }
}

/// Removes tags from keys; those that a key does not have are passed over.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UntagResources {
    /// The region of the session.
    pub region_id: String,
    /// key.
    pub resource_type: String,
    /// 1 to 50 key ids: a JSON array, or ResourceId.1, ResourceId.2, ...
    pub resource_id: JsonText,
    /// Up to 20 keys of tags: a JSON array, or TagKey.1, TagKey.2, ...
    #[serde(default)]
    pub tag_key: Option<JsonText>,
    /// Whether all tags are removed, if no TagKey is given.
    #[serde(default)]
    pub all: Option<bool>,
}

impl Action for UntagResources {
    const NAME: &'static str = "UntagResources";
    const ACCESS: Access = Access::Write;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        check_scope(door, &self.region_id, &self.resource_type)?;
        let keys = resources(&self.resource_id)?;
        let tag_keys: Vec<String> =
            self.tag_key.as_ref().map_or(Ok(Vec::new()), |text| list("TagKey", "texts", text))?;
        if tag_keys.len() > MAX_TAGS {
            return Err(Error::invalid("TagKey", "It takes at most 20 keys."));
        }
        tag_keys.iter().try_for_each(|key| check_tag_key(key))?;
        if tag_keys.is_empty() && self.all != Some(true) {
            return Err(Error::missing("TagKey"));
        }
        change_all(door, &keys, |key| {
            key.tags.retain(|(key, _)| !tag_keys.is_empty() && !tag_keys.contains(key));
            Ok(())
        })
    }
}

/// Lists tags of keys: in the order in which the keys were created, then by the tag's key.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListTagResources {
    /// The region of the session.
    pub region_id: String,
    /// key.
    pub resource_type: String,
    /// Only of these keys, up to 50: a JSON array, or ResourceId.1, ResourceId.2, ...
    #[serde(default)]
    pub resource_id: Option<JsonText>,
    /// Only of keys with all these tags, up to 20; without Value, of any value: a JSON array of objects with Key and Value, or Tag.1.Key, Tag.1.Value, ...
    #[serde(default)]
    pub tag: Option<JsonText>,
    /// Where the page before ended. Pages have 200 rows.
    #[serde(default)]
    pub next_token: Option<String>,
}

/// The answer of ListTagResources.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagRows {
    /// The rows of the page.
    pub tag_resources: RowsOfPage,
    /// Where the next page begins; empty at the end.
    pub next_token: String,
}

/// Lists nest two deep in the API.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RowsOfPage {
    /// The rows.
    pub tag_resource: Vec<TagRow>,
}

/// A tag of a resource.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagRow {
    /// The key that has it.
    pub resource_id: KeyId,
    /// key.
    pub resource_type: &'static str,
    /// The tag's key.
    pub tag_key: String,
    /// The tag's value.
    pub tag_value: String,
}

impl Action for ListTagResources {
    const NAME: &'static str = "ListTagResources";
    const ACCESS: Access = Access::Read;
    type Answer = TagRows;

    fn run(&mut self, door: &Door<'_>) -> Result<TagRows> {
        check_scope(door, &self.region_id, &self.resource_type)?;
        let names = self.resource_id.as_ref().map(resources).transpose()?;
        let wanted = self.tag.as_ref().map_or(Ok(Vec::new()), wanted_tags)?;
        let start = Mark::read(self.next_token.as_deref())?;
        if names.is_none() {
            door.permit(Target::Keys)?;
            door.count(Class::Read, None)?;
        }
        door.settle()?;
        let takes = |record: &KeyRecord| {
            wanted.iter().all(|(key, value)| {
                let mut tags = record.tags.iter();
                tags.any(|tag| tag.0 == *key && value.as_ref().is_none_or(|v| tag.1 == *v))
            })
        };
        let mut page = RowsOfPage { tag_resource: Vec::new() };
        let mut end = None;
        let mut see = |record: &KeyRecord| {
            if takes(record) {
                end = page.add(record, &start);
            }
            end.is_none()
        };
        match names {
            None => {
                let mut told = Ok(());
                door.visit_tagged(wanted.first(), start.seq, |record| {
                    match door.may_tell_of(record) {
                        Ok(true) => see(record),
                        Ok(false) => true,
                        Err(error) => {
                            told = Err(error);
                            false
                        }
                    }
                })?;
                told?;
            }
            Some(names) => {
                let key = |id: &KeyId| {
                    door.key(&KeyRef::Id(*id), Aliases::Refused, Rule::Always).map_err(absent)
                };
                let mut keys: Vec<_> = keys_of(&names)?.iter().map(key).collect::<Result<_>>()?;
                keys.sort_unstable_by_key(|key| key.record().seq);
                for key in keys.iter().filter(|key| key.record().seq >= start.seq) {
                    if !see(key.record()) {
                        break;
                    }
                }
            }
        }
        let next_token = end.map_or(String::new(), |end: Mark| end.write());
        Ok(TagRows { tag_resources: page, next_token })
    }
}

impl RowsOfPage {
    /// Adds the tags of a key behind `start`; answers where the next page begins if this one is full.
    fn add(&mut self, record: &KeyRecord, start: &Mark) -> Option<Mark> {
        let skipped = if record.seq == start.seq { start.rows } else { 0 };
        for (nth, (tag_key, tag_value)) in record.tags.iter().enumerate().skip(skipped) {
            if self.tag_resource.len() == ROWS {
                return Some(Mark { seq: record.seq, rows: nth });
            }
            self.tag_resource.push(TagRow {
                resource_id: record.id,
                resource_type: "key",
                tag_key: tag_key.clone(),
                tag_value: tag_value.clone(),
            });
        }
        None
    }
}

/// Where a page ends: at the key of this place in the order of creation, after so many of its rows.
struct Mark {
    seq: u64,
    rows: usize,
}

impl Mark {
    fn write(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}.{}", self.seq, self.rows))
    }

    fn read(token: Option<&str>) -> Result<Self> {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Ok(Self { seq: 0, rows: 0 });
        };
        let parse = || {
            let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
            let (seq, rows) = text.split_once('.')?;
            Some(Self { seq: seq.parse().ok()?, rows: rows.parse().ok()? })
        };
        parse().ok_or_else(|| Error::invalid("NextToken", "It must be that of the page before."))
    }
}

fn check_scope(door: &Door<'_>, region: &str, kind: &str) -> Result<()> {
    if region != door.space().region {
        let detail = format!("It must be the region of the session, {}.", door.space().region);
        return Err(Error::invalid("RegionId", detail));
    }
    match kind {
        "key" => Ok(()),
        _ => Err(Error::invalid("ResourceType", "It must be key.")),
    }
}

fn list<T: DeserializeOwned>(
    name: &'static str,
    of: &'static str,
    JsonText(text): &JsonText,
) -> Result<Vec<T>> {
    serde_json::from_str(text).map_err(|_| {
        let detail = format!("It must be a JSON array of {of}, or numbered from 1.");
        Error::invalid(name, detail)
    })
}

/// The ids given, each once.
fn resources(text: &JsonText) -> Result<Vec<String>> {
    let mut names: Vec<String> = list("ResourceId", "key ids", text)?;
    if !(1..=MAX_RESOURCES).contains(&names.len()) {
        return Err(Error::invalid("ResourceId", "It takes 1 to 50 ids."));
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// The keys named; [`ErrorCode::ResourceNotFound`] for what can name none.
fn keys_of(names: &[String]) -> Result<Vec<KeyId>> {
    let key = |name: &String| KeyId::parse(name).ok_or(ErrorCode::ResourceNotFound);
    Ok(names.iter().map(key).collect::<Result<_, _>>()?)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Tag {
    key: String,
    #[serde(default)]
    value: Option<String>,
}

fn given_tags(text: &JsonText) -> Result<Tags> {
    let given = wanted_tags(text)?;
    if given.is_empty() {
        return Err(Error::invalid("Tag", "It takes 1 to 20 tags."));
    }
    let mut tags: Tags =
        given.into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect();
    tags.sort_unstable();
    Ok(tags)
}

fn wanted_tags(text: &JsonText) -> Result<Vec<(String, Option<String>)>> {
    let given: Vec<Tag> = list("Tag", "objects with Key and Value", text)?;
    if given.len() > MAX_TAGS {
        return Err(Error::invalid("Tag", "It takes 1 to 20 tags."));
    }
    let mut tags: Vec<(String, Option<String>)> = Vec::new();
    for Tag { key, value } in given {
        check_tag(&key, value.as_deref().unwrap_or_default())?;
        if tags.iter().any(|(known, _)| *known == key) {
            return Err(ErrorCode::DuplicateTagKey.into());
        }
        tags.push((key, value));
    }
    Ok(tags)
}

/// Leave to do this to each of the keys, before anything is done or told about any.
fn admit_all(door: &Door<'_>, keys: &[KeyId]) -> Result<()> {
    let admit = |key: &KeyId| door.key(&KeyRef::Id(*key), Aliases::Refused, Rule::Always).map(drop);
    keys.iter().try_for_each(admit).map_err(absent)
}

/// A key that is not found is a resource that is not found.
fn absent(error: Error) -> Error {
    match error.code() {
        ErrorCode::KeyNotFound => ErrorCode::ResourceNotFound.into(),
        _ => error,
    }
}

/// Changes all these keys in one step: looks at all of them before it changes the first.
fn change_all(
    door: &Door<'_>,
    names: &[String],
    change: impl Fn(&mut KeyRecord) -> Result<()>,
) -> Result<Done> {
    let keys = keys_of(names)?;
    admit_all(door, &keys)?;
    door.change(|transaction| {
        let stored = |id| door.stored(transaction, id).map_err(absent);
        let found: Vec<_> = keys.iter().map(stored).collect::<Result<_>>()?;
        found.iter().try_for_each(|key| Rule::Annotate.check(key))?;
        for old in &found {
            let mut new = old.clone();
            change(&mut new)?;
            if new != *old {
                transaction.put_key(Some(old), &new)?;
            }
        }
        Ok(Done {})
    })
}
