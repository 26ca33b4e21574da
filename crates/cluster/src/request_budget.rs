//! The budget of requests to an API server: a token bucket, and a pause of all requests that the API
//! server asks for by 429 or 503 with `Retry-After`. It keeps a client that reads a whole cluster
//! from taking what other clients need.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The longest pause that an API server can ask for.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// The pause where it does not say how long.
const DEFAULT_PAUSE: Duration = Duration::from_secs(1);
/// The part of the rate that is left after a pause.
const SLOWED: f64 = 0.5;
/// The least part of the rate.
const MIN_SHARE: f64 = 0.1;
/// The part of the rate that each request adds again.
const RECOVERY: f64 = 0.01;

/// How many requests are made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RequestRate {
    /// The requests in a second, on average.
    pub per_second: f64,
    /// The requests that may be made at once.
    pub burst: f64,
}

impl Default for RequestRate {
    fn default() -> Self {
        Self {
            per_second: 50.0,
            burst: 100.0,
        }
    }
}

/// A budget. Clones share it.
#[derive(Debug, Clone)]
pub struct RequestBudget(Arc<Mutex<Bucket>>);

impl RequestBudget {
    /// Returns a full budget.
    #[must_use]
    pub fn new(rate: RequestRate) -> Self {
        Self(Arc::new(Mutex::new(Bucket::new(rate, Instant::now()))))
    }

    /// Waits until a request may be made.
    pub(super) async fn acquire(&self) {
        loop {
            let Some(pause) = self.lock().take(Instant::now()) else {
                return;
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Records that the API server has put off a request, for as long as it says.
    pub(super) fn put_off(&self, retry_after: Option<Duration>) {
        self.lock().put_off(retry_after, Instant::now());
    }

    /// Returns how often the API server has put off a request.
    #[must_use]
    pub fn put_off_count(&self) -> u64 {
        self.lock().put_off_count
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Bucket> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bucket, under a clock that the caller gives.
#[derive(Debug)]
struct Bucket {
    rate: RequestRate,
    /// The part of the rate that is used at present.
    share: f64,
    tokens: f64,
    filled_at: Instant,
    paused_until: Instant,
    put_off_count: u64,
}

impl Bucket {
    fn new(rate: RequestRate, now: Instant) -> Self {
        let rate = RequestRate {
            per_second: rate.per_second.max(0.1),
            burst: rate.burst.max(1.0),
        };
        Self {
            rate,
            share: 1.0,
            tokens: rate.burst,
            filled_at: now,
            paused_until: now,
            put_off_count: 0,
        }
    }

    /// Takes a token. Returns the time after which to try again if there is none.
    fn take(&mut self, now: Instant) -> Option<Duration> {
        let per_second = self.rate.per_second * self.share;
        let elapsed = now.saturating_duration_since(self.filled_at).as_secs_f64();
        self.tokens = (self.tokens + elapsed * per_second).min(self.rate.burst);
        self.filled_at = now;
        let pause = self.paused_until.saturating_duration_since(now);
        if !pause.is_zero() {
            return Some(pause);
        }
        if self.tokens < 1.0 {
            let missing = (1.0 - self.tokens) / per_second;
            // Never zero: a caller must not try again at once.
            return Some(Duration::from_secs_f64(missing).max(Duration::from_millis(1)));
        }
        self.tokens -= 1.0;
        self.share = (self.share + RECOVERY).min(1.0);
        None
    }

    fn put_off(&mut self, retry_after: Option<Duration>, now: Instant) {
        self.put_off_count += 1;
        let pause = retry_after.unwrap_or(DEFAULT_PAUSE).min(MAX_PAUSE);
        // Several answers to requests that were under way together count once.
        if now >= self.paused_until {
            self.share = (self.share * SLOWED).max(MIN_SHARE);
        }
        self.tokens = self.tokens.min(1.0);
        self.paused_until = self.paused_until.max(now + pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens at a time in milliseconds.
    enum Step {
        /// A request may be made.
        Taken(u64),
        /// A request must wait for so many milliseconds.
        Waits(u64, u64),
        /// The API server puts off a request, for so many seconds.
        PutOff(u64, Option<u64>),
    }
    use Step::{PutOff, Taken, Waits};

    #[track_caller]
    fn check(steps: &[Step]) {
        let start = Instant::now();
        let at = |ms: &u64| start + Duration::from_millis(*ms);
        let rate = RequestRate {
            per_second: 10.0,
            burst: 2.0,
        };
        let mut bucket = Bucket::new(rate, start);
        for (index, step) in steps.iter().enumerate() {
            match step {
                Taken(ms) => assert_eq!(bucket.take(at(ms)), None, "step {index}"),
                Waits(ms, expected) => {
                    let pause = bucket.take(at(ms)).map(|pause| pause.as_millis());
                    assert_eq!(pause, Some(u128::from(*expected)), "step {index}");
                }
                PutOff(ms, seconds) => {
                    bucket.put_off(seconds.map(Duration::from_secs), at(ms));
                }
            }
        }
    }

    #[test]
    fn burst_then_rate() {
        check(&[
            Taken(0),
            Taken(0),
            Waits(0, 100),
            Waits(50, 50),
            Taken(100),
            Waits(100, 100),
            Taken(10_000),
            Taken(10_000),
            Waits(10_000, 100),
        ]);
    }

    #[test]
    fn all_wait_as_long_as_the_server_says_and_then_go_slower() {
        check(&[
            Taken(0),
            PutOff(0, Some(3)),
            Waits(0, 3_000),
            PutOff(1_000, Some(1)),
            Waits(1_000, 2_000),
            Taken(3_000),
            Taken(3_000),
            // Half of the rate is left, and a little is added by each request.
            Waits(3_000, 192),
            PutOff(3_000, None),
            Waits(3_000, 1_000),
            PutOff(3_000, Some(86_400)),
            Waits(3_000, 60_000),
        ]);
    }

    #[test]
    fn rate_of_zero_is_not_for_ever() {
        let now = Instant::now();
        let rate = RequestRate {
            per_second: 0.0,
            burst: 0.0,
        };
        let mut bucket = Bucket::new(rate, now);
        assert_eq!(bucket.take(now), None);
        assert_eq!(bucket.take(now), Some(Duration::from_secs(10)));
    }
}
