//! Where AWS-LC allocates: for the work with a private key where it is told to, otherwise from the C
//! library, with the layout of its own allocator, so that either side frees what the other has made.
//! Everything is wiped when freed.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::sync::OnceLock;

use crate::crypto::provider::HeapRoutes;

/// AWS-LC keeps an allocation's size in front of it.
const PREFIX: usize = 8;

static ROUTES: OnceLock<HeapRoutes> = OnceLock::new();

thread_local! {
    static ROUTED: Cell<bool> = const { Cell::new(false) };
    static PRIMED: Cell<bool> = const { Cell::new(false) };
}

/// From now on [`routed`] work allocates by these. False, with nothing done, if AWS-LC's layout is
/// another than ours, or somebody else in this process has set its allocator.
pub(crate) fn route_heap(routes: HeapRoutes) -> bool {
    static DONE: OnceLock<bool> = OnceLock::new();
    *DONE.get_or_init(|| {
        const SIZE: usize = 24;
        // SAFETY: an allocation of AWS-LC's, looked at where its size should be, and freed.
        let is_as_known = unsafe {
            let probe = aws_lc_sys::OPENSSL_malloc(SIZE).cast::<u8>();
            let is_as_known =
                !probe.is_null() && probe.sub(PREFIX).cast::<usize>().read_unaligned() == SIZE;
            aws_lc_sys::OPENSSL_free(probe.cast());
            is_as_known
        };
        // SAFETY: the three fit each other and the allocations made so far.
        is_as_known
            && ROUTES.set(routes).is_ok()
            && unsafe {
                aws_lc_sys::CRYPTO_set_mem_functions(
                    Some(allocate),
                    Some(reallocate),
                    Some(release),
                )
            } == 1
    })
}

/// Runs work with a private key.
pub(super) fn routed<R>(f: impl FnOnce() -> R) -> R {
    // AWS-LC keeps a generator for each thread as long as the thread lives: that must not lie in
    // memory that a forked child does not have.
    if !PRIMED.get() {
        let mut byte = 0;
        // SAFETY: one byte to write.
        unsafe { aws_lc_sys::RAND_bytes(&raw mut byte, 1) };
        PRIMED.set(true);
    }
    struct Back(bool);
    impl Drop for Back {
        fn drop(&mut self) {
            ROUTED.set(self.0);
        }
    }
    let _back = Back(ROUTED.replace(true));
    f()
}

unsafe extern "C" fn allocate(size: usize, _: *const c_char, _: c_int) -> *mut c_void {
    if ROUTED.get()
        && let Some(routes) = ROUTES.get()
    {
        let pointer = (routes.allocate)(size);
        if !pointer.is_null() {
            return pointer.cast();
        }
    }
    let Some(total) = size.checked_add(PREFIX) else { return ptr::null_mut() };
    // SAFETY: room for the size and the bytes; null is passed on.
    unsafe {
        let start = libc::malloc(total).cast::<u8>();
        if start.is_null() {
            return ptr::null_mut();
        }
        start.cast::<usize>().write(size);
        start.add(PREFIX).cast()
    }
}

/// How many bytes an allocation has.
///
/// # Safety
/// It is one of AWS-LC's.
unsafe fn size_of(pointer: *mut u8) -> (usize, bool) {
    match ROUTES.get().map_or(0, |routes| (routes.size_of)(pointer)) {
        // SAFETY: not routed, so its size stands in front of it.
        0 => (unsafe { pointer.sub(PREFIX).cast::<usize>().read() }, false),
        size => (size, true),
    }
}

unsafe extern "C" fn reallocate(
    old: *mut c_void,
    size: usize,
    file: *const c_char,
    line: c_int,
) -> *mut c_void {
    // SAFETY: AWS-LC gives what it was given, not null; both places have the bytes that are copied.
    unsafe {
        let new = allocate(size, file, line);
        if !new.is_null() {
            let (held, _) = size_of(old.cast());
            ptr::copy_nonoverlapping(old.cast::<u8>(), new.cast::<u8>(), held.min(size));
            release(old, file, line);
        }
        new
    }
}

unsafe extern "C" fn release(pointer: *mut c_void, _: *const c_char, _: c_int) {
    // SAFETY: AWS-LC gives what it was given, not null, and does not use it again.
    unsafe {
        let pointer = pointer.cast::<u8>();
        match (size_of(pointer), ROUTES.get()) {
            ((_, true), Some(routes)) => (routes.release)(pointer),
            ((size, _), _) => {
                let start = pointer.sub(PREFIX);
                aws_lc_sys::OPENSSL_cleanse(start.cast(), size + PREFIX);
                libc::free(start.cast());
            }
        }
    }
}
