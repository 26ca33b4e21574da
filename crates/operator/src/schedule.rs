//! When all objects are read again: a schedule in cron's syntax with a time zone, and an offset that
//! differs from cluster to cluster, so that those of one owner do not begin together.

use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use kubevet_model::Fingerprint;
use std::time::Duration;

/// The most characters of a schedule.
const MAX_CHARS: usize = 200;

/// A schedule.
#[derive(Debug, Clone)]
pub struct Schedule {
    cron: Cron,
    zone: TimeZone,
    offset: Duration,
}

/// Why a schedule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// It is not in cron's syntax.
    #[error(
        "`{0}` is no schedule: write five fields (minute, hour, day, month, weekday) as in cron, such as `0 */6 * * *`: {1}"
    )]
    Syntax(String, String),
    /// No time matches it.
    #[error("`{0}` is never due")]
    Never(String),
    /// There is no such time zone.
    #[error(
        "`{0}` is no time zone: write a name of the IANA database, such as Europe/Berlin or UTC"
    )]
    Zone(String),
}

impl Schedule {
    /// Reads a schedule of five fields, and the name of a time zone.
    ///
    /// # Errors
    /// One of them cannot be used.
    pub fn new(cron: &str, zone: &str) -> Result<Self, ScheduleError> {
        let shown: String = cron.chars().take(MAX_CHARS).collect();
        if cron.len() > MAX_CHARS {
            return Err(ScheduleError::Syntax(shown, "it is too long".to_owned()));
        }
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let parsed = parser.parse(cron);
        let cron =
            parsed.map_err(|error| ScheduleError::Syntax(shown.clone(), error.to_string()))?;
        let zone = TimeZone::get(zone).map_err(|_| {
            let shown = zone.chars().take(MAX_CHARS).collect();
            ScheduleError::Zone(shown)
        })?;
        let schedule = Self {
            cron,
            zone,
            offset: Duration::ZERO,
        };
        match schedule.next_after(Timestamp::now()) {
            Some(_) => Ok(schedule),
            None => Err(ScheduleError::Never(shown)),
        }
    }

    /// Returns the schedule with an offset from zero to `max`, which follows from the uid of the
    /// cluster.
    #[must_use]
    pub fn with_jitter(self, cluster_uid: &str, max: Duration) -> Self {
        let digits = Fingerprint::of(["sweep", cluster_uid]).to_string();
        let number = digits
            .get(..8)
            .and_then(|hex| u32::from_str_radix(hex, 16).ok());
        let share = f64::from(number.unwrap_or_default()) / f64::from(u32::MAX);
        let offset = Duration::from_secs(max.mul_f64(share).as_secs());
        Self { offset, ..self }
    }

    /// Returns the first time after `now` at which it is due; `None` if there is none.
    #[must_use]
    pub fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        let offset = SignedDuration::try_from(self.offset).ok()?;
        let from = now.checked_sub(offset).ok()?.to_zoned(self.zone.clone());
        let next = self.cron.find_next_occurrence(&from, false).ok()?;
        next.timestamp().checked_add(offset).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(cron: &str, zone: &str, now: &str, expected: &[&str]) {
        let schedule = Schedule::new(cron, zone).unwrap_or_else(|error| panic!("{error}"));
        check_times(&schedule, now, expected);
    }

    #[track_caller]
    fn check_times(schedule: &Schedule, now: &str, expected: &[&str]) {
        let mut now: Timestamp = now.parse().unwrap();
        for expected in expected {
            now = schedule.next_after(now).unwrap();
            assert_eq!(now.to_string(), *expected);
        }
    }

    #[test]
    fn schedule_is_due_in_its_time_zone() {
        check(
            "0 */6 * * *",
            "UTC",
            "2026-11-30T05:59:59Z",
            &["2026-11-30T06:00:00Z", "2026-11-30T12:00:00Z"],
        );
        check(
            "30 2 * * MON",
            "Europe/Berlin",
            "2026-11-30T01:30:00Z",
            &["2026-12-07T01:30:00Z"],
        );
    }

    #[test]
    fn day_without_the_hour_and_day_with_it_twice() {
        // 2:30 does not exist on 2027-03-28 in Berlin, and exists twice on 2027-10-31.
        let cron = "30 2 * * *";
        let now = "2027-03-27T12:00:00Z";
        let schedule = Schedule::new(cron, "Europe/Berlin").unwrap();
        let next = schedule.next_after(now.parse().unwrap()).unwrap();
        assert!(next.to_string().starts_with("2027-03-28T01:"), "{next}");
        check(
            cron,
            "Europe/Berlin",
            "2027-10-30T12:00:00Z",
            &["2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"],
        );
    }

    #[test]
    fn clusters_begin_at_different_times() {
        let hourly = || Schedule::new("0 * * * *", "UTC").unwrap();
        let max = Duration::from_secs(600);
        let offsets: Vec<Duration> = ["a", "b", "a"]
            .map(|uid| hourly().with_jitter(uid, max).offset)
            .into();
        assert_eq!(offsets[0], offsets[2]);
        assert_ne!(offsets[0], offsets[1]);
        assert!(offsets.iter().all(|offset| *offset <= max));
        let late = Schedule {
            offset: Duration::from_secs(300),
            ..hourly()
        };
        check_times(
            &late,
            "2026-11-30T06:01:00Z",
            &["2026-11-30T06:05:00Z", "2026-11-30T07:05:00Z"],
        );
    }

    #[track_caller]
    fn check_error(cron: &str, zone: &str, expected: &str) {
        let error = Schedule::new(cron, zone).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn schedule_that_cannot_be_used_is_an_error() {
        check_error("", "UTC", "is no schedule");
        check_error("* * *", "UTC", "five fields");
        check_error("0 0 0 * * *", "UTC", "is no schedule");
        check_error("61 * * * *", "UTC", "is no schedule");
        check_error(&"*".repeat(1_000), "UTC", "too long");
        check_error("0 0 30 2 *", "UTC", "never due");
        check_error("0 0 * * *", "Mars/Olympus", "no time zone");
    }
}
