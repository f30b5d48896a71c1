//! The whole chain: identity policies, the policy of the key, and whose key it is (API reference,
//! chapters 11 and 14.3).

use super::{Asked, KeyPolicy, Place, Policy, Request, Verdict, weigh_all};
use crate::model::Account;

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The account.
    pub account: &'a Account,
    /// The name of its RAM user; none is the account itself.
    pub user: Option<&'a str>,
}

/// Where a statement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// In a policy that is attached to the caller.
    Identity,
    /// In the policy of the key.
    Key,
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The account itself asks, about what is its own.
    Owner,
    /// This statement decided. What another account's key is used for, two allow: this is the key's.
    Statement(Side, Place),
    /// No statement allows it.
    NoStatement,
    /// To use the key of another account, both sides must allow it, and no statement of this side does.
    NotOnSide(Side),
    /// The key of another account can be used, but not administered.
    Administration,
}

/// The answer to a question of permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgment {
    /// Whether it is permitted.
    pub is_allowed: bool,
    /// Why, or why not.
    pub reason: Reason,
    /// Whether the time was looked at: then the answer may be another one a second later.
    pub depends_on_time: bool,
}

/// What is use of a key, and can be allowed to other accounts.
const USE: [&str; 14] = [
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:ExportDataKey",
    "kms:GenerateAndExportDataKey",
    "kms:AsymmetricSign",
    "kms:AsymmetricVerify",
    "kms:AsymmetricEncrypt",
    "kms:AsymmetricDecrypt",
    "kms:GetPublicKey",
    "kms:DescribeKey",
];

/// Whether `caller`, to whom the policies `identity` are attached, may do what is asked to a resource of
/// `owner`; `key` is its policy, if it is a key that has one.
pub fn judge<'p>(
    caller: &Caller<'_>,
    identity: impl IntoIterator<Item = &'p Policy>,
    owner: &Account,
    key: Option<&KeyPolicy>,
    request: &Request<'_>,
) -> Judgment {
    let asked = Asked::new(request);
    let (is_allowed, reason) = match (caller.account == owner, caller.user) {
        (true, None) => (true, Reason::Owner),
        (is_own, user) => {
            // An account does not limit itself: it has no policies that could.
            let identity = user.map(|_| weigh_all(identity, &asked));
            let of_key = |key: &KeyPolicy| key.weigh(caller, owner, &asked);
            let key = key.map_or(Verdict::Implicit, of_key);
            if is_own {
                own(identity.unwrap_or(Verdict::Implicit), key)
            } else {
                foreign(identity, key, request)
            }
        }
    };
    Judgment { is_allowed, reason, depends_on_time: asked.depends_on_time() }
}

/// Either side may allow it, neither must deny it.
const fn own(identity: Verdict, key: Verdict) -> (bool, Reason) {
    match (identity, key) {
        (Verdict::Deny(place), _) => (false, Reason::Statement(Side::Identity, place)),
        (_, Verdict::Deny(place)) => (false, Reason::Statement(Side::Key, place)),
        (Verdict::Allow(place), _) => (true, Reason::Statement(Side::Identity, place)),
        (_, Verdict::Allow(place)) => (true, Reason::Statement(Side::Key, place)),
        (Verdict::Implicit, Verdict::Implicit) => (false, Reason::NoStatement),
    }
}

/// Both sides must allow it, that of an account itself always does, and it must be a use of the key.
fn foreign(identity: Option<Verdict>, key: Verdict, request: &Request<'_>) -> (bool, Reason) {
    if !USE.iter().any(|action| action.eq_ignore_ascii_case(request.action)) {
        return (false, Reason::Administration);
    }
    match (identity, key) {
        (Some(Verdict::Deny(place)), _) => (false, Reason::Statement(Side::Identity, place)),
        (_, Verdict::Deny(place)) => (false, Reason::Statement(Side::Key, place)),
        (Some(Verdict::Implicit), Verdict::Implicit) => (false, Reason::NoStatement),
        (Some(Verdict::Implicit), _) => (false, Reason::NotOnSide(Side::Identity)),
        (_, Verdict::Implicit) => (false, Reason::NotOnSide(Side::Key)),
        (_, Verdict::Allow(place)) => (true, Reason::Statement(Side::Key, place)),
    }
}
