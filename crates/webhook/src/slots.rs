//! Slots to judge in, given out by a fair queue to tasks that wait. It knows no review.

use super::fair_queue::{Bounds, Entered, FairQueue, Requester};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::{sync::oneshot, time};

/// A fixed number of slots. Clones are one.
#[derive(Clone)]
pub(super) struct Slots(Arc<Mutex<FairQueue<oneshot::Sender<Slot>>>>);

/// A slot that is held; dropped, it goes to whose turn it is.
pub(super) struct Slot(Slots);

/// Why no slot was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The queue is full.
    Full,
    /// None came in time.
    Late,
}

impl Slots {
    pub(super) fn new(slots: usize, bounds: Bounds) -> Self {
        Self(Arc::new(Mutex::new(FairQueue::new(slots, bounds))))
    }

    /// Takes a slot; none is given after `latest`. `who` is asked for only where there is a queue.
    ///
    /// # Errors
    /// The queue is full, or it is late.
    pub(super) async fn take(
        &self,
        who: impl FnOnce() -> Requester,
        latest: Instant,
    ) -> Result<Slot, Refused> {
        if Instant::now() >= latest {
            return Err(Refused::Late);
        }
        if self.queue().try_enter() {
            return Ok(Slot(self.clone()));
        }
        let who = who();
        let (sender, receiver) = oneshot::channel();
        let entered = self.queue().enter(&who, sender);
        let number = match entered {
            Entered::Granted => return Ok(Slot(self.clone())),
            Entered::Full => return Err(Refused::Full),
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
            Ok(Err(_)) => Err(Refused::Full),
            Err(_) => {
                drop(waiting);
                Err(Refused::Late)
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, FairQueue<oneshot::Sender<Slot>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that waits; dropped, it leaves the queue, however its task ended.
struct Waiting<'s> {
    slots: &'s Slots,
    who: &'s Requester,
    number: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.slots.queue().leave(self.who, self.number);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // Bound to a name, so that the queue is free again when a slot that nobody takes any more is dropped.
        let next = self.0.queue().release();
        if let Some(next) = next {
            // Where its task has gone, the slot is dropped here and goes on.
            drop(next.send(Slot(self.0.clone())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const BOUNDS: Bounds = Bounds { user: 2, all: 3 };

    fn who(user: &str) -> Requester {
        Requester {
            caller: Arc::from("api"),
            user: Arc::from(user),
        }
    }

    fn in_seconds(seconds: u64) -> Instant {
        time::Instant::now().into_std() + Duration::from_secs(seconds)
    }

    #[tokio::test]
    async fn a_slot_goes_from_hand_to_hand_and_back() {
        let slots = Slots::new(1, BOUNDS);
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
            Some(Refused::Late)
        );
        drop(second);
        assert!(slots.take(|| who("a"), in_seconds(60)).await.is_ok());
    }

    #[tokio::test]
    async fn who_goes_away_leaves_the_queue_and_takes_no_slot_along() {
        let slots = Slots::new(1, BOUNDS);
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
        let slots = Slots::new(0, BOUNDS);
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
            Some(Refused::Full)
        );
        // Another user sends away the newest of the longest queue.
        let other = wait("c");
        let left = held.each_mut();
        let [_, second, _] = left;
        assert_eq!(second.await.unwrap(), Err(Refused::Full));
        other.abort();
    }
}
