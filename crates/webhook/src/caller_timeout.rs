//! How long the caller waits: the `timeout` of the request's query, in Go's words; and the one budget of time that comes
//! of it for reading, waiting, judging, deciding and writing.

use std::time::{Duration, Instant};

/// What the API server waits where it does not say.
const DEFAULT: Duration = Duration::from_secs(10);
/// The most it ever waits (`timeoutSeconds` is at most 30).
const LONGEST: Duration = Duration::from_secs(30);

/// The time of one review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeBudget {
    /// When its first byte was there.
    pub(super) begun: Instant,
    /// When the answer must be there.
    pub(super) until: Instant,
}

impl TimeBudget {
    /// The budget of a request that begins now.
    pub(super) fn of_query(begun: Instant, query: Option<&str>) -> Self {
        Self {
            begun,
            until: begun + of_query(query),
        }
    }

    /// The last moment at which judging may begin: with less than a quarter of the time left, the answer might come when
    /// nobody waits for it any more.
    pub(super) fn latest_start(&self) -> Instant {
        self.until - self.until.saturating_duration_since(self.begun) / 4
    }
}

/// How long a review may take: what the caller waits, less what the way back may need.
#[must_use]
fn of_query(query: Option<&str>) -> Duration {
    let asked = query
        .unwrap_or_default()
        .split('&')
        .find_map(|it| it.strip_prefix("timeout="));
    let waits = asked.and_then(go_duration).unwrap_or(DEFAULT).min(LONGEST);
    waits
        - (waits / 10).clamp(
            Duration::from_millis(20).min(waits / 2),
            Duration::from_millis(500),
        )
}

/// `10s`, `1m30s`, `500ms`, `1.5s`: what Go's `time.Duration` prints. `None` for anything else.
fn go_duration(text: &str) -> Option<Duration> {
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|it: char| !it.is_ascii_digit() && it != '.')?;
        let (number, after) = rest.split_at_checked(end)?;
        let unit_end = after
            .find(|it: char| it.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(unit_end)?;
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * seconds;
        rest = after;
    }
    (total > 0.0)
        .then(|| Duration::try_from_secs_f64(total).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, expected_ms: u64) {
        assert_eq!(
            of_query(Some(query)),
            Duration::from_millis(expected_ms),
            "{query}"
        );
    }

    #[test]
    fn judging_begins_with_a_quarter_of_the_time_left_at_least() {
        let begun = Instant::now();
        let budget = TimeBudget::of_query(begun, Some("timeout=10s"));
        assert_eq!(budget.until - begun, Duration::from_millis(9_500));
        assert_eq!(budget.latest_start() - begun, Duration::from_millis(7_125));
    }

    #[test]
    fn the_callers_patience_is_read_and_bounded() {
        check("timeout=5s", 4_500);
        check("timeout=1m0s", 29_500);
        check("timeout=500ms", 450);
        check("timeout=1.5s", 1_350);
        check("timeout=30ms", 15);
        check("a=b&timeout=2s", 1_800);
        for nonsense in [
            "",
            "timeout=",
            "timeout=-1s",
            "timeout=5",
            "timeout=0s",
            "timeout=abc",
            "timeout=1e300h",
        ] {
            check(nonsense, 9_500);
        }
    }
}
