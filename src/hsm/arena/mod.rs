//! Secret memory: the arena, where secrets lie; the stacks, where work with them runs; the heaps, where
//! AWS-LC puts its numbers. One of each per process, mapped at first use as strongly as the machine
//! allows, and never unmapped: `memfd_secret` memory, else locked anonymous memory, and for the arena
//! alone plain memory, between guard pages, absent from forked children and from core dumps, and
//! sealed. The arena is closed by a memory protection key except while a closure given to `read` or
//! `write` runs. What could not be had is in the [`Report`], with the reason.
//!
//! But for two system calls in `rng::entropy`, the unsafe code of the floor is here. Its users see closures over `&[u8]` and
//! `&T`; no pointer and no borrow outlives the open gate. A closure must not fork (the child would
//! not have the memory), and uses what it is given on its own thread (another finds it closed).

#[cfg(all(test, feature = "awslc"))]
mod full;
mod gate;
mod heap;
mod mapping;
#[cfg(not(miri))]
mod region;
mod registers;
mod report;
#[cfg(test)]
mod scenes;
mod secret;
mod slots;
mod stack;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, ErrorCode, Result};
use crate::fork::{Generation, PerProcess};
use crate::health;
use gate::{Gate, Key};
use heap::Heap;
use mapping::Mapping;
pub(crate) use report::Switch;
pub use report::{Protection, Report};
use secret::Slot;
pub use secret::{SecretBox, SecretBytes};
use slots::Slots;
use stack::Stacks;
#[cfg(test)]
pub(crate) use stack::on_this_stack;
pub use stack::{secluded, secluded_at_length};

/// Bytes of the canary that follows the user's bytes in a slot.
const CANARY: usize = 16;

/// The process's one arena, mapped at first use; a forked child gets one of its own.
#[inline]
pub fn arena() -> &'static Arena {
    &memory().arena
}

/// All secret memory of a process.
struct Memory {
    stacks: Stacks,
    heap: Option<Heap>,
    arena: Arena,
}

static MEMORY: PerProcess<Memory> = PerProcess::new();

#[inline]
fn memory() -> &'static Memory {
    MEMORY.get(|| Memory::map(&Options::default()))
}

impl Memory {
    fn map(options: &Options) -> Self {
        let mut report = Report::nothing();
        let mapped = mapping::map(options, &mut report);
        let stacks = Stacks::over(mapped.stacks, &mut report);
        let heap = mapped.heap.and_then(Heap::over);
        report.provider_heap = heap::route(heap.as_ref().map(Heap::size), &mut report);
        Self { stacks, heap, arena: Arena::over(mapped.arena, options, report) }
    }
}

/// The same as [`Arena::keep`] for a parsed key pair of the process's arena, whose numbers the provider
/// may put into its heap: there, 192 KiB stay free for the work of the moment, or half of a smaller
/// heap.
pub fn keep_pair<T>(make: impl FnOnce() -> Result<T>) -> Result<SecretBox<T>> {
    let memory = memory();
    if memory.heap.as_ref().is_none_or(Heap::has_room_for_keys) {
        memory.arena.keep(make)
    } else {
        Err(Exhausted.into())
    }
}

/// Overwrites every secret stack of this process with zeros, each as soon as nobody is on it.
pub fn wipe_stacks() {
    if let Some(memory) = MEMORY.peek() {
        memory.stacks.wipe();
    }
}

/// The bytes of the arena that is mapped at first use.
static WANTED: AtomicUsize = AtomicUsize::new(4 << 20);

/// Sets how many bytes of locked memory keys may take in this process: 64 KiB to 1 GiB, 4 MiB by
/// default, which with stacks and provider, whose heap has 512 KiB and a quarter of this, fits an
/// RLIMIT_MEMLOCK of 8 MiB. Of more keys in use than fit, those that are not needed at the moment are
/// wiped, and unsealed again when they are.
///
/// [`ErrorCode::InvalidParameter`] for other sizes, and once the memory is mapped, which happens
/// when a store is first created or opened, even in vain, at a self-test, and when material is wrapped;
/// a child keeps what its parent has set. Two guard pages are taken from it; where less may be locked, there is less.
pub fn set_key_memory(bytes: usize) -> Result<()> {
    if !(64 << 10..=1 << 30).contains(&bytes) {
        return Err(Error::invalid("bytes", "It must be 65536 to 1073741824."));
    }
    if MEMORY.peek().is_some() {
        return Err(Error::invalid(
            "bytes",
            "It must be set before the first store is made or opened, and before a self-test.",
        ));
    }
    WANTED.store(bytes, Ordering::Relaxed);
    Ok(())
}

/// A region of secret memory and the record of which parts are taken.
pub struct Arena {
    /// The process it was mapped in; a child has another number.
    born: Generation,
    base: NonNull<u8>,
    key: Option<Key>,
    canary: [u8; CANARY],
    slots: Mutex<Slots>,
    corrupted: AtomicBool,
    alarm: fn(),
    report: Report,
}

// SAFETY: the pointer is to a mapping that lives as long as the process; who may touch which part
// of it is decided under the mutex, and every part has one owner.
unsafe impl Send for Arena {}
// SAFETY: as above; the other fields are atomics, a mutex and values that never change.
unsafe impl Sync for Arena {}

/// What a new arena may use. Only tests deny anything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// The largest size to try, guard pages included.
    pub(crate) size: usize,
    /// How many secret stacks to try for.
    pub(crate) stacks: usize,
    /// The largest heap for the provider to try, guard pages included.
    pub(crate) heap: usize,
    /// Do without `memfd_secret`.
    pub(crate) deny_secret: bool,
    /// Do without `mlock`.
    pub(crate) deny_lock: bool,
    /// Do without a protection key.
    pub(crate) deny_key: bool,
    /// Do without `mseal`.
    pub(crate) deny_seal: bool,
    /// What happens when a canary is found damaged.
    pub(crate) alarm: fn(),
}

/// Whether this process was told to do without every protection, to measure what they cost. Never in an
/// ordinary build.
#[cfg(any(test, feature = "testing"))]
static PLAIN: AtomicBool = AtomicBool::new(false);

#[cfg(feature = "testing")]
pub(crate) fn make_plain() {
    PLAIN.store(true, Ordering::Relaxed);
}

#[inline]
fn is_plain() -> bool {
    #[cfg(any(test, feature = "testing"))]
    return PLAIN.load(Ordering::Relaxed);
    #[cfg(not(any(test, feature = "testing")))]
    false
}

impl Default for Options {
    fn default() -> Self {
        // Sanitizers do not follow a change of stacks, and have an allocator of their own.
        let size = WANTED.load(Ordering::Relaxed);
        // 512 KiB for work and some keys; and room for as many more as the arena has.
        let heap = (512 << 10) + size / 4;
        let (stacks, heap) = if cfg!(kmshsm_own_stack) { (0, 0) } else { (stack_count(), heap) };
        let is_plain = is_plain();
        Self {
            size,
            stacks: if is_plain { 0 } else { stacks },
            heap: if is_plain { 0 } else { heap },
            deny_secret: is_plain,
            deny_lock: is_plain,
            deny_key: is_plain,
            deny_seal: is_plain,
            alarm: || health::fail("Damaged secret memory."),
        }
    }
}

/// A stack for each processor, within reason.
fn stack_count() -> usize {
    std::thread::available_parallelism().map_or(8, |count| count.get().clamp(8, 16))
}

/// The arena has no room; drop something and try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted;

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("The secret memory is used up.")
    }
}

impl std::error::Error for Exhausted {}

impl From<Exhausted> for Error {
    fn from(_: Exhausted) -> Self {
        Self::new(ErrorCode::MemoryExhausted)
    }
}

impl Arena {
    /// Maps a further arena, for as long as the process lives, whose damage fails nothing.
    #[cfg(test)]
    pub(crate) fn with(options: Options) -> &'static Self {
        let options = Options { alarm: || (), ..options };
        let options = Options { stacks: 0, heap: 0, ..options };
        let mut report = Report::nothing();
        let mapping = mapping::map(&options, &mut report).arena;
        Box::leak(Box::new(Self::over(mapping, &options, report)))
    }

    fn over(mapping: Mapping, options: &Options, report: Report) -> Self {
        Self {
            born: Generation::current(),
            base: mapping.base,
            key: mapping.key,
            canary: mapping::random(),
            slots: Mutex::new(Slots::new(report.size)),
            corrupted: AtomicBool::new(false),
            alarm: options.alarm,
            report,
        }
    }

    /// How well the arena is protected.
    pub fn protection(&self) -> Protection {
        self.report.protection
    }

    /// Whether the provider's numbers lie in secret memory, too.
    pub fn holds_provider(&self) -> bool {
        self.report.provider_heap == Switch::On
    }

    /// What the arena is made of, and why it is not more.
    pub fn report(&self) -> Report {
        // Another thread may have held the lock at the fork: a child never takes it.
        let (used, provider_heap_used) =
            if self.is_live() { (self.slots().used(), heap::used()) } else { (0, 0) };
        Report { used, provider_heap_used, ..self.report.clone() }
    }

    /// True once a canary was found damaged: somebody wrote past the end of a secret. The module has
    /// failed then.
    #[cfg(test)]
    pub(crate) fn corrupted(&self) -> bool {
        self.corrupted.load(Ordering::Relaxed)
    }

    /// `len` zero bytes. An arena of the parent process is exhausted for good.
    pub fn alloc(&'static self, len: usize) -> Result<SecretBytes, Exhausted> {
        Ok(SecretBytes::new(self.slot(len)?))
    }

    /// The same as [`Arena::place`] for what can be made again: keys that are kept ready leave an
    /// eighth of the arena, and 16 KiB at least, to the work of the moment.
    pub fn keep<T>(&'static self, make: impl FnOnce() -> Result<T>) -> Result<SecretBox<T>> {
        let size = self.report.size;
        let reserve = (size / 8).max(16 << 10).min(size / 2);
        if self.is_live() && self.slots().used() > size - reserve {
            return Err(Exhausted.into());
        }
        self.place(make)
    }

    /// Puts what `make` returns into the arena. The room is taken first: where there is none,
    /// `make` is not called. `T` passes over a secret stack, holds no pointer to material elsewhere,
    /// and is aligned to 64 bytes at most.
    pub fn place<T>(&'static self, make: impl FnOnce() -> Result<T>) -> Result<SecretBox<T>> {
        const { assert!(align_of::<T>() <= slots::ALIGN) };
        let slot = self.slot(size_of::<T>())?;
        secluded(|| make().and_then(|value| SecretBox::new(slot, value)))
    }

    fn slot(&'static self, len: usize) -> Result<Slot, Exhausted> {
        if !self.is_live() {
            return Err(Exhausted);
        }
        let need = len.checked_add(CANARY).ok_or(Exhausted)?;
        let place = self.slots().take(need).ok_or(Exhausted)?;
        Ok(Slot::new(self, place, len))
    }

    #[inline]
    fn is_live(&self) -> bool {
        self.born.is_current()
    }

    /// Opens the arena to this thread until the gate is dropped.
    #[inline]
    fn enter(&self) -> Result<Gate> {
        if self.is_live() { Ok(Gate::open(self.key)) } else { Err(Error::new(ErrorCode::Forked)) }
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
