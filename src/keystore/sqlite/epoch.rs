//! The word in shared memory by which readers learn that something changed.
//!
//! A seqlock: odd while a commit is becoming visible, and then another even value. A reader that has
//! seen an even value *before* it read the database has read everything that was acknowledged until
//! the word takes another value. A writer killed in between leaves it odd; that only makes readers
//! ask the database each time, until [`Epoch::repair`].

use std::fs::File;
use std::os::fd::AsRawFd;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, ErrorCode, Result};

/// The mapping of the file `epoch`.
#[derive(Debug)]
pub(super) struct Epoch {
    word: NonNull<AtomicU64>,
}

// SAFETY: the pointer is only used for atomic operations, and the mapping is moved by nobody.
unsafe impl Send for Epoch {}
// SAFETY: as above: atomics may be shared.
unsafe impl Sync for Epoch {}

impl Epoch {
    /// The bytes of a new `epoch` file.
    pub(super) fn initial() -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        for (to, from) in bytes.iter_mut().zip(FIRST.to_ne_bytes()) {
            *to = from;
        }
        bytes
    }

    /// Maps the file, which must have exactly its size: touching a mapping beyond the end of its
    /// file kills the process.
    ///
    /// Without `is_writable` it can only be loaded.
    pub(super) fn map(file: &File, is_writable: bool) -> Result<Self> {
        let length = file.metadata().map_err(|_| unmapped())?.len();
        if length != SIZE as u64 {
            return Err(Error::new(ErrorCode::StoreDamaged)
                .because(format!("The file \"epoch\" has {length} bytes instead of {SIZE}.")));
        }
        let writing = if is_writable { libc::PROT_WRITE } else { 0 };
        // SAFETY: a new shared mapping of an open file at an address of the kernel's choice.
        let address = unsafe {
            libc::mmap(
                ptr::null_mut(),
                SIZE,
                libc::PROT_READ | writing,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        if address == libc::MAP_FAILED {
            return Err(unmapped());
        }
        // Mappings are aligned to pages, so the word is aligned.
        let word = NonNull::new(address.cast()).ok_or_else(unmapped)?;
        Ok(Self { word })
    }

    /// The value, for a reader: see [`is_settled`].
    pub(super) fn load(&self) -> u64 {
        self.word().load(Ordering::Acquire)
    }

    /// Odd until the answer is dropped. For the holder of the writer lock, around COMMIT, in a store
    /// that can be written.
    pub(super) fn change(&self) -> Change<'_> {
        self.word().fetch_or(1, Ordering::SeqCst);
        Change(self)
    }

    /// Settles what a killed writer left odd, or another hand wiped. For the holder of the writer
    /// lock.
    pub(super) fn repair(&self) {
        if !is_settled(self.load()) {
            drop(self.change());
        }
    }

    fn word(&self) -> &AtomicU64 {
        // SAFETY: mapped, aligned and only accessed atomically, by this and other processes, as long
        // as `self` lives.
        unsafe { self.word.as_ref() }
    }
}

impl Drop for Epoch {
    fn drop(&mut self) {
        // SAFETY: mapped in `map` with this size; nothing refers to it any more.
        unsafe { libc::munmap(self.word.as_ptr().cast(), SIZE) };
    }
}

/// A commit that is becoming visible.
#[must_use]
pub(super) struct Change<'a>(&'a Epoch);

impl Drop for Change<'_> {
    fn drop(&mut self) {
        self.0.word().fetch_add(1, Ordering::SeqCst);
    }
}

/// Whether a reader may rely on the value: no commit is under way. 0 stands for "unknown" in a
/// cursor, so it is never relied on.
pub(super) fn is_settled(value: u64) -> bool {
    value != 0 && value.is_multiple_of(2)
}

fn unmapped() -> Error {
    Error::new(ErrorCode::StoreFailed).because("Mapping the file \"epoch\" failed.")
}

/// The size of the file: a page, as that is what is mapped.
const SIZE: usize = 4096;

const FIRST: u64 = 2;
