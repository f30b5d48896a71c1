//! Maps secret memory as strongly as the machine allows. A mechanism counts when it worked, and each
//! failure is noted in the report.

use std::ptr::NonNull;

use super::Options;
use super::gate::Key;
use super::report::Report;
#[cfg(miri)]
use super::slots::PAGE;

/// The arena's memory, for good. `report.size` bytes from `base`.
pub(super) struct Mapping {
    pub(super) base: NonNull<u8>,
    pub(super) key: Option<Key>,
    pub(super) report: Report,
}

#[cfg(not(miri))]
pub(super) use system::{map, random, shielded};

#[cfg(not(miri))]
mod system {
    use std::io;

    use super::super::region::Region;
    use super::super::report::{Kind, Protection};
    use super::*;

    /// The smallest arena worth having, guard pages included.
    const LEAST: usize = 32 << 10;

    /// Maps an arena: the strongest kind at the largest size that works.
    pub(in super::super) fn map(options: &Options, mut report: Report) -> Mapping {
        let sizes = std::iter::successors(Some(options.size), |size| Some(size / 2));
        let wanted =
            sizes.take_while(|size| *size >= LEAST.min(options.size)).map(|size| (size, 1));
        let found = strongest(options, wanted, &mut report).or_else(|| {
            let region = Region::new(Kind::Plain, options.size, 1);
            region
                .map_err(|(step, error)| report.note(step, Err(error)))
                .ok()
                .map(|r| (Kind::Plain, r))
        });
        let Some((kind, region)) = found else {
            return Mapping { base: NonNull::dangling(), key: None, report };
        };
        report.arena = kind;
        report.size = region.room_size();
        report.locked = kind != Kind::Plain;
        report.protection = match kind {
            Kind::MemfdSecret => Protection::Secret,
            Kind::Mlock => Protection::Locked,
            Kind::Plain => Protection::None,
        };
        if region.total() < options.size {
            report.note("size", Err(io::Error::from_raw_os_error(libc::ENOMEM)));
        }
        report.guard_pages = region.guard(&mut report);
        report.dump_excluded = region.exclude_from_dumps(kind, &mut report);
        report.fork = region.exclude_from_forks(kind, &mut report);
        let key = if options.deny_key { Err(denied()) } else { Key::get() };
        let key = region.lock_with(key, &mut report);
        report.pkey = key.is_some().into();
        let sealed = if options.deny_seal { Err(denied()) } else { region.seal() };
        report.mseal = report.note("mseal", sealed).into();
        let base = NonNull::new(region.room(0)).unwrap_or(NonNull::dangling());
        region.keep();
        Mapping { base, key, report }
    }

    /// Maps rooms that are open to every thread of the process, but locked, out of dumps and out of
    /// children; `wanted` has bytes and counts of rooms, best first. None where nothing can be locked.
    pub(in super::super) fn shielded(
        options: &Options,
        wanted: impl Iterator<Item = (usize, usize)> + Clone,
        report: &mut Report,
    ) -> Option<Vec<(NonNull<u8>, usize)>> {
        let (kind, region) = strongest(options, wanted, report)?;
        region.guard(report);
        region.exclude_from_dumps(kind, report);
        region.exclude_from_forks(kind, report);
        if !options.deny_seal {
            report.note("mseal", region.seal());
        }
        let size = region.room_size();
        let rooms = (0..region.rooms()).filter_map(|at| NonNull::new(region.room(at)));
        let rooms = rooms.map(|room| (room, size)).collect();
        region.keep();
        Some(rooms)
    }

    /// The strongest kind at the first of the wanted sizes that works.
    fn strongest(
        options: &Options,
        wanted: impl Iterator<Item = (usize, usize)> + Clone,
        report: &mut Report,
    ) -> Option<(Kind, Region)> {
        for (kind, step, is_denied) in [
            (Kind::MemfdSecret, "memfd_secret", options.deny_secret),
            (Kind::Mlock, "mlock", options.deny_lock),
        ] {
            if is_denied {
                report.note(step, Err(denied()));
                continue;
            }
            for (total, rooms) in wanted.clone() {
                match Region::new(kind, total, rooms) {
                    Ok(region) => return Some((kind, region)),
                    Err((step, error)) => report.note(step, Err(error)),
                };
            }
        }
        None
    }

    fn denied() -> io::Error {
        io::Error::from_raw_os_error(libc::EPERM)
    }

    /// Random bytes for a canary. They guard against accidents and need not be secret.
    #[allow(clippy::disallowed_methods)] // the generator itself lives in the arena
    pub(in super::super) fn random<const N: usize>() -> [u8; N] {
        let mut bytes = [0; N];
        // SAFETY: fills no more than the array. Up to 256 bytes come whole, or not at all.
        let got = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), N, libc::GRND_NONBLOCK) };
        if usize::try_from(got) != Ok(N) {
            // Early in boot: where the stack lies will do.
            let here = std::ptr::from_ref(&bytes).addr().to_ne_bytes();
            bytes.iter_mut().zip(here.iter().cycle()).for_each(|(to, from)| *to = from ^ 0x5a);
        }
        bytes
    }
}

/// Under Miri the arena is a piece of heap.
#[cfg(miri)]
pub(super) fn map(options: &Options, mut report: Report) -> Mapping {
    let layout = std::alloc::Layout::from_size_align(options.size.max(PAGE), PAGE);
    // SAFETY: the layout's size is not zero.
    let base =
        layout.ok().and_then(|layout| NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) }));
    if base.is_some() {
        report.size = options.size;
    }
    Mapping { base: base.unwrap_or(NonNull::dangling()), key: None, report }
}

/// Under Miri there is no other memory.
#[cfg(miri)]
pub(super) fn shielded(
    _: &Options,
    _: impl Iterator<Item = (usize, usize)>,
    _: &mut Report,
) -> Option<Vec<(NonNull<u8>, usize)>> {
    None
}

#[cfg(miri)]
pub(super) fn random<const N: usize>() -> [u8; N] {
    [0x5a; N]
}
