//! The secret stacks: whatever computes with keys does so on a stack in secret memory, so that what
//! compilers spill, copy and forget there stays inside, and leaves no key in a vector register.
//!
//! A stack is taken for one piece of work and given back. No protection key closes it: a signal
//! handler starts with every key closed, and would die on it. The work must not fork, and must not
//! wait for anything but memory, locks that are held for a moment and, at length, a fork: there are few
//! stacks, and all threads share them.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::mapping::Rooms;
use super::report::Report;
use super::slots::PAGE;
use super::{is_plain, memory, registers};
use crate::claims::Patience;
use crate::error::{Error, ErrorCode, Result};

/// The bytes of a stack. RSA needs 20 KiB in AWS-LC, 98 in the crate `rsa`; the curves' crates 80 when
/// they make their tables, 96 without optimization; a signal frame up to 12.
const SIZE: usize = if cfg!(feature = "awslc") { 128 << 10 } else { 256 << 10 };
/// The part of an ordinary stack that is wiped where there are no secret ones.
const BURNT: usize = 64 << 10;

thread_local! {
    /// Whether this thread is on a secret stack.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    /// The stack that this thread had last, which its processor's caches still know.
    static LAST: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// The bytes that so many stacks take of RLIMIT_MEMLOCK, with a guard page around each.
pub(super) const fn wanted(count: usize) -> (usize, usize) {
    (count * (SIZE + PAGE) + PAGE, count)
}

/// The stacks of a process.
pub(super) struct Stacks {
    stacks: Vec<Stack>,
    /// How many threads are about something long.
    at_length: AtomicUsize,
}

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
    /// Over rooms, if there are any.
    pub(super) fn over(rooms: Option<Rooms>, report: &mut Report) -> Self {
        report.secret_stack = rooms.is_some().into();
        report.secret_stacks = rooms.as_ref().map_or(0, Vec::len);
        if rooms.is_none() {
            report.note("secret_stack", Err(std::io::Error::from_raw_os_error(libc::ENOMEM)));
        }
        let stack = |(base, size)| Stack { base, size, taken: AtomicBool::new(false) };
        let stacks = rooms.into_iter().flatten().map(stack).collect();
        Self { stacks, at_length: AtomicUsize::new(0) }
    }

    /// One that is free, from now on the caller's; waits for it if need be. None if there are none.
    #[inline]
    fn take(&self) -> Option<&Stack> {
        let last = LAST.get();
        match self.stacks.get(last) {
            Some(stack) if stack.try_take() => Some(stack),
            _ => self.take_another(),
        }
    }

    #[cold]
    fn take_another(&self) -> Option<&Stack> {
        if self.stacks.is_empty() {
            return None;
        }
        // Each thread begins elsewhere, and stays there.
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let first = match LAST.get() {
            usize::MAX => NEXT.fetch_add(1, Ordering::Relaxed),
            last => last,
        };
        let first = first % self.stacks.len();
        let mut patience = Patience::default();
        loop {
            let stacks = self.stacks.iter().enumerate();
            for (at, stack) in stacks.clone().skip(first).chain(stacks.take(first)) {
                if stack.try_take() {
                    LAST.set(at);
                    return Some(stack);
                }
            }
            patience.wait();
        }
    }

    /// Waits until fewer than half of the stacks are in use for long; None if there are none.
    fn turn(&self) -> Option<Turn<'_>> {
        if self.stacks.is_empty() {
            return None;
        }
        let mut patience = Patience::default();
        let most = self.stacks.len().div_ceil(2).max(1);
        while self.at_length.fetch_add(1, Ordering::Acquire) >= most {
            self.at_length.fetch_sub(1, Ordering::Release);
            patience.wait();
        }
        Some(Turn(&self.at_length))
    }

    /// Wipes every stack, each as soon as nobody is on it.
    pub(super) fn wipe(&self) {
        for stack in &self.stacks {
            let mut patience = Patience::default();
            while !stack.try_take() {
                patience.wait();
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

/// The right to use a stack for long.
struct Turn<'s>(&'s AtomicUsize);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

/// The same as [`secluded`] for what takes longer than microseconds: half of the stacks stay free for
/// the others.
pub fn secluded_at_length<T>(f: impl FnOnce() -> Result<T>) -> Result<T> {
    if INSIDE.get() {
        return f();
    }
    let _turn = memory().stacks.turn();
    secluded(f)
}

/// Runs `f` on a secret stack. What it answers leaves the boundary: no key, and nothing that gives one
/// away. Within itself it stays on the same stack.
///
/// Where there are no secret stacks, the upper part of the ordinary one is wiped behind `f`.
#[inline]
pub fn secluded<T>(f: impl FnOnce() -> Result<T>) -> Result<T> {
    if INSIDE.get() {
        return f();
    }
    let mut errand = Errand { f: Some(f), way_out: WayOut::new(), panic: None };
    // Nothing but this goes over: what `f` has captured is read where it lies.
    let on_it = &mut errand;
    match memory().stacks.take() {
        Some(stack) => {
            let _taken = Taken(stack);
            // SAFETY: the stack is this thread's alone until it is given back, large enough, and
            // aligned to a page; no panic passes the switch.
            unsafe { psm::on_stack(stack.base.as_ptr(), stack.size, || on_it.run()) }
        }
        None => {
            on_it.run();
            if !is_plain() {
                burn();
            }
        }
    }
    if let Some(panic) = errand.panic {
        resume_unwind(panic);
    }
    errand.way_out.take()
}

/// Work for a secret stack, and what comes of it.
struct Errand<F, T> {
    f: Option<F>,
    way_out: WayOut<T>,
    panic: Option<Box<dyn Any + Send>>,
}

impl<F: FnOnce() -> Result<T>, T> Errand<F, T> {
    #[inline]
    fn run(&mut self) {
        let Self { f, way_out, panic } = self;
        INSIDE.set(true);
        let work = || f.take().into_iter().for_each(|f| way_out.put(f()));
        *panic = catch_unwind(AssertUnwindSafe(work)).err();
        INSIDE.set(false);
        if !is_plain() {
            registers::clear();
        }
    }
}

/// How an answer leaves a secret stack: its value alone. A `Result` is as large as its larger half, and
/// to move it is to move what an earlier call has left in the bytes that the smaller half does not use.
struct WayOut<T> {
    value: Option<T>,
    failure: Option<(ErrorCode, String, String)>,
}

impl<T> WayOut<T> {
    const fn new() -> Self {
        Self { value: None, failure: None }
    }

    #[inline]
    fn put(&mut self, outcome: Result<T>) {
        match outcome {
            Ok(value) => self.value = Some(value),
            Err(error) => self.failure = Some(error.into_parts()),
        }
    }

    #[inline]
    fn take(self) -> Result<T> {
        match (self.value, self.failure) {
            (Some(value), _) => Ok(value),
            (None, Some((code, subject, detail))) => Err(Error::from_parts(code, subject, detail)),
            (None, None) => Err(ErrorCode::Internal.into()),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the caller's frame is, if that is on a secret stack: the number of the stack.
    #[inline(never)]
    fn here() -> Option<usize> {
        let local = 0u8;
        let address = std::hint::black_box(&raw const local).addr();
        memory().stacks.stacks.iter().position(|stack| {
            let base = stack.base.as_ptr().addr();
            (base..base + stack.size).contains(&address)
        })
    }

    #[test]
    fn work_moves_to_a_secret_stack_and_back() {
        if memory().stacks.stacks.is_empty() {
            eprintln!("skipped: no memory can be locked here");
            return;
        }
        assert_eq!(here(), None);
        let (outer, inner) = secluded(|| Ok((here(), secluded(|| Ok(here()))?))).unwrap();
        assert!(outer.is_some());
        assert_eq!(inner, outer);
        assert_eq!(here(), None);
    }

    #[test]
    fn a_panic_passes_and_the_stack_is_given_back() {
        for _ in 0..3 {
            let outcome = catch_unwind(|| secluded::<()>(|| panic!("as planned")));
            assert_eq!(outcome.unwrap_err().downcast_ref(), Some(&"as planned"));
            assert_eq!(here(), None);
        }
        assert_eq!(secluded(|| Ok(7)), Ok(7));
        let refusal = Error::invalid("it", "It is not so.");
        assert_eq!(secluded(|| Err::<(), _>(refusal.clone())), Err(refusal));
    }

    #[test]
    fn more_threads_than_stacks() {
        let threads = 4 * memory().stacks.stacks.len() + 4;
        std::thread::scope(|scope| {
            for thread in 0..threads {
                scope.spawn(move || {
                    for round in 0..200 {
                        // What is written to a stack stays while another thread runs.
                        let sum = secluded(|| {
                            let mine = [thread + round; 512];
                            std::thread::yield_now();
                            Ok(std::hint::black_box(&mine).iter().sum::<usize>())
                        });
                        assert_eq!(sum, Ok(512 * (thread + round)));
                    }
                });
            }
        });
    }

    #[test]
    fn wiped() {
        const MARK: u64 = 0x5eed_5eed_5eed_5eed;
        // SAFETY: the stack is this thread's alone for the moment.
        let marks = |stack: &Stack| unsafe {
            let words = stack.base.as_ptr().cast::<u64>();
            (0..stack.size / 8).filter(|at| words.add(*at).read_volatile() == MARK).count()
        };
        let left = secluded(|| {
            let local = std::hint::black_box([MARK; 100]);
            Ok(memory().stacks.stacks.get(LAST.get()).map(marks).filter(|_| local.len() == 100))
        })
        .unwrap();
        assert!(left.is_none_or(|left| left >= 100));
        memory().stacks.wipe();
        for stack in &memory().stacks.stacks {
            while !stack.try_take() {
                std::thread::yield_now();
            }
            let _taken = Taken(stack);
            assert_eq!(marks(stack), 0);
        }
    }

    /// How deep the deepest work goes: that of the self-tests, in which curves make their tables. Two
    /// signal frames fit below.
    #[test]
    fn there_is_room_to_spare() {
        use crate::hsm::{WrappingPair, permitted};
        use crate::model::{KeyId, KeySpec, Making, Timestamp, WrappingAlgorithm};
        let (key, until) = (KeyId::from_bytes([1; 16]), Timestamp(1 << 40));
        let making = permitted(KeySpec::Rsa2048, Making).unwrap();
        let wrapping = permitted(KeySpec::Aes256, WrappingAlgorithm::OaepSha256).unwrap();
        let used = secluded(|| {
            let at = LAST.get();
            let pair = WrappingPair::generate(making, wrapping, key, until).unwrap();
            assert!(pair.unwrap(wrapping, &[3; 256]).is_err());
            let Some(stack) = memory().stacks.stacks.get(at) else { return Ok(None) };
            let mut depth = stack.size;
            while depth > 0 {
                let byte = stack.base.as_ptr().wrapping_add(stack.size - depth);
                // SAFETY: within the stack that this thread is on, far below its frames.
                if unsafe { byte.read_volatile() } != 0 {
                    break;
                }
                depth -= 1;
            }
            Ok(Some(depth))
        })
        .unwrap();
        eprintln!("{used:?} bytes of stack used");
        assert!(used.is_none_or(|used| used < SIZE - (24 << 10)));
    }
}
