//! Time in whole seconds, and where it comes from.

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Serialize, Serializer};
use time::{Date, Month, OffsetDateTime, Time};

/// Seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// This moment plus `seconds`.
    #[must_use]
    pub const fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// The moment of a text in UTC, `YYYY-MM-DDThh:mm:ssZ` or without seconds (ISO 8601), from 1970 on; none
    /// for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        u64::try_from(parse_moment(text)?).ok().map(Self)
    }

    /// The hour, counted from 1970.
    pub const fn hour(self) -> u64 {
        self.0 / 3600
    }

    /// `YYYY-MM-DDThh:mm:ssZ` in ASCII, as in every answer of the API. The year 9999 is the last that
    /// the form can show; later moments stay there.
    pub fn to_text(self) -> [u8; 20] {
        let seconds = i64::try_from(self.0).unwrap_or(i64::MAX).min(253_402_300_799);
        let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let (year, month, day) = at.to_calendar_date();
        let (hour, minute, second) = at.to_hms();
        let digit = |number: u32| b'0' + (number % 10) as u8;
        let pair = |number: u8| [digit(u32::from(number) / 10), digit(u32::from(number))];
        let year = year.unsigned_abs();
        let [y, z] = [year / 100, year % 100].map(|half| pair(half as u8));
        let ([m, n], [d, e]) = (pair(u8::from(month)), pair(day));
        let ([h, i], [j, k], [s, t]) = (pair(hour), pair(minute), pair(second));
        let ([y, yy], [z, zz]) = (y, z);
        [y, yy, z, zz, b'-', m, n, b'-', d, e, b'T', h, i, b':', j, k, b':', s, t, b'Z']
    }
}

/// Reads a moment in UTC, `YYYY-MM-DDThh:mm:ssZ` or without seconds (ISO 8601), as seconds since 1970,
/// which may be negative; none for anything else.
pub fn parse_moment(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let date = fields(date, '-', &[4, 2, 2])?;
    let time = fields(time, ':', &[2, 2, 2]).or_else(|| fields(time, ':', &[2, 2]))?;
    let ([year, month, day], [hour, minute, second]) = (date, time);
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(i32::from(year), month, u8::try_from(day).ok()?).ok()?;
    let [hour, minute, second] = [hour, minute, second].map(|field| u8::try_from(field).ok());
    let time = Time::from_hms(hour?, minute?, second?).ok()?;
    Some(date.with_time(time).assume_utc().unix_timestamp())
}

/// Up to three numbers of so many digits each; what is not asked for is zero.
fn fields(text: &str, between: char, digits: &[usize]) -> Option<[u16; 3]> {
    let mut numbers = [0; 3];
    let mut parts = text.split(between);
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        let is_number = part.len() == *digits && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = part.parse().ok().filter(|_| is_number)?;
    }
    parts.next().is_none().then_some(numbers)
}

/// As [`Timestamp::to_text`].
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_text().iter().try_for_each(|byte| f.write_char(char::from(*byte)))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where the wall clock is read; nothing else may ask the system for the time.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The system's wall clock.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // the one place
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Timestamp(since.map_or(0, |elapsed| elapsed.as_secs()))
    }
}

/// A clock that stands still until it is moved; for tests of whatever waits for days.
#[derive(Debug)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// A clock that stands at `start`.
    pub const fn starting_at(start: Timestamp) -> Self {
        Self(AtomicU64::new(start.0))
    }

    /// Moves the clock forward, at most to the end of time.
    pub fn advance(&self, seconds: u64) {
        let later = |now: u64| Some(now.saturating_add(seconds));
        let _before = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, later);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_in_the_api() {
        assert_eq!(Timestamp(1_562_246_055).to_string(), "2019-07-04T13:14:15Z");
        assert_eq!(Timestamp(951_782_400).to_string(), "2000-02-29T00:00:00Z");
        assert_eq!(Timestamp(u64::MAX).to_string(), "9999-12-31T23:59:59Z");
        for at in [0, 951_782_400, 1_562_246_055, 253_402_300_799] {
            assert_eq!(Timestamp::parse(&Timestamp(at).to_string()), Some(Timestamp(at)));
        }
        for text in ["", "2019-07-04", "2019-07-04T13:14:15", "2019-02-29T00:00:00Z"] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
        for text in ["2019-07-04T24:00:00Z", "1969-12-31T23:59:59Z", "2019-7-04T13:14:15Z"] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }
}
