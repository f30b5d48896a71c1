//! What the generators ask of the operating system: entropy and a clock.
#![allow(unsafe_code, clippy::disallowed_methods)] // the one place

use crate::error::{Error, ErrorCode, Result};

/// Fills the buffer, of at most 256 bytes, from the kernel's generator once that is seeded.
#[cfg(target_os = "linux")]
pub(super) fn draw(out: &mut [u8]) -> Result<()> {
    loop {
        // SAFETY: the buffer goes with its length.
        let drawn = unsafe { libc::getrandom(out.as_mut_ptr().cast(), out.len(), 0) };
        if usize::try_from(drawn) == Ok(out.len()) {
            return Ok(());
        }
        if std::io::Error::last_os_error().kind() != std::io::ErrorKind::Interrupted {
            return Err(Error::new(ErrorCode::ErrorState).because("getrandom(2) failed."));
        }
    }
}

/// Fills the buffer, of at most 256 bytes, from the kernel's generator.
#[cfg(not(target_os = "linux"))]
pub(super) fn draw(out: &mut [u8]) -> Result<()> {
    // SAFETY: the buffer goes with its length.
    match unsafe { libc::getentropy(out.as_mut_ptr().cast(), out.len()) } {
        0 => Ok(()),
        _ => Err(Error::new(ErrorCode::ErrorState).because("getentropy(2) failed.")),
    }
}

/// Seconds on a clock that never goes back, to a few milliseconds.
pub(super) fn seconds() -> u64 {
    #[cfg(target_os = "linux")]
    const CLOCK: libc::clockid_t = libc::CLOCK_MONOTONIC_COARSE;
    #[cfg(not(target_os = "linux"))]
    const CLOCK: libc::clockid_t = libc::CLOCK_MONOTONIC;
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is ours to write. The clock exists, and at a failure the time stays 0.
    unsafe { libc::clock_gettime(CLOCK, &raw mut now) };
    u64::try_from(now.tv_sec).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use crate::hsm::rng::fill;

    #[test]
    fn a_child_draws_other_bytes() {
        fill(&mut [0; 32]).unwrap();
        let mut pipe = [0; 2];
        // SAFETY: the child uses atomics, system calls and the already built generator of this
        // thread, no lock and no allocation, and leaves by _exit.
        let (status, read, theirs) = unsafe {
            assert_eq!(libc::pipe(pipe.as_mut_ptr()), 0);
            let child = libc::fork();
            assert!(child >= 0);
            if child == 0 {
                let mut bytes = [0u8; 32];
                let good = fill(&mut bytes).is_ok();
                let written = libc::write(pipe[1], bytes.as_ptr().cast(), bytes.len());
                libc::_exit(if good && written == 32 { 0 } else { 1 });
            }
            // So that reading ends if the child does.
            libc::close(pipe[1]);
            let mut theirs = [0u8; 32];
            let (mut status, read) = (0, libc::read(pipe[0], theirs.as_mut_ptr().cast(), 32));
            assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
            libc::close(pipe[0]);
            (status, read, theirs)
        };
        let mut ours = [0; 32];
        fill(&mut ours).unwrap();
        assert_eq!((status, read), (0, 32));
        assert_ne!(theirs, ours);
    }
}
