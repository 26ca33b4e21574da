//! Exponential backoff with jitter: each pause is twice as long as the one before, and part of it
//! is random, so that many processes that lost the same API server do not come back in step.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// The state of an exponential backoff.
#[derive(Debug, Clone)]
pub(super) struct Backoff {
    initial: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    pub(super) fn new(initial: Duration, max: Duration) -> Self {
        Self {
            initial,
            max,
            next: initial,
        }
    }

    /// Returns the next pause: at random between half of the current length and all of it.
    pub(super) fn next_pause(&mut self) -> Duration {
        let length = self.next;
        self.next = (length * 2).min(self.max);
        // A new hasher has random keys, which is randomness enough for jitter.
        let permille = (RandomState::new().hash_one(0) % 1000) as u32;
        length / 2 + length * permille / 2000
    }

    /// Starts again with the initial pause, after a success.
    pub(super) fn reset(&mut self) {
        self.next = self.initial;
    }
}
