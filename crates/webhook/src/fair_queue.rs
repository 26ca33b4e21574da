//! A queue in front of a fixed number of slots, fair by caller and by user: round robin over the callers that wait, and
//! within a caller round robin over its users. A slot is given at once while one is free and nobody waits, so a caller
//! that is alone may take them all.
//!
//! The queue is format_bounded, for one user and in all. It is synchronous, has no clock and wakes nobody: what waits is a value
//! of the caller's.

use std::{collections::VecDeque, sync::Arc};

/// Who asks: the share is taken from the caller's first, then from the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FlowKey {
    /// The client at the other end of the connection.
    pub(super) caller: Arc<str>,
    /// The user whose request it sends; empty where nobody knows.
    pub(super) user: Arc<str>,
}

/// How many may wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct QueueLimits {
    /// For one user of one caller.
    pub(super) user: usize,
    /// In all.
    pub(super) all: usize,
}

/// What became of one that entered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entered<W> {
    /// It has a slot.
    Granted,
    /// It waits, under this number. The queue was full where somebody else had to leave.
    Waits(u64, Option<W>),
    /// The queue is full, and it is the one to leave.
    Full,
}

/// The queue. `W` is what waits.
#[derive(Debug)]
pub(super) struct FairQueue<W> {
    free: usize,
    waiting: usize,
    bounds: QueueLimits,
    /// Whose turn is next stands first.
    callers: VecDeque<CallerQueue<W>>,
    number: u64,
}

#[derive(Debug)]
struct CallerQueue<W> {
    caller: Arc<str>,
    waiting: usize,
    users: VecDeque<UserQueue<W>>,
}

#[derive(Debug)]
struct UserQueue<W> {
    user: Arc<str>,
    tickets: VecDeque<(u64, W)>,
}

impl<W> FairQueue<W> {
    /// A queue in front of so many slots.
    pub(super) fn new(slots: usize, bounds: QueueLimits) -> Self {
        Self {
            free: slots,
            waiting: 0,
            bounds,
            callers: VecDeque::new(),
            number: 0,
        }
    }

    /// Takes a slot that is free while nobody waits.
    pub(super) fn try_enter(&mut self) -> bool {
        let granted = self.free > 0 && self.waiting == 0;
        if granted {
            self.free -= 1;
        }
        granted
    }

    /// Takes a slot, or waits for one. Where the queue is full, the newest of the longest queue leaves it.
    pub(super) fn enter(&mut self, who: &FlowKey, waits: W) -> Entered<W> {
        if self.try_enter() {
            return Entered::Granted;
        }
        if self.waiting_of(who) >= self.bounds.user {
            return Entered::Full;
        }
        self.number += 1;
        let number = self.number;
        self.push(who, number, waits);
        if self.waiting <= self.bounds.all {
            return Entered::Waits(number, None);
        }
        match self.pop_newest_of_longest() {
            Some((left, _)) if left == number => Entered::Full,
            left => Entered::Waits(number, left.map(|(_, waits)| waits)),
        }
    }

    /// Gives a slot back. The one whose turn it is gets it, and is returned to be told so.
    pub(super) fn release(&mut self) -> Option<W> {
        let next = self.pop_next();
        if next.is_none() {
            self.free += 1;
        }
        next
    }

    /// Takes one that gave up out of the queue. Nothing happens where it does not wait any more.
    pub(super) fn leave(&mut self, who: &FlowKey, number: u64) {
        let Some(at) = self.callers.iter().position(|it| it.caller == who.caller) else {
            return;
        };
        let Some(caller) = self.callers.get_mut(at) else {
            return;
        };
        let Some(user_at) = caller.users.iter().position(|it| it.user == who.user) else {
            return;
        };
        let Some(user) = caller.users.get_mut(user_at) else {
            return;
        };
        let Some(place) = user.tickets.iter().position(|it| it.0 == number) else {
            return;
        };
        user.tickets.remove(place);
        self.removed(at, user_at);
    }

    /// How many wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    fn waiting_of(&self, who: &FlowKey) -> usize {
        let caller = self.callers.iter().find(|it| it.caller == who.caller);
        let user = caller.and_then(|it| it.users.iter().find(|it| it.user == who.user));
        user.map_or(0, |it| it.tickets.len())
    }

    fn push(&mut self, who: &FlowKey, number: u64, waits: W) {
        self.waiting += 1;
        let ticket = (number, waits);
        let Some(caller) = self.callers.iter_mut().find(|it| it.caller == who.caller) else {
            let user = UserQueue {
                user: Arc::clone(&who.user),
                tickets: VecDeque::from([ticket]),
            };
            let users = VecDeque::from([user]);
            return self.callers.push_back(CallerQueue {
                caller: Arc::clone(&who.caller),
                waiting: 1,
                users,
            });
        };
        caller.waiting += 1;
        match caller.users.iter_mut().find(|it| it.user == who.user) {
            Some(user) => user.tickets.push_back(ticket),
            None => {
                caller.users.push_back(UserQueue {
                    user: Arc::clone(&who.user),
                    tickets: VecDeque::from([ticket]),
                });
            }
        }
    }

    /// The first ticket of the first user of the first caller; both go to the end of their rounds.
    fn pop_next(&mut self) -> Option<W> {
        let mut caller = self.callers.pop_front()?;
        let taken = caller.users.pop_front().and_then(|mut user| {
            let ticket = user.tickets.pop_front();
            if !user.tickets.is_empty() {
                caller.users.push_back(user);
            }
            ticket
        });
        caller.waiting = caller.waiting.saturating_sub(1);
        self.waiting = self.waiting.saturating_sub(1);
        if caller.waiting > 0 {
            self.callers.push_back(caller);
        }
        taken.map(|(_, waits)| waits)
    }

    fn pop_newest_of_longest(&mut self) -> Option<(u64, W)> {
        let (at, caller) = self
            .callers
            .iter_mut()
            .enumerate()
            .max_by_key(|(_, it)| it.waiting)?;
        let (user_at, user) = caller
            .users
            .iter_mut()
            .enumerate()
            .max_by_key(|(_, it)| it.tickets.len())?;
        let ticket = user.tickets.pop_back();
        self.removed(at, user_at);
        ticket
    }

    /// A ticket was taken out of a user's queue: counts it, and forgets who waits for nothing.
    fn removed(&mut self, at: usize, user_at: usize) {
        self.waiting = self.waiting.saturating_sub(1);
        let Some(caller) = self.callers.get_mut(at) else {
            return;
        };
        caller.waiting = caller.waiting.saturating_sub(1);
        if caller
            .users
            .get(user_at)
            .is_some_and(|it| it.tickets.is_empty())
        {
            caller.users.remove(user_at);
        }
        if caller.users.is_empty() {
            self.callers.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOMY: QueueLimits = QueueLimits {
        user: 100,
        all: 1000,
    };

    fn requester(text: &str) -> FlowKey {
        let (caller, user) = text.split_once('/').unwrap();
        FlowKey {
            caller: Arc::from(caller),
            user: Arc::from(user),
        }
    }

    /// One slot. All of `arrivals` enter while it is taken; the order in which they get it.
    #[track_caller]
    fn check_order(arrivals: &str, expected: &str) {
        let mut queue = FairQueue::new(1, ROOMY);
        assert!(queue.try_enter());
        for (place, who) in arrivals.split(' ').enumerate() {
            let waits = format!("{who}{place}");
            assert!(matches!(
                queue.enter(&requester(who), waits),
                Entered::Waits(_, None)
            ));
        }
        let mut order = Vec::new();
        while let Some(next) = queue.release() {
            order.push(next);
        }
        assert_eq!(order.join(" "), expected);
        assert_eq!((queue.free, queue.waiting, queue.callers.len()), (1, 0, 0));
    }

    #[test]
    fn slots_go_round_over_callers_and_over_the_users_of_a_caller() {
        check_order("a/u a/u a/u", "a/u0 a/u1 a/u2");
        check_order("a/u a/u a/u b/u", "a/u0 b/u3 a/u1 a/u2");
        check_order("a/u a/u a/u a/v", "a/u0 a/v3 a/u1 a/u2");
        check_order("a/u a/v a/w a/x b/u b/u", "a/u0 b/u4 a/v1 b/u5 a/w2 a/x3");
        check_order("a/u a/u b/u b/v c/u", "a/u0 b/u2 c/u4 a/u1 b/v3");
    }

    /// A review on a virtual clock: when it comes, whose it is, how long it takes.
    struct Arrival(u64, &'static str, u64);

    /// Runs arrivals through a queue; for each, when it began.
    fn run(slots: usize, arrivals: &[Arrival]) -> Vec<u64> {
        let mut queue: FairQueue<usize> = FairQueue::new(slots, ROOMY);
        let mut begun = vec![u64::MAX; arrivals.len()];
        let mut ends: Vec<u64> = Vec::new();
        let last = arrivals.iter().map(|it| it.0 + it.2).sum();
        for now in 0..=last {
            while let Some(at) = ends.iter().position(|it| *it == now) {
                ends.remove(at);
                if let Some(next) = queue.release() {
                    begun[next] = now;
                    ends.push(now + arrivals[next].2);
                }
            }
            for (place, arrival) in arrivals.iter().enumerate().filter(|(_, it)| it.0 == now) {
                if queue.enter(&requester(arrival.1), place) == Entered::Granted {
                    begun[place] = now;
                    ends.push(now + arrival.2);
                }
            }
        }
        begun
    }

    #[test]
    fn a_flood_delays_its_own_user_first() {
        let mut arrivals: Vec<Arrival> = (0..60).map(|_| Arrival(0, "api/flood", 10)).collect();
        arrivals.extend((1..10).map(|it| Arrival(it * 10 + 1, "api/ann", 1)));
        let begun = run(2, &arrivals);
        for (arrival, begun) in arrivals.iter().zip(&begun).skip(60) {
            assert!(
                begun - arrival.0 <= 10,
                "{} waited until {begun}",
                arrival.0
            );
        }
        // The flood loses only what others took: 609 units of work on two slots.
        assert!(begun.iter().take(60).all(|it| *it <= 300), "{begun:?}");
    }

    #[test]
    fn a_caller_alone_has_every_slot() {
        let arrivals: Vec<Arrival> = (0..8).map(|_| Arrival(0, "api/ann", 5)).collect();
        assert_eq!(run(4, &arrivals), [0, 0, 0, 0, 5, 5, 5, 5]);
    }

    #[test]
    fn a_full_queue_sends_away_the_newest_of_the_longest() {
        let mut queue = FairQueue::new(0, QueueLimits { user: 4, all: 5 });
        for waits in 1..=4 {
            assert_eq!(
                queue.enter(&requester("a/u"), waits),
                Entered::Waits(waits, None)
            );
        }
        assert_eq!(queue.enter(&requester("a/u"), 5), Entered::Full, "one user");
        assert_eq!(queue.enter(&requester("b/u"), 5), Entered::Waits(5, None));
        assert_eq!(
            queue.enter(&requester("b/v"), 6),
            Entered::Waits(6, Some(4)),
            "all"
        );
        assert_eq!(
            queue.enter(&requester("a/v"), 7),
            Entered::Waits(7, Some(3))
        );
        assert_eq!(queue.waiting(), 5);
        let left: Vec<_> = std::iter::from_fn(|| queue.pop_next()).collect();
        assert_eq!(left, [1, 5, 7, 6, 2]);
    }

    #[test]
    fn one_that_gave_up_is_forgotten() {
        let mut queue = FairQueue::new(0, ROOMY);
        for (place, who) in ["a/u", "a/u", "b/u"].into_iter().enumerate() {
            queue.enter(&requester(who), place);
        }
        queue.leave(&requester("a/u"), 1);
        queue.leave(&requester("a/u"), 1);
        queue.leave(&requester("c/u"), 2);
        queue.leave(&requester("b/u"), 3);
        assert_eq!((queue.waiting(), queue.callers.len()), (1, 1));
        assert_eq!(queue.release(), Some(1));
        assert_eq!((queue.waiting(), queue.callers.len()), (0, 0));
        assert_eq!(queue.release(), None);
        assert!(queue.try_enter());
    }
}
