//! Metering: what each account uses in each region, and what that costs (API reference, chapter 16).
//! Versions are metered in the change that makes or frees them, to the second; calls are counted in
//! memory and added now and then.
#![forbid(unsafe_code)]

mod calls;
mod prices;
mod record;
#[cfg(test)]
mod tests;
mod upkeep;

pub(super) use calls::{Counter, LANES, Meter, thread_number};
pub(crate) use prices::{Decimal, Line, Statement};
pub(super) use record::{MeterRecord, Usage, hosted};
