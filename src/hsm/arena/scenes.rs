//! What must kill or fork a process runs in one of its own: this test binary, started again for
//! the test `child` alone, with the scene's name in the environment.

use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, ExitStatus};

use super::report::Switch;
use super::*;
use crate::health::Health;
use crate::hsm::{Hsm, Keyring};
use crate::model::{KeySpec, ProtectionLevel};

const SCENE: &str = "KMSHSM_ARENA_SCENE";

fn play(scene: &str) -> ExitStatus {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["hsm::arena::scenes::child", "--exact", "--nocapture", "--test-threads=1"])
        .env(SCENE, scene)
        .output()
        .unwrap();
    if output.status.code() != Some(0) && output.status.signal().is_none() {
        eprintln!("{scene}: {}", String::from_utf8_lossy(&output.stdout));
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    }
    output.status
}

#[test]
fn child() {
    match std::env::var(SCENE).as_deref() {
        Ok("guard before") => touch_outside(|arena| arena.base.as_ptr().wrapping_sub(1)),
        Ok("guard behind") => {
            touch_outside(|arena| arena.base.as_ptr().wrapping_add(arena.report().size))
        }
        Ok("stack overflow") => {
            no_core();
            fn deeper(depth: u64) -> u64 {
                let frame = std::hint::black_box([depth; 64]);
                if depth == u64::MAX { 0 } else { deeper(depth + 1) + frame[depth as usize % 64] }
            }
            let sum = secluded(|| Ok(deeper(0)));
            println!("{sum:?}");
        }
        Ok("without gate") => touch_outside(|arena| {
            let bytes = std::mem::ManuallyDrop::new(arena.alloc(1).unwrap());
            assert_eq!(bytes.read(|bytes| Ok(bytes[0])), Ok(0));
            bytes.address()
        }),
        Ok("all in 64") => all_within(64 << 10, Switch::Off),
        Ok("all in little") => all_within(LITTLE, Switch::On),
        Ok("all in 1024") => all_within(1 << 20, Switch::On),
        Ok("all in 8192") => all_within(8 << 20, Switch::On),
        #[cfg(feature = "awslc")]
        Ok("heap full of keys") => full::of_keys(),
        Ok("limit 0") => limited(0, Protection::None),
        Ok("limit 64") => limited(64 << 10, Protection::Secret),
        Ok("limit 64, no secretmem") => limited_with(64 << 10, Protection::Locked, true),
        // SAFETY: the child only uses the arena and exits.
        Ok("fork") => forked(|| unsafe { libc::fork() }),
        Ok("clone") => forked(|| {
            let (flags, none) = (libc::c_long::from(libc::SIGCHLD), 0 as libc::c_long);
            // SAFETY: as for fork; no other thread of this process holds a lock.
            unsafe { libc::syscall(libc::SYS_clone, flags, none, none, none, none) as libc::pid_t }
        }),
        Ok(other) => panic!("no scene {other}"),
        Err(_) => {}
    }
}

/// No core file for a crash that is meant.
fn no_core() {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: reads one struct.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &none) };
}

fn touch_outside(address: fn(&'static Arena) -> *mut u8) {
    no_core();
    let address = address(arena());
    // SAFETY: none: it must crash.
    unsafe { address.write_volatile(1) };
}

/// Gives up root, if it is root, and all but so many bytes of locked memory.
fn restrict(memlock: u64) {
    let limit = libc::rlimit { rlim_cur: memlock, rlim_max: memlock };
    // SAFETY: reads one struct; changes this process only.
    unsafe {
        if libc::setrlimit(libc::RLIMIT_MEMLOCK, &limit) != 0 {
            eprintln!("skipped: the system allows less locked memory than {memlock} bytes");
            std::process::exit(0);
        }
        if libc::geteuid() == 0 {
            assert_eq!(libc::setgid(65534), 0);
            assert_eq!(libc::setuid(65534), 0);
        }
    }
}

/// What one stack and a small arena take.
const LITTLE: u64 = if cfg!(feature = "awslc") { 200 << 10 } else { 400 << 10 };

/// Whatever else does not fit, the arena is locked.
fn all_within(memlock: u64, secret_stack: Switch) {
    restrict(memlock);
    let report = arena().report();
    eprintln!("{report:?}");
    assert!(report.protection >= Protection::Locked && report.locked);
    assert_eq!(report.secret_stack, secret_stack);
    let step = |step| report.reasons.iter().any(|reason| reason.step == step);
    assert_eq!(step("size"), memlock < 8 << 20);
    assert_eq!(secluded(|| Ok(7)), Ok(7));
    let hsm = Hsm::new(Keyring::generate([1; 16]).unwrap(), false, Health::now());
    let admits = |spec| hsm.admit(ProtectionLevel::Hsm, spec).is_ok();
    assert!(admits(KeySpec::Aes256) && admits(KeySpec::EcSm2));
    assert_eq!(admits(KeySpec::Rsa2048), report.provider_heap == Switch::On);
    if memlock == 8 << 20 {
        assert_eq!(report.provider_heap == Switch::On, cfg!(feature = "awslc"));
        assert!(report.size > 4_000_000);
        assert!(!cfg!(feature = "awslc") || report.provider_heap_size > 1_500_000);
    }
}

fn limited(memlock: u64, expected: Protection) {
    limited_with(memlock, expected, false);
}

fn limited_with(memlock: u64, expected: Protection, deny_secret: bool) {
    restrict(memlock);
    let wanted = Options { size: 1 << 20, ..Options::default() };
    let free = Arena::with(Options { deny_secret: true, deny_lock: true, ..wanted });
    let arena = Arena::with(Options { deny_secret, ..wanted });
    let report = arena.report();
    eprintln!("{report:?}");
    let secretmem = report.reasons.iter().all(|reason| reason.step != "memfd_secret");
    let expected = if secretmem { expected } else { expected.min(Protection::Locked) };
    assert_eq!(arena.protection(), expected);
    assert_eq!(free.protection(), Protection::None);
    assert_eq!(free.report().size, (1 << 20) - 2 * slots::PAGE);
    let step = |step| report.reasons.iter().any(|reason| reason.step == step);
    assert_eq!(step("size"), expected > Protection::None);
    assert_eq!(step("mlock"), expected == Protection::None);
    assert_eq!(step("mmap_secret"), secretmem && expected == Protection::None);
    if expected > Protection::None {
        assert_eq!(report.size, (64 << 10) - 2 * slots::PAGE);
    }
    let mut bytes = arena.alloc(5000).unwrap();
    bytes.write(|bytes| Ok(bytes.fill(7))).unwrap();
    assert_eq!(bytes.read(|bytes| Ok(bytes[4999])), Ok(7));
}

fn forked(fork: impl Fn() -> libc::pid_t) {
    let parent = arena();
    let mut bytes = parent.alloc(32).unwrap();
    bytes.write(|bytes| Ok(bytes.fill(9))).unwrap();
    let number = parent.place(|| Ok(5u64)).unwrap();
    let lock = parent.slots(); // as if another thread held it
    let pid = fork();
    if pid == 0 {
        let fine = catch_unwind(AssertUnwindSafe(|| {
            assert_eq!(bytes.read(|_| Ok(())), Err(Error::new(ErrorCode::Forked)));
            assert_eq!(bytes.write(|_| Ok(())), Err(Error::new(ErrorCode::Forked)));
            assert_eq!(number.read(|number| Ok(*number)), Err(Error::new(ErrorCode::Forked)));
            assert!(matches!(parent.alloc(1), Err(Exhausted)));
            let own = arena();
            assert!(!std::ptr::eq(own, parent));
            assert!(std::ptr::eq(own, arena()));
            assert_ne!(own.base, NonNull::dangling());
            assert_eq!(own.protection(), parent.protection());
            assert_eq!((own.report().used, parent.report().used), (0, 0));
            assert_eq!(bytes.read(|_| Ok(())), Err(Error::new(ErrorCode::Forked)));
            let mut fresh = own.alloc(32).unwrap();
            fresh.write(|bytes| Ok(bytes.fill(1))).unwrap();
            drop(bytes);
            drop(number);
            assert_eq!(fresh.read(|bytes| Ok(bytes[31])), Ok(1));
            // A grandchild too gets its own.
            // SAFETY: it only uses the arena and exits.
            match unsafe { libc::fork() } {
                // SAFETY: ends this process.
                0 => unsafe {
                    libc::_exit(i32::from(
                        fresh.read(|_| Ok(())).is_ok() || std::ptr::eq(arena(), own),
                    ))
                },
                grandchild => assert_eq!(wait(grandchild), 0),
            }
            assert!(!own.corrupted());
        }));
        // SAFETY: ends this process.
        unsafe { libc::_exit(i32::from(fine.is_err())) };
    }
    assert_eq!(wait(pid), 0);
    drop(lock);
    assert_eq!(bytes.read(|bytes| Ok(bytes[31])), Ok(9));
    assert!(std::ptr::eq(arena(), parent));
}

fn wait(pid: libc::pid_t) -> libc::c_int {
    let mut status = -1;
    // SAFETY: a child of this process; writes one integer.
    unsafe { libc::waitpid(pid, &mut status, 0) };
    status
}

#[test]
fn guard_pages_fault() {
    assert_eq!(play("guard before").signal(), Some(libc::SIGSEGV));
    assert_eq!(play("guard behind").signal(), Some(libc::SIGSEGV));
    if arena().report().secret_stack == Switch::On {
        assert_eq!(play("stack overflow").signal(), Some(libc::SIGSEGV));
    }
}

#[test]
fn memory_is_closed_without_the_gate() {
    if arena().report().pkey == Switch::Off {
        eprintln!("skipped: no protection keys here");
        return;
    }
    assert_eq!(play("without gate").signal(), Some(libc::SIGSEGV));
}

#[test]
fn smaller_limits_step_down() {
    assert_eq!(play("limit 0").code(), Some(0));
    assert_eq!(play("limit 64").code(), Some(0));
    assert_eq!(play("limit 64, no secretmem").code(), Some(0));
    for scene in ["all in 64", "all in little", "all in 1024", "all in 8192"] {
        assert_eq!(play(scene).code(), Some(0), "{scene}");
    }
}

#[cfg(feature = "awslc")]
#[test]
fn a_full_heap_gives_room_again() {
    assert_eq!(play("heap full of keys").code(), Some(0));
}

#[test]
fn a_forked_child_has_its_own() {
    assert_eq!(play("fork").code(), Some(0));
    #[cfg(target_arch = "x86_64")]
    assert_eq!(play("clone").code(), Some(0));
}
