//! How long a request waits before it is tried again, and when it gives up. Pure.

use super::limits::RegistryLimits;
use hyper::{HeaderMap, header::RETRY_AFTER};
use std::time::{Duration, SystemTime};

/// The tries of one call.
#[derive(Debug)]
pub(crate) struct RetryPlan<'a> {
    limits: &'a RegistryLimits,
    tries: usize,
    waited: Duration,
}

impl<'a> RetryPlan<'a> {
    pub(crate) fn new(limits: &'a RegistryLimits) -> Self {
        Self {
            limits,
            tries: 1,
            waited: Duration::ZERO,
        }
    }

    /// Returns the wait before the next try; `None` where the call fails. `wanted` is what the server
    /// asks for.
    pub(crate) fn next_wait(&mut self, wanted: Option<Duration>) -> Option<Duration> {
        let doublings = u32::try_from(self.tries - 1).unwrap_or(u32::MAX).min(16);
        let backoff = self.limits.first_backoff.saturating_mul(1 << doublings);
        let wait = wanted.unwrap_or(backoff);
        let total = self.waited.saturating_add(wait);
        if self.tries >= self.limits.tries
            || wait > self.limits.retry_after
            || total > self.limits.retry_time
        {
            return None;
        }
        self.tries += 1;
        self.waited = total;
        Some(wait)
    }
}

/// Reads Retry-After: seconds, or a date. A date in the past is no wait.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::{RetryPlan, retry_after};
    use crate::limits::RegistryLimits;
    use hyper::{HeaderMap, header::RETRY_AFTER};
    use std::time::{Duration, SystemTime};

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let check = |value: &str, expected: Option<u64>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
            let found = retry_after(&headers, now);
            assert_eq!(found, expected.map(Duration::from_secs), "{value}");
        };
        check("5", Some(5));
        check(" 0 ", Some(0));
        check("99999999999999999999999", Some(u64::MAX));
        check("Sun, 06 Nov 1994 08:49:47 GMT", Some(10));
        check("Sun, 06 Nov 1994 08:49:07 GMT", Some(0));
        check("-1", None);
        check("soon", None);
        check("", None);
    }

    #[test]
    fn waits_double_and_end_at_the_number_of_tries() {
        let limits = RegistryLimits::default();
        let mut plan = RetryPlan::new(&limits);
        let waits: Vec<_> = (0..4).map(|_| plan.next_wait(None)).collect();
        let milliseconds = |count| Some(Duration::from_millis(count));
        assert_eq!(
            waits,
            [
                milliseconds(250),
                milliseconds(500),
                milliseconds(1000),
                None
            ]
        );
    }

    #[test]
    fn wait_that_is_too_long_ends_the_call() {
        let limits = RegistryLimits {
            tries: 100,
            retry_after: Duration::from_secs(10),
            retry_time: Duration::from_secs(15),
            ..RegistryLimits::default()
        };
        let wait =
            |plan: &mut RetryPlan<'_>, seconds| plan.next_wait(Some(Duration::from_secs(seconds)));
        let mut plan = RetryPlan::new(&limits);
        assert_eq!(wait(&mut plan, 11), None);
        assert!(wait(&mut plan, 10).is_some());
        assert_eq!(wait(&mut plan, 10), None, "the sum is bounded");
        assert!(wait(&mut plan, 5).is_some());
    }
}
