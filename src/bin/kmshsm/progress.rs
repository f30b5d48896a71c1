//! How far a long piece of work has come: a line on standard error, if that is a terminal.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// How often the line is drawn anew.
const INTERVAL: Duration = Duration::from_millis(100);

/// How wide the bar is, in characters.
const WIDTH: u64 = 40;

/// A line that is gone when the work is done.
pub struct Progress {
    what: &'static str,
    is_shown: bool,
    drawn: Option<Instant>,
}

impl Progress {
    /// Of records that are, say, `verified`.
    pub fn new(what: &'static str) -> Self {
        Self { what, is_shown: stderr().is_terminal(), drawn: None }
    }

    /// So many are done, of so many if that is known.
    pub fn show(&mut self, done: u64, total: Option<u64>) {
        if !self.is_shown || self.drawn.is_some_and(|drawn| drawn.elapsed() < INTERVAL) {
            return;
        }
        self.drawn = Some(Instant::now());
        let bar = match total {
            Some(total) => {
                let filled = (done.min(total) * WIDTH).checked_div(total).unwrap_or(WIDTH);
                let (full, rest) = (filled as usize, (WIDTH - filled) as usize);
                format!("[{}{}] {done} of {total} records", "#".repeat(full), ".".repeat(rest))
            }
            None => format!("{done} records"),
        };
        // Whoever looks away misses nothing.
        let _ = write!(stderr(), "\r\x1b[K{bar} {}", self.what);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
