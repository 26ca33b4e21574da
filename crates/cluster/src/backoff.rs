//! Pauses between attempts: each twice the one before, with chance in it, so that many processes that lost the same API
//! server do not come back in step.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// How long the next pause is.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    first: Duration,
    most: Duration,
    next: Duration,
}

impl Pace {
    /// The first pause and the longest.
    pub(super) fn new(first: Duration, most: Duration) -> Self {
        Self {
            first,
            most,
            next: first,
        }
    }

    /// The pause to make now, between half of its length and all of it.
    pub(super) fn pause(&mut self) -> Duration {
        let length = self.next;
        self.next = (length * 2).min(self.most);
        // A new hasher has new keys: enough chance for this, without a generator of random numbers.
        let chance = (RandomState::new().hash_one(0) % 1000) as u32;
        length / 2 + length * chance / 2000
    }

    /// Things work again.
    pub(super) fn reset(&mut self) {
        self.next = self.first;
    }
}
