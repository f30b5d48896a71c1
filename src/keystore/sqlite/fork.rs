//! What fork(2) must not break.
//!
//! A child inherits SQLite's tables of open files and locks, but not the locks; and a mutex that
//! another thread held stays locked in it forever. So:
//! - a fork waits until no thread is inside SQLite ([`Pass`]): the child's copy of SQLite is idle;
//! - the child closes its copies of our lock files ([`ProcessFile`]), lest it keep what its parent
//!   holds;
//! - everything opened before is left alone in the child ([`generation`]): using it fails, and
//!   closing it would drop what the tables say is still needed.

use std::fs::File;
use std::ops::Deref;
use std::os::fd::AsRawFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};

use crate::error::{Error, ErrorCode, Result};
use crate::fork::Generation;
pub(super) use crate::fork::Pass;

/// This process's number. What was opened under another one belongs to an ancestor.
pub(super) fn generation() -> u64 {
    Generation::current().number()
}

/// Makes children let go. To be called before anything is opened.
pub(super) fn watch() -> Result<()> {
    static REGISTERED: OnceLock<libc::c_int> = OnceLock::new();
    let code = *REGISTERED.get_or_init(|| {
        // SAFETY: the handler is a function of this library that only uses atomics and
        // closes descriptors; the C library drops them if the library is unloaded.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) }
    });
    match code {
        0 => Ok(()),
        _ => Err(Error::new(ErrorCode::StoreFailed).because("Registering for fork failed.")),
    }
}

/// A file that forked children lose, and with it their share in its locks.
#[derive(Debug)]
pub(super) struct ProcessFile {
    file: File,
    slot: &'static AtomicI32,
}

impl ProcessFile {
    /// `file` must have been opened under the [`Pass`] that is held now.
    pub(super) fn new(file: File, _pass: &Pass) -> Result<Self> {
        let fd = file.as_raw_fd();
        let free = FILES.iter().find(|slot| {
            slot.compare_exchange(NO_FILE, fd, Ordering::SeqCst, Ordering::SeqCst).is_ok()
        });
        match free {
            Some(slot) => Ok(Self { file, slot }),
            None => Err(Error::new(ErrorCode::StoreFailed)
                .because("This process has too many stores open.")),
        }
    }
}

impl Deref for ProcessFile {
    type Target = File;

    fn deref(&self) -> &File {
        &self.file
    }
}

impl Drop for ProcessFile {
    fn drop(&mut self) {
        self.slot.store(NO_FILE, Ordering::SeqCst);
    }
}

extern "C" fn in_child() {
    for slot in &FILES {
        let fd = slot.swap(NO_FILE, Ordering::SeqCst);
        if fd != NO_FILE {
            // SAFETY: the slots hold descriptors opened by this library and not yet closed; their
            // owners belong to the parent and are never dropped here.
            unsafe { libc::close(fd) };
        }
    }
}

/// Descriptors to close in a child; four for each store.
static FILES: [AtomicI32; 256] = [const { AtomicI32::new(NO_FILE) }; 256];

const NO_FILE: i32 = -1;
