//! The system calls that the standard library does not have.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How a byte range is held.
#[derive(Clone, Copy, Debug)]
pub(super) enum Hold {
    /// Against exclusive holders.
    Shared,
    /// Against all others.
    Exclusive,
    /// Not any more.
    Released,
}

/// Bytes `start..start + length` of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes {
    pub(super) start: i64,
    pub(super) length: i64,
}

/// Locks bytes for the open file description, waiting if others hold them. Unlike POSIX locks, these
/// are not lost when another descriptor of the file is closed; they conflict with POSIX locks, even
/// with those of this process.
pub(super) fn hold_bytes(file: &File, bytes: Bytes, hold: Hold) -> io::Result<()> {
    loop {
        match set_lock(file, libc::F_OFD_SETLKW, bytes, hold) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Like [`hold_bytes`] without waiting; false if others hold them.
pub(super) fn try_hold_bytes(file: &File, bytes: Bytes, hold: Hold) -> io::Result<bool> {
    match set_lock(file, libc::F_OFD_SETLK, bytes, hold) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Whether this process may write to a file or directory: neither permissions nor a read-only file
/// system are in the way.
pub(super) fn may_write(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: the path is a NUL-terminated string that outlives the call.
    unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), libc::W_OK, libc::AT_EACCESS) == 0 }
}

/// The magic number of the file system that holds `path`; see statfs(2).
pub(super) fn filesystem_magic(path: &Path) -> io::Result<u32> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: statfs is plain integers, for which zeros are a value.
    let mut stat: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: the path is a NUL-terminated string and `stat` is writable; both outlive the call.
    if unsafe { libc::statfs(path.as_ptr(), &raw mut stat) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // The type of f_type differs between platforms; all magic numbers have 32 bits.
    #[allow(clippy::unnecessary_cast)]
    Ok(stat.f_type as u32)
}

fn set_lock(file: &File, command: libc::c_int, bytes: Bytes, hold: Hold) -> io::Result<()> {
    // SAFETY: flock is plain integers, for which zeros are a value; OFD locks demand l_pid == 0.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = match hold {
        Hold::Shared => libc::F_RDLCK,
        Hold::Exclusive => libc::F_WRLCK,
        Hold::Released => libc::F_UNLCK,
    } as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = bytes.start;
    lock.l_len = bytes.length;
    // SAFETY: the descriptor is open as long as `file`; `lock` outlives the call.
    match unsafe { libc::fcntl(file.as_raw_fd(), command, &raw mut lock) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
