//! Who calls.

use std::fmt;

use crate::error::{Error, Result};

/// The number of an account: 1 to 32 decimal digits. Small and compared on the way of every call, so
/// it lies where it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Account {
    digits: [u8; 32],
    len: u8,
}

impl Account {
    /// Reads the digits; [`InvalidParameter`](crate::error::ErrorCode::InvalidParameter)
    /// (`AccountId`) for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = || Error::invalid("AccountId", "It must be 1 to 32 decimal digits.");
        let mut digits = [0; 32];
        let room = digits.get_mut(..text.len()).ok_or_else(invalid)?;
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid());
        }
        room.copy_from_slice(text.as_bytes());
        Ok(Self { digits, len: text.len() as u8 })
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        let digits = self.digits.get(..usize::from(self.len)).unwrap_or_default();
        std::str::from_utf8(digits).unwrap_or_default()
    }

    /// The digits as ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        self.as_str().as_bytes()
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The caller of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// The account itself, which has every right on its own resources.
    Root {
        /// Which account.
        account: Account,
    },
    /// A RAM user, who has the rights that policies give.
    User {
        /// The account that the user belongs to.
        account: Account,
        /// The number that never changes: decimal digits.
        id: String,
        /// The name.
        name: String,
        /// The access key that opened the session.
        access_key_id: String,
    },
}

impl Principal {
    /// The account of the caller.
    pub const fn account(&self) -> &Account {
        match self {
            Self::Root { account } | Self::User { account, .. } => account,
        }
    }
}

/// The services whose actions there are: each has permissions, resources and events of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Keys.
    Kms,
    /// Users, access keys and policies (Resource Access Management).
    Ram,
    /// The audit trail.
    ActionTrail,
    /// Bills (Business Support System).
    Bss,
}

impl Service {
    /// What its permissions and ARNs begin with, as in `kms:Encrypt`.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Kms => "kms",
            Self::Ram => "ram",
            Self::ActionTrail => "actiontrail",
            Self::Bss => "bss",
        }
    }

    /// Its name in events.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kms => "Kms",
            Self::Ram => "Ram",
            Self::ActionTrail => "ActionTrail",
            Self::Bss => "Bss",
        }
    }

    /// The version of its API.
    pub const fn api_version(self) -> &'static str {
        match self {
            Self::Kms => "2016-01-20",
            Self::Ram => "2015-05-01",
            Self::ActionTrail => "2017-12-04",
            Self::Bss => "2017-12-14",
        }
    }
}
