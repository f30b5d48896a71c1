//! The gate: a memory protection key (x86 PKU) that closes the arena to every thread that is not
//! inside a `read` or `write`. Opening it costs nanoseconds and no system call.
//!
//! The register that says which keys are open (PKRU) belongs to a thread; a new thread inherits
//! its creator's, and a signal handler starts with every key closed. A count of the gates of this
//! thread tells a nested gate, which restores what it found, from the outermost, which always
//! closes, even where the thread was born with the key open.

use std::cell::Cell;
use std::io;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU32, Ordering};

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// A protection key of this process, 1 to 15, as its two bits in PKRU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    number: u32,
    /// Access-disable and write-disable.
    mask: u32,
}

/// The process's key; 0 while there is none. Children inherit it, and their arenas share it.
static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Key {
    /// The process's key, allocated closed.
    pub(super) fn get() -> io::Result<Self> {
        if cfg!(any(not(target_arch = "x86_64"), miri)) {
            return Err(io::Error::from_raw_os_error(libc::ENOSYS));
        }
        let taken = NUMBER.load(Ordering::Acquire);
        if taken != 0 {
            return Ok(Self::numbered(taken));
        }
        const DISABLE_ACCESS: libc::c_long = 1;
        // SAFETY: takes no pointers; allocates a key that no mapping has yet.
        let answer =
            unsafe { libc::syscall(libc::SYS_pkey_alloc, 0 as libc::c_long, DISABLE_ACCESS) };
        let number = u32::try_from(answer).map_err(|_| io::Error::last_os_error())?;
        match NUMBER.compare_exchange(0, number, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(Self::numbered(number)),
            Err(first) => {
                // SAFETY: takes no pointers; the key is on no mapping.
                unsafe { libc::syscall(libc::SYS_pkey_free, answer) };
                Ok(Self::numbered(first))
            }
        }
    }

    const fn numbered(number: u32) -> Self {
        Self { number, mask: 3 << (2 * number) }
    }

    /// The number, for `pkey_mprotect`.
    pub(super) const fn number(self) -> u32 {
        self.number
    }

    const fn opened(self, register: u32) -> u32 {
        register & !self.mask
    }

    /// What the register becomes when a gate is dropped that found it as `before`.
    const fn left(self, register: u32, before: u32, outermost: bool) -> u32 {
        if outermost {
            register | self.mask
        } else {
            (register & !self.mask) | (before & self.mask)
        }
    }
}

/// While it lives, this thread may touch the arena.
pub(super) struct Gate {
    key: Option<Key>,
    before: u32,
    /// The register is the thread's: a gate stays on it.
    thread: PhantomData<*const ()>,
}

impl Gate {
    #[inline]
    pub(super) fn open(key: Option<Key>) -> Self {
        let before = key.map_or(0, |key| {
            DEPTH.set(DEPTH.get() + 1);
            let before = pkru::read();
            pkru::write(before, key.opened(before));
            before
        });
        Self { key, before, thread: PhantomData }
    }
}

impl Drop for Gate {
    #[inline]
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let depth = DEPTH.get() - 1;
            DEPTH.set(depth);
            let now = pkru::read();
            pkru::write(now, key.left(now, self.before, depth == 0));
        }
    }
}

/// The register. Only called with a key in hand, which only a processor that has it gives out.
#[cfg(all(target_arch = "x86_64", not(miri)))]
mod pkru {
    use std::arch::asm;

    #[inline]
    pub(super) fn read() -> u32 {
        let register;
        // SAFETY: a key was allocated, so the instruction exists; it reads the register only.
        unsafe {
            asm!("rdpkru", in("ecx") 0, out("eax") register, out("edx") _, options(nomem, nostack, preserves_flags));
        }
        register
    }

    /// Not `nomem`: no access to the arena may move across it.
    #[inline]
    pub(super) fn write(now: u32, register: u32) {
        if now != register {
            // SAFETY: as above; only this module's key changes, and whoever holds a reference
            // into the arena holds a gate, under which the key stays open.
            unsafe {
                asm!("wrpkru", in("eax") register, in("ecx") 0, in("edx") 0, options(nostack, preserves_flags));
            }
        }
    }
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
mod pkru {
    pub(super) fn read() -> u32 {
        0
    }

    pub(super) fn write(_now: u32, _register: u32) {}
}

/// Is the key closed to this thread?
#[cfg(test)]
pub(super) fn is_closed(key: Key) -> bool {
    pkru::read() & key.mask != 0
}

/// Opens the key to this thread behind the gate's back.
#[cfg(test)]
pub(super) fn force_open(key: Key) {
    let now = pkru::read();
    pkru::write(now, key.opened(now));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arena_key_bits() {
        let key = Key::numbered(3);
        const CLOSED: u32 = 0x5555_5554; // how the kernel starts a process
        assert_eq!(key.opened(CLOSED), 0x5555_5514);
        // The outermost closes, whatever it found; other keys stay as they are by then.
        assert_eq!(key.left(0x5555_5514, CLOSED, true) & key.mask, key.mask);
        assert_eq!(key.left(0, 0, true), 0xc0);
        // A nested one restores: open inside an open one, closed inside a signal handler.
        assert_eq!(key.left(0x5555_5514, 0x5555_5514, false), 0x5555_5514);
        assert_eq!(key.left(0x5555_5514, CLOSED, false), CLOSED);
    }

    #[test]
    fn arena_gate_without_key_does_nothing() {
        let gate = Gate::open(None);
        assert_eq!(DEPTH.get(), 0);
        drop(gate);
        assert_eq!(DEPTH.get(), 0);
    }
}
