//! Calls, counted in memory: on lanes that threads do not share as long as there are few, and drained
//! by whoever writes them down. In a forked child nobody does.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::{CallClass, Space};

/// One lane per thread, up to this many; further threads share.
pub(in crate::kms) const LANES: usize = 32;

/// The first threads have a lane each for good, and need no bus to count on it.
const OWN: usize = 24;

/// The calls of one open store that have not been written down yet.
#[derive(Default)]
pub struct Meter {
    counters: Mutex<HashMap<(Space, CallClass), Arc<Counter>>>,
}

/// The calls of one class in one space. The keys in the cache hold it.
#[derive(Default)]
pub(in crate::kms) struct Counter([Lane; LANES]);

/// A count on a cache line of its own, and its neighbour, for processors fetch them in pairs.
#[derive(Default)]
#[repr(align(128))]
struct Lane {
    calls: AtomicU64,
    /// How many of them have been taken; written to under the lock of the meter.
    taken: AtomicU64,
}

impl Counter {
    /// Counts a call.
    pub(in crate::kms) fn count(&self) {
        self.add(1);
    }

    #[inline]
    fn add(&self, calls: u64) {
        let at = lane();
        let Some(lane) = self.0.get(at) else { return };
        if at < OWN {
            let before = lane.calls.load(Ordering::Relaxed);
            lane.calls.store(before.wrapping_add(calls), Ordering::Relaxed);
        } else {
            lane.calls.fetch_add(calls, Ordering::Relaxed);
        }
    }

    /// Takes what has been counted. A call that is counted meanwhile is either in it or left.
    fn take(&self) -> u64 {
        let take = |lane: &Lane| {
            let calls = lane.calls.load(Ordering::Relaxed);
            calls.wrapping_sub(lane.taken.swap(calls, Ordering::Relaxed))
        };
        self.0.iter().map(take).sum()
    }
}

impl Meter {
    /// Where the calls of a class in a space are counted.
    pub(in crate::kms) fn counter(&self, space: &Space, class: CallClass) -> Arc<Counter> {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(counters.entry((*space, class)).or_default())
    }

    /// Takes what has been counted since the last time: each call once.
    pub(in crate::kms) fn drain(&self) -> Deltas {
        let mut deltas = Vec::new();
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        counters.retain(|(space, class), counter| {
            // Asked first: whoever holds it may count until the end.
            let is_held = Arc::get_mut(counter).is_none();
            let calls = counter.take();
            if calls > 0 {
                deltas.push((*space, *class, calls));
            }
            is_held
        });
        Deltas(deltas)
    }
}

/// Calls that have been drained.
#[must_use = "they must be written down, or restored"]
pub(in crate::kms) struct Deltas(pub(super) Vec<(Space, CallClass, u64)>);

impl Deltas {
    /// Whether there have been no calls.
    pub(in crate::kms) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives them back: they could not be written down.
    pub(in crate::kms) fn restore(&self, meter: &Meter) {
        for (space, class, calls) in &self.0 {
            meter.counter(space, *class).add(*calls);
        }
    }
}

#[cfg(test)]
impl crate::kms::Kms {
    /// As if there had been so many calls: more than a test has time for.
    pub(crate) fn pretend_calls(&self, space: &Space, class: CallClass, calls: u64) {
        self.meter.counter(space, class).add(calls);
    }
}

/// The lane of this thread: one of the first [`OWN`], or one of the others with others.
#[inline]
fn lane() -> usize {
    let number = thread_number();
    if number < OWN { number } else { OWN + number % (LANES - OWN) }
}

/// The number of this thread: how many have asked before it.
#[inline]
pub(in crate::kms) fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    NUMBER.with(|number| {
        if number.get() == usize::MAX {
            number.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        number.get()
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    fn space() -> Space {
        Space::new("1", "cn-hongkong").unwrap()
    }

    fn total(deltas: &Deltas) -> u64 {
        deltas.0.iter().map(|(_, _, calls)| calls).sum()
    }

    /// More threads than lanes, some of whose counters end, while another thread drains all the time.
    #[test]
    fn each_call_is_drained_once() {
        let meter = Meter::default();
        let classes = [CallClass::Basic, CallClass::Advanced];
        let is_over = AtomicBool::new(false);
        let mut drained = HashMap::new();
        std::thread::scope(|scope| {
            let drainer = scope.spawn(|| {
                let mut seen = Vec::new();
                while !is_over.load(Ordering::SeqCst) {
                    seen.extend(meter.drain().0);
                }
                seen
            });
            let count = |class| {
                for _ in 0..100 {
                    let counter = meter.counter(&space(), class);
                    (0..100).for_each(|_| counter.count());
                }
            };
            let threads: Vec<_> =
                (0..40).map(|number| scope.spawn(move || count(classes[number % 2]))).collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            is_over.store(true, Ordering::SeqCst);
            for (_, class, calls) in drainer.join().unwrap().into_iter().chain(meter.drain().0) {
                *drained.entry(class).or_default() += calls;
            }
        });
        assert_eq!(drained, HashMap::from(classes.map(|class| (class, 200_000))));
        assert!(meter.counters.lock().unwrap().is_empty());
    }

    #[test]
    fn what_is_restored_is_drained_again() {
        let meter = Meter::default();
        let counter = meter.counter(&space(), CallClass::Basic);
        counter.count();
        let deltas = meter.drain();
        assert_eq!((total(&deltas), total(&meter.drain())), (1, 0));
        counter.count();
        deltas.restore(&meter);
        assert_eq!(total(&meter.drain()), 2);
        drop(counter);
        assert!(meter.drain().is_empty());
        assert!(meter.counters.lock().unwrap().is_empty());
    }
}
