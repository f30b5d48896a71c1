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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allocated_is_there_and_goes_wiped() {
        let Some(heap) = &memory().heap else {
            eprintln!("skipped: no memory can be locked here");
            return;
        };
        for size in [0, 1, 64, 65, 1000, 4096, 10_000] {
            let pointer = allocate(size);
            assert!(heap.offset(pointer).is_some() && pointer.addr().is_multiple_of(64));
            let room = size_of(pointer);
            assert!(room >= size);
            // SAFETY: `room` bytes that are this test's alone, until it gives them back.
            let bytes = unsafe { std::slice::from_raw_parts_mut(pointer, room) };
            assert!(bytes.iter().all(|byte| *byte == 0));
            bytes.fill(0xee);
            release(pointer);
        }
        assert!(allocate(heap.size + 1).is_null());
        let mut elsewhere = 0u8;
        assert_eq!(size_of(&raw mut elsewhere), 0);
        assert_eq!(size_of(heap.base.as_ptr().wrapping_add(heap.size)), 0);
    }

    /// The numbers of an RSA key lie here, and nowhere once it is gone.
    #[cfg(feature = "awslc")]
    #[test]
    fn rsa_keys_lie_in_the_heap() {
        use crate::crypto::rsa::RsaPrivateKey;
        let Some(heap) = &memory().heap else { return };
        assert!(memory().arena.report().provider_heap == super::super::Switch::On);
        let key = RsaPrivateKey::generate(2048, crate::hsm::rng::fill).unwrap();
        // n, d, p, q, d mod p-1, d mod q-1, 1/q mod p: two and five halves of 256 bytes at least.
        assert!(heap.slots().used() >= 2 * 256 + 5 * 128);
        drop(key);
    }
}
