//! Policies: the service's own, which nobody can change, and the account's.
#![forbid(unsafe_code)]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::keys::Done;
use crate::api::ram::versions::{PolicyVersionMetadata, version_id};
use crate::api::ram::{Extent, Wanted, check_length};
use crate::error::{ErrorCode, Result};
use crate::kms::{Access, Action, Door, PolicyRecord, Target, UserRecord};
use crate::model::{PolicyName, PolicyType, Service, Timestamp};
use crate::policy::{Policy, SYSTEM_POLICIES, SystemPolicy};

/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 1024;

/// Creates a policy, which takes effect on the users that it is attached to. An account has at most 1500.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreatePolicy {
    /// 1 to 128 letters, digits and -; not the name of a system policy.
    pub policy_name: PolicyName,
    /// Up to 1024 characters.
    #[serde(default)]
    pub description: Option<String>,
    /// The policy: a JSON object with Version and Statement.
    pub policy_document: String,
}

/// The answer of CreatePolicy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyAnswer {
    /// The policy.
    pub policy: PolicyMetadata,
}

/// What is said of a policy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyMetadata {
    /// Its name.
    pub policy_name: String,
    /// Whose it is.
    pub policy_type: PolicyType,
    /// What it is for.
    pub description: String,
    /// The version that is in force.
    pub default_version: String,
    /// When it was created; system policies always were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_date: Option<Timestamp>,
    /// When it or its versions were last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_date: Option<Timestamp>,
    /// How many users it is attached to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attachment_count: Option<usize>,
}

impl PolicyMetadata {
    /// One of the account's own.
    pub(super) fn own(policy: &PolicyRecord) -> Self {
        Self {
            policy_name: policy.name.to_string(),
            policy_type: PolicyType::Custom,
            description: policy.description.clone(),
            default_version: version_id(policy.default),
            create_date: Some(policy.created),
            update_date: Some(policy.updated),
            attachment_count: None,
        }
    }

    /// One of the service's.
    pub(super) fn ready_made(policy: &SystemPolicy) -> Self {
        Self {
            policy_name: policy.name.to_owned(),
            policy_type: PolicyType::System,
            description: policy.description.to_owned(),
            default_version: version_id(1),
            create_date: None,
            update_date: None,
            attachment_count: None,
        }
    }

    /// The same, and how many of the users have it.
    fn counted(mut self, users: &[UserRecord]) -> Self {
        let is_it = |user: &&UserRecord| {
            let mut theirs = user.policies.iter();
            theirs.any(|its| its.kind == self.policy_type && its.name.as_str() == self.policy_name)
        };
        self.attachment_count = Some(users.iter().filter(is_it).count());
        self
    }
}

impl Action for CreatePolicy {
    const NAME: &'static str = "CreatePolicy";
    const ACCESS: Access = Access::Write;
    const SERVICE: Service = Service::Ram;
    type Answer = PolicyAnswer;

    fn run(&mut self, door: &Door<'_>) -> Result<PolicyAnswer> {
        door.permit(Target::Policy(self.policy_name.as_str()))?;
        let description = self.description.clone().unwrap_or_default();
        check_length("Description", &description, MAX_DESCRIPTION)?;
        Policy::parse(&self.policy_document)?;
        if SystemPolicy::find(self.policy_name.as_str()).is_some() {
            return Err(ErrorCode::PolicyExists.into());
        }
        door.change(|transaction| {
            let policy = PolicyRecord::new(
                *door.account(),
                self.policy_name.clone(),
                description.clone(),
                self.policy_document.clone(),
                transaction.now(),
            );
            transaction.add_policy(&policy)?;
            Ok(PolicyAnswer { policy: PolicyMetadata::own(&policy) })
        })
    }
}

/// Describes a policy and shows the version that is in force.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetPolicy {
    /// The policy.
    pub policy_name: PolicyName,
    /// Whose it is.
    pub policy_type: PolicyType,
}

/// The answer of GetPolicy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyWithText {
    /// The policy.
    pub policy: PolicyMetadata,
    /// Its version that is in force.
    pub default_policy_version: PolicyVersionMetadata,
}

impl Action for GetPolicy {
    const NAME: &'static str = "GetPolicy";
    const ACCESS: Access = Access::Read;
    const SERVICE: Service = Service::Ram;
    type Answer = PolicyWithText;

    fn run(&mut self, door: &Door<'_>) -> Result<PolicyWithText> {
        door.permit(Target::Policy(self.policy_name.as_str()))?;
        let (policy, default_policy_version) = match self.policy_type {
            PolicyType::System => {
                let policy = ready_made(&self.policy_name)?;
                let text = PolicyVersionMetadata::ready_made(policy);
                (PolicyMetadata::ready_made(policy), text)
            }
            PolicyType::Custom => {
                let policy = door.policy(&self.policy_name)?;
                let text = PolicyVersionMetadata::of(&policy, policy.in_force()?);
                (PolicyMetadata::own(&policy), text)
            }
        };
        Ok(PolicyWithText { policy: policy.counted(&door.users()?), default_policy_version })
    }
}

/// The system policy of that name; [`ErrorCode::PolicyNotFound`] if there is none.
pub(super) fn ready_made(name: &PolicyName) -> Result<&'static SystemPolicy> {
    SystemPolicy::find(name.as_str()).ok_or_else(|| ErrorCode::PolicyNotFound.into())
}

/// Deletes a policy of the account's own with its versions. It must not be attached to any user.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeletePolicy {
    /// The policy.
    pub policy_name: PolicyName,
}

impl Action for DeletePolicy {
    const NAME: &'static str = "DeletePolicy";
    const ACCESS: Access = Access::Write;
    const SERVICE: Service = Service::Ram;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        door.permit(Target::Policy(self.policy_name.as_str()))?;
        door.change(|transaction| {
            let policy = transaction.policy(door.account(), &self.policy_name)?;
            transaction.remove_policy(&policy)?;
            Ok(Done {})
        })
    }
}

/// Lists policies, by name.
#[derive(Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListPolicies {
    /// System or Custom. Default: both.
    #[serde(default)]
    pub policy_type: Option<PolicyType>,
    /// Where the part before ended.
    #[serde(default)]
    pub marker: Option<String>,
    /// The most policies to list, 1 to 1000. Default: 100.
    #[serde(default)]
    pub max_items: Option<u32>,
}

/// The answer of ListPolicies.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyList {
    /// The policies.
    pub policies: PoliciesInside,
    /// Whether there are more.
    #[serde(flatten)]
    pub extent: Extent,
}

/// Lists nest two deep in the API.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PoliciesInside {
    /// The policies.
    pub policy: Vec<PolicyMetadata>,
}

impl Action for ListPolicies {
    const NAME: &'static str = "ListPolicies";
    const ACCESS: Access = Access::Read;
    const SERVICE: Service = Service::Ram;
    type Answer = PolicyList;

    fn run(&mut self, door: &Door<'_>) -> Result<PolicyList> {
        let wanted = Wanted::new(self.marker.as_deref(), self.max_items)?;
        door.permit(Target::Policy("*"))?;
        let mut all = Vec::new();
        if self.policy_type != Some(PolicyType::System) {
            all.extend(door.policies()?.iter().map(PolicyMetadata::own));
        }
        if self.policy_type != Some(PolicyType::Custom) {
            all.extend(SYSTEM_POLICIES.iter().map(PolicyMetadata::ready_made));
        }
        all.sort_unstable_by(|one, other| one.policy_name.cmp(&other.policy_name));
        let (policies, extent) = wanted.of(all, |policy| &policy.policy_name);
        let users = door.users()?;
        let policy = policies.into_iter().map(|policy| policy.counted(&users)).collect();
        Ok(PolicyList { policies: PoliciesInside { policy }, extent })
    }
}
