//! Automatic rotation (API reference, chapter 8.4).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::keys::Done;
use crate::error::{Error, Result};
use crate::kms::{Access, Action, Aliases, Door, Rule};
use crate::model::KeyRef;

/// Turns the automatic rotation of a symmetric key on or off. The next version is due an interval after
/// the last one: at once, if that is past.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UpdateRotationPolicy {
    /// A key id or ARN.
    pub key_id: KeyRef<'static>,
    /// Whether new versions are made automatically.
    pub enable_automatic_rotation: bool,
    /// A whole number and d, h, m or s: 7 to 730 days. Needed when rotation is enabled, otherwise passed over.
    #[serde(default)]
    pub rotation_interval: Option<String>,
}

impl Action for UpdateRotationPolicy {
    const NAME: &'static str = "UpdateRotationPolicy";
    const ACCESS: Access = Access::Write;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        let rotation_interval = match (self.enable_automatic_rotation, &self.rotation_interval) {
            (false, _) => None,
            (true, None) => return Err(Error::missing("RotationInterval")),
            (true, Some(text)) => Some(interval(text)?),
        };
        door.change_key(&self.key_id, Aliases::Refused, Rule::Rotate, |_, key| {
            key.rotation_interval = rotation_interval;
            Ok(Done {})
        })
    }
}

/// A rotation interval in seconds.
pub(super) fn interval(text: &str) -> Result<u64> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotation_is_7_to_730_days() {
        assert_eq!(interval("7d"), Ok(604_800));
        assert_eq!(interval("604800s"), Ok(604_800));
        assert_eq!(interval("730d"), Ok(63_072_000));
        for text in
            ["", "d", "6d", "731d", "7", "7w", "-7d", "7 d", "604799s", "99999999999999999999d"]
        {
            assert!(interval(text).is_err(), "{text}");
        }
    }
}
