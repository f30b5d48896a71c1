//! Calls per key version: what metering is made of (API reference, chapter 16). Counted in memory,
//! on lanes that threads do not share as long as there are few, and added up when asked for.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::fork::Generation;
use crate::model::KeyVersionId;

/// One lane per thread, up to this many; further threads share.
pub(super) const LANES: usize = 8;

/// The counters of one open store.
#[derive(Default)]
pub struct Meter {
    past: Mutex<HashMap<KeyVersionId, u64>>,
    running: Mutex<Running>,
}

/// The counters of the keys in the cache, and how many there were when the ended ones were last
/// dropped from the list.
#[derive(Default)]
struct Running {
    counters: Vec<Weak<Counters>>,
    at_last_sweep: usize,
}

/// The counters of the versions of a key that is in the cache. When they are dropped, what they
/// counted goes to the meter.
pub(super) struct Counters {
    meter: Arc<Meter>,
    born: Generation,
    versions: Vec<(KeyVersionId, [Lane; LANES])>,
}

/// A counter on a cache line of its own, and its neighbour, for processors fetch them in pairs.
#[derive(Default)]
#[repr(align(128))]
struct Lane(AtomicU64);

impl Meter {
    /// Counters for the versions of a key.
    pub(super) fn start(
        self: &Arc<Self>,
        versions: impl Iterator<Item = KeyVersionId>,
    ) -> Arc<Counters> {
        let versions = versions.map(|id| (id, std::array::from_fn(|_| Lane::default()))).collect();
        let counters =
            Arc::new(Counters { meter: Arc::clone(self), born: Generation::current(), versions });
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.counters.len() > 2 * running.at_last_sweep + 64 {
            running.counters.retain(|counters| counters.strong_count() > 0);
            running.at_last_sweep = running.counters.len();
        }
        running.counters.push(Arc::downgrade(&counters));
        counters
    }

    /// The calls of each version since the store was opened in this process.
    pub fn calls(&self) -> HashMap<KeyVersionId, u64> {
        // Held while the past is read, so that none of them ends in between and is lost or counted
        // twice.
        let running: Vec<_> = {
            let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.counters.iter().filter_map(Weak::upgrade).collect()
        };
        let mut total = self.past.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for counters in &running {
            counters.add_to(&mut total);
        }
        total
    }
}

impl Counters {
    /// Counts a call that used the version at this place.
    pub(super) fn count(&self, at: usize) {
        if let Some(lane) = self.versions.get(at).and_then(|(_, lanes)| lanes.get(lane())) {
            lane.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn add_to(&self, total: &mut HashMap<KeyVersionId, u64>) {
        for (version, lanes) in &self.versions {
            let calls: u64 = lanes.iter().map(|lane| lane.0.load(Ordering::Relaxed)).sum();
            if calls > 0 {
                *total.entry(*version).or_default() += calls;
            }
        }
    }
}

impl Drop for Counters {
    fn drop(&mut self) {
        // In a forked child another thread's lock may never open again; the parent counts.
        if !self.born.is_current() {
            return;
        }
        let mut past = self.meter.past.lock().unwrap_or_else(PoisonError::into_inner);
        self.add_to(&mut past);
    }
}

/// The lane of this thread.
pub(super) fn lane() -> usize {
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
    fn threads_and_ended_counters_add_up() {
        let meter = Arc::new(Meter::default());
        let versions = [1, 2].map(|byte| KeyVersionId::from_random([byte; 16]));
        let counters = meter.start(versions.into_iter());
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| (0..1000).for_each(|_| counters.count(1)));
            }
        });
        assert_eq!(meter.calls(), HashMap::from([(versions[1], 20_000)]));
        drop(counters);
        assert_eq!(meter.calls(), HashMap::from([(versions[1], 20_000)]));
        let again = meter.start(versions.into_iter());
        again.count(0);
        again.count(1);
        assert_eq!(meter.calls(), HashMap::from([(versions[0], 1), (versions[1], 20_001)]));
    }
}
