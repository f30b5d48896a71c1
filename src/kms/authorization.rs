//! What permission is asked for: the resources of the services and their ARNs (API reference, chapter
//! 14.1), and who is asked.
#![forbid(unsafe_code)]

use crate::error::{ErrorCode, Result};
use crate::kms::Door;
use crate::model::{AliasName, Space, alias_arn};
use crate::policy::{self, Decision};

/// A resource other than a key.
#[derive(Clone, Copy)]
#[allow(dead_code)] // until each has its actions
pub(crate) enum Target<'a> {
    /// All keys of the space: creating and listing.
    Keys,
    /// All aliases of the space.
    Aliases,
    /// An alias of the space.
    Alias(&'a AliasName),
    /// A user of the account, or all of them: `*`.
    User(&'a str),
    /// A policy of the account, or all of them: `*`.
    Policy(&'a str),
    /// Nothing in particular.
    Nothing,
}

impl Target<'_> {
    /// How policies name it.
    pub(super) fn arn(self, space: &Space) -> String {
        let Space { account, region, .. } = space;
        match self {
            Self::Keys => format!("acs:kms:{region}:{account}:key"),
            Self::Aliases => format!("acs:kms:{region}:{account}:alias"),
            Self::Alias(name) => alias_arn(space, name),
            Self::User(name) => format!("acs:ram:*:{account}:user/{name}"),
            Self::Policy(name) => format!("acs:ram:*:{account}:policy/{name}"),
            Self::Nothing => "*".to_owned(),
        }
    }
}

impl Door<'_> {
    /// Permission for the action to be done to what is no key. [`ErrorCode::NoPermission`] otherwise.
    pub(crate) fn permit(&self, target: Target<'_>) -> Result<()> {
        let _arn = target.arn(self.space());
        let may = |action: &&str| {
            policy::decide(self.principal(), action, self.space()) == Decision::Allow
        };
        if self.actions().iter().any(may) { Ok(()) } else { Err(ErrorCode::NoPermission.into()) }
    }
}
