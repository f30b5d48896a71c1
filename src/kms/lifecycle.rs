//! The table of states (API reference, chapter 5): which operation a key in which state allows.

use crate::error::{ErrorCode, Result};
use crate::model::KeyState;

/// How an operation looks at the state of its key: one line of the table each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Always: describing, listing, import parameters, destroying material.
    Always,
    /// Cryptography.
    Use,
    /// Changing what is written about a key.
    Annotate,
    /// Enabling and disabling.
    Switch,
    /// Importing material.
    Import,
}

impl Rule {
    /// Refuses the operation if a key in `state` does not allow it.
    pub fn check(self, state: KeyState) -> Result<()> {
        use ErrorCode as Code;
        use KeyState::{Disabled, Enabled, PendingDeletion, PendingImport};
        let refusal = match (self, state) {
            (Self::Always, _) | (_, Enabled) => return Ok(()),
            (Self::Use, Disabled) => Code::Disabled,
            (Self::Use | Self::Annotate, PendingDeletion) => Code::PendingDeletion,
            (Self::Use, PendingImport) => Code::PendingImport,
            (Self::Annotate, Disabled | PendingImport) => return Ok(()),
            (Self::Switch, Disabled) => return Ok(()),
            (Self::Switch, PendingDeletion | PendingImport) => Code::StateModifiedFailed,
            (Self::Import, Disabled | PendingImport) => return Ok(()),
            (Self::Import, PendingDeletion) => Code::StateModifiedFailed,
        };
        Err(refusal.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode as Code;
    use KeyState::{Disabled, Enabled, PendingDeletion, PendingImport};

    #[test]
    fn the_table_is_the_references() {
        let states = [Enabled, Disabled, PendingDeletion, PendingImport];
        let smf = Some(Code::StateModifiedFailed);
        for (rule, row) in [
            (Rule::Always, [None; 4]),
            (
                Rule::Use,
                [
                    None,
                    Some(Code::Disabled),
                    Some(Code::PendingDeletion),
                    Some(Code::PendingImport),
                ],
            ),
            (Rule::Annotate, [None, None, Some(Code::PendingDeletion), None]),
            (Rule::Switch, [None, None, smf, smf]),
            (Rule::Import, [None, None, smf, None]),
        ] {
            for (state, expected) in states.into_iter().zip(row) {
                assert_eq!(rule.check(state).err().map(|error| error.code()), expected);
            }
        }
    }
}
