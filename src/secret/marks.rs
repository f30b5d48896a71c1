//! Marks on memory for valgrind's memcheck, in test builds alone. A secret counts as uninitialized,
//! and so does whatever is computed from it; memcheck then reports every branch and every address
//! that depends on it. (A. Langley's ctgrind was the first to do so.)
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicUsize, Ordering};

/// The requests of `valgrind.h`, and of `memcheck.h` from 'M' << 24 | 'C' << 16 on.
const RUNNING_ON_VALGRIND: usize = 0x1001;
const COUNT_ERRORS: usize = 0x1201;
const MAKE_MEM_UNDEFINED: usize = 0x4d43_0001;
const MAKE_MEM_DEFINED: usize = 0x4d43_0002;
const GET_VBITS: usize = 0x4d43_0008;

static REVEALS: AtomicUsize = AtomicUsize::new(0);

/// Whether memcheck watches this process.
pub fn is_watched() -> bool {
    ask(RUNNING_ON_VALGRIND, [0; 5]) != 0
}

/// How much memcheck has reported so far, each occurrence counted.
pub fn findings() -> usize {
    ask(COUNT_ERRORS, [0; 5])
}

/// How often something secret has been revealed so far.
pub fn reveals() -> usize {
    REVEALS.load(Ordering::Relaxed)
}

/// From here on the bytes are secret. Borrowed mutably, as what follows must read them again.
pub fn conceal(bytes: &mut [u8]) {
    ask(MAKE_MEM_UNDEFINED, [bytes.as_mut_ptr().expose_provenance(), bytes.len(), 0, 0, 0]);
}

/// From here on the bytes are public.
pub fn reveal(bytes: &mut [u8]) {
    let secrets = bytes.chunks(64).filter(|bytes| is_secret(bytes)).count();
    // Without memcheck there are none, and threads share nothing that is written to.
    if secrets != 0 {
        REVEALS.fetch_add(secrets, Ordering::Relaxed);
    }
    ask(MAKE_MEM_DEFINED, [bytes.as_mut_ptr().expose_provenance(), bytes.len(), 0, 0, 0]);
}

/// The same bytes, secret from here on.
pub fn concealed<const N: usize>(mut bytes: [u8; N]) -> [u8; N] {
    conceal(&mut bytes);
    bytes
}

/// The same bytes, public from here on.
pub fn revealed<const N: usize>(mut bytes: [u8; N]) -> [u8; N] {
    reveal(&mut bytes);
    bytes
}

/// Whether any bit of these bytes, 64 at most, is marked.
fn is_secret(bytes: &[u8]) -> bool {
    let mut bits = [0u8; 64];
    let len = bytes.len().min(bits.len());
    let to = bits.as_mut_ptr().expose_provenance();
    ask(GET_VBITS, [bytes.as_ptr().expose_provenance(), to, len, 0, 0]);
    bits != [0; 64]
}

/// A client request as `valgrind.h` makes it: the address of the request and its five arguments is
/// in rax, the answer if nobody listens in rdx, and in rdx the answer comes back. The sign to
/// valgrind is rdi turned by 128 bits, hence unchanged, and rbx exchanged with itself.
#[cfg(target_arch = "x86_64")]
fn ask(request: usize, arguments: [usize; 5]) -> usize {
    let [a, b, c, d, e] = arguments;
    let block = [request, a, b, c, d, e];
    let mut answer = 0;
    // SAFETY: to the processor these instructions do nothing. Valgrind reads the six words, changes
    // its own marks, and for GET_VBITS writes as many bytes as are told to the array given.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") block.as_ptr(),
            inout("rdx") answer,
            options(nostack)
        );
    }
    answer
}

/// The sign of other processors is not known here: nothing is watched.
#[cfg(not(target_arch = "x86_64"))]
fn ask(_: usize, _: [usize; 5]) -> usize {
    0
}
