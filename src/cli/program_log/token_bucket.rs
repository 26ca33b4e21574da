//! A token bucket: a burst of lines at once, and a steady rate after that.

use std::time::{Duration, Instant};

/// The number of lines of one level that may come at once.
pub(super) const BURST_LINES: u32 = 200;
/// The number of lines of one level a second, after a burst.
const LINES_PER_SECOND: u32 = 20;

/// A token bucket. A token is the right to write one line.
#[derive(Clone)]
pub(super) struct TokenBucket {
    tokens: u32,
    /// The time up to which tokens were added.
    refilled: Instant,
}

impl TokenBucket {
    /// Creates a full bucket.
    pub(super) fn full(now: Instant) -> Self {
        Self {
            tokens: BURST_LINES,
            refilled: now,
        }
    }

    /// Takes a token. Returns false if there is none.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        self.refill(now);
        let is_taken = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        is_taken
    }

    /// Adds the tokens of the time since the last refill. The remainder of a period counts for the
    /// next refill, unless the bucket is full.
    fn refill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.refilled);
        let period = Duration::from_secs(1) / LINES_PER_SECOND;
        let periods = elapsed.as_millis() / period.as_millis().max(1);
        let tokens = u32::try_from(periods).unwrap_or(u32::MAX);
        if tokens == 0 {
            return;
        }
        self.refilled += period * tokens.min(BURST_LINES);
        self.tokens = self.tokens.saturating_add(tokens).min(BURST_LINES);
        if self.tokens == BURST_LINES {
            self.refilled = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_refills_at_its_rate_up_to_its_burst() {
        let start = Instant::now();
        let mut bucket = TokenBucket::full(start);
        let mut taken = |after_ms: u64| {
            let now = start + Duration::from_millis(after_ms);
            (0..1000).filter(|_| bucket.take(now)).count()
        };
        assert_eq!(taken(0), 200);
        assert_eq!(taken(49), 0);
        assert_eq!(taken(100), 2);
        assert_eq!(taken(1_100), 20);
        assert_eq!(taken(3_600_000), 200);
    }
}
