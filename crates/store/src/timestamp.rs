//! Times of the store. No code here reads a clock: callers give the time.

use std::{fmt, str::FromStr};
use time::{Date, Month};

const SECONDS_PER_DAY: i64 = 86_400;
/// The Julian day of 1 January 1970.
const JULIAN_DAY_OF_EPOCH: i64 = 2_440_588;

/// A point in time, in seconds since 1 January 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The time by its seconds since 1 January 1970 UTC.
    #[must_use]
    pub fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// The seconds since 1 January 1970 UTC.
    #[must_use]
    pub fn unix_seconds(self) -> i64 {
        self.0
    }

    /// The day in UTC.
    #[must_use]
    pub fn day(self) -> Day {
        Day(self.0.div_euclid(SECONDS_PER_DAY))
    }

    /// The time this many days before.
    #[must_use]
    pub fn days_before(self, days: u32) -> Self {
        Self(self.0.saturating_sub(i64::from(days) * SECONDS_PER_DAY))
    }
}

/// A day in UTC, as the number of days since 1 January 1970. Its text form is `2026-11-30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i64);

impl Day {
    pub(super) fn from_number(number: i64) -> Self {
        Self(number)
    }

    pub(super) fn number(self) -> i64 {
        self.0
    }

    /// The day this many days before.
    #[must_use]
    pub fn days_before(self, days: u32) -> Self {
        Self(self.0.saturating_sub(i64::from(days)))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let julian_day = i32::try_from(self.0.saturating_add(JULIAN_DAY_OF_EPOCH));
        match julian_day
            .ok()
            .and_then(|day| Date::from_julian_day(day).ok())
        {
            Some(date) => write!(out, "{date}"),
            None => write!(out, "day {}", self.0),
        }
    }
}

/// The text of a date that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a date: write it like 2026-11-30")]
pub struct ParseDayError(String);

impl FromStr for Day {
    type Err = ParseDayError;

    fn from_str(text: &str) -> Result<Self, ParseDayError> {
        parse_date(text)
            .map(|date| Self(i64::from(date.to_julian_day()) - JULIAN_DAY_OF_EPOCH))
            .ok_or_else(|| ParseDayError(text.to_owned()))
    }
}

fn parse_date(text: &str) -> Option<Date> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    if (year.len(), month.len(), day.len()) != (4, 2, 2) {
        return None;
    }
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(seconds: i64, expected: &str) {
        let day = Timestamp::from_unix_seconds(seconds).day();
        assert_eq!(day.to_string(), expected);
        assert_eq!(expected.parse(), Ok(day));
    }

    #[test]
    fn day_is_that_of_utc() {
        check(0, "1970-01-01");
        check(-1, "1969-12-31");
        check(86_399, "1970-01-01");
        check(1_795_996_799, "2026-11-29");
        check(1_795_996_800, "2026-11-30");
    }

    #[test]
    fn text_that_is_no_date_is_refused() {
        for text in [
            "",
            "2026-11",
            "2026-13-01",
            "2026-02-30",
            "26-11-30",
            "a-b-c",
        ] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }
}
