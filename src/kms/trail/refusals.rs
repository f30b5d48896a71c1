//! Requests that failed wait for others like them until their second is over: they are one event, with
//! a count.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::kms::trail::event::Refused;
use crate::kms::trail::waiting::Texts;
use crate::model::Timestamp;

/// How many kinds of one caller are told apart in a second: whoever makes more of them does not get more
/// events, and hides nobody's but his own.
const KINDS_OF_CALLER: usize = 100;

/// How many kinds wait before they are written.
const KINDS: usize = 1000;

/// The failures of a second, by what they have in common.
#[derive(Default)]
pub(super) struct Refusals(Mutex<HashMap<String, (Refused, u64)>>);

impl Refusals {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Refused, u64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a failure to those like it; `caller` is who, from where. Says whether it is time to write.
    pub(super) fn push(&self, caller: &str, refused: Refused) -> bool {
        let Refused { name, keys, resource, error, time, .. } = &refused;
        let his = format!("{} {caller} ", time.0);
        let mut kind = format!("{his}{name} {keys:?} {resource:?} {}", error.code().number());
        let mut kinds = self.lock();
        if !kinds.contains_key(&kind) {
            let of_caller = kinds.keys().filter(|kind| kind.starts_with(&his)).count();
            if of_caller >= KINDS_OF_CALLER {
                kind = his + "others";
            }
        }
        kinds.entry(kind).or_insert((refused, 0)).1 += 1;
        kinds.len() >= KINDS
    }

    /// The events of the seconds that are over, or `all`; those of one second by their kinds.
    pub(super) fn take(&self, now: Timestamp, all: bool) -> Texts {
        let mut kinds = self.lock();
        let over = kinds.extract_if(|_, (refused, _)| all || refused.time < now);
        let mut over: Vec<_> = over.collect();
        drop(kinds);
        over.sort_by(|(kind, (one, _)), (of, (other, _))| (one.time, kind).cmp(&(other.time, of)));
        let mut events = Texts::default();
        for (_, (refused, count)) in over {
            refused.with_event(count, |event| events.push(event));
        }
        events
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }
}
