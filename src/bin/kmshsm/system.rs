//! The system calls that the standard library does not have.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How many columns a terminal has; 0 if it does not know.
pub fn columns(terminal: impl AsFd) -> Option<usize> {
    let mut size = MaybeUninit::<libc::winsize>::zeroed();
    let fd = terminal.as_fd().as_raw_fd();
    // SAFETY: the descriptor is open; the request fills a winsize, plain integers that outlive the call.
    let size = unsafe {
        match libc::ioctl(fd, libc::TIOCGWINSZ, size.as_mut_ptr()) {
            0 => size.assume_init(),
            _ => return None,
        }
    };
    Some(usize::from(size.ws_col))
}

/// Bytes that who runs this may still write to the file system of a path.
pub fn free_bytes(path: &Path) -> Option<u64> {
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    let mut answer = MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: the path is a NUL-terminated string, the answer is plain integers; both outlive the call.
    let answer = unsafe {
        match libc::statvfs(path.as_ptr(), answer.as_mut_ptr()) {
            0 => answer.assume_init(),
            _ => return None,
        }
    };
    Some(answer.f_bavail.saturating_mul(answer.f_frsize))
}
