//! Maps the arena as strongly as the machine allows. A mechanism counts when it worked: memory is
//! mapped, locked, written and read back, the key is seen to close it, and each failure is noted.

use std::ptr::NonNull;

use super::Options;
use super::gate::Key;
use super::report::Report;
use super::slots::PAGE;

/// The arena's memory, for good. `report.size` bytes from `base`.
pub(super) struct Mapping {
    pub(super) base: NonNull<u8>,
    pub(super) key: Option<Key>,
    pub(super) report: Report,
}

#[cfg(not(miri))]
pub(super) use system::{map, random};

#[cfg(not(miri))]
mod system {
    use std::ffi::{c_int, c_void};
    use std::io;
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
    use std::ptr;

    use super::super::gate::Gate;
    use super::super::report::{ForkPolicy, Kind, Protection, Switch};
    use super::*;

    /// No libc names it everywhere yet; the number is the same on every architecture but Alpha.
    const SYS_MSEAL: libc::c_long = 462;
    const READ_WRITE: c_int = libc::PROT_READ | libc::PROT_WRITE;
    /// The sizes to try, as far as the wanted one allows, guard pages included.
    const SIZES: [usize; 5] = [1 << 20, 512 << 10, 256 << 10, 64 << 10, 32 << 10];

    /// Memory between two pages that nothing may touch. Unmapped when dropped, unless kept.
    struct Region {
        start: *mut c_void,
        total: usize,
        guard: usize,
    }

    impl Drop for Region {
        fn drop(&mut self) {
            // SAFETY: this region's own mapping, to which nothing refers any more.
            unsafe { libc::munmap(self.start, self.total) };
        }
    }

    /// Maps an arena: the strongest kind at the largest size that works.
    pub(in super::super) fn map(options: &Options) -> Mapping {
        let mut report = Report::nothing();
        for kind in [Kind::MemfdSecret, Kind::Mlock] {
            let denied = match kind {
                Kind::MemfdSecret => options.deny_secret.then_some("memfd_secret"),
                _ => options.deny_lock.then_some("mlock"),
            };
            if let Some(step) = denied {
                report.note(step, Err(io::Error::from_raw_os_error(libc::EPERM)));
                continue;
            }
            for total in SIZES.into_iter().filter(|size| *size <= options.size) {
                match Region::new(kind, total) {
                    Ok(region) => return region.finish(kind, options, report),
                    Err((step, error)) => report.note(step, Err(error)),
                };
            }
        }
        match Region::new(Kind::Plain, options.size) {
            Ok(region) => region.finish(Kind::Plain, options, report),
            Err((step, error)) => {
                report.note(step, Err(error));
                Mapping { base: NonNull::dangling(), key: None, report }
            }
        }
    }

    impl Region {
        /// Maps `total` bytes, guards included, so that they are what RLIMIT_MEMLOCK must allow.
        fn new(kind: Kind, total: usize) -> Result<Self, (&'static str, io::Error)> {
            // SAFETY: takes no pointers.
            let page =
                usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(PAGE);
            let total = total.next_multiple_of(page).max(4 * page);
            let (start, step) = match kind {
                Kind::MemfdSecret => {
                    let file = secret_file(total)?;
                    (mmap(total, libc::MAP_SHARED, file.as_raw_fd()), "mmap_secret")
                    // The descriptor is closed here: with it, anybody could map the pages again.
                }
                Kind::Mlock | Kind::Plain => {
                    (mmap(total, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1), "mmap")
                }
            };
            let region = Self { start: start.map_err(|error| (step, error))?, total, guard: page };
            if kind == Kind::Mlock {
                // SAFETY: within the region; changes no contents.
                check(unsafe { libc::mlock(region.inner().cast(), region.size()) })
                    .map_err(|error| ("mlock", error))?;
            }
            region.touch().map_err(|error| ("touch", error))?;
            Ok(region)
        }

        fn inner(&self) -> *mut u8 {
            self.start.cast::<u8>().wrapping_add(self.guard)
        }

        fn size(&self) -> usize {
            self.total - 2 * self.guard
        }

        /// Writes to every page, reads it back, and leaves it zero.
        fn touch(&self) -> io::Result<()> {
            const MARK: u8 = 0xa5;
            for offset in (0..self.size()).step_by(PAGE) {
                let byte = self.inner().wrapping_add(offset);
                // SAFETY: within the region, which is readable and writable and this thread's alone.
                let read = unsafe {
                    byte.write_volatile(MARK);
                    let read = byte.read_volatile();
                    byte.write_volatile(0);
                    read
                };
                if read != MARK {
                    return Err(io::Error::from_raw_os_error(libc::EIO));
                }
            }
            Ok(())
        }

        fn advise(&self, advice: c_int) -> io::Result<()> {
            // SAFETY: the region's own pages; none of the advice given here drops contents.
            check(unsafe { libc::madvise(self.start, self.total, advice) })
        }

        /// Everything that comes on top of the memory itself, in the order that sealing allows.
        fn finish(self, kind: Kind, options: &Options, mut report: Report) -> Mapping {
            report.arena = kind;
            report.size = self.size();
            report.locked = kind != Kind::Plain;
            report.protection = match kind {
                Kind::MemfdSecret => Protection::Secret,
                Kind::Mlock => Protection::Locked,
                Kind::Plain => Protection::None,
            };
            if self.total < options.size {
                report.note("size", Err(io::Error::from_raw_os_error(libc::ENOMEM)));
            }
            let guarded = [self.start, self.inner().wrapping_add(self.size()).cast()].map(|page| {
                // SAFETY: the first and the last page of the region, which hold nothing.
                report.note(
                    "guard_pages",
                    check(unsafe { libc::mprotect(page, self.guard, libc::PROT_NONE) }),
                )
            });
            report.guard_pages = (guarded == [true, true]).into();
            // The kernel never dumps secret memory, asked or not.
            report.dump_excluded = report.note("dontdump", self.advise(libc::MADV_DONTDUMP))
                || kind == Kind::MemfdSecret;
            if kind != Kind::MemfdSecret {
                // Both may be refused: the one where merging is not built in, the other before 4.14.
                self.advise(libc::MADV_UNMERGEABLE).ok();
                if self.advise(libc::MADV_WIPEONFORK).is_ok() {
                    report.fork = ForkPolicy::Wipeonfork;
                }
            }
            if report.note("dontfork", self.advise(libc::MADV_DONTFORK)) {
                report.fork = ForkPolicy::Dontfork;
            }
            let key = self.lock_with_key(options, &mut report);
            report.pkey = key.is_some().into();
            report.mseal = self.seal(options, &mut report);
            let base = NonNull::new(self.inner()).unwrap_or(NonNull::dangling());
            std::mem::forget(self);
            Mapping { base, key, report }
        }

        fn lock_with_key(&self, options: &Options, report: &mut Report) -> Option<Key> {
            let denied = || io::Error::from_raw_os_error(libc::EPERM);
            let key = if options.deny_key { Err(denied()) } else { Key::get() };
            let key = match key.and_then(|key| self.assign(key.number()).map(|()| key)) {
                Ok(key) => key,
                Err(error) => {
                    report.note("pkey", Err(error));
                    return None;
                }
            };
            // Opening it on this thread and closing it again makes the register certain.
            let opened = {
                let _open = Gate::open(Some(key));
                self.touch()
            };
            if report.note("pkey_probe", opened.and_then(|()| self.is_closed())) {
                return Some(key);
            }
            report.note("pkey", self.assign(0));
            None
        }

        fn assign(&self, key: u32) -> io::Result<()> {
            let (start, size) = (self.inner(), self.size());
            let call = libc::SYS_pkey_mprotect;
            // SAFETY: the region's inner pages stay readable and writable, under another key.
            check(unsafe { libc::syscall(call, start, size, READ_WRITE, libc::c_ulong::from(key)) })
        }

        /// The kernel reads a caller's memory with the caller's keys: it must fail to here.
        fn is_closed(&self) -> io::Result<()> {
            // SAFETY: the kernel answers EFAULT, or reads an empty string, which names no file.
            let answer = check(unsafe { libc::access(self.inner().cast(), libc::F_OK) });
            match answer {
                Err(error) if error.raw_os_error() == Some(libc::EFAULT) => Ok(()),
                Err(error) => Err(error),
                Ok(()) => Err(io::Error::from_raw_os_error(libc::EIO)),
            }
        }

        fn seal(&self, options: &Options, report: &mut Report) -> Switch {
            let sealed = if options.deny_seal {
                Err(io::Error::from_raw_os_error(libc::EPERM))
            } else {
                // SAFETY: this region's own mapping, which is never unmapped from here on.
                check(unsafe {
                    libc::syscall(SYS_MSEAL, self.start, self.total, 0 as libc::c_long)
                })
            };
            report.note("mseal", sealed).into()
        }
    }

    fn secret_file(size: usize) -> Result<OwnedFd, (&'static str, io::Error)> {
        let flags = libc::c_long::from(libc::O_CLOEXEC);
        // SAFETY: takes no pointers; makes a new descriptor.
        let answer = unsafe { libc::syscall(libc::SYS_memfd_secret, flags) };
        check(answer).map_err(|error| ("memfd_secret", error))?;
        let number = RawFd::try_from(answer).unwrap_or(-1);
        // SAFETY: that descriptor, open and nobody else's.
        let file = unsafe { OwnedFd::from_raw_fd(number) };
        let length = libc::off_t::try_from(size).unwrap_or(0);
        // SAFETY: takes no pointers.
        check(unsafe { libc::ftruncate(number, length) }).map_err(|error| ("ftruncate", error))?;
        Ok(file)
    }

    fn mmap(len: usize, flags: c_int, file: RawFd) -> io::Result<*mut c_void> {
        // SAFETY: a new mapping at an address of the kernel's choice.
        let start = unsafe { libc::mmap(ptr::null_mut(), len, READ_WRITE, flags, file, 0) };
        if start == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(start) }
    }

    fn check(answer: impl Into<i64>) -> io::Result<()> {
        if answer.into() < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Random bytes for a canary. They guard against accidents and need not be secret.
    #[allow(clippy::disallowed_methods)] // the generator itself will live in the arena
    pub(in super::super) fn random<const N: usize>() -> [u8; N] {
        let mut bytes = [0; N];
        // SAFETY: fills no more than the array. Up to 256 bytes come whole, or not at all.
        let got = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), N, libc::GRND_NONBLOCK) };
        if usize::try_from(got) != Ok(N) {
            // Early in boot: where the stack lies will do.
            let here = ptr::from_ref(&bytes).addr().to_ne_bytes();
            bytes.iter_mut().zip(here.iter().cycle()).for_each(|(to, from)| *to = from ^ 0x5a);
        }
        bytes
    }
}

/// Under Miri the arena is a piece of heap.
#[cfg(miri)]
pub(super) fn map(options: &Options) -> Mapping {
    let mut report = Report::nothing();
    let layout = std::alloc::Layout::from_size_align(options.size.max(PAGE), PAGE);
    // SAFETY: the layout's size is not zero.
    let base =
        layout.ok().and_then(|layout| NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) }));
    if base.is_some() {
        report.size = options.size;
    }
    Mapping { base: base.unwrap_or(NonNull::dangling()), key: None, report }
}

#[cfg(miri)]
pub(super) fn random<const N: usize>() -> [u8; N] {
    [0x5a; N]
}
