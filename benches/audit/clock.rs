//! Processor time.

/// Whose.
#[derive(Clone, Copy)]
pub enum Cpu {
    Thread,
    Process,
}

impl Cpu {
    /// Nanoseconds so far.
    pub fn now(self) -> f64 {
        let clock = match self {
            Self::Thread => libc::CLOCK_THREAD_CPUTIME_ID,
            Self::Process => libc::CLOCK_PROCESS_CPUTIME_ID,
        };
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: fills `time`.
        assert_eq!(unsafe { libc::clock_gettime(clock, &mut time) }, 0);
        time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
    }
}

pub fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
