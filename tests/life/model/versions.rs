//! Versions and rotation (chapter 8).

use serde_json::{Value, json};

use super::{DAY, Key, Model, Version, page};
use crate::call::{Call, Refusal, Verdict, utc};

impl Model {
    pub(super) fn create_key_version(&mut self, call: &Call) -> Verdict {
        let at = self.admit(call, "KeyId")?;
        let key = &self.keys[at];
        if key.is_external {
            return Err(Refusal("Rejected.UnsupportedOperation", ""));
        }
        if self.now < key.newest().created + 7 * DAY {
            return Err(Refusal("Rejected.UnsupportedOperation", "7 days"));
        }
        if key.versions.len() >= 50 {
            return Err(Refusal("Rejected.LimitExceeded", ""));
        }
        let version = self.new_version();
        let key = &mut self.keys[at];
        key.versions.push(version);
        Ok(json!({ "KeyVersion": key.tell(key.newest()) }))
    }

    pub(super) fn describe_key_version(&mut self, call: &Call) -> Verdict {
        let key = self.admit(call, "KeyId")?;
        let key = &self.keys[key];
        let version = key.version(call.text("KeyVersionId"))?;
        Ok(json!({ "KeyVersion": key.tell(version) }))
    }

    pub(super) fn list_key_versions(&mut self, call: &Call) -> Verdict {
        page(call, Vec::new())?;
        let key = self.admit(call, "KeyId")?;
        let key = &self.keys[key];
        let newest_first = key.versions.iter().rev().map(|version| key.tell(version));
        let (items, mut answer) = page(call, newest_first.collect())?;
        answer["KeyVersions"] = json!({ "KeyVersion": items });
        Ok(answer)
    }

    pub(super) fn update_rotation_policy(&mut self, call: &Call) -> Verdict {
        let rotation = match call.flag("EnableAutomaticRotation") {
            true => Some(interval(call)?),
            false => None,
        };
        let at = self.admit(call, "KeyId")?;
        if self.keys[at].is_external {
            return Err(Refusal("Rejected.UnsupportedOperation", ""));
        }
        self.keys[at].rotation = rotation;
        self.touch(at);
        Ok(json!({}))
    }
}

impl Key {
    pub(super) fn version(&self, id: &str) -> Result<&Version, Refusal> {
        let found = self.versions.iter().find(|version| version.id == id);
        found.ok_or(Refusal("Forbidden.KeyVersionNotFound", ""))
    }

    fn tell(&self, version: &Version) -> Value {
        json!({
            "KeyId": self.id,
            "KeyVersionId": version.id,
            "CreationDate": utc(version.created),
        })
    }
}

/// A whole number and a unit: 7 to 730 days.
pub(super) fn interval(call: &Call) -> Result<u64, Refusal> {
    if !call.has("RotationInterval") {
        return Err(Refusal("MissingParameter", "RotationInterval"));
    }
    let text = call.text("RotationInterval");
    let number: String = text.chars().take_while(char::is_ascii_digit).collect();
    let unit = match &text[number.len()..] {
        "d" => DAY,
        "h" => 3600,
        "m" => 60,
        "s" => 1,
        _ => 0,
    };
    let seconds = number.parse::<u64>().unwrap_or(0) * unit;
    match (7 * DAY..=730 * DAY).contains(&seconds) {
        true => Ok(seconds),
        false => Err(Refusal("InvalidParameter", "RotationInterval")),
    }
}
