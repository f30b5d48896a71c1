//! Memory straight from the kernel: rooms between pages that nothing may touch. Each step is one
//! system call, tried and not assumed; what a refusal means is decided in [`super::mapping`].

use std::ffi::{c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use super::gate::{Gate, Key};
use super::report::{ForkPolicy, Kind, Report, Switch};
use super::slots::PAGE;

/// No libc names it everywhere yet; the number is the same on every architecture but Alpha.
const SYS_MSEAL: libc::c_long = 462;
const READ_WRITE: c_int = libc::PROT_READ | libc::PROT_WRITE;

/// A step that failed, with the system's answer.
pub(super) type Refusal = (&'static str, io::Error);

/// Rooms of one size, each between guard pages. Unmapped when dropped, unless [`kept`](Self::keep).
pub(super) struct Region {
    start: *mut c_void,
    total: usize,
    guard: usize,
    rooms: usize,
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: this region's own mapping, to which nothing refers any more.
        unsafe { libc::munmap(self.start, self.total) };
    }
}

impl Region {
    /// Maps so many rooms in `total` bytes, guards included: they are what RLIMIT_MEMLOCK must allow.
    pub(super) fn new(kind: Kind, total: usize, rooms: usize) -> Result<Self, Refusal> {
        // SAFETY: takes no pointers.
        let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(PAGE);
        let rooms = rooms.max(1);
        let total = total.next_multiple_of(page).max((2 * rooms + 2) * page);
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
        let start = start.map_err(|error| (step, error))?;
        let region = Self { start, total, guard: page, rooms };
        if kind == Kind::Mlock {
            // SAFETY: within the region; changes no contents.
            check(unsafe { libc::mlock(region.start, region.total) })
                .map_err(|error| ("mlock", error))?;
        }
        (0..rooms).try_for_each(|room| region.touch(room)).map_err(|error| ("touch", error))?;
        Ok(region)
    }

    /// The mapping for good.
    pub(super) fn keep(self) {
        std::mem::forget(self);
    }

    /// The bytes of the mapping, guards included.
    pub(super) const fn total(&self) -> usize {
        self.total
    }

    /// How many rooms it has.
    pub(super) const fn rooms(&self) -> usize {
        self.rooms
    }

    /// The bytes of a room.
    pub(super) const fn room_size(&self) -> usize {
        let each = (self.total - self.guard) / self.rooms - self.guard;
        each - each % self.guard
    }

    /// The first byte of a room.
    pub(super) fn room(&self, at: usize) -> *mut u8 {
        let first = self.guard + at * (self.room_size() + self.guard);
        self.start.cast::<u8>().wrapping_add(first)
    }

    /// Writes to a room's first and last page, reads them back, and leaves them zero. The pages
    /// between come when they are first used.
    fn touch(&self, room: usize) -> io::Result<()> {
        const MARK: u8 = 0xa5;
        for offset in [0, self.room_size() - 1] {
            let byte = self.room(room).wrapping_add(offset);
            // SAFETY: within the room, which is readable and writable and this thread's alone.
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

    /// Closes the pages around the rooms.
    pub(super) fn guard(&self, report: &mut Report) -> Switch {
        let behind_last = self.room(self.rooms);
        let before = (0..self.rooms).map(|at| self.room(at));
        let pages = before.chain([behind_last]).map(|room| room.wrapping_sub(self.guard));
        let closed = pages.map(|page| {
            // The last guard takes what rounding left.
            let len = if page == behind_last.wrapping_sub(self.guard) {
                self.total - (page.addr() - self.start.addr())
            } else {
                self.guard
            };
            // SAFETY: pages of the region that hold nothing.
            check(unsafe { libc::mprotect(page.cast(), len, libc::PROT_NONE) })
        });
        closed.fold(
            Switch::On,
            |all, closed| {
                if report.note("guard_pages", closed) { all } else { Switch::Off }
            },
        )
    }

    /// Keeps the region out of core dumps.
    pub(super) fn exclude_from_dumps(&self, kind: Kind, report: &mut Report) -> bool {
        // The kernel never dumps secret memory, asked or not.
        report.note("dontdump", self.advise(libc::MADV_DONTDUMP)) || kind == Kind::MemfdSecret
    }

    /// Keeps the region out of forked children, or at least its contents.
    pub(super) fn exclude_from_forks(&self, kind: Kind, report: &mut Report) -> ForkPolicy {
        let mut policy = ForkPolicy::Inherited;
        if kind != Kind::MemfdSecret {
            // Both may be refused: the one where merging is not built in, the other before 4.14.
            self.advise(libc::MADV_UNMERGEABLE).ok();
            if self.advise(libc::MADV_WIPEONFORK).is_ok() {
                policy = ForkPolicy::Wipeonfork;
            }
        }
        if report.note("dontfork", self.advise(libc::MADV_DONTFORK)) {
            policy = ForkPolicy::Dontfork;
        }
        policy
    }

    /// Puts the one room under the process's protection key, and sees that it is closed then.
    pub(super) fn lock_with(&self, key: io::Result<Key>, report: &mut Report) -> Option<Key> {
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
            self.touch(0)
        };
        if report.note("pkey_probe", opened.and_then(|()| self.is_closed())) {
            return Some(key);
        }
        report.note("pkey", self.assign(0));
        None
    }

    fn assign(&self, key: u32) -> io::Result<()> {
        let (start, size) = (self.room(0), self.room_size());
        let call = libc::SYS_pkey_mprotect;
        // SAFETY: the room's pages stay readable and writable, under another key.
        check(unsafe { libc::syscall(call, start, size, READ_WRITE, libc::c_ulong::from(key)) })
    }

    /// The kernel reads a caller's memory with the caller's keys: it must fail to here.
    fn is_closed(&self) -> io::Result<()> {
        // SAFETY: the kernel answers EFAULT, or reads an empty string, which names no file.
        let answer = check(unsafe { libc::access(self.room(0).cast(), libc::F_OK) });
        match answer {
            Err(error) if error.raw_os_error() == Some(libc::EFAULT) => Ok(()),
            Err(error) => Err(error),
            Ok(()) => Err(io::Error::from_raw_os_error(libc::EIO)),
        }
    }

    /// Makes the mapping and its protections final.
    pub(super) fn seal(&self) -> io::Result<()> {
        // SAFETY: this region's own mapping, which is never unmapped from here on.
        check(unsafe { libc::syscall(SYS_MSEAL, self.start, self.total, 0 as libc::c_long) })
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
