//! Claims: how a thread tells all others "I am using what lies there" without writing to anything
//! they read or write (hazard pointers, M. M. Michael 2004). Whoever wants to take the thing away
//! hides it first and then waits until nobody claims it.
//!
//! ```text
//! the user                             the one who takes away
//! finds the address p                  hides p, so that nobody finds it from now on
//! slot of its own = p                  waits until no slot of any thread is p
//! is p still to be found? else clear   frees p
//! uses p, then slot = 0
//! ```
//!
//! Why this is sound: between the user's store and its second look lies a barrier, and between the
//! hiding and the looks at the slots another. Either the store comes before the look at that slot, so the
//! claim is seen and waited for; or the hiding comes before the user's second look, so that one fails and
//! `p` is not used. The claim ends with a release that the waiter's look acquires, so every use has
//! happened before the freeing.
//!
//! There are two ways to have the user's barrier. For what is taken away seldom, where the kernel lets the
//! waiter make all threads of the process pass one (`barrier`), the user only keeps the compiler from
//! turning its store and its look around: the waiter's barrier falls somewhere among what the user does.
//! If after the store, the store is seen; if before, then also before the second look, which sees the
//! hiding. Otherwise store, look and hiding are sequentially consistent.
//!
//! A slot lies on a lane, and a lane belongs to one thread at a time. Lanes are never freed: one of
//! a thread that has ended serves the next. A forked child starts with none, for its parent's other
//! threads, which are not there, will never end their claims.
#![allow(unsafe_code)]

mod barrier;

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicUsize, Ordering, compiler_fence};
use std::time::Duration;

use crate::fork::{Generation, PerProcess};

/// Claims that a lane has room for. A call nests two or three; further ones borrow another lane.
const SLOTS: usize = 8;

/// Addresses in use by one thread. As large as the two cache lines that processors fetch together,
/// so that no thread's claims slow another's.
#[repr(align(128))]
struct Lane {
    slots: [AtomicUsize; SLOTS],
    is_taken: AtomicBool,
    process: Generation,
    /// As [`Lanes::is_light`].
    is_light: bool,
    next: *const Self,
}

// SAFETY: `next` is set before the lane is shared and leads to a lane that is never freed; the rest
// is atomic or does not change.
unsafe impl Sync for Lane {}
// SAFETY: as above.
unsafe impl Send for Lane {}

/// The lanes of this process.
struct Lanes {
    /// The newest, which leads to the others.
    newest: AtomicPtr<Lane>,
    /// Whether those who wait have all threads pass a barrier, so that those who claim need none.
    is_light: bool,
}

static LANES: PerProcess<Lanes> = PerProcess::new();

impl Lanes {
    fn none() -> Self {
        Self { newest: AtomicPtr::new(ptr::null_mut()), is_light: barrier::is_there() }
    }

    fn iter(&self) -> impl Iterator<Item = &'static Lane> {
        let mut at = self.newest.load(Ordering::SeqCst).cast_const();
        std::iter::from_fn(move || {
            // SAFETY: null, or a lane, and those are never freed.
            let lane = unsafe { at.as_ref() }?;
            at = lane.next;
            Some(lane)
        })
    }

    /// Has all claims seen that have been made, or else the hiding before.
    fn pass_barrier(&self) {
        if self.is_light {
            barrier::pass_everywhere();
        }
    }

    fn wait_for(&self, address: usize) {
        for slot in self.iter().flat_map(|lane| &lane.slots) {
            let mut patience = Patience::default();
            while slot.load(Ordering::SeqCst) == address {
                patience.wait();
            }
        }
    }

    /// A lane that nobody else has.
    fn take(&self) -> &'static Lane {
        let is_mine = |lane: &&Lane| {
            !lane.is_taken.load(Ordering::Relaxed) && !lane.is_taken.swap(true, Ordering::Acquire)
        };
        if let Some(lane) = self.iter().find(is_mine) {
            return lane;
        }
        let mut next = self.newest.load(Ordering::SeqCst);
        let lane = Box::into_raw(Box::new(Lane {
            slots: [const { AtomicUsize::new(0) }; SLOTS],
            is_taken: AtomicBool::new(true),
            process: Generation::current(),
            is_light: self.is_light,
            next,
        }));
        // Who does not see the lane has hidden something before it was there, and so before the second
        // look of any claim on it.
        while let Err(newer) =
            self.newest.compare_exchange(next, lane, Ordering::SeqCst, Ordering::SeqCst)
        {
            next = newer;
            // SAFETY: the lane is not shared before the exchange succeeds.
            unsafe { (*lane).next = next };
        }
        // SAFETY: never freed.
        unsafe { &*lane }
    }
}

thread_local! {
    /// This thread's lane. Needs no destructor, so that it is there to the very end.
    static LANE: Cell<Option<&'static Lane>> = const { Cell::new(None) };
    static OWNER: Owner = const { Owner };
}

/// Gives the lane back when its thread ends.
struct Owner;

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some(lane) = LANE.take() {
            lane.is_taken.store(false, Ordering::Release);
        }
    }
}

/// How often things of a kind are taken away, on which depends who pays for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// Much more seldom than they are used: claims cost next to nothing, and whoever waits interrupts
    /// all threads.
    Seldom,
    /// After a few uses: each claim is a barrier.
    Soon,
}

/// While it lives, whoever waits for the address waits for this thread.
#[must_use]
pub struct Claim {
    slot: &'static AtomicUsize,
    /// The lane, if it was taken for this claim alone.
    borrowed: Option<&'static Lane>,
    /// Slots are written to by one thread.
    thread: PhantomData<*const ()>,
}

impl Drop for Claim {
    #[inline]
    fn drop(&mut self) {
        self.slot.store(0, Ordering::Release);
        if let Some(lane) = self.borrowed {
            lane.is_taken.store(false, Ordering::Release);
        }
    }
}

/// Claims what lies at the address. Says nothing about its being there still: look again afterwards,
/// with a sequentially consistent load.
#[inline]
pub fn claim<T>(address: *const T, ends: Ends) -> Claim {
    if let Some(lane) = LANE.get()
        && lane.process.is_current()
        && let Some(claim) = lane.claim(address.addr(), ends, false)
    {
        return claim;
    }
    claim_elsewhere(address.addr(), ends)
}

#[cold]
fn claim_elsewhere(address: usize, ends: Ends) -> Claim {
    loop {
        let lane = LANES.get(Lanes::none).take();
        let has_one = LANE.get().is_some_and(|lane| lane.process.is_current());
        // A thread that is ending keeps no lane, for it would not give it back.
        let is_kept = !has_one && OWNER.try_with(|_| LANE.set(Some(lane))).is_ok();
        if let Some(claim) = lane.claim(address, ends, !is_kept) {
            return claim;
        }
    }
}

impl Lane {
    #[inline]
    fn claim(&'static self, address: usize, ends: Ends, is_borrowed: bool) -> Option<Claim> {
        let slot = self.slots.iter().find(|slot| slot.load(Ordering::Relaxed) == 0)?;
        if self.is_light && ends == Ends::Seldom {
            // Releases what was done under the claim that the slot had before: its end may never be
            // seen, only this.
            slot.store(address, Ordering::Release);
            compiler_fence(Ordering::SeqCst);
        } else {
            slot.store(address, Ordering::SeqCst);
        }
        let borrowed = is_borrowed.then_some(self);
        Some(Claim { slot, borrowed, thread: PhantomData })
    }
}

/// Waits until no thread claims the address. Whoever comes later must not find it: hide it first,
/// with a sequentially consistent write. A thread that claims it itself would wait for ever.
pub fn wait_until_free<T>(address: *const T, ends: Ends) {
    let lanes = LANES.get(Lanes::none);
    if ends == Ends::Seldom {
        lanes.pass_barrier();
    }
    lanes.wait_for(address.addr());
}

/// How to wait for another thread: mostly it is done in no time, but it may do without a processor
/// just now, or be about something long.
#[derive(Default)]
pub struct Patience(u32);

impl Patience {
    /// Waits for a while; longer the more often it has been called.
    pub fn wait(&mut self) {
        match self.0 {
            0..64 => std::hint::spin_loop(),
            64..256 => std::thread::yield_now(),
            _ => std::thread::sleep(Duration::from_micros(100)),
        }
        self.0 = self.0.saturating_add(1);
    }
}

/// A value that any number of threads use and any of them takes away from all, seldom: it hides it, and
/// [`end`] drops it. Users share nothing that is written to.
#[repr(align(128))] // as a lane: neighbours in memory may be anybody's, and be written to
pub struct Revocable<T> {
    /// A box; null: none; [`gone`]: none, and none will come.
    value: AtomicPtr<Padded<T>>,
}

/// A value on cache lines of its own, for the same reason.
#[repr(align(128))]
struct Padded<T>(T);

/// What stands in the place of a value that has been revoked: no box lies there.
fn gone<T>() -> *mut T {
    static GONE: AtomicU8 = AtomicU8::new(0);
    ptr::from_ref(&GONE).cast_mut().cast()
}

impl<T: Send + Sync> Revocable<T> {
    /// No value yet.
    pub const fn new() -> Self {
        Self { value: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Runs `f` with the value if there is one. `f` must be short, and end nothing: others wait for it.
    #[inline]
    pub fn read<R>(&self, f: impl FnOnce(&T) -> R) -> Option<R> {
        loop {
            let value = self.value.load(Ordering::Acquire);
            if value.is_null() || value == gone() {
                return None;
            }
            let _claim = claim(value, Ends::Seldom);
            let again = self.value.load(Ordering::SeqCst);
            if again == value {
                // SAFETY: a box, since it is neither null nor `gone`; it was still to be found
                // after it had been claimed, so whoever takes it away waits for the claim.
                return Some(f(unsafe { &(*again).0 }));
            }
        }
    }

    /// Sets the value. Gives it back if there is one already, or it has been revoked.
    pub fn set_if_absent(&self, value: T) -> Result<(), T> {
        let fresh = Box::into_raw(Box::new(Padded(value)));
        let (null, order) = (ptr::null_mut(), Ordering::SeqCst);
        match self.value.compare_exchange(null, fresh, order, order) {
            Ok(_) => Ok(()),
            // SAFETY: made above and shared with nobody.
            Err(_) => Err(unsafe { Box::from_raw(fresh) }.0),
        }
    }

    /// Takes the value away from whoever comes from now on; another one may be set.
    pub fn hide(&self) -> Option<Hidden<T>> {
        let value = self.value.load(Ordering::Acquire);
        if value.is_null() || value == gone() {
            return None;
        }
        let (null, order) = (ptr::null_mut(), Ordering::SeqCst);
        // Whatever is exchanged here is this thread's to drop.
        let is_mine = self.value.compare_exchange(value, null, order, order).is_ok();
        is_mine.then_some(Hidden(value))
    }

    /// The same; none will be set again.
    pub fn hide_for_good(&self) -> Option<Hidden<T>> {
        let value = self.value.swap(gone(), Ordering::SeqCst);
        (!value.is_null() && value != gone()).then_some(Hidden(value))
    }
}

/// A value that nobody finds any more, but some may still use.
#[must_use = "only `end` drops it"]
pub struct Hidden<T>(*mut Padded<T>);

/// Drops values as soon as no thread uses them: many together, as one barrier serves them all. Says how
/// many there were.
pub fn end<T>(hidden: impl IntoIterator<Item = Hidden<T>>) -> usize {
    let hidden: Vec<_> = hidden.into_iter().collect();
    if hidden.is_empty() {
        return 0;
    }
    let lanes = LANES.get(Lanes::none);
    lanes.pass_barrier();
    for Hidden(value) in &hidden {
        lanes.wait_for(value.addr());
        // SAFETY: a box, whose address was nowhere but where this thread has taken it from; nobody
        // claims it, and nobody can find it to use it after claiming it.
        drop(unsafe { Box::from_raw(*value) });
    }
    hidden.len()
}

impl<T> Drop for Revocable<T> {
    fn drop(&mut self) {
        let value = *self.value.get_mut();
        if !value.is_null() && value != gone() {
            // SAFETY: a box; users borrow the owner, so there is none.
            drop(unsafe { Box::from_raw(value) });
        }
    }
}

#[cfg(test)]
mod tests;
