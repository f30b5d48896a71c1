//! Who may do what to which resource (API reference, chapter 14). Pure: a function of the caller,
//! the action and the resource.

use crate::model::{Principal, Space};

/// The answer to a question of permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Permitted.
    Allow,
    /// Not permitted, or not known to be.
    Deny,
}

/// Whether `principal` may do `action` (its name in the API, such as `Encrypt`) to a resource of `owner`. The
/// account itself has every right on its own resources; nobody else has any.
pub fn decide(principal: &Principal, _action: &str, owner: &Space) -> Decision {
    match principal {
        Principal::Root { account } if *account == owner.account => Decision::Allow,
        _ => Decision::Deny,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Account;

    #[test]
    fn an_account_owns_its_own_space_only() {
        let root = Principal::Root { account: Account::parse("1").unwrap() };
        let own = Space::new("1", "cn-hongkong").unwrap();
        let other = Space::new("2", "cn-hongkong").unwrap();
        assert_eq!(decide(&root, "Encrypt", &own), Decision::Allow);
        assert_eq!(decide(&root, "Encrypt", &other), Decision::Deny);
    }
}
