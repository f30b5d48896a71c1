//! Months, by which is billed. They begin and end in UTC.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::{Date, OffsetDateTime};

use super::Timestamp;

/// A month of the years 1970 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    year: i32,
    /// 1 to 12.
    month: u8,
}

/// The first moment that no month has.
const END: Timestamp = Timestamp(253_402_300_800);

impl Month {
    /// The month of a moment; later moments than all months count as the end of the last one.
    pub fn of(moment: Timestamp) -> Self {
        let seconds = moment.0.min(END.0 - 1) as i64;
        let at = OffsetDateTime::from_unix_timestamp(seconds);
        let at = at.unwrap_or(OffsetDateTime::UNIX_EPOCH);
        Self { year: at.year(), month: u8::from(at.month()) }
    }

    /// Reads `YYYY-MM`.
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let is_form = (year.len(), month.len()) == (4, 2);
        let is_digits = [year, month].iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()));
        let month = Self { year: year.parse().ok()?, month: month.parse().ok()? };
        let is_month = month.year >= 1970 && (1..=12).contains(&month.month);
        (is_form && is_digits && is_month).then_some(month)
    }

    /// Its first moment.
    pub fn start(self) -> Timestamp {
        let month = time::Month::try_from(self.month).ok();
        let first = month.and_then(|month| Date::from_calendar_date(self.year, month, 1).ok());
        let seconds = first.map(|first| first.midnight().assume_utc().unix_timestamp());
        seconds.and_then(|seconds| seconds.try_into().ok()).map_or(END, Timestamp)
    }

    /// The first moment after it.
    pub fn end(self) -> Timestamp {
        match self.month {
            12 => Self { year: self.year + 1, month: 1 }.start(),
            month => Self { month: month + 1, ..self }.start(),
        }
    }
}

/// `YYYY-MM`.
impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("It must be a month, YYYY-MM."))
    }
}

impl JsonSchema for Month {
    fn schema_name() -> Cow<'static, str> {
        "Month".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_follow_each_other() {
        let mut month = Month::of(Timestamp(0));
        for _ in 0..12 * 8030 {
            let (start, end) = (month.start(), month.end());
            assert!((28..=31).contains(&((end.0 - start.0) / 86_400)) && start < end, "{month}");
            assert_eq!([Month::of(start), Month::of(Timestamp(end.0 - 1))], [month; 2]);
            assert_eq!(Month::parse(&month.to_string()), Some(month));
            month = Month::of(end);
        }
        assert_eq!(month.to_string(), "9999-12");
        assert_eq!(month.end(), END);
        assert_eq!(Month::of(Timestamp(u64::MAX)), month);
    }

    #[test]
    fn months_of_known_days() {
        let february = Month::parse("2024-02").unwrap();
        assert_eq!(february.start().to_string(), "2024-02-01T00:00:00Z");
        assert_eq!(february.end().to_string(), "2024-03-01T00:00:00Z");
        for text in ["", "2024", "2024-2", "2024-13", "2024-00", "1969-12", "20240-1", "+024-02"] {
            assert_eq!(Month::parse(text), None, "{text}");
        }
    }
}
