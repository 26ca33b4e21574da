//! The changes that wait to be evaluated: one for each object, bounded in number and bytes.
//!
//! A newer state of an object takes the place of the one that waits, so an object that changes often
//! is evaluated as often as there is time. When the queue is full, watches are not read on: what they
//! would bring waits at the API server.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::sync::Notify;

/// The bounds of a queue.
#[derive(Debug, Clone, Copy)]
pub(super) struct QueueLimits {
    pub(super) entries: usize,
    pub(super) bytes: usize,
}

/// Something that waits.
#[derive(Debug)]
pub(super) struct Queued<V> {
    pub(super) value: V,
    /// When the first of the changes came that it stands for.
    pub(super) received: Instant,
    bytes: usize,
}

/// A queue with one entry for each key, in the order in which the keys came.
#[derive(Debug)]
struct Coalesced<K, V> {
    order: VecDeque<K>,
    entries: HashMap<K, Queued<V>>,
    bytes: usize,
    limits: QueueLimits,
}

impl<K: Hash + Eq + Clone, V> Coalesced<K, V> {
    fn new(limits: QueueLimits) -> Self {
        Self {
            order: VecDeque::new(),
            entries: HashMap::new(),
            bytes: 0,
            limits,
        }
    }

    /// True if an entry may be added. One that takes the place of another is always possible in
    /// number.
    fn has_room(&self, key: &K, bytes: usize) -> bool {
        let replaced = self.entries.get(key);
        let held = self.bytes - replaced.map_or(0, |replaced| replaced.bytes);
        let has_number = replaced.is_some() || self.order.len() < self.limits.entries;
        // One that is larger than the bound waits until the queue is empty.
        has_number && (held == 0 || held + bytes <= self.limits.bytes)
    }

    fn push(&mut self, key: K, value: V, bytes: usize, now: Instant) {
        let mut received = now;
        if let Some(replaced) = self.entries.remove(&key) {
            self.bytes -= replaced.bytes;
            received = replaced.received;
        } else {
            self.order.push_back(key.clone());
        }
        self.bytes += bytes;
        let queued = Queued {
            value,
            received,
            bytes,
        };
        self.entries.insert(key, queued);
    }

    fn pop(&mut self) -> Option<Queued<V>> {
        let key = self.order.pop_front()?;
        let queued = self.entries.remove(&key)?;
        self.bytes -= queued.bytes;
        Some(queued)
    }
}

/// A queue between tasks.
#[derive(Debug)]
pub(super) struct ChangeQueue<K, V> {
    state: Mutex<Coalesced<K, V>>,
    /// An entry was added.
    added: Notify,
    /// An entry was taken.
    taken: Notify,
}

impl<K: Hash + Eq + Clone, V> ChangeQueue<K, V> {
    pub(super) fn new(limits: QueueLimits) -> Self {
        Self {
            state: Mutex::new(Coalesced::new(limits)),
            added: Notify::new(),
            taken: Notify::new(),
        }
    }

    /// Adds an entry, once there is room.
    pub(super) async fn push(&self, key: K, value: V, bytes: usize) {
        loop {
            let taken = self.taken.notified();
            tokio::pin!(taken);
            // Registered before the check: an entry that is taken in between is not missed.
            taken.as_mut().enable();
            {
                let mut state = self.lock();
                if state.has_room(&key, bytes) {
                    state.push(key, value, bytes, Instant::now());
                    self.added.notify_one();
                    return;
                }
            }
            taken.await;
        }
    }

    /// Waits until there is an entry.
    pub(super) async fn ready(&self) {
        loop {
            let added = self.added.notified();
            if self.len() > 0 {
                return;
            }
            added.await;
        }
    }

    /// Takes at most so many entries, without waiting.
    pub(super) fn take(&self, max: usize) -> Vec<Queued<V>> {
        let mut state = self.lock();
        let taken: Vec<_> = std::iter::from_fn(|| state.pop()).take(max).collect();
        drop(state);
        self.taken.notify_waiters();
        taken
    }

    pub(super) fn len(&self) -> usize {
        self.lock().order.len()
    }

    fn lock(&self) -> MutexGuard<'_, Coalesced<K, V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::Arc, time::Duration};

    const LIMITS: QueueLimits = QueueLimits {
        entries: 2,
        bytes: 10,
    };

    /// Pushes entries, each as key, value and bytes, where there is room, and takes all of them.
    #[track_caller]
    fn check(pushed: &[(&str, u32, usize, bool)], expected: &[(u32, u64)]) {
        let start = Instant::now();
        let mut queue = Coalesced::new(LIMITS);
        for (second, (key, value, bytes, has_room)) in (0..).zip(pushed) {
            assert_eq!(queue.has_room(key, *bytes), *has_room, "{key} {value}");
            if *has_room {
                queue.push(*key, *value, *bytes, start + Duration::from_secs(second));
            }
        }
        let taken = std::iter::from_fn(|| queue.pop());
        let taken: Vec<(u32, u64)> = taken
            .map(|queued| (queued.value, (queued.received - start).as_secs()))
            .collect();
        assert_eq!(taken, expected);
        assert_eq!(queue.bytes, 0);
    }

    #[test]
    fn newest_state_takes_the_place_of_the_first_one() {
        check(
            &[("a", 1, 3, true), ("b", 2, 3, true), ("a", 3, 4, true)],
            &[(3, 0), (2, 1)],
        );
    }

    #[test]
    fn number_and_bytes_are_bounded() {
        check(
            &[("a", 1, 1, true), ("b", 2, 1, true), ("c", 3, 1, false)],
            &[(1, 0), (2, 1)],
        );
        check(&[("a", 1, 6, true), ("b", 2, 5, false)], &[(1, 0)]);
        check(&[("a", 1, 6, true), ("a", 2, 11, true)], &[(2, 0)]);
        check(&[("a", 1, 100, true), ("b", 2, 1, false)], &[(1, 0)]);
    }

    #[tokio::test]
    async fn watch_waits_while_the_queue_is_full() {
        let queue = Arc::new(ChangeQueue::new(LIMITS));
        queue.push("a", 1, 1).await;
        queue.push("b", 2, 1).await;
        let pusher = Arc::clone(&queue);
        let third = tokio::spawn(async move { pusher.push("c", 3, 1).await });
        tokio::task::yield_now().await;
        assert!(!third.is_finished());
        let values = |taken: Vec<Queued<i32>>| -> Vec<i32> {
            taken.into_iter().map(|queued| queued.value).collect()
        };
        queue.ready().await;
        assert_eq!(values(queue.take(1)), [1]);
        third.await.unwrap();
        assert_eq!(values(queue.take(9)), [2, 3]);
        assert_eq!(queue.len(), 0);
    }
}
