//! What the generators ask of the operating system: entropy, a clock, and a number that changes in
//! every child of a fork.
#![allow(unsafe_code)]

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use crate::error::{Error, ErrorCode, Result};

/// Fills the buffer, of at most 256 bytes, from the kernel's generator once that is seeded.
#[cfg(target_os = "linux")]
pub(super) fn entropy(out: &mut [u8]) -> Result<()> {
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
pub(super) fn entropy(out: &mut [u8]) -> Result<()> {
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

/// Points to a word that reads 0 in the child of a fork: in a page that the kernel wipes
/// (MADV_WIPEONFORK), or where there is none in [`FALLBACK`].
static WORD: AtomicPtr<AtomicU64> = AtomicPtr::new(ptr::null_mut());
/// The word that a handler of pthread_atfork(3) sets to 0.
static FALLBACK: AtomicU64 = AtomicU64::new(0);
/// The last generation of this process and its ancestors.
static LAST: AtomicU64 = AtomicU64::new(0);

/// A number that no ancestor of this process has used, and that stays until the next fork.
pub(super) fn generation() -> Result<u64> {
    let mut word = WORD.load(Ordering::Acquire);
    if word.is_null() {
        word = install()?;
    }
    // SAFETY: once set, the pointer is to a static or to a page that is never unmapped.
    let word = unsafe { &*word };
    match word.load(Ordering::Acquire) {
        0 => {
            let next = LAST.fetch_add(1, Ordering::AcqRel) + 1;
            // Another thread of the child may have come first: then its number holds.
            Ok(word
                .compare_exchange(0, next, Ordering::AcqRel, Ordering::Acquire)
                .map_or_else(|other| other, |_| next))
        }
        generation => Ok(generation),
    }
}

#[cold]
fn install() -> Result<*mut AtomicU64> {
    let word = match wiped_page() {
        Some(page) => page,
        None => {
            // SAFETY: the handler is a function of this library and touches an atomic only.
            if unsafe { libc::pthread_atfork(None, None, Some(forked)) } != 0 {
                return Err(Error::new(ErrorCode::ErrorState).because("Forks go unnoticed."));
            }
            (&raw const FALLBACK).cast_mut()
        }
    };
    // Of two threads that come here at once one wins; the other's page is left mapped.
    match WORD.compare_exchange(ptr::null_mut(), word, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Ok(word),
        Err(other) => Ok(other),
    }
}

unsafe extern "C" fn forked() {
    FALLBACK.store(0, Ordering::Release);
}

#[cfg(target_os = "linux")]
fn wiped_page() -> Option<*mut AtomicU64> {
    // SAFETY: a new mapping of the kernel's choice; it is never unmapped once it is in use.
    unsafe {
        let len = usize::try_from(libc::sysconf(libc::_SC_PAGESIZE)).ok()?;
        let page = libc::mmap(
            ptr::null_mut(),
            len,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        if page == libc::MAP_FAILED {
            return None;
        }
        if libc::madvise(page, len, libc::MADV_WIPEONFORK) != 0 {
            libc::munmap(page, len);
            return None;
        }
        Some(page.cast())
    }
}

#[cfg(not(target_os = "linux"))]
fn wiped_page() -> Option<*mut AtomicU64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::rng::fill;

    #[test]
    fn a_child_draws_other_bytes() {
        let mut before = [0; 32];
        fill(&mut before).unwrap();
        let parent = generation().unwrap();
        FALLBACK.store(9, Ordering::Release);
        let mut pipe = [0; 2];
        // SAFETY: the child uses atomics, system calls and the already built generator of this
        // thread, no lock and no allocation, and leaves by _exit.
        let (status, read, theirs) = unsafe {
            assert_eq!(libc::pthread_atfork(None, None, Some(forked)), 0);
            assert_eq!(libc::pipe(pipe.as_mut_ptr()), 0);
            let child = libc::fork();
            assert!(child >= 0);
            if child == 0 {
                let mut bytes = [0u8; 34];
                let good = fill(&mut bytes[..32]).is_ok();
                bytes[32] = u8::from(generation().is_ok_and(|own| own != parent));
                bytes[33] = u8::from(FALLBACK.load(Ordering::Acquire) == 0);
                let written = libc::write(pipe[1], bytes.as_ptr().cast(), bytes.len());
                libc::_exit(if good && written == 34 { 0 } else { 1 });
            }
            let mut theirs = [0u8; 34];
            let (mut status, read) = (0, libc::read(pipe[0], theirs.as_mut_ptr().cast(), 34));
            assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
            libc::close(pipe[0]);
            libc::close(pipe[1]);
            (status, read, theirs)
        };
        let mut ours = [0; 32];
        fill(&mut ours).unwrap();
        assert_eq!((status, read, &theirs[32..]), (0, 34, &[1, 1][..]));
        assert_eq!(FALLBACK.load(Ordering::Acquire), 9);
        assert_ne!(theirs[..32], ours);
        assert_eq!(generation().unwrap(), parent);
    }
}
