//! Users, their access keys and policies (RAM): records, what they grant, and sessions opened with an
//! access key.
#![forbid(unsafe_code)]

mod access_key;
mod door;
mod login;
mod policy;
#[cfg(test)]
mod tests;
mod user;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::error::{ErrorCode, Result};
use crate::kms::Kms;
use crate::model::{AccessKeyStatus, Account, PolicyName, PolicyType, Principal, UserName};
use crate::policy::{Policy, SystemPolicy};

pub(super) use access_key::access_key_place;
pub use login::Login;
pub(crate) use policy::{PolicyRecord, PolicyVersion};
pub(crate) use user::{AccessKeyEntry, Attachment, UserRecord};

/// How many users' grants are remembered; beyond that the memory starts over.
const MAX_KNOWN: usize = 16_384;

/// How many records are read at a time.
const PIECE: usize = 256;

/// What a user's policies grant and deny.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    /// The policies, in the order in which they were attached.
    pub policies: Vec<Granted>,
}

/// A policy of a user.
#[derive(Debug)]
pub(crate) struct Granted {
    /// Whose policy it is.
    pub kind: PolicyType,
    /// Its name.
    pub name: PolicyName,
    /// Its version that is in force.
    pub policy: Arc<Policy>,
}

impl Kms {
    /// What the policies of the caller say now. The account itself needs none.
    ///
    /// [`ErrorCode::AccessKeyNotFound`] if the user or the access key that opened the session is gone,
    /// [`ErrorCode::AccessKeyInactive`] if the key has been made inactive.
    pub(crate) fn grants(&self, principal: &Principal) -> Result<Arc<Grants>> {
        let Principal::User { account, id, name, access_key_id } = principal else {
            return Ok(Arc::default());
        };
        self.refresh()?;
        if let Some(grants) = self.principals.recall(access_key_id) {
            return Ok(grants);
        }
        let seen = self.drops();
        let name = UserName::parse(name).map_err(|_| ErrorCode::AccessKeyNotFound)?;
        let grants = self.look(|| {
            let user = self.user(account, &name)?.filter(|user| user.id == *id);
            let mut user = user.ok_or(ErrorCode::AccessKeyNotFound)?;
            match user.access_key(access_key_id).map(|key| key.status) {
                Ok(AccessKeyStatus::Active) => self.grants_of(&user),
                Ok(AccessKeyStatus::Inactive) => Err(ErrorCode::AccessKeyInactive.into()),
                Err(_) => Err(ErrorCode::AccessKeyNotFound.into()),
            }
        })?;
        let grants = Arc::new(grants);
        self.principals.remember(access_key_id, &grants, || self.drops() == seen);
        Ok(grants)
    }

    /// What the policies of a user say, read and parsed anew.
    pub(crate) fn grants_of(&self, user: &UserRecord) -> Result<Grants> {
        let granted = |Attachment { kind, name, .. }: &Attachment| {
            let policy = match kind {
                // One that a later version of this library has: it says nothing here, not even Deny.
                PolicyType::System => {
                    let policy = SystemPolicy::find(name.as_str()).ok_or(ErrorCode::StoreTooNew)?;
                    Arc::new(policy.policy()?.clone())
                }
                PolicyType::Custom => Arc::new(self.own_policy(&user.account, name)?),
            };
            Ok(Granted { kind: *kind, name: name.clone(), policy })
        };
        Ok(Grants { policies: user.policies.iter().map(granted).collect::<Result<_>>()? })
    }

    fn own_policy(&self, account: &Account, name: &PolicyName) -> Result<Policy> {
        let policy = self.policy(account, name)?.ok_or(ErrorCode::StoreDamaged)?;
        // It was understood when it was written.
        Policy::parse(&policy.in_force()?.document).map_err(|_| ErrorCode::StoreDamaged.into())
    }

    /// The records of a range, each as `read` reads it from its id, its storage key and itself.
    fn range<R>(
        &self,
        prefix: &[u8],
        read: impl Fn(&[u8; 16], &[u8], &[u8]) -> Result<R>,
    ) -> Result<Vec<R>> {
        let (mut found, mut after) = (Vec::new(), Vec::new());
        loop {
            let some = self.store.scan(prefix, &after, PIECE)?;
            let Some(last) = some.last() else { return Ok(found) };
            after.clone_from(&last.key);
            for entry in &some {
                let id = entry.key.last_chunk().ok_or(ErrorCode::StoreDamaged)?;
                found.push(read(id, &entry.key, &entry.value)?);
            }
        }
    }
}

/// What the policies of users were last found to say, by the access key of the session.
#[derive(Default)]
pub(super) struct Cache(RwLock<HashMap<Box<str>, Arc<Grants>>>);

impl Cache {
    fn recall(&self, access_key_id: &str) -> Option<Arc<Grants>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(access_key_id).cloned()
    }

    /// Remembers what was read, if it `is_fresh` still.
    fn remember(&self, access_key_id: &str, grants: &Arc<Grants>, is_fresh: impl FnOnce() -> bool) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if is_fresh() {
            if known.len() >= MAX_KNOWN {
                known.clear();
            }
            known.insert(access_key_id.into(), Arc::clone(grants));
        }
    }

    /// Forgets them all. Whoever drops what it knows has counted that before.
    pub(super) fn forget(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
