//! How far a long piece of work has come, and how long it will take: a line on standard error, if that is a
//! terminal.
#![forbid(unsafe_code)]

use std::io::{Write, stderr};
use std::time::{Duration, Instant};

use super::stream::{Colour, Stream};

/// How often the line is drawn anew.
const INTERVAL: Duration = Duration::from_millis(100);

/// How long the speed is watched before anything is foretold.
const PATIENCE: Duration = Duration::from_secs(1);

/// How wide the bar is at most, in characters.
const WIDEST: usize = 40;

/// A line that is gone when the work is done.
pub struct Progress {
    what: &'static str,
    width: Option<usize>,
    began: Instant,
    drawn: Option<Instant>,
}

impl Progress {
    /// Of things that are, say, `records verified`.
    pub fn new(what: &'static str) -> Self {
        let stream = Stream::stderr(Colour::Never);
        let width = stream.width.filter(|_| stream.can_redraw());
        Self { what, width, began: Instant::now(), drawn: None }
    }

    /// So many are done, of so many.
    pub fn show(&mut self, done: u64, total: u64) {
        let Some(width) = self.width else { return };
        if self.drawn.is_some_and(|drawn| drawn.elapsed() < INTERVAL) {
            return;
        }
        self.drawn = Some(Instant::now());
        let line = line(self.what, done, total, self.began.elapsed(), width);
        // Whoever looks away misses nothing.
        let _ = write!(stderr(), "\r\x1b[K{line}");
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}

/// The line, one column shorter than the terminal, which would begin another.
fn line(what: &str, done: u64, total: u64, elapsed: Duration, width: usize) -> String {
    let room = width.saturating_sub(1);
    let left = left(done, total, elapsed).map(|left| format!(", {left} left")).unwrap_or_default();
    let told = format!("{done} of {total} {what}{left}");
    let bar = room.saturating_sub(told.len() + 3).min(WIDEST);
    if bar < 4 {
        return cut(told, room);
    }
    let part = u128::from(done.min(total)) * bar as u128;
    let full = part.checked_div(u128::from(total)).unwrap_or(bar as u128) as usize;
    format!("[{}{}] {told}", "#".repeat(full), ".".repeat(bar - full))
}

fn cut(line: String, room: usize) -> String {
    line.chars().take(room).collect()
}

/// How long the rest takes at the speed so far.
fn left(done: u64, total: u64, elapsed: Duration) -> Option<String> {
    if done == 0 || elapsed < PATIENCE {
        return None;
    }
    let seconds = elapsed.as_secs_f64() * total.saturating_sub(done) as f64 / done as f64;
    let seconds = seconds.ceil() as u64;
    Some(match seconds {
        0..=99 => format!("{seconds} s"),
        100..=5999 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3600)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_fill_and_fit() {
        let of = |done, total, seconds, width| {
            line("records verified", done, total, Duration::from_secs(seconds), width)
        };
        let half =
            "[####################....................] 50 of 100 records verified, 10 s left";
        assert_eq!(of(50, 100, 10, 100), half);
        assert_eq!(of(0, 100, 10, 47), "[..................] 0 of 100 records verified");
        assert_eq!(of(100, 100, 0, 50).matches('#').count(), 19);
        assert_eq!(of(7, 0, 0, 45), "[##################] 7 of 0 records verified");
        assert_eq!(of(50, 100, 0, 20), "50 of 100 records v");
        for width in 1..120 {
            assert!(of(u64::MAX, u64::MAX, 9, width).len() < width);
        }
    }

    #[test]
    fn the_rest_takes_as_long_as_the_beginning() {
        let of = |done, total, seconds| left(done, total, Duration::from_secs(seconds));
        assert_eq!(of(1, 100, 1).as_deref(), Some("99 s"));
        assert_eq!(of(1, 1000, 1).as_deref(), Some("17 min"));
        assert_eq!(of(1, 10000, 1).as_deref(), Some("3 h"));
        assert_eq!(of(0, 100, 9), None);
        assert_eq!(of(9, 10, 0), None);
    }
}
