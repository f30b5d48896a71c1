//! A thread that does what is due now and then, for applications that leave it to the library.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self as threads, JoinHandle};
use std::time::Duration;

use crate::error::{Error, ErrorCode, Result};
use crate::health;
use crate::kms::Kms;
use crate::thread;

/// The thread of one open store, if it was asked for.
#[derive(Default)]
pub(super) struct Keeper(Mutex<Option<Running>>);

struct Running {
    stop: Arc<Stop>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Stop {
    is_asked: Mutex<bool>,
    asked: Condvar,
}

impl Stop {
    fn ask(&self) {
        *self.is_asked.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.asked.notify_all();
    }

    /// Waits for the next turn; false if there is none.
    fn wait(&self, interval: Duration) -> bool {
        let is_asked = self.is_asked.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.asked.wait_timeout_while(is_asked, interval, |is_asked| !*is_asked);
        let (is_asked, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !*is_asked
    }
}

impl Keeper {
    /// Has a thread call [`Kms::tick`] every `interval`. What fails then is tried again at the next
    /// turn; nobody waits for its answer.
    pub(super) fn start(kms: &Arc<Kms>, interval: Duration) -> Result<()> {
        let (stop, of_thread) = (Arc::<Stop>::default(), Arc::downgrade(kms));
        let asked = Arc::clone(&stop);
        let run = move || {
            while asked.wait(interval) {
                let Some(kms) = of_thread.upgrade() else { break };
                // A panic is the module's failure: whoever calls next hears of it.
                if catch_unwind(AssertUnwindSafe(|| kms.tick())).is_err() {
                    drop(health::panicked());
                }
            }
        };
        let thread = thread::spawn("kmshsm-keeper", run).map_err(|error| {
            let detail = format!("No thread could be started: {error}.");
            Error::new(ErrorCode::Internal).because(detail)
        })?;
        let mut keeper = kms.keeper.0.lock().unwrap_or_else(PoisonError::into_inner);
        *keeper = Some(Running { stop, thread });
        Ok(())
    }

    /// Ends the thread, once it has finished what it is at.
    pub(super) fn stop(&self) {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Running { stop, thread }) = running else { return };
        stop.ask();
        // The thread itself may be the last to let go of the store.
        if thread.thread().id() != threads::current().id() {
            let _ended = thread.join();
        }
    }
}
