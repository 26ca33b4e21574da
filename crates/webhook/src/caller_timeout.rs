//! The time budget of one review: from its first byte to the last byte of its answer.
//!
//! It is derived from how long the caller waits: the `timeout` in the query of the request, which
//! the API server writes as a Go duration. Reading, queueing, evaluating, deciding and writing
//! share it.

use std::time::{Duration, Instant};

/// The timeout of the API server if the webhook configuration gives none.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest timeout of the API server: `timeoutSeconds` is at most 30.
const MAX_TIMEOUT: Duration = Duration::from_secs(30);
/// The least and the largest time that is left for the answer to reach the caller.
const MIN_RETURN_TIME: Duration = Duration::from_millis(20);
const MAX_RETURN_TIME: Duration = Duration::from_millis(500);

/// The time budget of one review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeBudget {
    /// The time of the request's first byte.
    pub(super) start: Instant,
    /// The time at which reading the body ended; `start` until then.
    pub(super) received: Instant,
    /// The time at which the answer must be written.
    pub(super) deadline: Instant,
}

impl TimeBudget {
    /// Returns the budget of a request that started at `start` and has this query.
    pub(super) fn from_query(start: Instant, query: Option<&str>) -> Self {
        Self::new(start, timeout_from_query(query))
    }

    /// Returns the budget of a caller that waits for `timeout`.
    pub(super) fn new(start: Instant, timeout: Duration) -> Self {
        Self {
            start,
            received: start,
            deadline: start + timeout - return_time(timeout),
        }
    }

    /// Returns the budget after reading the body ended at `now`.
    pub(super) fn after_read(self, now: Instant) -> Self {
        Self {
            received: now,
            ..self
        }
    }

    /// Returns the last time at which the evaluation may start. With less than a quarter of the
    /// budget left, the answer could be too late for the caller. A body that is not complete by
    /// then is answered at once: a caller that sends it so slowly is behind, and needs the rest of
    /// the time to read the answer.
    pub(super) fn latest_start(&self) -> Instant {
        let budget = self.deadline.saturating_duration_since(self.start);
        self.deadline - budget / 4
    }
}

/// Returns the timeout of the caller.
fn timeout_from_query(query: Option<&str>) -> Duration {
    query
        .unwrap_or_default()
        .split('&')
        .find_map(|parameter| parameter.strip_prefix("timeout="))
        .and_then(parse_go_duration)
        .unwrap_or(DEFAULT_TIMEOUT)
        .min(MAX_TIMEOUT)
}

/// Returns the least time that the answer gets to return: a tenth of the timeout, within bounds.
fn return_time(timeout: Duration) -> Duration {
    // At a timeout of 40 ms or less the least return time would be more than half of it.
    let min_return_time = MIN_RETURN_TIME.min(timeout / 2);
    (timeout / 10).clamp(min_return_time, MAX_RETURN_TIME)
}

/// Parses the output of Go's `time.Duration.String`: `10s`, `1m30s`, `500ms`, `1.5s`. Returns
/// `None` for anything else, and for zero.
fn parse_go_duration(duration: &str) -> Option<Duration> {
    let mut seconds = 0.0;
    let mut rest = duration;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after_number) = rest.split_at_checked(number_end)?;
        let unit_end = after_number
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after_number.len());
        let (unit, after_unit) = after_number.split_at_checked(unit_end)?;
        let unit_seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * unit_seconds;
        rest = after_unit;
    }
    (seconds > 0.0)
        .then(|| Duration::try_from_secs_f64(seconds).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, expected_ms: u64) {
        let start = Instant::now();
        let budget = TimeBudget::from_query(start, Some(query));
        let expected = Duration::from_millis(expected_ms);
        assert_eq!(budget.deadline - start, expected, "{query}");
    }

    #[test]
    fn latest_start_leaves_a_quarter_of_the_budget() {
        let start = Instant::now();
        let budget = TimeBudget::from_query(start, Some("timeout=10s"));
        assert_eq!(budget.deadline - start, Duration::from_millis(9_500));
        assert_eq!(budget.latest_start() - start, Duration::from_millis(7_125));
    }

    #[test]
    fn timeout_of_the_query_is_parsed_and_bounded() {
        check("timeout=5s", 4_500);
        check("timeout=1m0s", 29_500);
        check("timeout=500ms", 450);
        check("timeout=1.5s", 1_350);
        check("timeout=30ms", 15);
        check("a=b&timeout=2s", 1_800);
    }

    #[test]
    fn invalid_timeout_is_replaced_by_the_default() {
        for query in [
            "",
            "timeout=",
            "timeout=-1s",
            "timeout=5",
            "timeout=0s",
            "timeout=abc",
            "timeout=1e300h",
        ] {
            check(query, 9_500);
        }
    }
}
