use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use super::report::{ForkPolicy, Kind, Switch};
use super::*;

fn small() -> &'static Arena {
    Arena::with(Options { size: 32 << 10, ..Options::default() })
}

#[test]
fn secrets_come_zeroed_and_leave_wiped() {
    let arena = small();
    for len in [0, 1, 32, 48, 49, 4080, 4081, 9000] {
        let mut bytes = arena.alloc(len).unwrap();
        assert_eq!(bytes.len(), len);
        assert!(bytes.read(|bytes| Ok(bytes.iter().all(|byte| *byte == 0))).unwrap());
        bytes.write(|bytes| Ok(bytes.fill(0xcd))).unwrap();
        assert!(
            bytes
                .read(|bytes| Ok(bytes.len() == len && bytes.iter().all(|byte| *byte == 0xcd)))
                .unwrap()
        );
        let address = bytes.address();
        assert_eq!(address as usize % slots::ALIGN, 0);
        drop(bytes);
        let gate = arena.enter().unwrap();
        // SAFETY: still mapped, and nobody else uses this arena.
        let left = unsafe { std::slice::from_raw_parts(address, len + CANARY) };
        assert!(left.iter().all(|byte| *byte == 0));
        drop(gate);
        assert_eq!(arena.report().used, 0);
    }
    assert!(!arena.corrupted());
}

#[test]
fn an_overrun_is_noticed() {
    for past in [0, CANARY - 1] {
        let arena = small();
        let bytes = arena.alloc(20).unwrap();
        bytes
            .read(|bytes| {
                let behind = bytes.as_ptr().cast_mut().wrapping_add(20 + past);
                // SAFETY: within the arena; the damage is the point.
                unsafe { behind.write_volatile(behind.read_volatile() ^ 1) };
                Ok(())
            })
            .unwrap();
        assert!(!arena.corrupted());
        drop(bytes);
        assert!(arena.corrupted());
    }
}

#[test]
fn exhaustion_passes() {
    let arena = small();
    let mut held = Vec::new();
    while let Ok(bytes) = arena.alloc(1000) {
        held.push(bytes);
    }
    assert_eq!(held.len(), 6 * 4); // two of the eight pages are guards
    assert_eq!(arena.report().used, arena.report().size);
    let mut called = false;
    assert!(matches!(
        arena.place(|| {
            called = true;
            Ok(0u8)
        }),
        Err(error) if error.code() == ErrorCode::MemoryExhausted
    ));
    assert!(!called);
    assert_eq!(Error::from(Exhausted).code(), ErrorCode::MemoryExhausted);
    held.pop();
    assert!(arena.alloc(1000).is_ok());
    held.clear();
    assert!(arena.alloc(6 * slots::PAGE - CANARY).is_ok());
    assert!(matches!(arena.alloc(6 * slots::PAGE), Err(Exhausted)));
    assert!(matches!(arena.alloc(usize::MAX), Err(Exhausted)));
}

#[test]
fn a_value_is_dropped_in_place() {
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    #[repr(align(64))]
    struct Value([u8; 100]);
    impl Drop for Value {
        fn drop(&mut self) {
            assert!(self.0[99] == 8, "wiped too early");
            DROPS.fetch_add(1, Ordering::Relaxed);
        }
    }
    let arena = small();
    let mut value = arena.place(|| Ok(Value([7; 100]))).unwrap();
    value.write(|value| Ok(value.0[99] += 1)).unwrap();
    assert_eq!(value.read(|value| Ok((value.0[0], value.0[99]))), Ok((7, 8)));
    assert_eq!(value.read(|value| Ok(std::ptr::from_ref(value) as usize % 64)), Ok(0));
    drop(value);
    assert_eq!((DROPS.load(Ordering::Relaxed), arena.report().used), (1, 0));
    let refused = arena.place(|| Err::<u8, _>(Error::new(ErrorCode::ErrorState)));
    assert!(matches!(refused, Err(error) if error.code() == ErrorCode::ErrorState));
    assert!(arena.place(|| Ok(())).is_ok());
    assert_eq!(arena.report().used, 0);
}

#[test]
fn the_gate_closes_behind_everyone() {
    let arena = arena();
    let closed = || arena.key.is_none_or(gate::is_closed);
    let mut bytes = arena.alloc(4).unwrap();
    let other = arena.alloc(4).unwrap();
    bytes
        .write(|bytes| {
            other.read(|other| Ok(bytes[0] = other[0] + 1)).unwrap();
            bytes[1] = 2; // the nested gate left this one open
            let unwound =
                catch_unwind(AssertUnwindSafe(|| other.read::<()>(|_| panic!("on purpose"))));
            assert!(unwound.is_err());
            bytes[2] = 3;
            Ok(())
        })
        .unwrap();
    assert!(closed());
    assert!(catch_unwind(AssertUnwindSafe(|| bytes.read::<()>(|_| panic!("on purpose")))).is_err());
    assert!(closed());
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(bytes.read(|bytes| Ok(bytes[1])), Ok(2)));
        scope.spawn(|| {
            if let Some(key) = arena.key {
                gate::force_open(key);
            }
            assert_eq!(bytes.read(|bytes| Ok(bytes[2])), Ok(3));
            assert!(closed());
        });
        // A thread born while the gate is open inherits it open.
        other
            .read(|_| {
                scope
                    .spawn(|| {
                        assert_eq!(bytes.read(|bytes| Ok(bytes[0])), Ok(1));
                        assert!(closed());
                    })
                    .join()
                    .unwrap();
                Ok(())
            })
            .unwrap();
    });
    assert!(closed());
}

#[test]
fn a_signal_handler_may_read_within_a_read() {
    static INNER: AtomicPtr<SecretBytes> = AtomicPtr::new(std::ptr::null_mut());
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn handler(_signal: libc::c_int) {
        // SAFETY: set below to a box that is never freed.
        let inner = unsafe { INNER.load(Ordering::Relaxed).as_ref() };
        let seen = inner.map(|inner| inner.read(|bytes| Ok(usize::from(bytes[0]))));
        SEEN.store(seen.and_then(Result::ok).unwrap_or(0), Ordering::Relaxed);
    }
    let mut inner = arena().alloc(1).unwrap();
    inner.write(|bytes| Ok(bytes[0] = 6)).unwrap();
    INNER.store(Box::leak(Box::new(inner)), Ordering::Relaxed);
    let outer = arena().alloc(1).unwrap();
    let read = outer.read(|bytes| {
        // SAFETY: the handler touches atomics and the arena's read path only.
        unsafe {
            libc::signal(libc::SIGUSR1, handler as extern "C" fn(libc::c_int) as usize);
            libc::raise(libc::SIGUSR1);
        }
        Ok(std::hint::black_box(bytes)[0])
    });
    assert_eq!((read, SEEN.load(Ordering::Relaxed)), (Ok(0), 6));
    assert!(arena().key.is_none_or(gate::is_closed));
}

#[test]
fn each_fallback_works_and_says_why() {
    let base = Options { size: 64 << 10, ..Options::default() };
    for bits in 0..16 {
        let deny = |bit: u8| bits >> bit & 1 == 1;
        let options = Options {
            deny_secret: deny(0),
            deny_lock: deny(1),
            deny_key: deny(2),
            deny_seal: deny(3),
            ..base
        };
        let arena = Arena::with(options);
        let report = arena.report();
        let noted = |step| report.reasons.iter().any(|reason| reason.step == step);
        assert_eq!(
            report.arena == Kind::MemfdSecret,
            !noted("memfd_secret") && !noted("mmap_secret"),
            "{report:?}"
        );
        assert_eq!(report.protection == Protection::None, noted("mlock"));
        assert_eq!(report.locked, report.protection >= Protection::Locked);
        assert_eq!(report.pkey == Switch::Off, noted("pkey"));
        assert_eq!(report.mseal == Switch::Off, noted("mseal"));
        assert!(!options.deny_secret || noted("memfd_secret"));
        assert!(!options.deny_key || noted("pkey"));
        assert!(!options.deny_seal || noted("mseal"));
        assert!(report.dump_excluded && report.guard_pages == Switch::On);
        assert_eq!(report.fork, ForkPolicy::Dontfork);
        let all = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: at most, the page becomes what it already is, but for the key.
        let changed = unsafe { libc::mprotect(arena.base.as_ptr().cast(), slots::PAGE, all) };
        assert_eq!(changed == 0, report.mseal == Switch::Off);
        assert!(report.reasons.iter().all(|reason| !reason.hint.is_empty()));
        let mut bytes = arena.alloc(100).unwrap();
        bytes.write(|bytes| Ok(bytes.fill(3))).unwrap();
        assert_eq!(bytes.read(|bytes| Ok(bytes[99])), Ok(3));
    }
    let json = serde_json::to_value(
        Arena::with(Options { deny_seal: true, deny_secret: true, ..base }).report(),
    )
    .unwrap();
    assert_eq!(json["mseal"], "off");
    assert_eq!(json["fork"], "dontfork");
    assert_eq!(json["reasons"][0]["step"], "memfd_secret");
    assert_eq!(json["reasons"][0]["errno"], "EPERM");
}

#[test]
fn secret_memory_is_out_of_reach_of_proc() {
    use std::os::unix::fs::FileExt;
    let arena = arena();
    let bytes = arena.alloc(32).unwrap();
    let mut copy = [0u8; 32];
    let mine = libc::iovec { iov_base: copy.as_mut_ptr().cast(), iov_len: 32 };
    let theirs = |address: *mut u8| libc::iovec { iov_base: address.cast(), iov_len: 32 };
    let read = |address| {
        let theirs = theirs(address);
        // SAFETY: writes at most 32 bytes to `copy`.
        unsafe { libc::process_vm_readv(libc::getpid(), &mine, 1, &theirs, 1, 0) }
    };
    let mut ordinary = [1u8; 32];
    if read(ordinary.as_mut_ptr()) != 32 || arena.protection() != Protection::Secret {
        eprintln!("skipped: {:?}", arena.report());
        return;
    }
    assert_eq!(read(bytes.address()), -1);
    let memory = std::fs::File::open("/proc/self/mem").unwrap();
    let mut buffer = [0; 32];
    assert!(memory.read_at(&mut buffer, ordinary.as_ptr() as u64).is_ok());
    assert!(memory.read_at(&mut buffer, bytes.address() as u64).is_err());
}

#[test]
fn many_threads_share_it() {
    let arena = Arena::with(Options { size: 256 << 10, ..Options::default() });
    std::thread::scope(|scope| {
        for thread in 0..4u8 {
            scope.spawn(move || {
                for round in 0..500usize {
                    let mut bytes = arena.alloc(round * 7 % 5000).unwrap();
                    bytes.write(|bytes| Ok(bytes.fill(thread))).unwrap();
                    assert!(
                        bytes.read(|bytes| Ok(bytes.iter().all(|byte| *byte == thread))).unwrap()
                    );
                }
            });
        }
    });
    assert!(!arena.corrupted());
    assert_eq!(arena.report().used, 0);
}
