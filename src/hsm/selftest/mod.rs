//! The self-tests, run before the module is first used, after it has failed, and on demand.

mod integrity;

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use crate::crypto::drbg::SEED_LEN;
use crate::crypto::selftest::{Kind, PAIR_TESTS, TESTS, Test};
use crate::error::Result;
use crate::health::{self, Health};
use crate::hsm::arena::secluded_at_length;
use crate::hsm::rng;

pub use integrity::Integrity;

/// What the self-tests found.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub struct Report {
    /// Whether nothing failed.
    pub passed: bool,
    /// The tests, in their order.
    pub tests: Vec<Outcome>,
    /// Whether the library's file is the one that was installed.
    pub integrity: Integrity,
}

/// How one test ended.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub struct Outcome {
    /// What it tests.
    pub name: &'static str,
    /// `known answer`; `pairwise`, which fresh key pairs undergo too; `continuous`, which every
    /// seed undergoes too.
    pub kind: &'static str,
    /// `passed` or `failed`.
    pub result: &'static str,
}

impl Outcome {
    fn of(test: &Test) -> Self {
        let kind = match test.kind {
            Kind::KnownAnswer => "known answer",
            Kind::Pairwise => "pairwise",
            Kind::Continuous => "continuous",
        };
        Self { name: test.name, kind, result: if test.passes() { "passed" } else { "failed" } }
    }
}

/// The continuous test, tried on seeds that it must take and refuse.
static CONTINUOUS: [Test; 1] = [Test::new("entropy", Kind::Continuous, |flaw| {
    let good: [u8; SEED_LEN] = std::array::from_fn(|i| if flaw == 0 { i as u8 } else { 0 });
    let digest = rng::examine(&good, None)?;
    let stuck = rng::examine(&[0x5a; SEED_LEN], None);
    Ok(stuck.is_err() && rng::examine(&good, Some(&digest)).is_err())
})];

/// What every store needs.
static EARLY: [&[Test]; 2] = [&TESTS, &CONTINUOUS];
/// What key pairs need besides.
static LATE: [&[Test]; 1] = [&PAIR_TESTS];
static ALL: [&[Test]; 3] = [&TESTS, &CONTINUOUS, &PAIR_TESTS];

/// The module's health, once it has passed its tests: at the first call in a process all but those
/// of key pairs, at the first after each failure all of them. What fails then is
/// [`ErrorCode::ErrorState`](crate::error::ErrorCode::ErrorState).
pub fn ready() -> Result<Health> {
    static PASSED: AtomicU64 = AtomicU64::new(0);
    once(&PASSED, if Health::now().number() == 0 { &EARLY } else { &ALL })
}

/// The same for key pairs, before their first use.
pub fn ready_for_pairs() -> Result<()> {
    static PASSED: AtomicU64 = AtomicU64::new(0);
    once(&PASSED, &LATE).map(drop)
}

/// Runs the tests unless the module has passed them and not failed since; `passed` is the count of
/// failures at that moment, and one more.
///
/// Threads that come at once may each run them: that costs less than a lock which a fork could leave
/// held. A child has what its parent passed.
fn once(passed: &AtomicU64, tests: &[&[Test]]) -> Result<Health> {
    let health = Health::now();
    if passed.load(Ordering::Acquire) != health.number() + 1 {
        judge(&examine(tests))?;
        passed.store(health.number() + 1, Ordering::Release);
    }
    Ok(health)
}

/// Runs every test. What fails is in the report and puts the module into its error state.
pub fn run() -> Report {
    let report = examine(&ALL);
    // The report says more than the error.
    let _ = judge(&report);
    report
}

/// The one place that runs tests.
fn examine(tests: &[&[Test]]) -> Report {
    let all = tests.iter().copied().flatten();
    let tests: Result<Vec<_>> = secluded_at_length(|| Ok(all.map(Outcome::of).collect()));
    let integrity = Integrity::of_this_library();
    let passed = tests.as_ref().is_ok_and(|tests| {
        let results = tests.iter().map(|test| test.result);
        !results.chain([integrity.result]).any(is_failure)
    });
    Report { passed, tests: tests.unwrap_or_default(), integrity }
}

/// Fails the module if the report says so, naming the first test that failed.
fn judge(report: &Report) -> Result<()> {
    if report.passed {
        return Ok(());
    }
    let failed = report.tests.iter().find(|test| is_failure(test.result));
    Err(health::failed(match (failed, &report.integrity.file) {
        (Some(test), _) => format!("The self-test {} failed.", test.name),
        (None, Some(file)) if is_failure(report.integrity.result) => {
            format!("The self-test integrity failed: {file} is not what was installed.")
        }
        (None, _) => "A self-test could not be run.".to_owned(),
    }))
}

fn is_failure(result: &str) -> bool {
    result == "failed"
}
