//! Versions of an account's policies: one of up to five is in force.
#![forbid(unsafe_code)]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::keys::Done;
use crate::api::ram::policies::ready_made;
use crate::error::{Error, ErrorCode, Result};
use crate::kms::{Access, Action, Door, PolicyRecord, PolicyVersion, Target};
use crate::model::{PolicyName, PolicyType, Service, Timestamp};
use crate::policy::{Policy, SystemPolicy};

/// Adds a version to a policy of the account's own, which has at most five.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreatePolicyVersion {
    /// The policy.
    pub policy_name: PolicyName,
    /// The new version: a JSON object with Version and Statement.
    pub policy_document: String,
    /// Whether it is the one in force from now on. Default: false.
    #[serde(default)]
    pub set_as_default: Option<bool>,
}

/// The answer of actions on a version of a policy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyVersionAnswer {
    /// The version.
    pub policy_version: PolicyVersionMetadata,
}

/// A version of a policy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyVersionMetadata {
    /// Its name: v1, v2 and so on.
    pub version_id: String,
    /// Whether it is in force.
    pub is_default_version: bool,
    /// Its text.
    pub policy_document: String,
    /// When it was created; those of system policies always were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_date: Option<Timestamp>,
}

impl PolicyVersionMetadata {
    /// A version of one of the account's own.
    pub(super) fn of(policy: &PolicyRecord, version: &PolicyVersion) -> Self {
        Self {
            version_id: version_id(version.number),
            is_default_version: version.number == policy.default,
            policy_document: version.document.clone(),
            create_date: Some(version.created),
        }
    }

    /// The one version of a system policy.
    pub(super) fn ready_made(policy: &SystemPolicy) -> Self {
        Self {
            version_id: version_id(1),
            is_default_version: true,
            policy_document: policy.document.to_owned(),
            create_date: None,
        }
    }
}

/// The name of a version.
pub(super) fn version_id(number: u32) -> String {
    format!("v{number}")
}

/// The version of that name; [`ErrorCode::PolicyNotFound`] if there is none.
fn find<'p>(policy: &'p PolicyRecord, id: &str) -> Result<&'p PolicyVersion> {
    let found = policy.versions.iter().find(|version| version_id(version.number) == id);
    found.ok_or_else(no_version)
}

fn no_version() -> Error {
    Error::new(ErrorCode::PolicyNotFound).because("It has no such version.")
}

impl Action for CreatePolicyVersion {
    const NAME: &'static str = "CreatePolicyVersion";
    const ACCESS: Access = Access::Write;
    const SERVICE: Service = Service::Ram;
    type Answer = PolicyVersionAnswer;

    fn run(&mut self, door: &Door<'_>) -> Result<PolicyVersionAnswer> {
        door.permit(Target::Policy(self.policy_name.as_str()))?;
        Policy::parse(&self.policy_document)?;
        let is_default = self.set_as_default == Some(true);
        door.change(|transaction| {
            let mut policy = transaction.policy(door.account(), &self.policy_name)?;
            let document = self.policy_document.clone();
            let version = policy.add_version(document, is_default, transaction.now())?;
            transaction.put_policy(&policy)?;
            let version = policy.version(version).ok_or(ErrorCode::Internal)?;
            Ok(PolicyVersionAnswer { policy_version: PolicyVersionMetadata::of(&policy, version) })
        })
    }
}

/// Shows a version of a policy.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetPolicyVersion {
    /// Whose the policy is.
    pub policy_type: PolicyType,
    /// The policy.
    pub policy_name: PolicyName,
    /// The version: v1, v2 and so on.
    pub version_id: String,
}

impl Action for GetPolicyVersion {
    const NAME: &'static str = "GetPolicyVersion";
    const ACCESS: Access = Access::Read;
    const SERVICE: Service = Service::Ram;
    type Answer = PolicyVersionAnswer;

    fn run(&mut self, door: &Door<'_>) -> Result<PolicyVersionAnswer> {
        door.permit(Target::Policy(self.policy_name.as_str()))?;
        let versions = versions(door, self.policy_type, &self.policy_name)?;
        let found = versions.into_iter().find(|version| version.version_id == self.version_id);
        Ok(PolicyVersionAnswer { policy_version: found.ok_or_else(no_version)? })
    }
}

/// Lists the versions of a policy, oldest first.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListPolicyVersions {
    /// Whose the policy is.
    pub policy_type: PolicyType,
    /// The policy.
    pub policy_name: PolicyName,
}

/// The answer of ListPolicyVersions.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyVersionList {
    /// The versions.
    pub policy_versions: PolicyVersionsInside,
}

/// Lists nest two deep in the API.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyVersionsInside {
    /// The versions.
    pub policy_version: Vec<PolicyVersionMetadata>,
}

impl Action for ListPolicyVersions {
    const NAME: &'static str = "ListPolicyVersions";
    const ACCESS: Access = Access::Read;
    const SERVICE: Service = Service::Ram;
    type Answer = PolicyVersionList;

    fn run(&mut self, door: &Door<'_>) -> Result<PolicyVersionList> {
        door.permit(Target::Policy(self.policy_name.as_str()))?;
        let policy_version = versions(door, self.policy_type, &self.policy_name)?;
        Ok(PolicyVersionList { policy_versions: PolicyVersionsInside { policy_version } })
    }
}

fn versions(
    door: &Door<'_>,
    kind: PolicyType,
    name: &PolicyName,
) -> Result<Vec<PolicyVersionMetadata>> {
    match kind {
        PolicyType::System => Ok(vec![PolicyVersionMetadata::ready_made(ready_made(name)?)]),
        PolicyType::Custom => {
            let policy = door.policy(name)?;
            let of = |version| PolicyVersionMetadata::of(&policy, version);
            Ok(policy.versions.iter().map(of).collect())
        }
    }
}

/// Puts another version of a policy of the account's own in force.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SetDefaultPolicyVersion {
    /// The policy.
    pub policy_name: PolicyName,
    /// The version: v1, v2 and so on.
    pub version_id: String,
}

impl Action for SetDefaultPolicyVersion {
    const NAME: &'static str = "SetDefaultPolicyVersion";
    const ACCESS: Access = Access::Write;
    const SERVICE: Service = Service::Ram;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        door.permit(Target::Policy(self.policy_name.as_str()))?;
        door.change(|transaction| {
            let mut policy = transaction.policy(door.account(), &self.policy_name)?;
            policy.default = find(&policy, &self.version_id)?.number;
            policy.updated = transaction.now();
            transaction.put_policy(&policy)?;
            Ok(Done {})
        })
    }
}

/// Deletes a version of a policy of the account's own that is not the one in force.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeletePolicyVersion {
    /// The policy.
    pub policy_name: PolicyName,
    /// The version: v1, v2 and so on.
    pub version_id: String,
}

impl Action for DeletePolicyVersion {
    const NAME: &'static str = "DeletePolicyVersion";
    const ACCESS: Access = Access::Write;
    const SERVICE: Service = Service::Ram;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        door.permit(Target::Policy(self.policy_name.as_str()))?;
        door.change(|transaction| {
            let mut policy = transaction.policy(door.account(), &self.policy_name)?;
            let number = find(&policy, &self.version_id)?.number;
            if number == policy.default {
                let detail = "It is in force: put another one in force first.";
                return Err(Error::invalid("VersionId", detail));
            }
            policy.versions.retain(|version| version.number != number);
            policy.updated = transaction.now();
            transaction.put_policy(&policy)?;
            Ok(Done {})
        })
    }
}
