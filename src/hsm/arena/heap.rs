//! Memory for the provider: what AWS-LC allocates while it works with a private key lies in a heap of
//! its own, in secret memory, and never in the heap of the program: when it is full, the work fails.
//! No protection key closes it: AWS-LC touches it when it likes.
//!
//! AWS-LC also keeps a random generator for each thread as long as the thread lives, and for a forked
//! child as well, which has no secret memory of its parent's. That lies in a second heap, which is
//! locked and left out of dumps, and of which a child has a copy, like of any other memory.

use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use super::MEMORY;
use super::mapping::Rooms;
use super::report::{Report, Switch};
use super::slots::{self, PAGE, Slots};
use crate::claims::Patience;
use crate::crypto::provider::{self, HeapRoutes};

/// The smallest heap worth having, guard pages included.
pub(super) const LEAST: usize = 32 << 10;
/// What parsed keys that are kept leave to the work of the moment.
const RESERVE: usize = 192 << 10;
/// The heap for what outlives forks: some 40 threads' generators.
#[cfg(not(miri))]
const LASTING: usize = 64 << 10;

/// Memory, and which parts of it are taken.
pub(super) struct Heap {
    base: NonNull<u8>,
    size: usize,
    slots: Mutex<Slots>,
}

// SAFETY: who may touch which part of the memory is decided under the mutex.
unsafe impl Send for Heap {}
// SAFETY: as above.
unsafe impl Sync for Heap {}

impl Heap {
    /// Over the one room.
    pub(super) fn over(mut rooms: Rooms) -> Option<Self> {
        let (base, size) = rooms.pop()?;
        Some(Self { base, size, slots: Mutex::new(Slots::new(size)) })
    }

    /// Its bytes.
    pub(super) const fn size(&self) -> usize {
        self.size
    }

    /// Its bytes that are taken.
    fn used(&self) -> usize {
        self.slots(false).map_or(0, |slots| slots.used())
    }

    /// Whether there is room for keys that are kept, beside the work of the moment.
    pub(super) fn has_room_for_keys(&self) -> bool {
        self.used() <= self.size - RESERVE.min(self.size / 2)
    }

    /// A child may find the lock of the lasting heap held for good by a thread that it does not have:
    /// then None, after a while.
    fn slots(&self, is_lasting: bool) -> Option<MutexGuard<'_, Slots>> {
        if !is_lasting {
            return Some(self.slots.lock().unwrap_or_else(PoisonError::into_inner));
        }
        let mut patience = Patience::default();
        for _ in 0..500 {
            match self.slots.try_lock() {
                Ok(slots) => return Some(slots),
                Err(TryLockError::Poisoned(slots)) => return Some(slots.into_inner()),
                Err(TryLockError::WouldBlock) => patience.wait(),
            }
        }
        None
    }

    /// Locks the memory of a child, too: locks end at a fork, the mapping does not.
    #[cfg(not(miri))]
    fn lock_again(&self, report: &mut Report) {
        // SAFETY: this heap's own memory; changes no contents.
        let locked = match unsafe { libc::mlock(self.base.as_ptr().cast(), self.size) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        };
        report.note("lasting_heap", locked);
    }

    fn take(&self, size: usize, is_lasting: bool) -> *mut u8 {
        let place = self.slots(is_lasting).and_then(|mut slots| slots.take(size.max(1)));
        place.map_or(ptr::null_mut(), |place| self.base.as_ptr().wrapping_add(place.offset))
    }

    /// Where in the heap this is, if it is.
    fn offset(&self, pointer: *mut u8) -> Option<usize> {
        let offset = pointer.addr().checked_sub(self.base.as_ptr().addr())?;
        (offset < self.size).then_some(offset)
    }

    fn size_of(&self, pointer: *mut u8, is_lasting: bool) -> Option<usize> {
        let offset = self.offset(pointer)?;
        match self.slots(is_lasting) {
            Some(slots) => Some(slots.at(offset)?.size),
            // No less than this, and nothing is in front of it to say more.
            None => Some(slots::ALIGN.min(PAGE - offset % PAGE)),
        }
    }

    /// Whether it was one of this heap's.
    fn release(&self, pointer: *mut u8, is_lasting: bool) -> bool {
        let Some(offset) = self.offset(pointer) else { return false };
        if let Some(mut slots) = self.slots(is_lasting)
            && let Some(place) = slots.at(offset)
        {
            // SAFETY: a place that was given out and is taken back by its one owner.
            crate::secret::wipe(unsafe { std::slice::from_raw_parts_mut(pointer, place.size) });
            slots.give(place);
        }
        true
    }
}

/// This process's heap, if it has been mapped. Never maps it: AWS-LC frees when threads and processes
/// end.
fn heap() -> Option<&'static Heap> {
    MEMORY.peek()?.heap.as_ref()
}

/// The bytes that are taken in this process's heap.
pub(super) fn used() -> usize {
    heap().map_or(0, Heap::used)
}

/// The heap of this process and its children.
static LASTING_HEAP: AtomicPtr<Heap> = AtomicPtr::new(ptr::null_mut());

fn lasting() -> Option<&'static Heap> {
    // SAFETY: null, or a box that is never freed.
    unsafe { LASTING_HEAP.load(Ordering::Acquire).as_ref() }
}

/// Has AWS-LC allocate here. Off where there is no heap, or somebody else has set its allocator.
pub(super) fn route(size: Option<usize>, report: &mut Report) -> Switch {
    let refusal = |errno| Err(std::io::Error::from_raw_os_error(errno));
    let Some(size) = size else {
        report.note("provider_heap", refusal(libc::ENOMEM));
        return Switch::Off;
    };
    #[cfg(not(miri))]
    match lasting() {
        None => map_lasting(report),
        Some(heap) => heap.lock_again(report),
    }
    let routes = HeapRoutes { allocate, allocate_lasting, size_of, release };
    let is_routed = provider::route_heap(routes);
    if is_routed {
        report.provider_heap_size = size;
    } else {
        report.note("allocator", refusal(libc::EBUSY));
    }
    is_routed.into()
}

#[cfg(not(miri))]
fn map_lasting(report: &mut Report) {
    use super::region::Region;
    use super::report::Kind;
    let region = match Region::new(Kind::Mlock, LASTING, 1) {
        Ok(region) => region,
        Err((_, error)) => {
            report.note("lasting_heap", Err(error));
            return;
        }
    };
    region.guard(report);
    region.exclude_from_dumps(Kind::Mlock, report);
    let room = NonNull::new(region.room(0)).map(|room| (room, region.room_size()));
    let Some(heap) = Heap::over(room.into_iter().collect()) else { return };
    region.keep();
    LASTING_HEAP.store(Box::into_raw(Box::new(heap)), Ordering::Release);
}

/// `size` bytes aligned to 64, or null if there is no room; None where there is no heap.
fn allocate(size: usize) -> Option<*mut u8> {
    heap().map(|heap| heap.take(size, false))
}

/// The same for what a forked child needs, too; None also if there is no room.
fn allocate_lasting(size: usize) -> Option<*mut u8> {
    lasting().map(|heap| heap.take(size, true)).filter(|place| !place.is_null())
}

/// How many bytes may be used from here on; 0 if this is no part of the heaps.
fn size_of(pointer: *mut u8) -> usize {
    let secret = heap().and_then(|heap| heap.size_of(pointer, false));
    secret.or_else(|| lasting()?.size_of(pointer, true)).unwrap_or(0)
}

/// Wipes what was allocated and takes it back. False if it is no part of the heaps.
fn release(pointer: *mut u8) -> bool {
    heap().is_some_and(|heap| heap.release(pointer, false))
        || lasting().is_some_and(|heap| heap.release(pointer, true))
}

/// Places that a test has taken, largest first.
#[cfg(all(test, feature = "awslc"))]
pub(super) struct Grabbed(Vec<*mut u8>);

#[cfg(all(test, feature = "awslc"))]
impl Grabbed {
    /// All that are left.
    pub(super) fn everything() -> Self {
        let left =
            [PAGE, PAGE / 2].into_iter().chain((1..=16).rev().map(|lines| lines * slots::ALIGN));
        let grab = |size| move || allocate(size).filter(|place| !place.is_null());
        Self(left.flat_map(|size| std::iter::from_fn(grab(size))).collect())
    }

    /// Gives the last one back that is still held; false if there is none.
    pub(super) fn give_one(&mut self) -> bool {
        self.0.pop().is_some_and(release)
    }
}

#[cfg(all(test, feature = "awslc"))]
impl Drop for Grabbed {
    fn drop(&mut self) {
        while self.give_one() {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory;
    use super::*;

    #[test]
    fn what_is_allocated_is_there_and_goes_wiped() {
        let Some(heap) = &memory().heap else {
            eprintln!("skipped: no memory can be locked here");
            return;
        };
        for size in [0, 1, 64, 65, 1000, 4096, 10_000] {
            let pointer = allocate(size).unwrap();
            assert!(heap.offset(pointer).is_some() && pointer.addr().is_multiple_of(64));
            let room = size_of(pointer);
            assert!(room >= size);
            // SAFETY: `room` bytes that are this test's alone, until it gives them back.
            let bytes = unsafe { std::slice::from_raw_parts_mut(pointer, room) };
            assert!(bytes.iter().all(|byte| *byte == 0));
            bytes.fill(0xee);
            assert!(release(pointer));
        }
        assert!(allocate(heap.size + 1).unwrap().is_null());
        let mut elsewhere = 0u8;
        assert_eq!(size_of(&raw mut elsewhere), 0);
        assert!(!release(&raw mut elsewhere));
        let lasting = allocate_lasting(300).unwrap();
        assert!(size_of(lasting) >= 300 && heap.offset(lasting).is_none());
        assert!(release(lasting));
        assert_eq!(size_of(heap.base.as_ptr().wrapping_add(heap.size)), 0);
    }

    /// The numbers of an RSA key lie here, and nowhere once it is gone.
    #[cfg(feature = "awslc")]
    #[test]
    fn rsa_keys_lie_in_the_heap() {
        use crate::crypto::rsa::RsaPrivateKey;
        let Some(heap) = &memory().heap else { return };
        assert!(memory().arena.report().provider_heap == Switch::On);
        let key = RsaPrivateKey::generate(2048, crate::hsm::rng::fill).unwrap();
        // n, d, p, q, d mod p-1, d mod q-1, 1/q mod p: two and five halves of 256 bytes at least.
        assert!(heap.slots(false).unwrap().used() >= 2 * 256 + 5 * 128);
        drop(key);
    }
}
