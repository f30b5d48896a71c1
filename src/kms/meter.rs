//! Calls per key version: what metering is made of (API reference, chapter 16). Counted in memory,
//! each thread for itself, added up when asked for.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::model::{IdMap, KeyVersionId};

/// One lane per thread, up to this many; further threads share.
const LANES: usize = 64;

/// The counters of one open store.
pub struct Meter {
    lanes: [Lane; LANES],
}

/// A thread's counters, on cache lines of its own.
#[derive(Default)]
#[repr(align(128))]
struct Lane(Mutex<IdMap<KeyVersionId, u64>>);

impl Meter {
    pub(super) fn new() -> Self {
        Self { lanes: std::array::from_fn(|_| Lane::default()) }
    }

    /// Counts a call that used this version.
    pub(super) fn count(&self, version: KeyVersionId) {
        if let Some(lane) = self.lanes.get(lane()) {
            *lane.lock().entry(version).or_default() += 1;
        }
    }

    /// The calls of each version since the store was opened in this process.
    pub fn calls(&self) -> HashMap<KeyVersionId, u64> {
        let mut total = HashMap::new();
        for lane in &self.lanes {
            for (version, calls) in lane.lock().iter() {
                *total.entry(*version).or_default() += calls;
            }
        }
        total
    }
}

impl Lane {
    fn lock(&self) -> std::sync::MutexGuard<'_, IdMap<KeyVersionId, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lane() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static LANE: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    LANE.with(|lane| {
        if lane.get() == usize::MAX {
            lane.set(NEXT.fetch_add(1, Ordering::Relaxed) % LANES);
        }
        lane.get()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_add_up() {
        let meter = Meter::new();
        let version = KeyVersionId::from_random([1; 16]);
        std::thread::scope(|scope| {
            for _ in 0..100 {
                scope.spawn(|| (0..1000).for_each(|_| meter.count(version)));
            }
        });
        assert_eq!(meter.calls().get(&version), Some(&100_000));
    }
}
