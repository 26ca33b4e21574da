//! The order in which flows get their slots, and the bounds of the queue.

use super::*;

const UNLIMITED: QueueLimits = QueueLimits {
    per_user: 100,
    total: 1000,
};

/// Parses `caller/user`.
fn flow(key: &str) -> FlowKey {
    let (caller, user) = key.split_once('/').unwrap();
    FlowKey {
        caller: Arc::from(caller),
        user: Arc::from(user),
    }
}

fn queued<W>(ticket: u64, evicted: Option<W>) -> EnqueueResult<W> {
    EnqueueResult::Queued { ticket, evicted }
}

/// All of `arrivals` wait for one slot. Checks the order in which they get it; each is followed by
/// its index among the arrivals.
#[track_caller]
fn check_order(arrivals: &str, expected: &str) {
    let mut queue = FairQueue::new(1, UNLIMITED);
    assert!(queue.try_acquire());
    for (index, key) in arrivals.split(' ').enumerate() {
        let result = queue.enqueue(&flow(key), format!("{key}{index}"));
        assert!(matches!(
            result,
            EnqueueResult::Queued { evicted: None, .. }
        ));
    }
    let mut order = Vec::new();
    while let Some(next) = queue.release() {
        order.push(next);
    }
    assert_eq!(order.join(" "), expected);
    assert_eq!(
        (queue.free_slots, queue.waiting, queue.callers.len()),
        (1, 0, 0)
    );
}

#[test]
fn slots_are_granted_round_robin_by_caller_and_user() {
    check_order("a/u a/u a/u", "a/u0 a/u1 a/u2");
    check_order("a/u a/u a/u b/u", "a/u0 b/u3 a/u1 a/u2");
    check_order("a/u a/u a/u a/v", "a/u0 a/v3 a/u1 a/u2");
    check_order("a/u a/v a/w a/x b/u b/u", "a/u0 b/u4 a/v1 b/u5 a/w2 a/x3");
    check_order("a/u a/u b/u b/v c/u", "a/u0 b/u2 c/u4 a/u1 b/v3");
}

/// A request on a virtual clock.
struct Arrival {
    time: u64,
    flow: &'static str,
    duration: u64,
}

/// Runs arrivals through a queue. Returns for each the time at which it got a slot.
fn simulate(slots: usize, arrivals: &[Arrival]) -> Vec<u64> {
    let mut queue: FairQueue<usize> = FairQueue::new(slots, UNLIMITED);
    let mut starts = vec![u64::MAX; arrivals.len()];
    let mut ends: Vec<u64> = Vec::new();
    let last = arrivals
        .iter()
        .map(|arrival| arrival.time + arrival.duration)
        .sum();
    for now in 0..=last {
        while let Some(index) = ends.iter().position(|end| *end == now) {
            ends.remove(index);
            if let Some(next) = queue.release() {
                starts[next] = now;
                ends.push(now + arrivals[next].duration);
            }
        }
        for (index, arrival) in arrivals.iter().enumerate() {
            if arrival.time == now
                && queue.enqueue(&flow(arrival.flow), index) == EnqueueResult::Granted
            {
                starts[index] = now;
                ends.push(now + arrival.duration);
            }
        }
    }
    starts
}

#[test]
fn flood_delays_its_own_user_first() {
    let flood = (0..60).map(|_| Arrival {
        time: 0,
        flow: "api/flood",
        duration: 10,
    });
    let ordinary = (1..10).map(|number| Arrival {
        time: number * 10 + 1,
        flow: "api/ann",
        duration: 1,
    });
    let arrivals: Vec<Arrival> = flood.chain(ordinary).collect();
    let starts = simulate(2, &arrivals);
    for (arrival, start) in arrivals.iter().zip(&starts).skip(60) {
        assert!(
            start - arrival.time <= 10,
            "{} waited until {start}",
            arrival.time
        );
    }
    // The flood loses only what the other user took: 609 units of work on two slots.
    let mut flood_starts = starts.iter().take(60);
    assert!(flood_starts.all(|start| *start <= 300), "{starts:?}");
}

#[test]
fn single_caller_gets_every_slot() {
    let arrivals: Vec<Arrival> = (0..8)
        .map(|_| Arrival {
            time: 0,
            flow: "api/ann",
            duration: 5,
        })
        .collect();
    assert_eq!(simulate(4, &arrivals), [0, 0, 0, 0, 5, 5, 5, 5]);
}

#[test]
fn full_queue_evicts_the_newest_waiter_of_the_longest_queue() {
    let limits = QueueLimits {
        per_user: 4,
        total: 5,
    };
    let mut queue = FairQueue::new(0, limits);
    for waiter in 1..=4 {
        assert_eq!(queue.enqueue(&flow("a/u"), waiter), queued(waiter, None));
    }
    assert_eq!(
        queue.enqueue(&flow("a/u"), 5),
        EnqueueResult::Full,
        "the limit of one user"
    );
    assert_eq!(queue.enqueue(&flow("b/u"), 5), queued(5, None));
    assert_eq!(
        queue.enqueue(&flow("b/v"), 6),
        queued(6, Some(4)),
        "the total limit"
    );
    assert_eq!(queue.enqueue(&flow("a/v"), 7), queued(7, Some(3)));
    assert_eq!(queue.waiting(), 5);
    let order: Vec<_> = std::iter::from_fn(|| queue.pop_next()).collect();
    assert_eq!(order, [1, 5, 7, 6, 2]);
}

#[test]
fn cancelled_waiter_gets_no_slot() {
    let mut queue = FairQueue::new(0, UNLIMITED);
    for (index, key) in ["a/u", "a/u", "b/u"].into_iter().enumerate() {
        queue.enqueue(&flow(key), index);
    }
    queue.cancel(&flow("a/u"), 1);
    queue.cancel(&flow("a/u"), 1);
    queue.cancel(&flow("c/u"), 2);
    queue.cancel(&flow("b/u"), 3);
    assert_eq!((queue.waiting(), queue.callers.len()), (1, 1));
    assert_eq!(queue.release(), Some(1));
    assert_eq!((queue.waiting(), queue.callers.len()), (0, 0));
    assert_eq!(queue.release(), None);
    assert!(queue.try_acquire());
}
