//! Users, their access keys and policies, under the names of Alibaba's Resource Access Management (RAM
//! 2015-05-01).
#![forbid(unsafe_code)]

mod access_keys;
mod attachments;
mod policies;
mod simulate;
mod users;
mod versions;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::kms::Door;
use crate::model::{Principal, UserName};

pub use access_keys::{
    AccessKeyList, CreateAccessKey, DeleteAccessKey, ListAccessKeys, NewAccessKey, UpdateAccessKey,
};
pub use attachments::{
    AttachPolicyToUser, AttachedPolicies, DetachPolicyFromUser, EntitiesOfPolicy,
    ListEntitiesForPolicy, ListPoliciesForUser,
};
pub use policies::{
    CreatePolicy, DeletePolicy, GetPolicy, ListPolicies, PolicyAnswer, PolicyList, PolicyWithText,
};
pub use simulate::{SimulatePolicy, Simulated};
pub use users::{CreateUser, DeleteUser, GetUser, ListUsers, UpdateUser, UserAnswer, UserList};
pub use versions::{
    CreatePolicyVersion, DeletePolicyVersion, GetPolicyVersion, ListPolicyVersions,
    PolicyVersionAnswer, PolicyVersionList, SetDefaultPolicyVersion,
};

/// The part that a caller wants of a list that is in order of names.
struct Wanted<'a> {
    after: Option<&'a str>,
    limit: usize,
}

/// Where a part of a list ends.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Extent {
    /// Whether there is more.
    pub is_truncated: bool,
    /// What to give as Marker to see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
}

impl<'a> Wanted<'a> {
    /// A hundred from the first on, unless told otherwise.
    fn new(marker: Option<&'a str>, max_items: Option<u32>) -> Result<Self> {
        match max_items.unwrap_or(100) {
            limit @ 1..=1000 => Ok(Self { after: marker, limit: limit as usize }),
            _ => Err(Error::invalid("MaxItems", "It must be 1 to 1000.")),
        }
    }

    /// That part of `all`, which are in the order of their names.
    fn of<T>(&self, mut all: Vec<T>, name: impl Fn(&T) -> &str) -> (Vec<T>, Extent) {
        if let Some(after) = self.after {
            all.retain(|item| name(item) > after);
        }
        let is_truncated = all.len() > self.limit;
        all.truncate(self.limit);
        let last = all.last().filter(|_| is_truncated);
        let marker = last.map(|item| name(item).to_owned());
        (all, Extent { is_truncated, marker })
    }
}

/// The user that is meant: the one who calls unless another is named.
fn subject(door: &Door<'_>, name: &Option<UserName>) -> Result<UserName> {
    match (name, door.principal()) {
        (Some(name), _) => Ok(name.clone()),
        (None, Principal::User { name, .. }) => {
            UserName::parse(name).map_err(|detail| Error::invalid("UserName", detail))
        }
        (None, Principal::Root { .. }) => Err(Error::missing("UserName")),
    }
}

/// Refuses a text, given as `parameter`, that is longer than so many characters.
fn check_length(parameter: &'static str, text: &str, most: usize) -> Result<()> {
    match text.chars().nth(most) {
        None => Ok(()),
        Some(_) => Err(Error::invalid(parameter, format!("It must be at most {most} characters."))),
    }
}
