//! Threads of the library's own.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::thread::{Builder, JoinHandle};

/// Starts a thread with every signal blocked: the host's handlers run in the host's threads.
pub fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    with_signals_blocked(|| Builder::new().name(name.to_owned()).spawn(run))
}

/// Runs `f` with every signal blocked, which threads inherit that it starts.
pub fn with_signals_blocked<R>(f: impl FnOnce() -> R) -> R {
    let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // SAFETY: fills `all`, then reads it and fills `before`; a new thread inherits the mask.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
    }
    let answer = f();
    // SAFETY: `before` was filled above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut()) };
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_left_to_the_host() {
        let mask = || {
            let mut mask = MaybeUninit::uninit();
            // SAFETY: only reads the mask of this thread, and fills `mask`.
            unsafe {
                libc::pthread_sigmask(libc::SIG_SETMASK, ptr::null(), mask.as_mut_ptr());
                libc::sigismember(mask.as_ptr(), libc::SIGTERM)
            }
        };
        assert_eq!(mask(), 0);
        spawn("kmshsm-test", move || assert_eq!(mask(), 1)).unwrap().join().unwrap();
        assert_eq!(mask(), 0);
    }
}
