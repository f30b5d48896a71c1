//! Rules on the program, on memory and on the system.
#![forbid(unsafe_code)]

use super::facts::{Facts, Limit, Program, Status, System};
use super::finding::{Area, Finding, Findings, Level};

/// What a process locks at most unless its arena is larger: 7.7 MiB (SECURITY.md, Secret memory).
const LOCKED: u64 = 8 << 20;
/// An open store has some ten files; this leaves as many for everything else.
const FILES: u64 = 256;
/// A store has up to three threads.
const THREADS: u64 = 64;
/// What a seeded generator reports at least: 256 since Linux 5.18.
const ENTROPY: u64 = 128;
/// No clock is right that is behind the beginning of 2026.
const EPOCH: u64 = 1_767_225_600;

/// Everything that is not about the store.
pub fn findings(facts: &Facts) -> Vec<Finding> {
    let areas =
        [program(&facts.program), memory(&facts.module, &facts.system), system(&facts.system)];
    areas.into_iter().flatten().collect()
}

fn program(program: &Program) -> Vec<Finding> {
    let mut found = Findings::of(Area::Program);
    let Program { version, provider, sqlite, integrity, file, .. } = program;
    let versions = format!("kmshsm {version}, provider {provider}, SQLite {sqlite}.");
    match version.contains("+testing") {
        true => found.found(
            "version",
            Level::Problem,
            format!("{versions} It is a test build, whose self-tests can be broken."),
            "cargo build --release --bin kmshsm",
        ),
        false => found.ok("version", versions),
    }
    match integrity.as_str() {
        "passed" => found.ok("integrity", format!("{file} is as it was installed.")),
        "failed" => found.found(
            "integrity",
            Level::Problem,
            format!("{file} is not what its .hmac says: one of the two has been changed."),
            "Install it again.",
        ),
        _ => found.found(
            "integrity",
            Level::Note,
            format!("Nothing says what {file} should be: there is no .hmac beside it."),
            "make install, which writes it",
        ),
    }
    match program.failed_tests.as_slice() {
        [] => found.ok("self-tests", "Every self-test passed."),
        failed => found.found(
            "self-tests",
            Level::Problem,
            format!("Self-tests failed: {}.", failed.join(", ")),
            "kmshsm self-test; then install it again, or look after the machine",
        ),
    }
    found.list
}

fn memory(module: &Result<Status, String>, system: &System) -> Vec<Finding> {
    let mut found = Findings::of(Area::Memory);
    match module {
        Ok(status) => protection(status, &mut found),
        Err(why) => found.found(
            "protection",
            Level::Problem,
            format!("Not even a store in memory opens: {why}"),
            "kmshsm self-test",
        ),
    }
    let is_secret = module.as_ref().is_ok_and(|status| status.memory.protection == "secret");
    locked_memory(module, system, &mut found);
    core_dumps(system, &mut found);
    swap(system, &mut found);
    match system.ptrace_scope {
        Some(0) => found.found(
            "ptrace",
            if is_secret { Level::Note } else { Level::Warning },
            "Every program of this user may look into this one (ptrace_scope is 0).",
            "sudo sysctl -w kernel.yama.ptrace_scope=1",
        ),
        Some(scope) => found.ok(
            "ptrace",
            format!(
                "Programs of this user may not look into each other (ptrace_scope is {scope})."
            ),
        ),
        None => found.found(
            "ptrace",
            Level::Note,
            "The kernel has no Yama, so programs of this user may look into each other.",
            "Run what has nothing to do with keys as another user.",
        ),
    }
    found.list
}

fn protection(status: &Status, found: &mut Findings) {
    let memory = &status.memory;
    let kib = memory.size >> 10;
    match memory.protection.as_str() {
        "secret" => found.ok(
            "protection",
            format!(
                "Keys are in {kib} KiB of memory that the kernel has taken out of its own map."
            ),
        ),
        "locked" => found.ok("protection", format!("Keys are in {kib} KiB of locked memory.")),
        _ => found.found(
            "protection",
            Level::Problem,
            "Memory for keys cannot be locked: keys at level HSM are refused.",
            raise(),
        ),
    }
    for reason in &memory.reasons {
        let level = match reason.step.as_str() {
            // Keys are then in fewer places that are locked; see SECURITY.md.
            "mlock" | "size" | "secret_stack" | "provider_heap" => Level::Warning,
            _ => Level::Note,
        };
        let what = format!("A protection is missing: {} ({}).", reason.step, reason.errno);
        found.found("protections", level, what, reason.hint.as_str());
    }
    if memory.reasons.is_empty() {
        found.ok("protections", "Every protection of memory that the library knows is on.");
    }
}

fn raise() -> String {
    format!("ulimit -l {}; in a unit of systemd: LimitMEMLOCK=8M", LOCKED >> 10)
}

fn locked_memory(module: &Result<Status, String>, system: &System, found: &mut Findings) {
    let has_all = module.as_ref().is_ok_and(|status| {
        let memory = &status.memory;
        memory.protection != "none"
            && memory.reasons.iter().all(|reason| !reason.hint.contains("MEMLOCK"))
    });
    match system.locked_memory {
        None => {}
        Some(Limit::Of(bytes)) if bytes < LOCKED && has_all => found.ok(
            "memlock",
            format!("RLIMIT_MEMLOCK is {} KiB, and does not hold for this process.", bytes >> 10),
        ),
        Some(Limit::Of(bytes)) if bytes < LOCKED => found.found(
            "memlock",
            Level::Warning,
            format!(
                "RLIMIT_MEMLOCK is {} KiB; keys, stacks and heap take up to {} KiB.",
                bytes >> 10,
                LOCKED >> 10
            ),
            raise(),
        ),
        Some(limit) => found.ok("memlock", format!("RLIMIT_MEMLOCK is enough: {}.", in_kib(limit))),
    }
}

fn in_kib(limit: Limit) -> String {
    match limit {
        Limit::Of(bytes) => format!("{} KiB", bytes >> 10),
        Limit::Unlimited => "unlimited".to_owned(),
    }
}

fn core_dumps(system: &System, found: &mut Findings) {
    match system.core {
        None => {}
        Some(Limit::Of(0)) => found.ok("core", "There are no core dumps."),
        Some(_) => found.found(
            "core",
            Level::Note,
            "There are core dumps: without keys, but with passphrases and plaintexts of programs.",
            "ulimit -c 0; in a unit of systemd: LimitCORE=0",
        ),
    }
}

fn swap(system: &System, found: &mut Findings) {
    let Some(swaps) = &system.swaps else { return };
    let on_disk: Vec<_> = swaps.iter().filter(|swap| !swap.starts_with("/dev/zram")).collect();
    match on_disk.first() {
        None => found.ok("swap", "Nothing is swapped to a disk."),
        Some(device) => found.found(
            "swap",
            Level::Note,
            format!("Memory that is not locked is swapped to {device}: plaintexts, not keys."),
            format!("sudo swapoff {device}, or encrypt it (crypttab: swap)"),
        ),
    }
}

fn system(system: &System) -> Vec<Finding> {
    let mut found = Findings::of(Area::System);
    if let Some(kernel) = &system.kernel {
        found.ok("kernel", format!("Linux {kernel}."));
    }
    let mut enough = |check, what: &str, limit: Option<Limit>, least: u64, raise: &str| match limit
    {
        Some(Limit::Of(most)) if most < least => found.found(
            check,
            Level::Warning,
            format!("This process may have {most} {what} only."),
            raise,
        ),
        Some(_) => found.ok(check, format!("This process may have enough {what}.")),
        None => {}
    };
    enough("files", "open files", system.files, FILES, "ulimit -n 1024");
    enough("threads", "processes and threads", system.threads, THREADS, "ulimit -u 1024");
    match system.entropy {
        Some(bits) if bits < ENTROPY => found.found(
            "entropy",
            Level::Warning,
            format!("The kernel's generator has {bits} bits: stores wait until it has more."),
            "In a virtual machine: add a virtio-rng device.",
        ),
        Some(_) => found.ok("entropy", "The kernel's random generator is seeded."),
        None => {}
    }
    match system.now < EPOCH {
        true => found.found(
            "clock",
            Level::Problem,
            "The clock is years behind: rotation, expiry and deletion depend on it.",
            "sudo timedatectl set-ntp true",
        ),
        false => found.ok("clock", "The clock is not behind this release."),
    }
    found.list
}
