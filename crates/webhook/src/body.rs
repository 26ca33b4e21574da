//! The bytes of a request, within bounds: of one body, of memory, of time, and of the rate at which they come.
//!
//! The rate is enforced only where memory is scarce. A body on its way holds no slot, so one that is slow because the
//! machine is busy keeps nobody waiting, and giving it up early would let its object in unjudged.
//!
//! Whatever breaks a bound still gives the first bytes, where the uid stands, and takes the rest off the wire unread, so
//! that the caller can send all and then read the answer.

use super::{
    memory_budget::{BudgetExhausted, MemoryBudget, MemoryCharge},
    review::MAX_BODY_BYTES,
};
use axum::body::Body;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Bytes};
use std::time::{Duration, Instant};
use tokio::time;

/// Bytes kept of a body that is not taken: the API server writes the uid in the first two hundred.
const HEAD_BYTES: usize = 4 << 10;
/// Bytes that are taken off the wire and thrown away, at most.
const DISCARDED_BYTES: usize = 256 << 20;
/// How long a body may take to begin where memory is scarce.
const GRACE: Duration = Duration::from_secs(1);
/// Bytes that must come in a second from then on, on average.
const RATE_BYTES: u32 = 64 << 10;

/// A body that was read, or the beginning of one that was not.
pub(super) enum ReadBody {
    /// All of it.
    Whole(Bytes),
    /// It is over the bound of one body.
    TooLarge(Bytes),
    /// There is no memory for it now.
    BudgetExhausted(Bytes),
    /// It did not come in time, or too slowly.
    TooSlow(Bytes),
    /// The connection broke; nobody waits for an answer.
    Gone,
}

/// Reads a body; what is kept of it is charged as it comes.
pub(super) async fn take(body: Body, charge: &mut MemoryCharge, until: Instant) -> ReadBody {
    let mut coming = Coming {
        body,
        began: now(),
        bytes: 0,
        until,
        memory: Some(charge.memory().clone()),
    };
    let announced = usize::try_from(coming.body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > MAX_BODY_BYTES {
        return ReadBody::TooLarge(coming.discard(Vec::new()).await);
    }
    let mut bytes = Vec::new();
    loop {
        // A body that has room again is not given up for a neighbour.
        let next = tokio::select! {
            biased;
            next = coming.next() => next,
            () = charge.lost() => return ReadBody::BudgetExhausted(coming.discard(bytes).await),
        };
        let data = match next {
            Next::Data(data) => data,
            Next::End => break,
            Next::Slow => return ReadBody::TooSlow(head_of(&bytes)),
            Next::Gone => return ReadBody::Gone,
        };
        if coming.bytes > MAX_BODY_BYTES {
            return ReadBody::TooLarge(coming.discard(bytes).await);
        }
        match reserve(&mut bytes, data.len(), announced, charge) {
            Ok(()) => bytes.extend_from_slice(&data),
            Err(BudgetExhausted) => {
                bytes.extend_from_slice(data.get(..HEAD_BYTES.min(data.len())).unwrap_or_default());
                return ReadBody::BudgetExhausted(coming.discard(bytes).await);
            }
        }
    }
    charge.keep();
    ReadBody::Whole(Bytes::from(bytes))
}

/// The first bytes of a body that nobody will judge.
pub(super) async fn head(body: Body, until: Instant) -> Bytes {
    Coming {
        body,
        began: now(),
        bytes: 0,
        until,
        memory: None,
    }
    .discard(Vec::new())
    .await
}

/// Makes room for so many bytes more, and charges it. A vector doubles, but not beyond what was announced.
fn reserve(
    bytes: &mut Vec<u8>,
    more: usize,
    announced: usize,
    charge: &mut MemoryCharge,
) -> Result<(), BudgetExhausted> {
    let wanted = bytes.len() + more;
    if wanted > bytes.capacity() {
        let doubled = bytes.capacity().saturating_mul(2);
        let capacity = if announced >= wanted {
            doubled.min(announced)
        } else {
            doubled
        }
        .max(wanted);
        charge.grow_to(capacity)?;
        bytes.reserve_exact(capacity - bytes.len());
    }
    Ok(())
}

/// A body on its way.
struct Coming {
    body: Body,
    began: Instant,
    /// Those that have come.
    bytes: usize,
    until: Instant,
    /// Where it is charged; `None` where it is thrown away, and then the rate always holds.
    memory: Option<MemoryBudget>,
}

enum Next {
    Data(Bytes),
    End,
    /// The time is up, or the bytes come too slowly.
    Slow,
    Gone,
}

impl Coming {
    async fn next(&mut self) -> Next {
        loop {
            let late = self.late();
            match time::timeout_at(late.into(), self.body.frame()).await {
                Err(_) if now() >= self.until || self.memory_is_scarce() => return Next::Slow,
                Err(_) => {}
                Ok(None) => return Next::End,
                Ok(Some(Err(_))) => return Next::Gone,
                Ok(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        self.bytes += data.len();
                        return Next::Data(data);
                    }
                }
            }
        }
    }

    fn memory_is_scarce(&self) -> bool {
        self.memory.as_ref().is_none_or(MemoryBudget::is_scarce)
    }

    /// When the next byte must be there, or is looked for again.
    fn late(&self) -> Instant {
        let bytes = u32::try_from(self.bytes).unwrap_or(u32::MAX);
        let earned = Duration::from_secs_f64(f64::from(bytes) / f64::from(RATE_BYTES));
        let due = self.began + GRACE + earned;
        self.until
            .min(if due <= now() { now() + GRACE } else { due })
    }

    /// Takes the rest off the wire; gives the first bytes of all.
    async fn discard(mut self, mut head: Vec<u8>) -> Bytes {
        head.truncate(HEAD_BYTES);
        head.shrink_to_fit();
        while let Next::Data(data) = self.next().await {
            let room = HEAD_BYTES.saturating_sub(head.len()).min(data.len());
            head.extend_from_slice(data.get(..room).unwrap_or_default());
            if self.bytes > DISCARDED_BYTES {
                break;
            }
        }
        head_of(&head)
    }
}

/// By the runtime's clock, which tests turn by hand.
fn now() -> Instant {
    time::Instant::now().into_std()
}

fn head_of(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes.get(..HEAD_BYTES).unwrap_or(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        collections::VecDeque,
        convert::Infallible,
        future::Future as _,
        pin::Pin,
        sync::Arc,
        task::{Context, Poll},
    };

    const MIB: usize = 1 << 20;

    fn soon() -> Instant {
        now() + Duration::from_secs(20)
    }

    /// A body that comes in pieces of unknown total length, each after a pause.
    struct Pieces {
        pieces: VecDeque<(u64, usize)>,
        pause: Option<Pin<Box<time::Sleep>>>,
    }

    /// Pieces as `(milliseconds of pause, bytes)`.
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
        ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
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
            Poll::Ready(Some(Ok(hyper::body::Frame::data(Bytes::from_static(
                &PIECE[..bytes],
            )))))
        }
    }

    fn charge(memory: &MemoryBudget, caller: &str) -> MemoryCharge {
        memory.open(&Arc::from(caller)).unwrap()
    }

    /// What became of a body, in a word, and how many bytes there are of it.
    async fn taken(body: Body, charge: &mut MemoryCharge) -> (&'static str, usize) {
        match take(body, charge, soon()).await {
            ReadBody::Whole(bytes) => ("whole", bytes.len()),
            ReadBody::TooLarge(head) => ("too large", head.len()),
            ReadBody::BudgetExhausted(head) => ("no room", head.len()),
            ReadBody::TooSlow(head) => ("too slow", head.len()),
            ReadBody::Gone => ("gone", 0),
        }
    }

    #[tokio::test]
    async fn a_body_is_taken_whole_and_its_memory_given_back() {
        let memory = MemoryBudget::new(MIB, 8 * MIB);
        let before = memory.free();
        let mut charged = charge(&memory, "a");
        let opened = memory.free();
        assert_eq!(taken(Body::from("hello"), &mut charged).await, ("whole", 5));
        assert_eq!(memory.free(), (opened.0 - 5, opened.1));
        drop(charged);
        assert_eq!(memory.free(), before);
        let mut charged = charge(&memory, "a");
        assert_eq!(
            taken(pieces([(0, MIB); 3]), &mut charged).await,
            ("whole", 3 * MIB)
        );
        assert!(memory.free().1 <= 6 * MIB);
        drop(charged);
        assert_eq!(memory.free(), before);
    }

    #[tokio::test]
    async fn bounds_hold_for_announced_and_for_unannounced_bodies() {
        let tight = MemoryBudget::new(MIB, 2 * MIB);
        let before = tight.free();
        for body in [pieces([(0, MIB); 9]), Body::from(vec![b'x'; 3 * MIB])] {
            assert_eq!(
                taken(body, &mut charge(&tight, "a")).await,
                ("no room", HEAD_BYTES)
            );
            assert_eq!(tight.free(), before, "nothing is kept");
        }
        let roomy = MemoryBudget::new(MIB, 256 * MIB);
        for body in [pieces([(0, MIB); 65]), Body::from(vec![b'x'; 65 * MIB])] {
            assert_eq!(
                taken(body, &mut charge(&roomy, "a")).await,
                ("too large", HEAD_BYTES)
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_has_a_second_to_begin_and_then_a_least_rate_where_memory_is_scarce() {
        const KIB: usize = 1 << 10;
        let memory = MemoryBudget::new(MIB, 8 * MIB);
        let mut others = charge(&memory, "b");
        others.grow_to(MIB / 4).unwrap();
        let mut more = charge(&memory, "b");
        more.grow_to(MIB / 4).unwrap();
        for (body, seconds, expected) in [
            (pieces([(60_000, 1)]), 1, ("too slow", 0)),
            (pieces([(900, 100), (50, 100)]), 0, ("whole", 200)),
            (pieces([(900, 100), (60_000, 100)]), 1, ("too slow", 100)),
            (pieces([(1000, 64 * KIB); 10]), 10, ("whole", 640 * KIB)),
            (pieces([(1000, 16 * KIB); 10]), 1, ("too slow", HEAD_BYTES)),
            (
                pieces([(0, 64 * KIB), (1900, 10)]),
                1,
                ("whole", 64 * KIB + 10),
            ),
            (
                pieces([(0, 64 * KIB), (2100, 10)]),
                2,
                ("too slow", HEAD_BYTES),
            ),
            // Whatever its rate, the time is the caller's.
            (
                pieces([(1000, 100 * KIB); 60]),
                20,
                ("too slow", HEAD_BYTES),
            ),
        ] {
            let began = now();
            assert_eq!(taken(body, &mut charge(&memory, "a")).await, expected);
            assert_eq!((now() - began).as_secs(), seconds);
        }
    }

    /// A body that the caller or the machine is too busy to send has all of its time where nobody needs its memory.
    #[tokio::test(start_paused = true)]
    async fn a_slow_body_is_read_to_its_end_where_memory_is_there() {
        let memory = MemoryBudget::new(MIB, 8 * MIB);
        for (body, seconds, expected) in [
            (pieces([(4_000, 100), (9_000, 100)]), 13, ("whole", 200)),
            (pieces([(60_000, 1)]), 20, ("too slow", 0)),
        ] {
            let began = now();
            assert_eq!(taken(body, &mut charge(&memory, "a")).await, expected);
            assert_eq!((now() - began).as_secs(), seconds);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_whose_memory_another_needs_is_given_up() {
        let memory = MemoryBudget::new(MIB, 2 * MIB);
        let hold = tokio::spawn({
            let memory = memory.clone();
            async move {
                taken(
                    pieces([(0, MIB), (0, MIB), (15_000, 10)]),
                    &mut charge(&memory, "attacker"),
                )
                .await
            }
        });
        while memory.free().1 > MIB {
            time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(
            taken(pieces([(0, MIB)]), &mut charge(&memory, "other")).await,
            ("whole", MIB)
        );
        assert_eq!(hold.await.unwrap(), ("no room", HEAD_BYTES));
    }
}
