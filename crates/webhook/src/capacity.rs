//! The capacity of the webhook: memory for bodies, and permits for evaluations.

use super::{
    caller_timeout::TimeBudget,
    fair_queue::{FlowKey, QueueLimits},
    fair_semaphore::{AcquireError, FairSemaphore, Permit},
    memory_budget::MemoryBudget,
};
use std::thread;

/// The budget for the first 256 KiB of bodies, for requests and for answers.
const SMALL_BUDGET_BYTES: usize = 64 << 20;
/// The budget for the rest of larger bodies.
const SHARED_BUDGET_BYTES: usize = 192 << 20;
/// The number of reviews that wait for a permit. An API server has by default at most 600 requests
/// in flight.
const QUEUE_LIMITS: QueueLimits = QueueLimits {
    per_user: 512,
    total: 1024,
};

/// The capacity of the webhook.
pub struct Capacity {
    pub(super) memory: MemoryBudget,
    evaluations: FairSemaphore,
    heavy_evaluations: FairSemaphore,
}

/// The permission to evaluate one review.
pub(super) struct EvaluationPermit {
    _permit: Permit,
    _heavy_permit: Option<Permit>,
}

/// Returns the number of reviews that are evaluated at once: that of the cores, but at least two.
#[must_use]
pub fn evaluation_concurrency() -> usize {
    thread::available_parallelism()
        .map_or(2, usize::from)
        .max(2)
}

impl Default for Capacity {
    /// One evaluation for each core. Half of them may be heavy.
    fn default() -> Self {
        let permits = evaluation_concurrency();
        let memory = MemoryBudget::new(SMALL_BUDGET_BYTES, SHARED_BUDGET_BYTES);
        Self::new(memory, permits, permits / 2)
    }
}

impl Capacity {
    pub(super) fn new(memory: MemoryBudget, permits: usize, heavy_permits: usize) -> Self {
        Self {
            memory,
            evaluations: FairSemaphore::new(permits, QUEUE_LIMITS),
            heavy_evaluations: FairSemaphore::new(heavy_permits, QUEUE_LIMITS),
        }
    }

    /// Waits for a permit, until the evaluation could no longer be in time.
    ///
    /// # Errors
    /// As [`FairSemaphore::acquire`].
    pub(super) async fn acquire(
        &self,
        flow: impl Fn() -> FlowKey,
        is_heavy: bool,
        time: &TimeBudget,
    ) -> Result<EvaluationPermit, AcquireError> {
        let deadline = time.latest_start();
        // The heavy permit comes first, so that a heavy review that waits for one holds no ordinary
        // permit: a flood of heavy reviews occupies at most half of them.
        let heavy_permit = if is_heavy {
            Some(self.heavy_evaluations.acquire(&flow, deadline).await?)
        } else {
            None
        };
        Ok(EvaluationPermit {
            _permit: self.evaluations.acquire(&flow, deadline).await?,
            _heavy_permit: heavy_permit,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::Arc,
        time::{Duration, Instant},
    };

    fn flow() -> FlowKey {
        FlowKey {
            caller: Arc::from("api"),
            user: Arc::from("flood"),
        }
    }

    /// Heavy reviews, even of the same user, leave half of the permits to others.
    #[tokio::test]
    async fn heavy_reviews_leave_permits_to_ordinary_ones() {
        let capacity = Capacity::new(MemoryBudget::new(0, 0), 4, 2);
        let start = Instant::now();
        let until = |timeout| TimeBudget::new(start, timeout);
        let (long, short) = (
            until(Duration::from_secs(600)),
            until(Duration::from_millis(100)),
        );
        let mut permits = Vec::new();
        for is_heavy in [true, false] {
            for _ in 0..2 {
                permits.push(capacity.acquire(flow, is_heavy, &long).await.ok().unwrap());
            }
            let rejected = capacity.acquire(flow, is_heavy, &short).await;
            assert_eq!(rejected.err(), Some(AcquireError::TimedOut));
        }
        drop(permits);
        assert!(capacity.acquire(flow, true, &long).await.is_ok());
    }
}
