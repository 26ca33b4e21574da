//! How much may happen at once: memory for bodies, slots to judge in, slots for heavy reviews.

use super::{
    caller_timeout::TimeBudget,
    fair_queue::{FlowKey, QueueLimits},
    fair_semaphore::{AcquireError, FairSemaphore, Permit},
    memory_budget::MemoryBudget,
};
use std::thread;

/// MemoryBudget for the first 256 KiB of bodies, and for requests and answers.
const SMALL_BYTES: usize = 64 << 20;
/// MemoryBudget for what is beyond.
const SHARED_BYTES: usize = 192 << 20;
/// Reviews that wait to be judged. An API server has no more than 600 requests under way at once by default.
const WAITING: QueueLimits = QueueLimits {
    user: 512,
    all: 1024,
};

/// How much may happen at once.
pub struct Capacity {
    pub(super) memory: MemoryBudget,
    ordinary: FairSemaphore,
    heavy: FairSemaphore,
}

/// What a review is judged in.
pub(super) struct EvaluationPermit {
    _slot: Permit,
    _heavy: Option<Permit>,
}

/// How many reviews are judged at once: as many as there are cores.
#[must_use]
pub fn evaluation_concurrency() -> usize {
    thread::available_parallelism()
        .map_or(2, usize::from)
        .max(2)
}

impl Default for Capacity {
    /// As many slots as there are cores, half of them for heavy reviews.
    fn default() -> Self {
        let slots = evaluation_concurrency();
        Self::new(
            MemoryBudget::new(SMALL_BYTES, SHARED_BYTES),
            slots,
            slots / 2,
        )
    }
}

impl Capacity {
    pub(super) fn new(memory: MemoryBudget, slots: usize, heavy: usize) -> Self {
        Self {
            memory,
            ordinary: FairSemaphore::new(slots, WAITING),
            heavy: FairSemaphore::new(heavy, WAITING),
        }
    }

    /// Waits for its turn to judge, as long as there is time to. A heavy review waits for its own kind first, and holds no
    /// slot meanwhile.
    ///
    /// # Errors
    /// As [`FairSemaphore::take`].
    pub(super) async fn hold(
        &self,
        who: impl Fn() -> FlowKey,
        is_heavy: bool,
        time: &TimeBudget,
    ) -> Result<EvaluationPermit, AcquireError> {
        let latest = time.latest_start();
        let heavy = match is_heavy {
            true => Some(self.heavy.take(&who, latest).await?),
            false => None,
        };
        Ok(EvaluationPermit {
            _slot: self.ordinary.take(&who, latest).await?,
            _heavy: heavy,
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

    fn who() -> FlowKey {
        FlowKey {
            caller: Arc::from("api"),
            user: Arc::from("flood"),
        }
    }

    /// Any number of heavy reviews, also of one's own user, leaves half of the slots to the others.
    #[tokio::test]
    async fn heavy_reviews_keep_no_ordinary_one_waiting() {
        let capacity = Capacity::new(MemoryBudget::new(0, 0), 4, 2);
        let now = Instant::now();
        let time = TimeBudget {
            begun: now,
            until: now + Duration::from_secs(600),
        };
        let soon = TimeBudget {
            begun: now,
            until: now + Duration::from_millis(100),
        };
        let mut held = Vec::new();
        for _ in 0..2 {
            held.push(capacity.hold(who, true, &time).await.ok().unwrap());
        }
        assert_eq!(
            capacity.hold(who, true, &soon).await.err(),
            Some(AcquireError::Late)
        );
        for _ in 0..2 {
            held.push(capacity.hold(who, false, &time).await.ok().unwrap());
        }
        assert_eq!(
            capacity.hold(who, false, &soon).await.err(),
            Some(AcquireError::Late)
        );
        drop(held);
        assert!(capacity.hold(who, true, &time).await.is_ok());
    }
}
