//! Key policies (API reference, chapter 11): one for each key, named `default`.
#![forbid(unsafe_code)]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::keys::Done;
use crate::error::{ErrorCode, Result};
use crate::kms::{Access, Action, Aliases, Door, Rule};
use crate::model::KeyRef;
use crate::policy::KeyPolicy;

/// The name of every key's policy.
const NAME: &str = "default";

/// Says in a policy of the key's own who may do what with it, besides the policies of users.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SetKeyPolicy {
    /// A key id or ARN.
    pub key_id: KeyRef<'static>,
    /// The policy: a JSON object with Version and Statement, at most 32768 bytes.
    pub policy: String,
    /// The name of the policy: default, which is also the default.
    #[serde(default)]
    pub policy_name: Option<String>,
}

impl Action for SetKeyPolicy {
    const NAME: &'static str = "SetKeyPolicy";
    const ACCESS: Access = Access::Write;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        door.change_key(&self.key_id, Aliases::Refused, Rule::Annotate, |_, key| {
            check_name(&self.policy_name)?;
            KeyPolicy::parse(&self.policy)?;
            key.policy = Some(self.policy.clone());
            Ok(Done {})
        })
    }
}

/// Shows the policy of a key.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetKeyPolicy {
    /// A key id or ARN.
    pub key_id: KeyRef<'static>,
    /// The name of the policy: default, which is also the default.
    #[serde(default)]
    pub policy_name: Option<String>,
}

/// The answer of GetKeyPolicy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyOfKey {
    /// The policy. That of a key that has been given none leaves everything to its account.
    pub policy: String,
}

impl Action for GetKeyPolicy {
    const NAME: &'static str = "GetKeyPolicy";
    const ACCESS: Access = Access::Read;
    type Answer = PolicyOfKey;

    fn run(&mut self, door: &Door<'_>) -> Result<PolicyOfKey> {
        let key = door.key(&self.key_id, Aliases::Refused, Rule::Always)?;
        check_name(&self.policy_name)?;
        let own = key.record().policy.clone();
        Ok(PolicyOfKey { policy: own.unwrap_or_else(|| KeyPolicy::default_text(door.account())) })
    }
}

fn check_name(name: &Option<String>) -> Result<()> {
    match name.as_deref() {
        None | Some(NAME) => Ok(()),
        Some(_) => Err(ErrorCode::KeyPolicyNotFound.into()),
    }
}
