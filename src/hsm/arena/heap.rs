//! Secret memory for the provider: what AWS-LC allocates while it works with a private key lies here
//! and not in the heap of the program.
//!
//! No protection key closes it: AWS-LC touches it when it likes.

use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::report::Report;
use super::slots::Slots;
use super::{Options, mapping, memory};

/// The smallest heap worth having, guard pages included.
const LEAST: usize = 32 << 10;

/// The memory, and which parts of it are taken.
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
    /// As large as wanted, or as memory allows.
    pub(super) fn map(options: &Options, report: &mut Report) -> Option<Self> {
        let sizes = std::iter::successors(Some(options.heap), |size| Some(size / 2));
        let wanted = sizes.take_while(|size| *size >= LEAST).map(|size| (size, 1));
        let rooms = if cfg!(kmshsm_own_stack) || options.heap == 0 {
            report.note("provider_heap", Err(std::io::Error::from_raw_os_error(libc::EPERM)));
            None
        } else {
            mapping::shielded(options, wanted, report)
        };
        let (base, size) = rooms?.pop()?;
        Some(Self { base, size, slots: Mutex::new(Slots::new(size)) })
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where in the heap this is, if it is.
    fn offset(&self, pointer: *mut u8) -> Option<usize> {
        let offset = pointer.addr().checked_sub(self.base.as_ptr().addr())?;
        (offset < self.size).then_some(offset)
    }
}

/// `size` bytes aligned to 64, or null if there is no room.
pub(super) fn allocate(size: usize) -> *mut u8 {
    let Some(heap) = &memory().heap else { return std::ptr::null_mut() };
    let place = heap.slots().take(size.max(1));
    place.map_or(std::ptr::null_mut(), |place| heap.base.as_ptr().wrapping_add(place.offset))
}

/// How many bytes may be used from here on; 0 if this is no part of the heap.
pub(super) fn size_of(pointer: *mut u8) -> usize {
    let Some(heap) = &memory().heap else { return 0 };
    let place = heap.offset(pointer).and_then(|offset| heap.slots().at(offset));
    place.map_or(0, |place| place.size)
}

/// Wipes what was allocated and takes it back.
pub(super) fn release(pointer: *mut u8) {
    let Some(heap) = &memory().heap else { return };
    let Some(place) = heap.offset(pointer).and_then(|offset| heap.slots().at(offset)) else {
        return;
    };
    // SAFETY: a place that was given out and is taken back by its one owner.
    crate::secret::wipe(unsafe { std::slice::from_raw_parts_mut(pointer, place.size) });
    heap.slots().give(place);
}
