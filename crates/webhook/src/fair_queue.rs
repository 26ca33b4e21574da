//! A fair queue in front of a fixed number of slots: round robin over the callers that wait, and
//! within a caller round robin over its users.
//!
//! A slot is granted at once while one is free and no flow waits, so a caller that is alone may use
//! all of them. The queue is bounded, per user and in total. It is synchronous, has no clock and
//! notifies no task: a waiter is a value of the caller's choice.

use std::{collections::VecDeque, sync::Arc};

/// The flow that a request belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FlowKey {
    /// The client at the other end of the connection.
    pub(super) caller: Arc<str>,
    /// The user whose request the client sends; empty if unknown.
    pub(super) user: Arc<str>,
}

/// The number of waiters.
#[derive(Debug, Clone, Copy)]
pub(super) struct QueueLimits {
    /// For one user of one caller.
    pub(super) per_user: usize,
    /// For all callers together.
    pub(super) total: usize,
}

/// The result of asking for a slot.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum EnqueueResult<W> {
    /// A slot was granted.
    Granted,
    /// The request waits.
    Queued {
        /// The ticket by which it can be cancelled.
        ticket: u64,
        /// The waiter that was evicted from the full queue to make room.
        evicted: Option<W>,
    },
    /// The queue is full.
    Full,
}

/// The queue. `W` is a waiter.
#[derive(Debug)]
pub(super) struct FairQueue<W> {
    free_slots: usize,
    waiting: usize,
    limits: QueueLimits,
    /// The callers that wait, in the order of their next turns.
    callers: VecDeque<CallerQueue<W>>,
    last_ticket: u64,
}

#[derive(Debug)]
struct CallerQueue<W> {
    caller: Arc<str>,
    waiting: usize,
    /// The users that wait, in the order of their next turns.
    users: VecDeque<UserQueue<W>>,
}

#[derive(Debug)]
struct UserQueue<W> {
    user: Arc<str>,
    /// The waiters with their tickets, oldest first.
    waiters: VecDeque<(u64, W)>,
}

impl<W> FairQueue<W> {
    /// Creates a queue in front of `slots` free slots.
    pub(super) fn new(slots: usize, limits: QueueLimits) -> Self {
        Self {
            free_slots: slots,
            waiting: 0,
            limits,
            callers: VecDeque::new(),
            last_ticket: 0,
        }
    }

    /// Takes a free slot, unless a request waits for one.
    pub(super) fn try_acquire(&mut self) -> bool {
        let is_granted = self.free_slots > 0 && self.waiting == 0;
        if is_granted {
            self.free_slots -= 1;
        }
        is_granted
    }

    /// Takes a free slot, or waits for one. If the queue is full, the newest waiter of the longest
    /// queue is evicted.
    pub(super) fn enqueue(&mut self, flow: &FlowKey, waiter: W) -> EnqueueResult<W> {
        if self.try_acquire() {
            return EnqueueResult::Granted;
        }
        if self.waiting_of(flow) >= self.limits.per_user {
            return EnqueueResult::Full;
        }
        self.last_ticket += 1;
        let ticket = self.last_ticket;
        self.push(flow, ticket, waiter);
        if self.waiting <= self.limits.total {
            return EnqueueResult::Queued {
                ticket,
                evicted: None,
            };
        }
        match self.evict_newest_of_longest() {
            Some((evicted, _)) if evicted == ticket => EnqueueResult::Full,
            evicted => EnqueueResult::Queued {
                ticket,
                evicted: evicted.map(|(_, waiter)| waiter),
            },
        }
    }

    /// Releases a slot. Returns the waiter that it goes to.
    pub(super) fn release(&mut self) -> Option<W> {
        let next = self.pop_next();
        if next.is_none() {
            self.free_slots += 1;
        }
        next
    }

    /// Removes a waiter. Does nothing if it no longer waits.
    pub(super) fn cancel(&mut self, flow: &FlowKey, ticket: u64) {
        if let Some((caller_index, user_index)) = self.remove_ticket(flow, ticket) {
            self.count_removal(caller_index, user_index);
        }
    }

    /// Returns the number of waiters.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Removes a ticket from its queue. Returns the indexes of the caller and of the user.
    fn remove_ticket(&mut self, flow: &FlowKey, ticket: u64) -> Option<(usize, usize)> {
        let mut callers = self.callers.iter();
        let caller_index = callers.position(|queue| queue.caller == flow.caller)?;
        let caller = self.callers.get_mut(caller_index)?;
        let mut users = caller.users.iter();
        let user_index = users.position(|queue| queue.user == flow.user)?;
        let user = caller.users.get_mut(user_index)?;
        let index = user
            .waiters
            .iter()
            .position(|(other, _)| *other == ticket)?;
        user.waiters.remove(index);
        Some((caller_index, user_index))
    }

    fn waiting_of(&self, flow: &FlowKey) -> usize {
        let mut callers = self.callers.iter();
        let caller = callers.find(|queue| queue.caller == flow.caller);
        let user = caller.and_then(|queue| queue.users.iter().find(|user| user.user == flow.user));
        user.map_or(0, |queue| queue.waiters.len())
    }

    fn push(&mut self, flow: &FlowKey, ticket: u64, waiter: W) {
        self.waiting += 1;
        let mut callers = self.callers.iter_mut();
        let Some(caller) = callers.find(|queue| queue.caller == flow.caller) else {
            return self.callers.push_back(CallerQueue {
                caller: Arc::clone(&flow.caller),
                waiting: 1,
                users: VecDeque::from([UserQueue::new(flow, ticket, waiter)]),
            });
        };
        caller.waiting += 1;
        match caller
            .users
            .iter_mut()
            .find(|queue| queue.user == flow.user)
        {
            Some(user) => user.waiters.push_back((ticket, waiter)),
            None => caller.users.push_back(UserQueue::new(flow, ticket, waiter)),
        }
    }

    /// Removes the first waiter of the first user of the first caller. Both go to the end of their
    /// rounds if they still wait.
    fn pop_next(&mut self) -> Option<W> {
        let mut caller = self.callers.pop_front()?;
        let popped = caller.users.pop_front().and_then(|mut user| {
            let popped = user.waiters.pop_front();
            if !user.waiters.is_empty() {
                caller.users.push_back(user);
            }
            popped
        });
        caller.waiting = caller.waiting.saturating_sub(1);
        self.waiting = self.waiting.saturating_sub(1);
        if caller.waiting > 0 {
            self.callers.push_back(caller);
        }
        popped.map(|(_, waiter)| waiter)
    }

    /// Removes the newest waiter of the user with the most waiters of the caller with the most
    /// waiters. Returns it with its ticket.
    fn evict_newest_of_longest(&mut self) -> Option<(u64, W)> {
        let (caller_index, caller) = self
            .callers
            .iter_mut()
            .enumerate()
            .max_by_key(|(_, queue)| queue.waiting)?;
        let (user_index, user) = caller
            .users
            .iter_mut()
            .enumerate()
            .max_by_key(|(_, queue)| queue.waiters.len())?;
        let evicted = user.waiters.pop_back();
        self.count_removal(caller_index, user_index);
        evicted
    }

    /// Counts one waiter less, and removes queues that are empty now.
    fn count_removal(&mut self, caller_index: usize, user_index: usize) {
        self.waiting = self.waiting.saturating_sub(1);
        let Some(caller) = self.callers.get_mut(caller_index) else {
            return;
        };
        caller.waiting = caller.waiting.saturating_sub(1);
        let user = caller.users.get(user_index);
        if user.is_some_and(|user| user.waiters.is_empty()) {
            caller.users.remove(user_index);
        }
        if caller.users.is_empty() {
            self.callers.remove(caller_index);
        }
    }
}

impl<W> UserQueue<W> {
    fn new(flow: &FlowKey, ticket: u64, waiter: W) -> Self {
        Self {
            user: Arc::clone(&flow.user),
            waiters: VecDeque::from([(ticket, waiter)]),
        }
    }
}

#[cfg(test)]
mod tests;
