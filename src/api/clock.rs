//! The clock of test stores: an action of this library's own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::keys::Done;
use crate::error::{Error, ErrorCode, Result};
use crate::kms::{Access, Action, Door, Plane};
use crate::model::{Clock, Timestamp};

/// Moves the clock of a store in memory that was opened with a manual clock; elsewhere there is no such action.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AdvanceClock {
    /// By how many seconds.
    pub seconds: u64,
}

/// 9000-01-01T00:00:00Z: whatever is due later can still be written as a date.
const LAST: Timestamp = Timestamp(221_845_392_000);

impl Action for AdvanceClock {
    const NAME: &'static str = "AdvanceClock";
    const ACCESS: Access = Access::Write;
    const PLANE: Plane = Plane::Free;
    type Answer = Done;

    fn run(&mut self, door: &Door<'_>) -> Result<Done> {
        let clock = door.manual_clock().ok_or(ErrorCode::ActionNotFound)?;
        if clock.now().plus(self.seconds) > LAST {
            return Err(Error::invalid("Seconds", "The clock goes no further than the year 9000."));
        }
        // They belong to the time before.
        door.flush()?;
        clock.advance(self.seconds);
        Ok(Done {})
    }
}
