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
}

/// Rooms that are open to every thread of the process: where each begins, and how long it is.
pub(super) type Rooms = Vec<(NonNull<u8>, usize)>;

/// All that is mapped for a process.
pub(super) struct Mapped {
    pub(super) arena: Mapping,
    pub(super) stacks: Option<Rooms>,
    pub(super) heap: Option<Rooms>,
}

#[cfg(not(miri))]
pub(super) use system::{map, random};

#[cfg(not(miri))]
mod system {
    use std::io;

    use super::super::region::Region;
    use super::super::report::{Kind, Protection, Switch};
    use super::super::{heap, stack};
    use super::*;

    /// The smallest arena worth having, guard pages included.
    const LEAST: usize = 32 << 10;
    /// An arena of this size does not make way for a stack: keys at level HSM depend on it alone.
    const MODEST: usize = 64 << 10;

    type Found = Option<(Kind, Region)>;

    /// Maps the arena, stacks and a heap: the strongest kind at the largest sizes that work together.
    pub(in super::super) fn map(options: &Options, report: &mut Report) -> Mapped {
        let (arena, stacks, heap) = find(options, report);
        let stacks = stacks.and_then(|(kind, region)| shield(kind, region, options, report));
        let heap = heap.and_then(|(kind, region)| shield(kind, region, options, report));
        let arena = arena.or_else(|| match Region::new(Kind::Plain, options.size, 1) {
            Ok(region) => Some((Kind::Plain, region)),
            Err((step, error)) => {
                report.note(step, Err(error));
                None
            }
        });
        let arena = match arena {
            Some((kind, region)) => finish(kind, region, options, report),
            None => Mapping { base: NonNull::dangling(), key: None },
        };
        Mapped { arena, stacks, heap }
    }

    /// Memory that is locked at least. The arena is halved until a stack fits beside it.
    fn find(options: &Options, report: &mut Report) -> (Found, Found, Found) {
        let mut size = options.size;
        loop {
            let sizes = halves(size).take_while(|size| *size >= LEAST.min(options.size));
            let Some(arena) = strongest(options, sizes.map(|size| (size, 1)), report) else {
                return (None, None, None);
            };
            let counts = halves(options.stacks).take_while(|count| *count > 0);
            let stacks = strongest(options, counts.map(stack::wanted), report);
            let total = arena.1.total();
            if stacks.is_none() && options.stacks > 0 && total > MODEST {
                size = total / 2;
                continue;
            }
            let sizes = halves(options.heap).take_while(|size| *size >= heap::LEAST);
            let heap = strongest(options, sizes.map(|size| (size, 1)), report);
            return (Some(arena), stacks, heap);
        }
    }

    fn halves(of: usize) -> impl Iterator<Item = usize> + Clone {
        std::iter::successors(Some(of), |size| Some(size / 2))
    }

    /// Everything that comes on top of the arena's memory itself, in the order that sealing allows.
    fn finish(kind: Kind, region: Region, options: &Options, report: &mut Report) -> Mapping {
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
        report.guard_pages = region.guard(report);
        report.dump_excluded = region.exclude_from_dumps(kind, report);
        report.fork = region.exclude_from_forks(kind, report);
        let key = if options.deny_key { Err(denied()) } else { Key::get() };
        let key = region.lock_with(key, report);
        report.pkey = key.is_some().into();
        let sealed = if options.deny_seal { Err(denied()) } else { region.seal() };
        report.mseal = report.note("mseal", sealed).into();
        let base = NonNull::new(region.room(0)).unwrap_or(NonNull::dangling());
        region.keep();
        Mapping { base, key }
    }

    /// Rooms for good, unless they cannot be guarded.
    fn shield(kind: Kind, region: Region, options: &Options, report: &mut Report) -> Option<Rooms> {
        if region.guard(report) == Switch::Off {
            return None;
        }
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

    /// The strongest kind at the first of the wanted sizes, in bytes and rooms, that works.
    fn strongest(
        options: &Options,
        wanted: impl Iterator<Item = (usize, usize)> + Clone,
        report: &mut Report,
    ) -> Found {
        wanted.clone().next()?;
        for (kind, step, is_denied) in [
            (Kind::MemfdSecret, "memfd_secret", options.deny_secret),
            (Kind::Mlock, "mlock", options.deny_lock),
        ] {
            if is_denied {
                report.note(step, Err(denied()));
                continue;
            }
            let mut refusals = Vec::new();
            for (total, rooms) in wanted.clone() {
                match Region::new(kind, total, rooms) {
                    Ok(region) => return Some((kind, region)),
                    Err(refusal) => refusals.push(refusal),
                };
            }
            // One that did for something smaller is no reason for anything.
            for (step, error) in refusals {
                report.note(step, Err(error));
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

/// Under Miri the arena is a piece of heap, and there is nothing else.
#[cfg(miri)]
pub(super) fn map(options: &Options, report: &mut Report) -> Mapped {
    let layout = std::alloc::Layout::from_size_align(options.size.max(PAGE), PAGE);
    // SAFETY: the layout's size is not zero.
    let base =
        layout.ok().and_then(|layout| NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) }));
    if base.is_some() {
        report.size = options.size;
    }
    let arena = Mapping { base: base.unwrap_or(NonNull::dangling()), key: None };
    Mapped { arena, stacks: None, heap: None }
}

#[cfg(miri)]
pub(super) fn random<const N: usize>() -> [u8; N] {
    [0x5a; N]
}
