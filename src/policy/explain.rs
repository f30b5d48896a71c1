//! A judgment in words, for people who ask why.

use serde::Serialize;

use super::{Judgment, KeyPolicy, Reason, Side};

/// A judgment in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Explanation {
    /// `Allow`, `ExplicitDeny` or `ImplicitDeny`.
    pub decision: &'static str,
    /// Which kind of policy decided: `Identity`, one that is attached to the caller, or `Key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<&'static str>,
    /// Which of the caller's policies decided, counted from 0 in the order they were given in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<usize>,
    /// Which statement of it, counted from 1 as errors about policies do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<usize>,
    /// The name that this statement has been given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Why, in a sentence.
    pub reason: &'static str,
    /// Whether the answer may be another one at another time.
    pub depends_on_time: bool,
}

impl Judgment {
    /// The judgment in words; `key` is the policy of the key that it was made with.
    pub fn explain(&self, key: Option<&KeyPolicy>) -> Explanation {
        let decision = match (self.is_allowed, self.reason) {
            (true, _) => "Allow",
            (false, Reason::Statement(..)) => "ExplicitDeny",
            (false, _) => "ImplicitDeny",
        };
        let (side, place) = match self.reason {
            Reason::Statement(side, place) => (Some(side), Some(place)),
            _ => (None, None),
        };
        let is_of_key = side == Some(Side::Key);
        Explanation {
            decision,
            decided_by: side.map(|side| if side == Side::Key { "Key" } else { "Identity" }),
            policy: place.filter(|_| !is_of_key).map(|place| place.policy),
            statement: place.map(|place| place.statement + 1),
            sid: place
                .filter(|_| is_of_key)
                .and_then(|place| Some(key?.sid(place.statement)?.into())),
            reason: self.reason.sentence(self.is_allowed),
            depends_on_time: self.depends_on_time,
        }
    }
}

impl Reason {
    const fn sentence(self, is_allowed: bool) -> &'static str {
        match (self, is_allowed) {
            (Self::Owner, _) => "The account has every right on its own resources.",
            (Self::Statement(..), true) => "A statement allows it, and none denies it.",
            (Self::Statement(..), false) => "A statement denies it.",
            (Self::NoStatement, _) => "No statement allows it.",
            (Self::NotOnSide(Side::Identity), _) => {
                "The key is another account's. Its policy allows it, but no policy of the caller does."
            }
            (Self::NotOnSide(Side::Key), _) => {
                "The key is another account's, and its policy does not allow it."
            }
            (Self::Administration, _) => {
                "The key is another account's. It may be used if both accounts allow it, never administered."
            }
        }
    }
}
