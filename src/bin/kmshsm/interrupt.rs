//! Ctrl-C during long work: it ends in good order. A second one ends the program.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

static IS_ASKED: AtomicBool = AtomicBool::new(false);

extern "C" fn ask(_signal: libc::c_int) {
    IS_ASKED.store(true, Ordering::Relaxed);
}

/// From now on the first SIGINT or SIGTERM only makes [`is_asked`] true.
pub fn watch() {
    // SAFETY: an action without flags but the two, which is filled before it is read; the handler stores to
    // an atomic and nothing else.
    unsafe {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        let place = action.as_mut_ptr();
        (*place).sa_sigaction = ask as extern "C" fn(libc::c_int) as libc::sighandler_t;
        (*place).sa_flags = libc::SA_RESTART | libc::SA_RESETHAND;
        libc::sigemptyset(&raw mut (*place).sa_mask);
        for signal in [libc::SIGINT, libc::SIGTERM] {
            libc::sigaction(signal, action.as_ptr(), ptr::null_mut());
        }
    }
}

/// Whether the work is to end.
pub fn is_asked() -> bool {
    IS_ASKED.load(Ordering::Relaxed)
}
