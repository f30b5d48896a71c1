//! Room in the arena, which all open stores of a process share: keys that are idle make way for what
//! is needed now, and all of them go when the operator says so.

use std::sync::{Arc, Mutex, PoisonError, TryLockError, Weak};

use crate::error::{Error, ErrorCode, Result};
use crate::fork::PerProcess;
use crate::hsm;
use crate::kms::Kms;

/// How often room is made for one thing. Other threads may fill it before it is used.
const ATTEMPTS: usize = 100;

/// Every open store of this process.
static OPEN: PerProcess<Mutex<Vec<Weak<Kms>>>> = PerProcess::new();

/// Runs `f` again, with room made, while it finds the arena full.
#[inline]
pub(crate) fn with_room<R>(mut f: impl FnMut() -> Result<R>) -> Result<R> {
    match f() {
        Err(error) if error.code() == ErrorCode::MemoryExhausted => make_room_for(error, f),
        outcome => outcome,
    }
}

#[cold]
fn make_room_for<R>(first: Error, mut f: impl FnMut() -> Result<R>) -> Result<R> {
    let (mut room, mut outcome) = (Room::default(), Err(first));
    for _ in 0..ATTEMPTS {
        match outcome {
            Err(error) if error.code() == ErrorCode::MemoryExhausted && room.make() => {
                outcome = f();
            }
            _ => break,
        }
    }
    outcome
}

/// Makes room for one thing, as often as it takes.
#[derive(Default)]
pub(super) struct Room {
    has_failed: bool,
}

impl Room {
    /// Whether it is worth trying again: there was something to wipe, or nothing only once, for another
    /// thread may have wiped it.
    pub(super) fn make(&mut self) -> bool {
        make_room() || !std::mem::replace(&mut self.has_failed, true)
    }
}

/// Wipes material of every store that no call uses at this moment: of the keys that have not been used
/// since the last time, or else of all. False if there is none. The caller must not use any itself.
fn make_room() -> bool {
    static SWEEPING: PerProcess<Mutex<()>> = PerProcess::new();
    let sweeping = SWEEPING.get(Mutex::default);
    let _alone = match sweeping.try_lock() {
        Ok(alone) => alone,
        Err(TryLockError::Poisoned(alone)) => alone.into_inner(),
        Err(TryLockError::WouldBlock) => {
            // Two sweeps at once would take each other's marks for idleness.
            drop(sweeping.lock());
            return true;
        }
    };
    let open = open_stores();
    let sweep = |all| open.iter().map(|kms| kms.clear_materials(all)).sum::<usize>();
    sweep(false) > 0 || sweep(true) > 0
}

/// Closes every open store of this process, so that all handles and sessions answer
/// [`Closed`](ErrorCode::Closed) from then on, and wipes what secret memory holds besides. Returns
/// when calls under way have let go of all keys. Stores can be opened afterwards; one that another
/// thread is opening meanwhile may stay open. Nothing is written: calls of the last second are not
/// metered, and events that wait are lost. In a forked child the parent's stores are left alone.
pub fn zeroize() {
    let open = open_stores();
    // Step by step for all: nothing that can be wiped now waits for the calls of another store.
    open.iter().for_each(|kms| kms.refuse_calls());
    open.iter().for_each(|kms| kms.forget_keys());
    hsm::wipe();
    open.iter().for_each(|kms| kms.shut());
    drop(open);
    // What closing has used, and calls until they ended.
    hsm::wipe();
}

fn open_stores() -> Vec<Arc<Kms>> {
    let mut open = OPEN.get(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    open.retain(|kms| kms.strong_count() > 0);
    open.iter().filter_map(Weak::upgrade).collect()
}

impl Kms {
    /// Lets this store be found by whoever needs room.
    pub(super) fn enroll(self: &Arc<Self>) {
        let open = OPEN.get(Mutex::default).lock();
        open.unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(self));
    }
}
