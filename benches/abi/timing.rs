//! How contestants are timed.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

pub const ROUNDS: usize = 15;
const ROUND_NS: u64 = 20_000_000;

/// A contestant: its name and one operation.
pub type Contestant = (&'static str, Box<dyn FnMut()>);

/// Times the contestants in turn and prints each against the first.
pub fn group(name: &str, contestants: &mut [Contestant]) {
    let runs: Vec<u64> = contestants.iter_mut().map(|(_, run)| calibrate(run)).collect();
    let mut times = vec![Vec::new(); contestants.len()];
    for round in 0..ROUNDS {
        for turn in 0..contestants.len() {
            let at = (round + turn) % contestants.len();
            let start = thread_ns();
            for _ in 0..runs[at] {
                contestants[at].1();
            }
            times[at].push((thread_ns() - start) as f64 / runs[at] as f64);
        }
    }
    let medians: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
    println!("{name}");
    for ((label, _), time) in contestants.iter().zip(&medians) {
        println!("  {label:<42} {time:>9.0} ns   {:.3} of the first", medians[0] / time);
    }
}

/// Times each contestant on one thread and on two in turn, every thread with one of its own making,
/// and prints how many times the work of one two do: by the clock on the wall, and by the processor
/// time of a call, which a busy machine does not spoil.
pub fn scaling(name: &str, contestants: &[&(dyn Fn() -> Contestant + Sync)]) {
    let runs: Vec<u64> = contestants.iter().map(|make| calibrate(&mut make().1) / 4).collect();
    let mut rounds = vec![[const { (Vec::new(), Vec::new()) }; 2]; contestants.len()];
    for _ in 0..4 * ROUNDS {
        for (at, make) in contestants.iter().enumerate() {
            for threads in [1, 2] {
                let (rate, cost) = rate(make, runs[at], threads);
                rounds[at][threads - 1].0.push(rate);
                rounds[at][threads - 1].1.push(cost);
            }
        }
    }
    println!("{name}");
    for (make, rounds) in contestants.iter().zip(&mut rounds) {
        let [one, two] = rounds.each_mut().map(|(rates, costs)| (median(rates), median(costs)));
        let (label, ns) = (make().0, 1e9 / one.0);
        let (wall, processor) = (two.0 / one.0, 2.0 * one.1 / two.1);
        println!("  {label:<42} {ns:>9.0} ns   {wall:.3} of one thread ({processor:.3})");
    }
}

/// Operations a second of so many threads, while the first one does its `runs`, and the processor
/// time of one of its.
fn rate(make: &(dyn Fn() -> Contestant + Sync), runs: u64, threads: usize) -> (f64, f64) {
    let (ready, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let begin = || {
        let mut run = make().1;
        (0..100).for_each(|_| run());
        ready.fetch_add(1, Ordering::AcqRel);
        while ready.load(Ordering::Acquire) < threads {
            std::hint::spin_loop();
        }
        run
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads)
            .map(|_| {
                scope.spawn(|| {
                    let (mut run, mut done) = (begin(), 0u64);
                    while !over.load(Ordering::Relaxed) {
                        run();
                        done += 1;
                    }
                    done
                })
            })
            .collect();
        let mut run = begin();
        let (start, start_ns) = (Instant::now(), thread_ns());
        (0..runs).for_each(|_| run());
        let (took_ns, took) = (thread_ns() - start_ns, start.elapsed().as_secs_f64());
        over.store(true, Ordering::Relaxed);
        let done: u64 = others.into_iter().map(|other| other.join().unwrap()).sum();
        ((runs + done) as f64 / took, took_ns as f64 / runs as f64)
    })
}

pub fn calibrate(run: &mut dyn FnMut()) -> u64 {
    let mut runs = 1;
    loop {
        let start = thread_ns();
        (0..runs).for_each(|_| run());
        let took = thread_ns() - start;
        if took > ROUND_NS / 4 {
            return (runs * ROUND_NS / took).max(1);
        }
        runs *= 4;
    }
}

pub fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

pub fn thread_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is ours to write.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
