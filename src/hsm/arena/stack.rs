//! The secret stacks: whatever computes with keys does so on a stack in secret memory, so that what
//! compilers spill, copy and forget there stays inside, and leaves no key in a vector register.
//!
//! A stack is taken for one piece of work and given back. No protection key closes it: a signal
//! handler starts with every key closed, and would die on it. The work must not fork, and must not
//! wait for anything but memory: there are few stacks, and all threads share them.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};

use super::report::{Report, Switch};
use super::{Options, is_plain, mapping, memory, registers};

/// The bytes of a stack. RSA needs 20 KiB in AWS-LC, a signal frame up to 12 KiB.
const SIZE: usize = 128 << 10;
/// What one takes of RLIMIT_MEMLOCK, with a guard page.
const EACH: usize = SIZE + 4096;
/// The part of an ordinary stack that is wiped where there are no secret ones.
const BURNT: usize = 16 << 10;

thread_local! {
    /// Whether this thread is on a secret stack.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    /// The stack that this thread had last, which its caches still know.
    static LAST: Cell<usize> = const { Cell::new(0) };
}

/// The stacks of a process.
pub(super) struct Stacks(Vec<Stack>);

/// On a cache line of its own: whoever takes one disturbs nobody else.
#[repr(align(128))]
struct Stack {
    base: NonNull<u8>,
    size: usize,
    taken: AtomicBool,
}

// SAFETY: the memory belongs to whoever has set `taken`.
unsafe impl Send for Stack {}
// SAFETY: as above.
unsafe impl Sync for Stack {}

impl Stacks {
    /// As many as there are processors to use them, or as memory allows; none if nothing can be locked.
    pub(super) fn map(options: &Options, report: &mut Report) -> Self {
        let counts = std::iter::successors(Some(options.stacks), |count| Some(count / 2));
        let wanted =
            counts.take_while(|count| *count > 0).map(|count| (count * EACH + 4096, count));
        let rooms = if cfg!(kmshsm_own_stack) || options.stacks == 0 {
            report.note("secret_stack", Err(std::io::Error::from_raw_os_error(libc::EPERM)));
            None
        } else {
            mapping::shielded(options, wanted, report)
        };
        report.secret_stack = Switch::from(rooms.is_some());
        let stack = |(base, size)| Stack { base, size, taken: AtomicBool::new(false) };
        Self(rooms.into_iter().flatten().map(stack).collect())
    }

    /// One that is free, from now on the caller's; waits for it if need be. None if there are none.
    #[inline]
    fn take(&self) -> Option<&Stack> {
        let last = LAST.get();
        match self.0.get(last) {
            Some(stack) if stack.try_take() => Some(stack),
            _ => self.take_another(),
        }
    }

    #[cold]
    fn take_another(&self) -> Option<&Stack> {
        if self.0.is_empty() {
            return None;
        }
        let mut waited = 0u32;
        loop {
            for (at, stack) in self.0.iter().enumerate() {
                if stack.try_take() {
                    LAST.set(at);
                    return Some(stack);
                }
            }
            // Work with keys takes microseconds, but making an RSA key takes longer.
            waited += 1;
            if waited < 100 {
                std::thread::yield_now();
            } else {
                std::thread::sleep(std::time::Duration::from_micros(100));
            }
        }
    }

    /// Wipes every stack, each as soon as nobody is on it.
    pub(super) fn wipe(&self) {
        for stack in &self.0 {
            while !stack.try_take() {
                std::thread::yield_now();
            }
            let _taken = Taken(stack);
            // SAFETY: the stack is this thread's alone, and nothing runs on it.
            let bytes = unsafe { std::slice::from_raw_parts_mut(stack.base.as_ptr(), stack.size) };
            crate::secret::wipe(bytes);
        }
    }
}

impl Stack {
    #[inline]
    fn try_take(&self) -> bool {
        !self.taken.load(Ordering::Relaxed) && !self.taken.swap(true, Ordering::Acquire)
    }
}

/// Gives the stack back.
struct Taken<'s>(&'s Stack);

impl Drop for Taken<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.taken.store(false, Ordering::Release);
    }
}

/// Runs `f` on a secret stack. What it answers leaves the boundary: no key, and nothing that gives one
/// away. Within itself it stays on the same stack.
///
/// Where there are no secret stacks, the upper part of the ordinary one is wiped behind `f`.
#[inline]
pub fn secluded<R>(f: impl FnOnce() -> R) -> R {
    if INSIDE.get() {
        return f();
    }
    let outcome = match memory().stacks.take() {
        Some(stack) => {
            let _taken = Taken(stack);
            // SAFETY: the stack is this thread's alone until it is given back, large enough, and
            // aligned to a page; no panic passes the switch.
            unsafe { psm::on_stack(stack.base.as_ptr(), stack.size, || inside(f)) }
        }
        None => {
            let outcome = inside(f);
            if !is_plain() {
                burn();
            }
            outcome
        }
    };
    outcome.unwrap_or_else(|panic| resume_unwind(panic))
}

#[inline]
fn inside<R>(f: impl FnOnce() -> R) -> std::thread::Result<R> {
    INSIDE.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(f));
    INSIDE.set(false);
    if !is_plain() {
        registers::clear();
    }
    outcome
}

/// Overwrites the part of the stack that the work before has used.
#[inline(never)]
fn burn() {
    let mut used = [0u8; BURNT];
    crate::secret::wipe(&mut used);
}

/// Runs `f` where it is, and has it leave what it leaves.
#[cfg(test)]
pub(crate) fn on_this_stack<R>(f: impl FnOnce() -> R) -> R {
    INSIDE.set(true);
    let outcome = f();
    INSIDE.set(false);
    outcome
}
