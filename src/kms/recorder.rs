//! What is counted and recorded in memory becomes durable within a second: calls for the meter, and
//! events that are part of no change. A thread does it for stores in directories, from their first such
//! call on; in memory nothing is durable, and it is done when somebody asks.
#![forbid(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self as threads, JoinHandle};
use std::time::Duration;

use crate::error::Result;
use crate::health;
use crate::kms::Kms;
use crate::kms::trail::Deed;
use crate::thread;

/// How long calls and events wait.
const INTERVAL: Duration = Duration::from_secs(1);

/// The thread of one open store, and what it is told.
#[derive(Default)]
pub(super) struct Recorder {
    /// The store, if it has such a thread.
    kms: Mutex<Weak<Kms>>,
    is_wanted: AtomicBool,
    /// Whether there is something to write.
    is_due: AtomicBool,
    orders: Arc<Orders>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Only one writes at a time, so that nothing is taken twice.
    writing: Mutex<()>,
    #[cfg(test)]
    failures: std::sync::atomic::AtomicU64,
}

#[derive(Default)]
struct Orders {
    order: Mutex<Order>,
    given: Condvar,
}

/// The later one counts.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    #[default]
    Wait,
    /// At the end of the interval.
    Write,
    /// Now.
    Hurry,
    Stop,
}

impl Orders {
    fn lock(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give(&self, order: Order) {
        let mut now = self.lock();
        *now = (*now).max(order);
        drop(now);
        self.given.notify_all();
    }

    /// Waits for the next order to write, and then for the interval unless there is no time; false if it
    /// is to stop.
    fn wait(&self) -> bool {
        let order = self.lock();
        let waited = self.given.wait_while(order, |order| *order == Order::Wait);
        let order = waited.unwrap_or_else(PoisonError::into_inner);
        let waited = self.given.wait_timeout_while(order, INTERVAL, |it| *it == Order::Write);
        let (mut order, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let goes_on = *order != Order::Stop;
        if goes_on {
            *order = Order::Wait;
        }
        goes_on
    }
}

impl Recorder {
    /// Gives a store the thread, once it is needed.
    pub(super) fn serve(kms: &Arc<Kms>) {
        let mut served = kms.recorder.kms.lock().unwrap_or_else(PoisonError::into_inner);
        *served = Arc::downgrade(kms);
        kms.recorder.is_wanted.store(true, Ordering::Release);
    }

    /// Ends the thread, once it has finished what it is at.
    pub(super) fn stop(&self) {
        self.is_wanted.store(false, Ordering::Release);
        self.orders.give(Order::Stop);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // The thread itself may be the last to let go of the store.
        if let Some(thread) = thread
            && thread.thread().id() != threads::current().id()
        {
            let _ended = thread.join();
        }
    }

    #[cfg(test)]
    pub(super) fn is_running(&self) -> bool {
        self.thread.lock().unwrap().is_some()
    }

    /// How often nothing could be written.
    #[cfg(test)]
    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::SeqCst)
    }

    #[cold]
    fn ask(&self) {
        self.orders.give(Order::Write);
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_some() || !self.is_wanted.load(Ordering::Acquire) {
            return;
        }
        let kms = Weak::clone(&self.kms.lock().unwrap_or_else(PoisonError::into_inner));
        let orders = Arc::clone(&self.orders);
        let run = move || {
            while orders.wait() {
                let Some(kms) = kms.upgrade() else { break };
                // A panic is the module's failure: whoever calls next hears of it.
                if catch_unwind(AssertUnwindSafe(|| kms.write_waiting())).is_err() {
                    drop(health::panicked());
                }
            }
        };
        // Without a thread it is done at the next such call, and when the store is closed.
        *thread = thread::spawn("kmshsm-recorder", run).ok();
    }
}

impl Kms {
    /// Something is to be written within a second.
    #[inline]
    pub(super) fn wake_recorder(&self) {
        let recorder = &self.recorder;
        if !recorder.is_due.load(Ordering::Relaxed) && recorder.is_wanted.load(Ordering::Relaxed) {
            recorder.is_due.store(true, Ordering::Relaxed);
            recorder.ask();
        }
    }

    /// Much is to be written.
    #[cold]
    pub(super) fn hurry_recorder(&self) {
        self.recorder.orders.give(Order::Hurry);
    }

    /// The turn of the thread.
    fn write_waiting(&self) {
        // Remains due: nobody wakes the thread again for what it cannot write.
        if !self.takes_changes() {
            return;
        }
        self.recorder.is_due.store(false, Ordering::Release);
        if self.check().is_err() {
            return;
        }
        // What cannot be written now waits on.
        if self.flush_past().is_err() || !self.trail.is_empty() {
            self.wake_recorder();
        }
    }

    /// Writes down the calls and events that wait in the memory of this process. The library does so
    /// within a second, and when the store is closed. What cannot be written waits on, and is lost with
    /// the process: calls unmetered, events counted as far as there is room for them.
    pub fn flush(&self) -> Result<()> {
        self.check()?;
        self.write_down(true)
    }

    /// The same for who reads: where nothing can be written, what is there must do.
    pub(super) fn flush_if_writable(&self) -> Result<()> {
        match self.takes_changes() {
            true => self.flush(),
            false => self.check(),
        }
    }

    /// The same, but equal refusals of the present second go on waiting for each other.
    pub(crate) fn flush_past(&self) -> Result<()> {
        self.write_down(false)
    }

    pub(super) fn write_down(&self, all: bool) -> Result<()> {
        self.born.check()?;
        self.hsm.check()?;
        self.admit_changes()?;
        // Whoever reads bills or events meanwhile waits until all is in them.
        let writing = self.recorder.writing.lock();
        let _one_at_a_time = writing.unwrap_or_else(PoisonError::into_inner);
        let (events, lost) = self.trail.take(self.now(), all);
        let calls = self.meter.drain();
        if events.is_empty() && lost == 0 && calls.is_empty() {
            return Ok(());
        }
        let written = self.change(|transaction| {
            transaction.record_all(&events);
            if lost > 0 {
                transaction.record_of_store(Deed::LoseEvents, lost)?;
            }
            transaction.add_calls(&calls)
        });
        written.inspect_err(|_| {
            #[cfg(test)]
            self.recorder.failures.fetch_add(1, Ordering::SeqCst);
            self.trail.give_back(&events, lost);
            calls.restore(&self.meter);
        })
    }
}
