//! The indicator of a thread's last call, for surfaces whose functions answer something else than a
//! [`Reply`](crate::kms::Reply).
#![forbid(unsafe_code)]

use std::cell::Cell;

use crate::model::Indicator;

thread_local! {
    static LAST: Cell<Indicator> = const { Cell::new(Indicator::None) };
}

/// Whether what this thread's last call has done was approved.
pub fn last_indicator() -> Indicator {
    LAST.try_with(Cell::get).unwrap_or_default()
}

/// A call begins that may fail before it reaches its session: until it has succeeded there is no
/// indicator.
pub fn reset_indicator() {
    note(Indicator::None);
}

pub(super) fn note(indicator: Indicator) {
    // A thread that is about to end asks no more.
    let _ = LAST.try_with(|last| last.set(indicator));
}
