//! Which process is this? What was made before a fork must not be used after it.
//!
//! The process's number lies on a page that the kernel wipes in every child (`MADV_WIPEONFORK`),
//! even in one made by a bare `clone`; where the kernel cannot, a `pthread_atfork` handler does. A
//! child takes no lock that another thread may have held at the fork.
#![allow(unsafe_code)]

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::error::{ErrorCode, Result};

/// A process's number: what was made under another one belongs to a parent. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation(u64);

/// Where the number lies; zero in a process that has not asked yet.
static WORD: AtomicPtr<AtomicU64> = AtomicPtr::new(ptr::null_mut());
/// Stands in where not even a page can be mapped.
static FALLBACK: AtomicU64 = AtomicU64::new(0);
/// The last number given; a child goes on counting, so a line of descendants repeats none.
static LAST: AtomicU64 = AtomicU64::new(0);

impl Generation {
    /// This process's number. Two loads.
    #[inline]
    pub fn current() -> Self {
        match word().load(Ordering::Acquire) {
            0 => Self::begin(),
            number => Self(number),
        }
    }

    /// Whether this process still has this number.
    #[inline]
    pub fn is_current(self) -> bool {
        word().load(Ordering::Acquire) == self.0
    }

    /// [`ErrorCode::Forked`] in a child of the process that had this number.
    #[inline]
    pub fn check(self) -> Result<()> {
        if self.is_current() { Ok(()) } else { Err(ErrorCode::Forked.into()) }
    }

    /// The number, for handles that must tell processes apart.
    pub const fn number(self) -> u64 {
        self.0
    }

    #[cold]
    fn begin() -> Self {
        let fresh = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        // Another thread may have come first: then its number holds.
        match word().compare_exchange(0, fresh, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Self(fresh),
            Err(begun) => Self(begun),
        }
    }
}

/// A value that every process makes for itself, at its first use. The value of a parent is left
/// alone for good: nothing of it may be touched, not even to drop it.
pub struct PerProcess<T> {
    made: AtomicU64,
    making: AtomicU64,
    value: AtomicPtr<T>,
}

impl<T: Send + Sync> PerProcess<T> {
    /// No process has made it yet.
    pub const fn new() -> Self {
        Self {
            made: AtomicU64::new(0),
            making: AtomicU64::new(0),
            value: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// This process's value; `make` runs at most once in each process.
    #[inline]
    pub fn get(&self, make: fn() -> T) -> &'static T
    where
        T: 'static,
    {
        let now = Generation::current();
        if self.made.load(Ordering::Acquire) == now.0 {
            // SAFETY: a leaked box, published by the release store of `made`.
            return unsafe { &*self.value.load(Ordering::Acquire) };
        }
        self.first(now, make)
    }

    /// This process's value, if it has been made.
    pub fn peek(&self) -> Option<&'static T>
    where
        T: 'static,
    {
        let is_made = self.made.load(Ordering::Acquire) == Generation::current().0;
        // SAFETY: as in `get`.
        is_made.then(|| unsafe { &*self.value.load(Ordering::Acquire) })
    }

    #[cold]
    fn first(&self, now: Generation, make: fn() -> T) -> &'static T
    where
        T: 'static,
    {
        loop {
            let making = self.making.load(Ordering::Acquire);
            if self.made.load(Ordering::Acquire) == now.0 {
                // SAFETY: as in `get`.
                return unsafe { &*self.value.load(Ordering::Acquire) };
            }
            // Not a mutex: whoever was making it at the fork was making the parent's.
            let free = making != now.0
                && self
                    .making
                    .compare_exchange(making, now.0, Ordering::AcqRel, Ordering::Acquire)
                    .is_ok();
            if free {
                let value: &'static T = Box::leak(Box::new(make()));
                self.value.store(ptr::from_ref(value).cast_mut(), Ordering::Release);
                self.made.store(now.0, Ordering::Release);
                return value;
            }
            std::thread::yield_now();
        }
    }
}

#[inline]
fn word() -> &'static AtomicU64 {
    // SAFETY: once set, the pointer is to a page that is never unmapped, or to a static.
    unsafe { WORD.load(Ordering::Acquire).as_ref() }.unwrap_or_else(watch)
}

#[cold]
fn watch() -> &'static AtomicU64 {
    let page = wiped_page();
    let fresh = page.unwrap_or(ptr::from_ref(&FALLBACK).cast_mut());
    match WORD.compare_exchange(ptr::null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => {
            #[cfg(not(miri))]
            // SAFETY: the handlers only use atomics and sleep.
            unsafe {
                libc::pthread_atfork(Some(before_fork), Some(after_fork), Some(forget))
            };
        }
        Err(_) => {
            if let Some(page) = page {
                // SAFETY: this thread mapped the page just now and lost the race to publish it.
                unsafe { libc::munmap(page.cast(), size_of::<AtomicU64>()) };
            }
        }
    }
    word()
}

/// Runs in a child, where the kernel may not have wiped the page, and which has no other threads.
#[cfg_attr(miri, allow(dead_code))]
extern "C" fn forget() {
    word().store(0, Ordering::Release);
    INSIDE.store(0, Ordering::SeqCst);
    FORKING.store(0, Ordering::SeqCst);
}

/// Threads with a [`Pass`], and forks under way.
static INSIDE: AtomicU64 = AtomicU64::new(0);
static FORKING: AtomicU64 = AtomicU64::new(0);

const NAP: Duration = Duration::from_micros(50);

/// A disk that hangs must not hang a fork forever.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The right to be inside a library whose locks a child would find held for good: SQLite, AWS-LC
/// while it works with a private key or may make its groups, and a curve's crate while it makes its
/// table. A fork waits until nobody has one. Held for a tenth of a second at most, as a rule, or else
/// given up for a moment now and then (`give_way`); a thread that has one must not ask for another.
pub struct Pass(Generation);

impl Pass {
    /// Waits while there is a fork.
    pub fn enter() -> Self {
        word(); // sees to it that forks wait
        loop {
            INSIDE.fetch_add(1, Ordering::SeqCst);
            if FORKING.load(Ordering::SeqCst) == 0 {
                return Self(Generation::current());
            }
            INSIDE.fetch_sub(1, Ordering::SeqCst);
            while FORKING.load(Ordering::SeqCst) != 0 {
                sleep(NAP);
            }
        }
    }
}

/// Lets a fork through that waits for the holder of a [`Pass`] whose work takes long, at a moment when
/// the holder has none of those locks.
#[cfg(feature = "awslc")]
pub fn give_way() {
    while FORKING.load(Ordering::SeqCst) != 0 {
        INSIDE.fetch_sub(1, Ordering::SeqCst);
        while FORKING.load(Ordering::SeqCst) != 0 {
            sleep(NAP);
        }
        INSIDE.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        // A child of a fork that interrupted the holder counts anew.
        if self.0.is_current() {
            INSIDE.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

#[cfg_attr(miri, allow(dead_code))]
extern "C" fn before_fork() {
    FORKING.fetch_add(1, Ordering::SeqCst);
    let begun = Instant::now();
    while INSIDE.load(Ordering::SeqCst) != 0 && begun.elapsed() < LONGEST_WAIT {
        sleep(NAP);
    }
}

#[cfg_attr(miri, allow(dead_code))]
extern "C" fn after_fork() {
    FORKING.fetch_sub(1, Ordering::SeqCst);
}

#[cfg(not(miri))]
fn wiped_page() -> Option<*mut AtomicU64> {
    let (len, protection) = (size_of::<AtomicU64>(), libc::PROT_READ | libc::PROT_WRITE);
    // SAFETY: a new private mapping at an address of the kernel's choice, rounded up to a page.
    let page = unsafe {
        libc::mmap(ptr::null_mut(), len, protection, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0)
    };
    if page == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: that page; an older kernel refuses, and then the handler alone serves.
    unsafe { libc::madvise(page, len, libc::MADV_WIPEONFORK) };
    Some(page.cast())
}

#[cfg(miri)]
fn wiped_page() -> Option<*mut AtomicU64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_for_all_threads() {
        static VALUE: PerProcess<u64> = PerProcess::new();
        static MADE: AtomicU64 = AtomicU64::new(0);
        let make = || MADE.fetch_add(1, Ordering::SeqCst);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(move || assert_eq!(*VALUE.get(make), 0));
            }
        });
        assert_eq!(MADE.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_child_has_another_number() {
        let parent = Generation::current();
        assert_eq!(parent, Generation::current());
        // SAFETY: the child only loads atomics and exits.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let same = parent.is_current() || Generation::current() == parent;
            // SAFETY: ends the child without running anything of the test binary.
            unsafe { libc::_exit(i32::from(same)) };
        }
        let mut status = 0;
        // SAFETY: waits for the child made above.
        unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert_eq!(status, 0);
        assert!(parent.is_current());
    }
}
