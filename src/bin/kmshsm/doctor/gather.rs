//! Gathers the facts on the program and the system, from the library and from /proc.
#![forbid(unsafe_code)]

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use kmshsm::health::VERSION;
use kmshsm::kms::{Kms, Options, self_test};
use kmshsm::model::{Clock, SystemClock};

use super::facts::{Limit, Program, Status, System};

/// What is known of the program.
pub fn program() -> Program {
    let report = self_test();
    let failed = report.tests.iter().filter(|test| test.result == "failed");
    Program {
        version: VERSION.to_owned(),
        provider: if cfg!(feature = "awslc") { "AWS-LC" } else { "RustCrypto" },
        sqlite: rusqlite::version(),
        failed_tests: failed.map(|test| test.name.to_owned()).collect(),
        integrity: report.integrity.result.to_owned(),
        file: report.integrity.file.unwrap_or_else(|| "the program".to_owned()),
    }
}

/// What a store in memory says, which is gone again: memory is the same for all stores of a process.
pub fn module() -> Result<Status, String> {
    let kms = Kms::in_memory(Options::default()).map_err(|error| error.to_string())?;
    status(&kms).ok_or_else(|| "its status cannot be read".to_owned())
}

/// The status of a store, by the names of its JSON.
pub fn status(kms: &Kms) -> Option<Status> {
    serde_json::from_value(serde_json::to_value(kms.status()).ok()?).ok()
}

/// What /proc says of the system.
pub fn system() -> System {
    let limits = read("/proc/self/limits").unwrap_or_default();
    let limit = |name| limit(&limits, name);
    System {
        kernel: read("/proc/sys/kernel/osrelease"),
        locked_memory: limit("Max locked memory"),
        core: limit("Max core file size"),
        files: limit("Max open files"),
        threads: limit("Max processes"),
        swaps: read("/proc/swaps").map(|table| swaps(&table)),
        ptrace_scope: number("/proc/sys/kernel/yama/ptrace_scope"),
        entropy: number("/proc/sys/kernel/random/entropy_avail"),
        now: SystemClock.now().0,
    }
}

/// Seconds since 1970; 0 before.
pub fn seconds(moment: SystemTime) -> u64 {
    moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim_end().to_owned())
}

fn number<N: std::str::FromStr>(path: &str) -> Option<N> {
    read(path)?.parse().ok()
}

/// A line of proc_pid_limits(5): name, soft limit, hard limit, unit.
fn limit(table: &str, name: &str) -> Option<Limit> {
    let line = table.lines().find_map(|line| line.strip_prefix(name))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(Limit::Unlimited),
        number => number.parse().ok().map(Limit::Of),
    }
}

/// The first words of the lines of /proc/swaps below its heading.
fn swaps(table: &str) -> Vec<String> {
    let lines = table.lines().skip(1);
    lines.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: &str = "\
Limit                     Soft Limit           Hard Limit           Units
Max core file size        0                    unlimited            bytes
Max open files            1024                 4096                 files
Max locked memory         unlimited            unlimited            bytes";

    #[test]
    fn limits_are_read() {
        assert_eq!(limit(LIMITS, "Max core file size"), Some(Limit::Of(0)));
        assert_eq!(limit(LIMITS, "Max open files"), Some(Limit::Of(1024)));
        assert_eq!(limit(LIMITS, "Max locked memory"), Some(Limit::Unlimited));
        assert_eq!(limit(LIMITS, "Max processes"), None);
    }

    #[test]
    fn swaps_are_read() {
        let table =
            "Filename  Type  Size  Used  Priority\n/dev/zram0 partition 1 0 100\n/swap file 1 0 -2";
        assert_eq!(swaps(table), ["/dev/zram0", "/swap"]);
        assert!(swaps("Filename  Type  Size  Used  Priority").is_empty());
    }

    #[test]
    fn this_system_is_known() {
        let system = system();
        assert!(system.kernel.is_some() && system.locked_memory.is_some());
        assert!(system.files > Some(Limit::Of(3)) && system.now > 1_700_000_000);
    }
}
