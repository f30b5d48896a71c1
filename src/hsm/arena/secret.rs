//! The owners of secrets: bytes, or a value, in a slot of the arena. Who reads or writes one does so
//! on a secret stack.
//!
//! After a fork the child has no such memory. There `read` and `write` answer
//! [`ErrorCode::Forked`](crate::error::ErrorCode::Forked), and dropping does nothing.

use std::marker::PhantomData;
use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::Ordering;

use zeroize::Zeroize;

use super::slots::Place;
use super::{Arena, CANARY, secluded};
use crate::error::{ErrorCode, Result};
use crate::secret::wipe;

/// A part of the arena with one owner: `len` bytes, a canary, and the rest of the slot.
pub(super) struct Slot {
    arena: &'static Arena,
    place: Place,
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the slot is the only way to its memory, which any thread may open the gate to.
unsafe impl Send for Slot {}
// SAFETY: through `&Slot` the memory is only read, except by the drop of its one owner.
unsafe impl Sync for Slot {}

impl Slot {
    /// Zeroes the place and sets its canary. The place holds `len + CANARY` bytes or more.
    pub(super) fn new(arena: &'static Arena, place: Place, len: usize) -> Self {
        // SAFETY: the allocator gave out the place, so it lies within the arena.
        let start = unsafe { arena.base.add(place.offset) };
        let mut slot = Self { arena, place, start, len };
        if let Ok(_open) = arena.enter() {
            slot.wipe();
            // SAFETY: `len + CANARY` bytes fit into the place, and the gate is open.
            unsafe { slot.start.add(len).cast().write_unaligned(arena.canary) };
        }
        slot
    }

    /// With the gate open: volatile zeros over the whole place.
    fn wipe(&mut self) {
        let words = self.place.size / size_of::<u64>();
        // SAFETY: the place is this slot's alone, aligned to 64 bytes, and was initialized by the
        // kernel; no reference into it exists while the slot is borrowed mutably.
        unsafe { slice::from_raw_parts_mut(self.start.cast::<u64>().as_ptr(), words) }.zeroize();
    }

    #[cfg(test)]
    pub(super) fn address(&self) -> *mut u8 {
        self.start.as_ptr()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Ok(open) = self.arena.enter() else { return };
        // SAFETY: within the place (see `new`), and the gate is open.
        let canary: [u8; CANARY] = unsafe { self.start.add(self.len).cast().read_unaligned() };
        self.wipe();
        drop(open);
        let given = self.arena.slots().give(self.place);
        if canary != self.arena.canary || !given {
            self.arena.corrupted.store(true, Ordering::Relaxed);
            (self.arena.alarm)();
        }
    }
}

/// Secret bytes of a fixed length. Wiped when dropped.
#[must_use]
pub struct SecretBytes {
    slot: Slot,
}

impl SecretBytes {
    pub(super) const fn new(slot: Slot) -> Self {
        Self { slot }
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.slot.len
    }

    /// Lets `f` see them.
    #[inline]
    pub fn read<T>(&self, f: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        secluded(|| {
            let _open = self.slot.arena.enter()?;
            // SAFETY: `len` initialized bytes that only `write` and drop change, and both need the
            // one owner; the gate is open for as long as `f` can use them.
            f(unsafe { slice::from_raw_parts(self.slot.start.as_ptr(), self.slot.len) })
        })
    }

    /// Lets `f` change them.
    #[inline]
    pub fn write<T>(&mut self, f: impl FnOnce(&mut [u8]) -> Result<T>) -> Result<T> {
        secluded(|| {
            let _open = self.slot.arena.enter()?;
            // SAFETY: as in `read`; `&mut self` makes this the only reference.
            f(unsafe { slice::from_raw_parts_mut(self.slot.start.as_ptr(), self.slot.len) })
        })
    }

    /// Moves bytes out of the boundary, to whoever they have been drawn for; zeros stay in their place.
    /// Not on a secret stack: all that the move leaves behind is what it hands out.
    pub fn hand_out(&mut self, at: usize, out: &mut [u8]) -> Result<()> {
        let _open = self.slot.arena.enter()?;
        // SAFETY: as in `write`.
        let bytes = unsafe { slice::from_raw_parts_mut(self.slot.start.as_ptr(), self.slot.len) };
        let bytes = bytes.get_mut(at..).and_then(|bytes| bytes.get_mut(..out.len()));
        let bytes = bytes.ok_or(ErrorCode::Internal)?;
        out.copy_from_slice(bytes);
        wipe(bytes);
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn address(&self) -> *mut u8 {
        self.slot.address()
    }
}

/// A value in the arena. Dropped in place and then wiped.
#[must_use]
pub struct SecretBox<T> {
    slot: Slot,
    value: PhantomData<T>,
}

impl<T> SecretBox<T> {
    /// The slot holds `size_of::<T>()` bytes; its alignment was checked by `Arena::place`.
    pub(super) fn new(slot: Slot, value: T) -> Result<Self> {
        let open = slot.arena.enter()?;
        // SAFETY: room and alignment as said; the gate is open. From here on the box owns the value.
        unsafe { slot.start.cast::<T>().write(value) };
        drop(open);
        Ok(Self { slot, value: PhantomData })
    }

    /// Lets `f` see it.
    #[inline]
    pub fn read<R>(&self, f: impl FnOnce(&T) -> Result<R>) -> Result<R> {
        secluded(|| {
            let _open = self.slot.arena.enter()?;
            // SAFETY: `new` put a value there, and it lives until the box is dropped; the gate is
            // open for as long as `f` can use it.
            f(unsafe { self.slot.start.cast::<T>().as_ref() })
        })
    }

    /// Lets `f` change it.
    #[inline]
    pub fn write<R>(&mut self, f: impl FnOnce(&mut T) -> Result<R>) -> Result<R> {
        secluded(|| {
            let _open = self.slot.arena.enter()?;
            // SAFETY: as in `read`; `&mut self` makes this the only reference.
            f(unsafe { self.slot.start.cast::<T>().as_mut() })
        })
    }
}

impl<T> Drop for SecretBox<T> {
    fn drop(&mut self) {
        if let Ok(_open) = self.slot.arena.enter() {
            // SAFETY: the value is there and is not used again; the slot wipes it afterwards.
            unsafe { self.slot.start.cast::<T>().drop_in_place() };
        }
    }
}
