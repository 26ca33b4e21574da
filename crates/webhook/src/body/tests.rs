//! Bodies of every size and pace against every bound, on a clock that is advanced by hand.

use super::*;
use hyper::body::Frame;
use std::{
    collections::VecDeque,
    convert::Infallible,
    future::Future as _,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// A budget with its deadline after 20 seconds; evaluations start within 15 seconds.
fn time_budget() -> TimeBudget {
    TimeBudget::new(now(), Duration::from_millis(20_500))
}

/// A body without an announced length, in pieces that each arrive after a pause.
struct Pieces {
    /// Milliseconds of the pause, and bytes of the piece.
    pieces: VecDeque<(u64, usize)>,
    pause: Option<Pin<Box<time::Sleep>>>,
}

fn pieces(pieces: impl IntoIterator<Item = (u64, usize)>) -> Body {
    Body::new(Pieces {
        pieces: pieces.into_iter().collect(),
        pause: None,
    })
}

static PIECE: [u8; MIB] = [b'x'; MIB];

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some((pause, bytes)) = self.pieces.front().copied() else {
            return Poll::Ready(None);
        };
        if pause > 0 {
            let sleep = self
                .pause
                .get_or_insert_with(|| Box::pin(time::sleep(Duration::from_millis(pause))));
            if sleep.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
        self.pause = None;
        self.pieces.pop_front();
        let piece = Bytes::from_static(&PIECE[..bytes]);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}

fn charge(budget: &MemoryBudget, caller: &str) -> MemoryCharge {
    budget.open(&Arc::from(caller)).unwrap()
}

/// Reads a body. Returns the name of the result, and the number of bytes that were kept.
async fn read(body: Body, charge: &mut MemoryCharge) -> (&'static str, usize) {
    match read_body(body, charge, &time_budget()).await {
        ReadBody::Complete(bytes) => ("complete", bytes.len()),
        ReadBody::TooLarge(prefix) => ("too large", prefix.len()),
        ReadBody::NoMemory(prefix) => ("no memory", prefix.len()),
        ReadBody::TooSlow(prefix) => ("too slow", prefix.len()),
        ReadBody::Disconnected => ("disconnected", 0),
    }
}

#[tokio::test]
async fn complete_body_is_charged_until_its_charge_is_dropped() {
    let budget = MemoryBudget::new(MIB, 8 * MIB);
    let before = budget.free_bytes();
    let mut charged = charge(&budget, "a");
    let opened = budget.free_bytes();
    assert_eq!(
        read(Body::from("hello"), &mut charged).await,
        ("complete", 5)
    );
    assert_eq!(budget.free_bytes(), (opened.0 - 5, opened.1));
    drop(charged);
    assert_eq!(budget.free_bytes(), before);
    let mut charged = charge(&budget, "a");
    assert_eq!(
        read(pieces([(0, MIB); 3]), &mut charged).await,
        ("complete", 3 * MIB)
    );
    assert!(budget.free_bytes().1 <= 6 * MIB);
    drop(charged);
    assert_eq!(budget.free_bytes(), before);
}

#[tokio::test]
async fn size_bounds_hold_with_and_without_an_announced_length() {
    let tight = MemoryBudget::new(MIB, 2 * MIB);
    let before = tight.free_bytes();
    for body in [pieces([(0, MIB); 9]), Body::from(vec![b'x'; 3 * MIB])] {
        assert_eq!(
            read(body, &mut charge(&tight, "a")).await,
            ("no memory", MAX_PREFIX_BYTES)
        );
        assert_eq!(tight.free_bytes(), before, "nothing stays charged");
    }
    let roomy = MemoryBudget::new(MIB, 256 * MIB);
    for body in [pieces([(0, MIB); 65]), Body::from(vec![b'x'; 65 * MIB])] {
        assert_eq!(
            read(body, &mut charge(&roomy, "a")).await,
            ("too large", MAX_PREFIX_BYTES)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn minimum_rate_is_enforced_after_a_second_while_memory_is_scarce() {
    let budget = MemoryBudget::new(MIB, 8 * MIB);
    let mut others = charge(&budget, "b");
    others.grow_to(MIB / 4).unwrap();
    let mut more = charge(&budget, "b");
    more.grow_to(MIB / 4).unwrap();
    for (body, seconds, expected) in [
        (pieces([(60_000, 1)]), 1, ("too slow", 0)),
        (pieces([(900, 100), (50, 100)]), 0, ("complete", 200)),
        (pieces([(900, 100), (60_000, 100)]), 1, ("too slow", 100)),
        (pieces([(1000, 64 * KIB); 10]), 10, ("complete", 640 * KIB)),
        (
            pieces([(1000, 16 * KIB); 10]),
            1,
            ("too slow", MAX_PREFIX_BYTES),
        ),
        (
            pieces([(0, 64 * KIB), (1900, 10)]),
            1,
            ("complete", 64 * KIB + 10),
        ),
        (
            pieces([(0, 64 * KIB), (2100, 10)]),
            2,
            ("too slow", MAX_PREFIX_BYTES),
        ),
        // The deadline holds at any rate.
        (
            pieces([(1000, 100 * KIB); 60]),
            15,
            ("too slow", MAX_PREFIX_BYTES),
        ),
    ] {
        let start = now();
        assert_eq!(read(body, &mut charge(&budget, "a")).await, expected);
        assert_eq!((now() - start).as_secs(), seconds);
    }
}

/// A body that the caller or the machine is too busy to send may use the time until its evaluation
/// must start, and one of which nothing has arrived the whole time budget.
#[tokio::test(start_paused = true)]
async fn slow_body_is_read_until_its_evaluation_must_start_while_memory_is_free() {
    let budget = MemoryBudget::new(MIB, 8 * MIB);
    for (body, seconds, expected) in [
        (pieces([(4_000, 100), (9_000, 100)]), 13, ("complete", 200)),
        (pieces([(4_000, 100), (12_000, 100)]), 15, ("too slow", 100)),
        (pieces([(17_000, 100)]), 17, ("complete", 100)),
        (pieces([(17_000, 100), (1_000, 100)]), 17, ("too slow", 100)),
        (pieces([(60_000, 1)]), 20, ("too slow", 0)),
    ] {
        let start = now();
        assert_eq!(read(body, &mut charge(&budget, "a")).await, expected);
        assert_eq!((now() - start).as_secs(), seconds);
    }
}

#[tokio::test(start_paused = true)]
async fn evicted_body_is_given_up() {
    let budget = MemoryBudget::new(MIB, 2 * MIB);
    let slow = tokio::spawn({
        let budget = budget.clone();
        async move {
            let body = pieces([(0, MIB), (0, MIB), (15_000, 10)]);
            read(body, &mut charge(&budget, "attacker")).await
        }
    });
    while budget.free_bytes().1 > MIB {
        time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(
        read(pieces([(0, MIB)]), &mut charge(&budget, "other")).await,
        ("complete", MIB)
    );
    assert_eq!(slow.await.unwrap(), ("no memory", MAX_PREFIX_BYTES));
}
