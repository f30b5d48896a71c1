//! The audit trail of a store: events of changes go into the same transaction; all others wait here
//! for a second at most, and are written together (API reference, chapter 15).
#![forbid(unsafe_code)]

mod chain;
mod event;
mod lookup;
mod read;
mod refusals;
#[cfg(test)]
mod tests;
mod waiting;

use std::sync::Arc;

use crate::error::{Error, ErrorCode, Result};
use crate::kms::Kms;
use crate::model::Timestamp;

pub(super) use chain::{identity, identity_place};
use event::Refused;
pub(super) use event::{Deed, frame};
pub(crate) use lookup::{EventPage, Wanted};
use refusals::Refusals;
pub(super) use waiting::Texts;
use waiting::{Room, Waiting};

/// What the trail records of the use of keys, and how surely. What manages keys, users and policies is
/// recorded in any case, and so is whatever authorization refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Which uses of keys are recorded.
    pub data_plane: DataPlane,
    /// Whether nothing that is recorded is answered before its event is written, nor without. Otherwise the
    /// events of what changes nothing wait for up to a second, those of refusals for others like them.
    pub is_strict: bool,
}

/// Which uses of keys are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DataPlane {
    /// Those that authorization refuses.
    #[default]
    Off,
    /// Those that fail, for whatever reason.
    Denied,
    /// All.
    All,
}

impl DataPlane {
    /// Reads the choice: `off`, `denied` or `all`;
    /// [`InvalidParameter`](crate::error::ErrorCode::InvalidParameter) (`Audit`) for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "off" => Ok(Self::Off),
            "denied" => Ok(Self::Denied),
            "all" => Ok(Self::All),
            _ => Err(Error::invalid("Audit", "It must be off, denied or all.")),
        }
    }
}

/// The events of an open store that are not written yet.
#[derive(Default)]
pub(super) struct Trail {
    audit: Audit,
    waiting: Waiting,
    refusals: Refusals,
}

impl Trail {
    pub(super) fn new(audit: Audit) -> Self {
        Self { audit, waiting: Waiting::default(), refusals: Refusals::default() }
    }

    /// Whether every use of a key is recorded.
    pub(super) fn wants_all(&self) -> bool {
        self.audit.data_plane == DataPlane::All
    }

    /// Whether uses of keys are recorded that fail for other reasons than authorization.
    pub(super) fn wants_failures(&self) -> bool {
        self.audit.data_plane != DataPlane::Off
    }

    /// What is to be written now, and how many events were lost: of refusals those of seconds that are
    /// over, unless `all`.
    pub(super) fn take(&self, now: Timestamp, all: bool) -> (Arc<[Texts]>, u64) {
        let mut events = self.waiting.take();
        events.extend(Some(self.refusals.take(now, all)).filter(|refusals| !refusals.is_empty()));
        (events.into(), self.waiting.take_lost())
    }

    /// Gives back what could not be written.
    pub(super) fn give_back(&self, events: &[Texts], lost: u64) {
        self.waiting.give_back(events);
        self.waiting.lose(lost);
    }

    /// Whether there is nothing to be written, not even when the second is over.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.refusals.is_empty()
    }
}

impl Kms {
    /// Lets an event wait to be written; in strict mode returns when it is.
    pub(super) fn enter_event(&self, event: &[u8]) -> Result<()> {
        let room = self.trail.waiting.push(event);
        // Whoever closes the store has it written before, or leaves that to this call.
        if self.trail.audit.is_strict || self.is_closed() {
            self.flush_past()?;
            return match room {
                Room::None => Err(ErrorCode::StoreFailed.into()),
                _ => Ok(()),
            };
        }
        self.wake_recorder();
        match room {
            Room::Ample => {}
            Room::Less => self.hurry_recorder(),
            // Whoever is faster than the disk writes himself. What cannot be written waits on, up to a
            // bound.
            Room::Little | Room::None => drop(self.flush_past()),
        }
        Ok(())
    }

    /// Lets a failure wait for others like it; in strict mode returns when it is written.
    pub(super) fn enter_refusal(&self, caller: &str, refused: Refused) -> Result<()> {
        let is_full = self.trail.refusals.push(caller, refused);
        if self.trail.audit.is_strict {
            return self.flush();
        }
        self.wake_recorder();
        if is_full || self.is_closed() {
            drop(self.flush());
        }
        Ok(())
    }
}
