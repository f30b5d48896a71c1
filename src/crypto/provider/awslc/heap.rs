//! Where AWS-LC allocates: for the work with a private key where it is told to, otherwise from the C
//! library, with the layout of its own allocator, so that either side frees what the other has made.
//! Everything is wiped when freed.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::sync::OnceLock;

use crate::crypto::provider::HeapRoutes;
use crate::error::{ErrorCode, Result};
use crate::fork::{Generation, Pass};

/// AWS-LC keeps an allocation's size in front of it.
const PREFIX: usize = 8;

static ROUTES: OnceLock<HeapRoutes> = OnceLock::new();

/// What a thread allocates just now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Ordinary,
    /// For the work with a private key.
    Work,
    /// For the work with a private key that is no secret: from the C library, like the ordinary.
    Open,
    /// For as long as the thread lives, and in a forked child.
    Lasting,
}

thread_local! {
    static USE: Cell<Use> = const { Cell::new(Use::Ordinary) };
    /// Whether private keys are no secrets just now.
    static IS_OPEN: Cell<bool> = const { Cell::new(false) };
    /// Whether the work under way was refused memory.
    static IS_EXHAUSTED: Cell<bool> = const { Cell::new(false) };
}

/// From now on [`routed`] work allocates by these. False, with nothing done, if AWS-LC's layout is
/// another than ours, or somebody else in this process has set its allocator.
pub(crate) fn route_heap(routes: HeapRoutes) -> bool {
    static DONE: OnceLock<bool> = OnceLock::new();
    // A fork in between would leave the child waiting for a thread that it does not have.
    let _pass = Pass::enter();
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

/// Runs work with a private key. If it fails and was refused memory, that is why:
/// [`ErrorCode::MemoryExhausted`]. Forks wait for it: a child would find the locks of AWS-LC's
/// generators held for good by a thread that it does not have.
pub(super) fn routed<R>(work: impl FnOnce() -> Result<R>) -> Result<R> {
    struct Back(Use);
    impl Drop for Back {
        fn drop(&mut self) {
            USE.set(self.0);
        }
    }
    if matches!(USE.get(), Use::Work | Use::Open) {
        return work();
    }
    let _pass = Pass::enter();
    let _back = Back(USE.get());
    make_generator();
    USE.set(if IS_OPEN.get() { Use::Open } else { Use::Work });
    IS_EXHAUSTED.set(false);
    work().map_err(|error| match IS_EXHAUSTED.get() {
        true => ErrorCode::MemoryExhausted.into(),
        false => error,
    })
}

/// AWS-LC makes a generator for the thread at its first random byte: not in the middle of the work.
fn make_generator() {
    thread_local! {
        static MADE: Cell<Option<Generation>> = const { Cell::new(None) };
    }
    let now = Some(Generation::current());
    if MADE.replace(now) != now {
        USE.set(Use::Lasting);
        let mut byte = 0;
        // SAFETY: one byte to write.
        unsafe { aws_lc_sys::RAND_bytes(&raw mut byte, 1) };
    }
}

/// Runs work with private keys that are no secrets. It lies in the ordinary heap, and finds room there
/// however many keys are loaded.
pub(crate) fn openly<R>(work: impl FnOnce() -> R) -> R {
    struct Back(bool);
    impl Drop for Back {
        fn drop(&mut self) {
            IS_OPEN.set(self.0);
        }
    }
    let _back = Back(IS_OPEN.replace(true));
    work()
}

unsafe extern "C" fn allocate(size: usize, _: *const c_char, _: c_int) -> *mut c_void {
    let routed = match (ROUTES.get(), USE.get()) {
        (Some(routes), Use::Work) => {
            let place = (routes.allocate)(size);
            // A key goes nowhere else because there are many.
            IS_EXHAUSTED.set(IS_EXHAUSTED.get() || place.is_some_and(<*mut u8>::is_null));
            place
        }
        (Some(routes), Use::Lasting) => (routes.allocate_lasting)(size),
        _ => None,
    };
    if let Some(pointer) = routed {
        return pointer.cast();
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
unsafe fn size_of(pointer: *mut u8) -> usize {
    match ROUTES.get().map_or(0, |routes| (routes.size_of)(pointer)) {
        // SAFETY: not routed, so its size stands in front of it.
        0 => unsafe { pointer.sub(PREFIX).cast::<usize>().read() },
        size => size,
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
            let held = size_of(old.cast());
            ptr::copy_nonoverlapping(old.cast::<u8>(), new.cast::<u8>(), held.min(size));
            release(old, file, line);
        }
        new
    }
}

unsafe extern "C" fn release(pointer: *mut c_void, _: *const c_char, _: c_int) {
    let pointer = pointer.cast::<u8>();
    if ROUTES.get().is_some_and(|routes| (routes.release)(pointer)) {
        return;
    }
    // SAFETY: AWS-LC gives what it was given, not null, and does not use it again.
    unsafe {
        let size = size_of(pointer);
        let start = pointer.sub(PREFIX);
        aws_lc_sys::OPENSSL_cleanse(start.cast(), size + PREFIX);
        libc::free(start.cast());
    }
}
