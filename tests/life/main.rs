//! Random sequences of all calls that concern a key's life, against a small model that is written
//! from the API reference alone. A sequence that fails is shortened and printed as JSON calls.
//!
//! `PROPTEST_CASES` sequences (10000), in blocks with a seed each, the first one `PROPTEST_RNG_SEED`.
#![allow(missing_docs)]

mod call;
mod commands;
mod dice;
mod importing;
mod lists;
mod model;
mod names;
#[path = "../conformance/outside.rs"]
mod outside;
mod tagging;
mod using;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

use commands::{Command, sequences};

/// How many sequences a seed is good for.
const BLOCK: u64 = 100;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn the_life_of_keys_is_as_the_model_says() {
    let cases = setting("PROPTEST_CASES", 10_000);
    let first = setting("PROPTEST_RNG_SEED", 5);
    let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let report = Mutex::new(None);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while !failed.load(Ordering::Relaxed) {
                    let block = next.fetch_add(1, Ordering::Relaxed);
                    let Some(left) = cases.checked_sub(block * BLOCK).filter(|left| *left > 0)
                    else {
                        break;
                    };
                    // Far from those of neighbouring seeds.
                    let seed = first.wrapping_add(block.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                    if let Err(failure) = run_block(seed, left.min(BLOCK)) {
                        failed.store(true, Ordering::Relaxed);
                        report.lock().unwrap().get_or_insert((seed, failure));
                    }
                }
            });
        }
    });
    if let Some((seed, failure)) = report.into_inner().unwrap() {
        panic!("{failure}\nagain: PROPTEST_RNG_SEED={seed} PROPTEST_CASES={BLOCK}");
    }
    println!("{cases} sequences from seed {first}");
}

fn run_block(seed: u64, cases: u64) -> Result<(), String> {
    let config = Config {
        cases: cases as u32,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    let outcome = TestRunner::new(config)
        .run(&sequences(), |commands| world::run(&commands, None).map_err(TestCaseError::fail));
    match outcome {
        Ok(()) => Ok(()),
        Err(TestError::Fail(_, commands)) => Err(explain(&commands)),
        Err(TestError::Abort(reason)) => Err(reason.to_string()),
    }
}

/// The calls of a sequence and where it fails.
fn explain(commands: &[Command]) -> String {
    let mut log = Vec::new();
    let outcome = catch_unwind(AssertUnwindSafe(|| world::run(commands, Some(&mut log))));
    let failure = match outcome {
        Ok(Ok(())) => "it did not fail again".to_owned(),
        Ok(Err(difference)) => difference,
        Err(_) => "it panicked".to_owned(),
    };
    format!("{}\n{failure}", log.join(",\n"))
}
