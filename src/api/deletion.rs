//! The end of a key: scheduling it, calling it off, protecting from it (API reference, chapters 6.5,
//! 6.6 and 6.8).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::keys::{Done, check_description};
use crate::error::{Error, ErrorCode, Result};
use crate::kms::{Access, Action, Aliases, Door, Rule};
use crate::model::{KeyRef, KeyState};

const DAY: u64 = 86_400;

/// How many days a key waits for its destruction if the caller does not say.
const DEFAULT_WINDOW: u32 = 30;

/// Has a key destroyed after a waiting period, with all its versions, aliases and tags. Until then it
/// cannot be used.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ScheduleKeyDeletion {
    /// A key id or ARN.
    pub key_id: KeyRef<'static>,
    /// The waiting period, 7 to 366 days. Default: 30.
    #[serde(default)]
    pub pending_window_in_days: Option<u32>,
}

impl Action for ScheduleKeyDeletion {
    const NAME: &'static str = "ScheduleKeyDeletion";
    const ACCESS: Access = Access::Write;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        let days = self.pending_window_in_days.unwrap_or(DEFAULT_WINDOW);
        if !(7..=366).contains(&days) {
            return Err(Error::invalid("PendingWindowInDays", "It must be 7 to 366."));
        }
        let window = u64::from(days) * DAY;
        door.change_key(&self.key_id, Aliases::Refused, Rule::Schedule, |transaction, key| {
            if key.deletion_protection.is_some() {
                let detail = "The key is under deletion protection.";
                return Err(Error::new(ErrorCode::StateModifiedFailed).because(detail));
            }
            key.state = KeyState::PendingDeletion;
            key.delete_date = Some(transaction.now().plus(window));
            Ok(Done {})
        })
    }
}

/// Calls the deletion of a key off. The key is enabled then, whatever it was before; one without
/// imported material waits for it again.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CancelKeyDeletion {
    /// A key id or ARN.
    pub key_id: KeyRef<'static>,
}

impl Action for CancelKeyDeletion {
    const NAME: &'static str = "CancelKeyDeletion";
    const ACCESS: Access = Access::Write;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        door.change_key(&self.key_id, Aliases::Refused, Rule::Cancel, |_, key| {
            key.delete_date = None;
            key.state = match key.has_material {
                true => KeyState::Enabled,
                false => KeyState::PendingImport,
            };
            Ok(Done {})
        })
    }
}

/// Protects a key from ScheduleKeyDeletion, or lifts the protection.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SetDeletionProtection {
    /// The ARN of the key; or give KeyId.
    #[serde(default)]
    pub protected_resource_arn: Option<KeyRef<'static>>,
    /// A key id or ARN, in place of ProtectedResourceArn.
    #[serde(default)]
    pub key_id: Option<KeyRef<'static>>,
    /// Whether the key is protected.
    pub enable_deletion_protection: bool,
    /// Why, in up to 8192 characters; replaces what was given before, also by nothing.
    #[serde(default)]
    pub deletion_protection_description: Option<String>,
}

impl Action for SetDeletionProtection {
    const NAME: &'static str = "SetDeletionProtection";
    const ACCESS: Access = Access::Write;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        if matches!(self.protected_resource_arn, Some(KeyRef::Id(_))) {
            return Err(Error::invalid("ProtectedResourceArn", "It must be the ARN of a key."));
        }
        let key = match (&self.protected_resource_arn, &self.key_id) {
            (None, None) => {
                let detail = "Give it or KeyId.";
                return Err(Error::missing("ProtectedResourceArn").because(detail));
            }
            (_, Some(alias @ KeyRef::Alias(_))) => alias,
            (Some(arn), Some(key)) if arn.key_id() != key.key_id() => {
                return Err(Error::invalid("KeyId", "ProtectedResourceArn names another key."));
            }
            (Some(key), _) | (None, Some(key)) => key,
        };
        let description = self.deletion_protection_description.clone().unwrap_or_default();
        check_description("DeletionProtectionDescription", &description)?;
        let protection = self.enable_deletion_protection.then_some(description);
        door.change_key(key, Aliases::Refused, Rule::Annotate, |_, key| {
            key.deletion_protection.clone_from(&protection);
            Ok(Done {})
        })
    }
}
