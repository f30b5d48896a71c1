//! Where a run took place.

use std::fs;

use serde_json::{Value, json};

/// The line that begins the results.
pub fn describe() -> Value {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpus = text("/proc/cpuinfo");
    let field = |name: &str| {
        let line = cpus.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':')).map_or("", |(_, value)| value.trim())
    };
    let has = field("flags");
    let features = FEATURES.into_iter().filter(|feature| has.split(' ').any(|it| it == *feature));
    let system = text("/etc/os-release");
    let system = system.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let load = text("/proc/loadavg");
    let load = load.split(' ').take(3).filter_map(|part| part.parse::<f64>().ok());
    json!({
        "kind": "machine",
        "harness": "rust",
        "date": time::OffsetDateTime::now_utc().date().to_string(),
        "cpu": field("model name"),
        "cores": std::thread::available_parallelism().map_or(1, usize::from),
        "kernel": format!("Linux {}", text("/proc/sys/kernel/osrelease").trim()),
        "system": system.unwrap_or_default().trim_matches('"'),
        "features": features.collect::<Vec<_>>(),
        "library": env!("CARGO_PKG_VERSION"),
        "load": load.collect::<Vec<_>>(),
    })
}

/// Crates and the versions that are measured of them.
pub fn locked(crates: &[&str]) -> String {
    let lock = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock"));
    let version = |name: &&str| {
        let (_, rest) = lock.split_once(&format!("name = \"{name}\"\nversion = \"")).unwrap();
        format!("{name} {}", rest.split('"').next().unwrap())
    };
    crates.iter().map(version).collect::<Vec<_>>().join(", ")
}

/// What of a CPU chooses paths here, by the kernel's names.
const FEATURES: [&str; 14] = [
    "aes",
    "pclmulqdq",
    "avx2",
    "avx512f",
    "avx512bw",
    "avx512vbmi",
    "avx512ifma",
    "gfni",
    "vaes",
    "vpclmulqdq",
    "bmi2",
    "adx",
    "sha_ni",
    "rdrand",
];
