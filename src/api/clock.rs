//! The clock of test stores: an action of this library's own.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::keys::Done;
use crate::error::{ErrorCode, Result};
use crate::kms::{Access, Action, Door};

/// Moves the clock of a store in memory that was opened with a manual clock; elsewhere there is no such action.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AdvanceClock {
    /// By how many seconds.
    pub seconds: u64,
}

impl Action for AdvanceClock {
    const NAME: &'static str = "AdvanceClock";
    const ACCESS: Access = Access::Write;
    type Answer = Done;

    fn run(self, door: &Door<'_>) -> Result<Done> {
        let clock = door.manual_clock().ok_or(ErrorCode::ActionNotFound)?;
        clock.advance(self.seconds);
        Ok(Done {})
    }
}
