//! Which users have which policies.
#![forbid(unsafe_code)]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::keys::Done;
use crate::api::ram::policies::{PolicyMetadata, ready_made};
use crate::error::{Error, ErrorCode, Result};
use crate::kms::{Access, Action, Attachment, Door, Target};
use crate::model::{PolicyName, PolicyType, Service, Timestamp, UserName};

/// How many policies a user may have.
const MAX_POLICIES: usize = 20;

/// Gives a user a policy. A user has at most 20.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AttachPolicyToUser {
    /// Whose the policy is.
    pub policy_type: PolicyType,
    /// The policy.
    pub policy_name: PolicyName,
    /// The user.
    pub user_name: UserName,
}

impl Action for AttachPolicyToUser {
    const NAME: &'static str = "AttachPolicyToUser";
    const ACCESS: Access = Access::Write;
    const SERVICE: Service = Service::Ram;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        door.permit(Target::User(self.user_name.as_str()))?;
        door.permit(Target::Policy(self.policy_name.as_str()))?;
        door.change(|transaction| {
            let mut user = transaction.user(door.account(), &self.user_name)?;
            match self.policy_type {
                PolicyType::System => drop(ready_made(&self.policy_name)?),
                PolicyType::Custom => {
                    transaction.policy(door.account(), &self.policy_name)?;
                }
            }
            if user.attachment(self.policy_type, &self.policy_name).is_some() {
                return Err(ErrorCode::PolicyAttached.into());
            }
            if user.policies.len() >= MAX_POLICIES {
                let detail = format!("A user has at most {MAX_POLICIES} policies.");
                return Err(Error::new(ErrorCode::LimitExceeded).because(detail));
            }
            user.policies.push(Attachment {
                kind: self.policy_type,
                name: self.policy_name.clone(),
                attached: transaction.now(),
            });
            transaction.put_user(&user)?;
            Ok(Done {})
        })
    }
}

/// Takes a policy from a user.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DetachPolicyFromUser {
    /// Whose the policy is.
    pub policy_type: PolicyType,
    /// The policy.
    pub policy_name: PolicyName,
    /// The user.
    pub user_name: UserName,
}

impl Action for DetachPolicyFromUser {
    const NAME: &'static str = "DetachPolicyFromUser";
    const ACCESS: Access = Access::Write;
    const SERVICE: Service = Service::Ram;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        door.permit(Target::User(self.user_name.as_str()))?;
        door.permit(Target::Policy(self.policy_name.as_str()))?;
        door.change(|transaction| {
            let mut user = transaction.user(door.account(), &self.user_name)?;
            if user.attachment(self.policy_type, &self.policy_name).is_none() {
                return Err(ErrorCode::PolicyNotAttached.into());
            }
            user.policies.retain(|policy| {
                policy.kind != self.policy_type || policy.name != self.policy_name
            });
            transaction.put_user(&user)?;
            Ok(Done {})
        })
    }
}

/// Lists the policies of a user, in the order in which they were attached.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListPoliciesForUser {
    /// The user.
    pub user_name: UserName,
}

/// The answer of ListPoliciesForUser.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AttachedPolicies {
    /// The policies.
    pub policies: AttachedPoliciesInside,
}

/// Lists nest two deep in the API.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AttachedPoliciesInside {
    /// The policies.
    pub policy: Vec<AttachedPolicy>,
}

/// A policy of a user.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AttachedPolicy {
    /// Its name.
    pub policy_name: PolicyName,
    /// Whose it is.
    pub policy_type: PolicyType,
    /// What it is for.
    pub description: String,
    /// The version that is in force.
    pub default_version: String,
    /// When it was attached.
    pub attach_date: Timestamp,
}

impl Action for ListPoliciesForUser {
    const NAME: &'static str = "ListPoliciesForUser";
    const ACCESS: Access = Access::Read;
    const SERVICE: Service = Service::Ram;
    type Answer = AttachedPolicies;

    fn run(&mut self, door: &Door<'_>) -> Result<AttachedPolicies> {
        door.permit(Target::User(self.user_name.as_str()))?;
        let described = |Attachment { kind, name, attached }: Attachment| {
            let PolicyMetadata { description, default_version, .. } = match kind {
                PolicyType::System => PolicyMetadata::ready_made(ready_made(&name)?),
                PolicyType::Custom => PolicyMetadata::own(&door.policy(&name)?),
            };
            Ok(AttachedPolicy {
                policy_name: name,
                policy_type: kind,
                description,
                default_version,
                attach_date: attached,
            })
        };
        let policies = door.user(&self.user_name)?.policies.into_iter().map(described);
        // What somebody takes away and deletes meanwhile is not there any more.
        let is_there = |policy: &Result<AttachedPolicy>| !matches!(policy, Err(error) if error.code() == ErrorCode::PolicyNotFound);
        let policy = policies.filter(is_there).collect::<Result<_>>()?;
        Ok(AttachedPolicies { policies: AttachedPoliciesInside { policy } })
    }
}

/// Lists the users who have a policy, by name.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListEntitiesForPolicy {
    /// Whose the policy is.
    pub policy_type: PolicyType,
    /// The policy.
    pub policy_name: PolicyName,
}

/// The answer of ListEntitiesForPolicy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct EntitiesOfPolicy {
    /// The users.
    pub users: AttachedUsersInside,
}

/// Lists nest two deep in the API.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AttachedUsersInside {
    /// The users.
    pub user: Vec<AttachedUser>,
}

/// A user who has a policy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AttachedUser {
    /// The number.
    pub user_id: String,
    /// The name.
    pub user_name: UserName,
    /// The name for people.
    pub display_name: String,
    /// When the policy was attached.
    pub attach_date: Timestamp,
}

impl Action for ListEntitiesForPolicy {
    const NAME: &'static str = "ListEntitiesForPolicy";
    const ACCESS: Access = Access::Read;
    const SERVICE: Service = Service::Ram;
    type Answer = EntitiesOfPolicy;

    fn run(&mut self, door: &Door<'_>) -> Result<EntitiesOfPolicy> {
        door.permit(Target::Policy(self.policy_name.as_str()))?;
        match self.policy_type {
            PolicyType::System => drop(ready_made(&self.policy_name)?),
            PolicyType::Custom => drop(door.policy(&self.policy_name)?),
        }
        let has_it = door.users()?.into_iter().filter_map(|user| {
            let attached = user.attachment(self.policy_type, &self.policy_name)?.attached;
            Some(AttachedUser {
                user_id: user.id,
                user_name: user.name,
                display_name: user.display_name,
                attach_date: attached,
            })
        });
        Ok(EntitiesOfPolicy { users: AttachedUsersInside { user: has_it.collect() } })
    }
}
