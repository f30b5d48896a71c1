//! Where the door leads besides keys.
#![forbid(unsafe_code)]

use crate::error::{ErrorCode, Result};
use crate::kms::principals::{Grants, PolicyRecord, UserRecord};
use crate::kms::{Door, Held};
use crate::model::{Account, KeyRef, PolicyName, UserName};

impl Door<'_> {
    /// The account of the call.
    pub(crate) const fn account(&self) -> &Account {
        &self.space().account
    }

    /// A user of the account.
    pub(crate) fn user(&self, name: &UserName) -> Result<UserRecord> {
        self.kms().user(self.account(), name)?.ok_or_else(|| ErrorCode::UserNotFound.into())
    }

    /// All users of the account, by name.
    pub(crate) fn users(&self) -> Result<Vec<UserRecord>> {
        self.kms().users(self.account())
    }

    /// A policy of the account's own.
    pub(crate) fn policy(&self, name: &PolicyName) -> Result<PolicyRecord> {
        self.kms().policy(self.account(), name)?.ok_or_else(|| ErrorCode::PolicyNotFound.into())
    }

    /// All policies of the account's own, by name.
    pub(crate) fn policies(&self) -> Result<Vec<PolicyRecord>> {
        self.kms().policies(self.account())
    }

    /// The key of the account, in whatever region, that an ARN names.
    pub(crate) fn key_of_account(&self, arn: &KeyRef<'_>) -> Result<Option<Held>> {
        let KeyRef::Arn(region, account, id) = arn else { return Ok(None) };
        self.kms().refresh()?;
        let is_it = |key: &Held| {
            let space = &key.record().space;
            space.account == *self.account()
                && **account == *space.account.as_str()
                && *region == space.region
        };
        Ok(self.kms().find(id)?.filter(is_it))
    }

    /// What the policies of a user say.
    pub(crate) fn grants_of(&self, user: &UserRecord) -> Result<Grants> {
        self.kms().grants_of(user)
    }
}
