//! A semaphore whose permits are granted by a fair queue.
//!
//! It adds waiting tasks, deadlines and cancellation to [`FairQueue`], and knows nothing of
//! reviews.

use super::fair_queue::{EnqueueResult, FairQueue, FlowKey, QueueLimits};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::{sync::oneshot, time};

/// A fixed number of permits. Clones share them.
#[derive(Clone)]
pub(super) struct FairSemaphore(Arc<Mutex<FairQueue<oneshot::Sender<Permit>>>>);

/// A permit. When it is dropped, the next waiting task gets it.
pub(super) struct Permit(FairSemaphore);

/// The reason why no permit was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AcquireError {
    /// The queue is full.
    QueueFull,
    /// None was free before the deadline.
    TimedOut,
}

impl FairSemaphore {
    /// Creates a semaphore with `permits` permits.
    pub(super) fn new(permits: usize, limits: QueueLimits) -> Self {
        Self(Arc::new(Mutex::new(FairQueue::new(permits, limits))))
    }

    /// Waits for a permit; none is granted after `deadline`. `flow` is called only if there is a
    /// queue.
    ///
    /// # Errors
    /// The queue is full, or the deadline has passed.
    pub(super) async fn acquire(
        &self,
        flow: impl FnOnce() -> FlowKey,
        deadline: Instant,
    ) -> Result<Permit, AcquireError> {
        if Instant::now() >= deadline {
            return Err(AcquireError::TimedOut);
        }
        if self.queue().try_acquire() {
            return Ok(Permit(self.clone()));
        }
        let flow = flow();
        let (sender, receiver) = oneshot::channel();
        let result = self.queue().enqueue(&flow, sender);
        let ticket = match result {
            EnqueueResult::Granted => return Ok(Permit(self.clone())),
            EnqueueResult::Full => return Err(AcquireError::QueueFull),
            EnqueueResult::Queued { ticket, evicted } => {
                // Dropping its sender is how the evicted task learns of it.
                drop(evicted);
                ticket
            }
        };
        let cancel_on_drop = CancelOnDrop {
            semaphore: self,
            flow: &flow,
            ticket,
        };
        match time::timeout_at(deadline.into(), receiver).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(AcquireError::QueueFull),
            Err(_) => {
                drop(cancel_on_drop);
                Err(AcquireError::TimedOut)
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, FairQueue<oneshot::Sender<Permit>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes a waiter from the queue when its task ends, however it ends.
struct CancelOnDrop<'s> {
    semaphore: &'s FairSemaphore,
    flow: &'s FlowKey,
    ticket: u64,
}

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        self.semaphore.queue().cancel(self.flow, self.ticket);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        // The guard of the queue must be dropped before the permit is sent: if the receiver is
        // gone, the permit is dropped here, which locks the queue again.
        let next = self.0.queue().release();
        if let Some(next) = next {
            drop(next.send(Self(self.0.clone())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const LIMITS: QueueLimits = QueueLimits {
        per_user: 2,
        total: 3,
    };

    fn flow(user: &str) -> FlowKey {
        FlowKey {
            caller: Arc::from("api"),
            user: Arc::from(user),
        }
    }

    fn in_seconds(seconds: u64) -> Instant {
        time::Instant::now().into_std() + Duration::from_secs(seconds)
    }

    /// Starts a task that waits for a permit.
    fn spawn_acquire(
        semaphore: &FairSemaphore,
        user: &'static str,
    ) -> tokio::task::JoinHandle<Result<Permit, AcquireError>> {
        let semaphore = semaphore.clone();
        tokio::spawn(async move { semaphore.acquire(|| flow(user), in_seconds(60)).await })
    }

    async fn wait_for_waiters(semaphore: &FairSemaphore, count: usize) {
        while semaphore.queue().waiting() < count {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn dropped_permit_goes_to_the_next_task() {
        let semaphore = FairSemaphore::new(1, LIMITS);
        let acquire = |user| semaphore.acquire(move || flow(user), in_seconds(60));
        let first = acquire("a").await.unwrap();
        let waiting = spawn_acquire(&semaphore, "a");
        wait_for_waiters(&semaphore, 1).await;
        drop(first);
        let second = waiting.await.unwrap().unwrap();
        let late = semaphore.acquire(|| flow("b"), Instant::now()).await;
        assert_eq!(late.err(), Some(AcquireError::TimedOut));
        drop(second);
        assert!(acquire("a").await.is_ok());
    }

    #[tokio::test]
    async fn aborted_task_leaves_the_queue_and_keeps_no_permit() {
        let semaphore = FairSemaphore::new(1, LIMITS);
        let acquire = || semaphore.acquire(|| flow("a"), in_seconds(60));
        let held = acquire().await.unwrap();
        let waiting = spawn_acquire(&semaphore, "a");
        wait_for_waiters(&semaphore, 1).await;
        waiting.abort();
        assert!(waiting.await.err().unwrap().is_cancelled());
        assert_eq!(semaphore.queue().waiting(), 0);
        drop(held);
        assert!(acquire().await.is_ok());
    }

    #[tokio::test]
    async fn full_queue_rejects_at_once_and_evicts_for_another_user() {
        let semaphore = FairSemaphore::new(0, LIMITS);
        let _first = spawn_acquire(&semaphore, "a");
        let second = spawn_acquire(&semaphore, "a");
        let _third = spawn_acquire(&semaphore, "b");
        wait_for_waiters(&semaphore, 3).await;
        let fourth = semaphore.acquire(|| flow("a"), in_seconds(5)).await;
        assert_eq!(fourth.err(), Some(AcquireError::QueueFull));
        // Another user evicts the newest waiter of the longest queue.
        let other = spawn_acquire(&semaphore, "c");
        assert_eq!(second.await.unwrap().err(), Some(AcquireError::QueueFull));
        other.abort();
    }
}
