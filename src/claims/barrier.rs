//! A memory barrier in all threads of the process at once (membarrier(2), Linux 4.14): whoever waits
//! for others pays for it, a microsecond or some on few processors, and whoever claims pays nothing.

use std::io;
use std::time::Duration;

/// From linux/membarrier.h.
const GLOBAL: libc::c_long = 1 << 0;
const PRIVATE_EXPEDITED: libc::c_long = 1 << 3;
const REGISTER_PRIVATE_EXPEDITED: libc::c_long = 1 << 4;

/// No architecture promises by when a write is seen; processors take less than a microsecond.
const LONG_ENOUGH: Duration = Duration::from_millis(1);

/// Whether this process can have them. Asked before the first.
pub(super) fn is_there() -> bool {
    command(REGISTER_PRIVATE_EXPEDITED).is_ok()
}

/// Has all threads of the process pass a full memory barrier, each after the beginning of this call and
/// before its end: those that run at once, the others when they were or will be switched to.
pub(super) fn pass_everywhere() {
    let refused = command(PRIVATE_EXPEDITED).is_err()
        // Restored from a checkpoint, or short of memory for a moment.
        && (!is_there() || command(PRIVATE_EXPEDITED).is_err())
        && command(GLOBAL).is_err();
    if refused {
        // The program has since been put under a filter of system calls.
        std::thread::sleep(LONG_ENOUGH);
    }
}

#[cfg(not(miri))]
fn command(command: libc::c_long) -> io::Result<()> {
    let none: libc::c_long = 0;
    // SAFETY: the call reads and writes no memory.
    match unsafe { libc::syscall(libc::SYS_membarrier, command, none, none) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(miri)]
fn command(_: libc::c_long) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
