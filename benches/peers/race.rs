//! How contestants are timed: all of a group in turn, in every round of one run.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Scope;
use std::time::{Duration, Instant};

/// What one contestant does in a round.
const ROUND_NS: u64 = 8_000_000;
/// There are as many rounds as it takes until all medians are known well enough.
const ROUNDS: RangeInclusive<usize> = 15..=61;
/// How well: the standard error of a median, as a part of it.
const SETTLED: f64 = 0.004;
/// On a machine that never is quiet, a group ends after so long.
const PATIENCE: Duration = Duration::from_secs(6);

/// One operation, which is repeated.
pub type Operation = Box<dyn FnMut()>;
/// Makes the operation of a thread, with buffers of its own.
pub type Make = Box<dyn Fn() -> Operation + Sync>;

/// Who takes part in a group.
pub struct Contestant {
    pub name: &'static str,
    /// Whose code it is.
    pub peer: &'static str,
    /// Or why it cannot take part.
    pub make: Result<Make, String>,
    /// Whether two threads are held against one, too.
    pub in_pairs: bool,
}

impl Contestant {
    pub fn new<F: FnMut() + 'static>(
        name: &'static str,
        peer: &'static str,
        make: impl Fn() -> F + Sync + 'static,
    ) -> Self {
        Self { name, peer, make: Ok(Box::new(move || Box::new(make()))), in_pairs: false }
    }

    /// With something that may be missing.
    pub fn with<T: Sync + 'static, F: FnMut() + 'static>(
        name: &'static str,
        peer: &'static str,
        found: Result<T, String>,
        make: impl Fn(&T) -> F + Sync + 'static,
    ) -> Self {
        match found {
            Ok(found) => Self::new(name, peer, move || make(&found)),
            Err(why) => Self { name, peer, make: Err(why), in_pairs: false },
        }
    }

    pub fn in_pairs(self, in_pairs: bool) -> Self {
        Self { in_pairs, ..self }
    }
}

/// What a contestant has done.
pub struct Times {
    pub rounds: usize,
    /// Operations of one thread in all rounds.
    pub operations: u64,
    /// Nanoseconds of thread CPU time of an operation: quartiles and median.
    pub alone: [f64; 3],
    pub pair: Option<Pair>,
}

/// How two threads did.
pub struct Pair {
    /// As [`Times::alone`], of one of the two.
    pub each: [f64; 3],
    /// Operations a second, by the clock on the wall, of both beside those of one alone.
    pub scaling: f64,
    /// The same by the processor time of an operation, which a busy machine does not spoil.
    pub scaling_cpu: f64,
    /// What [`arithmetic`], which shares nothing, had between these rounds: more could not be had.
    pub to_be_had: f64,
}

/// Times those that can take part; of others, why they cannot.
pub fn race(contestants: &[Contestant]) -> Vec<Result<Times, String>> {
    std::thread::scope(|scope| {
        let runner = |contestant| Runner::new(scope, contestant);
        let mut runners: Vec<Result<Runner, String>> = contestants.iter().map(runner).collect();
        let begun = Instant::now();
        for round in 0..*ROUNDS.end() {
            let is_settled = || runners.iter().flatten().all(Runner::is_settled);
            if round >= *ROUNDS.start() && (begun.elapsed() > PATIENCE || is_settled()) {
                break;
            }
            let first = round % runners.len();
            let (late, early) = runners.split_at_mut(first);
            early.iter_mut().chain(late).flatten().for_each(Runner::round);
        }
        runners.into_iter().map(|runner| runner.map(Runner::times)).collect()
    })
}

struct Runner {
    operation: Operation,
    /// Operations in a round.
    runs: u64,
    /// Nanoseconds of an operation, and operations a second.
    alone: (Vec<f64>, Vec<f64>),
    pair: (Vec<f64>, Vec<f64>),
    second: Option<Second>,
    /// Takes turns with rounds of two threads.
    control: Option<Box<Self>>,
}

impl Runner {
    fn new<'scope>(
        scope: &'scope Scope<'scope, '_>,
        contestant: &'scope Contestant,
    ) -> Result<Self, String> {
        let make = contestant.make.as_ref()?;
        let control = contestant.in_pairs.then(|| Box::new(Self::of(scope, &arithmetic, true)));
        Ok(Self { control, ..Self::of(scope, make, contestant.in_pairs) })
    }

    fn of<'scope>(
        scope: &'scope Scope<'scope, '_>,
        make: &'scope (dyn Fn() -> Operation + Sync),
        in_pairs: bool,
    ) -> Self {
        let mut operation = make();
        let runs = calibrate(&mut operation);
        let second = in_pairs.then(|| Second::new(scope, make));
        let (alone, pair) = Default::default();
        Self { operation, runs, alone, pair, second, control: None }
    }

    fn round(&mut self) {
        if let Some(control) = &mut self.control {
            control.round();
        }
        let (ns, rate) = self.time();
        self.alone.0.push(ns);
        self.alone.1.push(rate);
        let Some(second) = &self.second else { return };
        second.begin();
        let (ns, rate) = self.time();
        let rate = rate + self.second.as_ref().map_or(0.0, Second::end);
        self.pair.0.push(ns);
        self.pair.1.push(rate);
    }

    fn time(&mut self) -> (f64, f64) {
        let (begun, begun_ns) = (Instant::now(), thread_ns());
        (0..self.runs).for_each(|_| (self.operation)());
        let (took_ns, took) = (thread_ns() - begun_ns, begun.elapsed().as_secs_f64());
        (took_ns as f64 / self.runs as f64, self.runs as f64 / took)
    }

    fn is_settled(&self) -> bool {
        let [low, median, high] = quartiles(&self.alone.0);
        // Of a normal distribution: the median's standard error by the distance of the quartiles.
        0.929 * (high - low) / (self.alone.0.len() as f64).sqrt() <= SETTLED * median
    }

    fn times(self) -> Times {
        let alone = quartiles(&self.alone.0);
        let pair = self.control.as_ref().map(|control| {
            let each = quartiles(&self.pair.0);
            let scaling_cpu = 2.0 * alone[1] / each[1];
            Pair { each, scaling: self.scaling(), scaling_cpu, to_be_had: control.scaling() }
        });
        let rounds = self.alone.0.len();
        Times { rounds, operations: self.runs * rounds as u64, alone, pair }
    }

    fn scaling(&self) -> f64 {
        quartiles(&self.pair.1)[1] / quartiles(&self.alone.1)[1]
    }
}

/// What needs all of a processor, and nothing else: eight rows of numbers, which wait for nothing but their
/// own steps (Knuth's constants). One thread of a core that another has, too, would have half.
fn arithmetic() -> Operation {
    let mut numbers = [1u64, 2, 3, 4, 5, 6, 7, 8];
    Box::new(move || {
        for _ in 0..100 {
            numbers = std::hint::black_box(numbers).map(|number| {
                number
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407)
            });
        }
    })
}

/// A second thread, which sleeps but in rounds of pairs.
struct Second {
    rounds: Sender<()>,
    begun: Receiver<()>,
    rates: Receiver<f64>,
    is_over: Arc<AtomicBool>,
}

impl Second {
    fn new<'scope>(
        scope: &'scope Scope<'scope, '_>,
        make: &'scope (dyn Fn() -> Operation + Sync),
    ) -> Self {
        let (rounds, to_do) = channel::<()>();
        let (tell_begun, begun) = channel();
        let (tell_rate, rates) = channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let until = is_over.clone();
        scope.spawn(move || {
            let mut operation = make();
            for () in to_do {
                operation();
                tell_begun.send(()).unwrap();
                let (begun, mut done) = (Instant::now(), 0u64);
                while !until.load(Ordering::Relaxed) {
                    operation();
                    done += 1;
                }
                tell_rate.send(done as f64 / begun.elapsed().as_secs_f64()).unwrap();
            }
        });
        Self { rounds, begun, rates, is_over }
    }

    fn begin(&self) {
        self.is_over.store(false, Ordering::Relaxed);
        self.rounds.send(()).unwrap();
        self.begun.recv().unwrap();
    }

    /// Operations a second.
    fn end(&self) -> f64 {
        self.is_over.store(true, Ordering::Relaxed);
        self.rates.recv().unwrap()
    }
}

/// How many operations fill a round.
pub fn calibrate(operation: &mut dyn FnMut()) -> u64 {
    let mut runs = 1;
    loop {
        let begun = thread_ns();
        (0..runs).for_each(|_| operation());
        let took = thread_ns() - begun;
        if took > ROUND_NS / 4 {
            return (runs * ROUND_NS / took).max(1);
        }
        runs *= 4;
    }
}

/// The first quartile, the median, the third.
pub fn quartiles(values: &[f64]) -> [f64; 3] {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[(values.len() - 1) * quarter / 4])
}

pub fn thread_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is ours to write.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
