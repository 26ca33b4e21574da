//! FairSemaphore to judge in, given out by a fair queue to tasks that wait. It knows no review.

use super::fair_queue::{Entered, FairQueue, FlowKey, QueueLimits};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::{sync::oneshot, time};

/// A fixed number of slots. Clones are one.
#[derive(Clone)]
pub(super) struct FairSemaphore(Arc<Mutex<FairQueue<oneshot::Sender<Permit>>>>);

/// A slot that is held; dropped, it goes to whose turn it is.
pub(super) struct Permit(FairSemaphore);

/// Why no slot was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AcquireError {
    /// The queue is full.
    Full,
    /// None came in time.
    Late,
}

impl FairSemaphore {
    pub(super) fn new(slots: usize, bounds: QueueLimits) -> Self {
        Self(Arc::new(Mutex::new(FairQueue::new(slots, bounds))))
    }

    /// Takes a slot; none is given after `latest`. `who` is asked for only where there is a queue.
    ///
    /// # Errors
    /// The queue is full, or it is late.
    pub(super) async fn take(
        &self,
        who: impl FnOnce() -> FlowKey,
        latest: Instant,
    ) -> Result<Permit, AcquireError> {
        if Instant::now() >= latest {
            return Err(AcquireError::Late);
        }
        if self.queue().try_enter() {
            return Ok(Permit(self.clone()));
        }
        let who = who();
        let (sender, receiver) = oneshot::channel();
        let entered = self.queue().enter(&who, sender);
        let number = match entered {
            Entered::Granted => return Ok(Permit(self.clone())),
            Entered::Full => return Err(AcquireError::Full),
            Entered::Waits(number, left) => {
                // Without its sender, it knows.
                drop(left);
                number
            }
        };
        let waiting = Waiting {
            slots: self,
            who: &who,
            number,
        };
        match time::timeout_at(latest.into(), receiver).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) => Err(AcquireError::Full),
            Err(_) => {
                drop(waiting);
                Err(AcquireError::Late)
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, FairQueue<oneshot::Sender<Permit>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that waits; dropped, it leaves the queue, however its task ended.
struct Waiting<'s> {
    slots: &'s FairSemaphore,
    who: &'s FlowKey,
    number: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.slots.queue().leave(self.who, self.number);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        // Bound to a name, so that the queue is free again when a slot that nobody takes any more is dropped.
        let next = self.0.queue().release();
        if let Some(next) = next {
            // Where its task has gone, the slot is dropped here and goes on.
            drop(next.send(Permit(self.0.clone())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const BOUNDS: QueueLimits = QueueLimits { user: 2, all: 3 };

    fn who(user: &str) -> FlowKey {
        FlowKey {
            caller: Arc::from("api"),
            user: Arc::from(user),
        }
    }

    fn in_seconds(seconds: u64) -> Instant {
        time::Instant::now().into_std() + Duration::from_secs(seconds)
    }

    #[tokio::test]
    async fn a_slot_goes_from_hand_to_hand_and_back() {
        let slots = FairSemaphore::new(1, BOUNDS);
        let held = slots.take(|| who("a"), in_seconds(60)).await.unwrap();
        let waiting = tokio::spawn({
            let slots = slots.clone();
            async move { slots.take(|| who("a"), in_seconds(60)).await }
        });
        while slots.queue().waiting() == 0 {
            tokio::task::yield_now().await;
        }
        drop(held);
        let second = waiting.await.unwrap().unwrap();
        assert_eq!(
            slots.take(|| who("b"), Instant::now()).await.err(),
            Some(AcquireError::Late)
        );
        drop(second);
        assert!(slots.take(|| who("a"), in_seconds(60)).await.is_ok());
    }

    #[tokio::test]
    async fn who_goes_away_leaves_the_queue_and_takes_no_slot_along() {
        let slots = FairSemaphore::new(1, BOUNDS);
        let held = slots.take(|| who("a"), in_seconds(60)).await.unwrap();
        let waiting = tokio::spawn({
            let slots = slots.clone();
            async move { slots.take(|| who("a"), in_seconds(60)).await.map(drop) }
        });
        while slots.queue().waiting() == 0 {
            tokio::task::yield_now().await;
        }
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
        assert_eq!(slots.queue().waiting(), 0);
        drop(held);
        assert!(slots.take(|| who("a"), in_seconds(60)).await.is_ok());
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let slots = FairSemaphore::new(0, BOUNDS);
        let wait = |user: &'static str| {
            let slots = slots.clone();
            tokio::spawn(async move { slots.take(|| who(user), in_seconds(5)).await.map(drop) })
        };
        let mut held = [wait("a"), wait("a"), wait("b")];
        while slots.queue().waiting() < 3 {
            tokio::task::yield_now().await;
        }
        assert_eq!(
            slots.take(|| who("a"), in_seconds(5)).await.err(),
            Some(AcquireError::Full)
        );
        // Another user sends away the newest of the longest queue.
        let other = wait("c");
        let left = held.each_mut();
        let [_, second, _] = left;
        assert_eq!(second.await.unwrap(), Err(AcquireError::Full));
        other.abort();
    }
}
