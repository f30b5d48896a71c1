//! Who calls.

/// The caller of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// The account itself, which has every right on its own resources.
    Root {
        /// The account's number, in decimal digits.
        account: String,
    },
}

impl Principal {
    /// The account the caller belongs to.
    pub fn account(&self) -> &str {
        match self {
            Self::Root { account } => account,
        }
    }
}
