//! The bytes of a request, within bounds: of one body, of all bodies together, and of time.
//!
//! Whatever breaks a bound still gives the first bytes, where the uid stands, and takes the rest off the wire unread, so
//! that the caller can send all and then read the answer.

use super::review::BODY_BYTES;
use axum::body::Body;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Bytes};
use std::{sync::Arc, time::Instant};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time,
};

/// Bytes kept of a body that is not taken: the API server writes the uid in the first two hundred.
const HEAD_BYTES: usize = 4 << 10;
/// Bytes that are taken off the wire and thrown away, at most.
const DISCARDED_BYTES: usize = 256 << 20;
/// What one permit stands for.
const UNIT: usize = 1 << 10;

/// Memory for all bodies together.
pub(super) struct Budget(Arc<Semaphore>);

impl Budget {
    /// A budget of so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes / UNIT)))
    }

    fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).ok()?;
        Arc::clone(&self.0).try_acquire_many_owned(units).ok()
    }
}

/// A body that was read, or the beginning of one that was not.
pub(super) enum Taken {
    /// All of it. The permit is its share of the budget.
    Whole(Bytes, OwnedSemaphorePermit),
    /// It is over the bound of one body.
    TooLarge(Bytes),
    /// There is no memory for it now.
    NoRoom(Bytes),
    /// It did not come in time.
    TooSlow(Bytes),
    /// The connection broke; nobody waits for an answer.
    Gone,
}

/// Reads a body.
pub(super) async fn take(body: Body, budget: &Budget, until: Instant) -> Taken {
    let mut head = Vec::new();
    match time::timeout_at(until.into(), collect(body, budget, &mut head)).await {
        Ok(taken) => taken,
        Err(_) => Taken::TooSlow(head_of(&head)),
    }
}

/// The first bytes of a body that nobody will judge.
pub(super) async fn head(body: Body, until: Instant) -> Bytes {
    let mut head = Vec::new();
    let _ = time::timeout_at(until.into(), discard(body, &mut head, HEAD_BYTES)).await;
    head_of(&head)
}

async fn collect(mut body: Body, budget: &Budget, bytes: &mut Vec<u8>) -> Taken {
    let announced = body.size_hint().lower();
    let announced = usize::try_from(announced).unwrap_or(usize::MAX);
    if announced > BODY_BYTES {
        discard(body, bytes, HEAD_BYTES).await;
        return Taken::TooLarge(head_of(bytes));
    }
    // A body without an announced length pays as it comes.
    let Some(mut permit) = budget.take(announced.max(UNIT)) else {
        discard(body, bytes, HEAD_BYTES).await;
        return Taken::NoRoom(head_of(bytes));
    };
    let mut paid = announced.max(UNIT);
    bytes.reserve(announced);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Taken::Gone };
        let Ok(data) = frame.into_data() else { continue };
        let length = bytes.len() + data.len();
        if length > BODY_BYTES {
            shrink(bytes);
            discard(body, bytes, 0).await;
            return Taken::TooLarge(head_of(bytes));
        }
        if length > paid {
            let more = (length - paid).max(paid);
            let Some(share) = budget.take(more) else {
                shrink(bytes);
                discard(body, bytes, 0).await;
                return Taken::NoRoom(head_of(bytes));
            };
            permit.merge(share);
            paid += more;
        }
        bytes.extend_from_slice(&data);
    }
    Taken::Whole(Bytes::from(std::mem::take(bytes)), permit)
}

/// Takes the rest off the wire, keeping up to `keep` bytes of it.
async fn discard(mut body: Body, head: &mut Vec<u8>, keep: usize) {
    let mut seen = 0;
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else { continue };
        seen += data.len();
        let room = keep.saturating_sub(head.len()).min(data.len());
        head.extend_from_slice(data.get(..room).unwrap_or_default());
        if seen > DISCARDED_BYTES {
            return;
        }
    }
}

fn shrink(bytes: &mut Vec<u8>) {
    bytes.truncate(HEAD_BYTES);
    bytes.shrink_to_fit();
}

fn head_of(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes.get(..HEAD_BYTES).unwrap_or(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{future::pending, time::Duration};

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    /// A body that comes in pieces of unknown total length.
    fn pieces(piece: &'static [u8], count: usize) -> Body {
        struct Pieces(&'static [u8], usize);
        impl hyper::body::Body for Pieces {
            type Data = Bytes;
            type Error = std::convert::Infallible;
            fn poll_frame(
                mut self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
                if self.1 == 0 {
                    return std::task::Poll::Ready(None);
                }
                self.1 -= 1;
                std::task::Poll::Ready(Some(Ok(hyper::body::Frame::data(Bytes::from_static(self.0)))))
            }
        }
        Body::new(Pieces(piece, count))
    }

    static PIECE: [u8; 1 << 20] = [b'x'; 1 << 20];

    #[tokio::test]
    async fn a_body_is_taken_whole_and_its_memory_given_back() {
        let budget = Budget::new(8 << 20);
        let Taken::Whole(bytes, permit) = take(Body::from("hello"), &budget, soon()).await else { panic!() };
        assert_eq!(&bytes[..], b"hello");
        assert_eq!(budget.0.available_permits(), (8 << 10) - 1);
        drop(permit);
        assert_eq!(budget.0.available_permits(), 8 << 10);
        let Taken::Whole(bytes, _) = take(pieces(&PIECE, 3), &budget, soon()).await else { panic!() };
        assert_eq!(bytes.len(), 3 << 20);
    }

    #[tokio::test]
    async fn bounds_hold_for_announced_and_for_unannounced_bodies() {
        let budget = Budget::new(2 << 20);
        let Taken::NoRoom(head) = take(pieces(&PIECE, 9), &budget, soon()).await else { panic!() };
        assert_eq!(head.len(), HEAD_BYTES);
        let Taken::NoRoom(head) = take(Body::from(vec![b'x'; 3 << 20]), &budget, soon()).await else { panic!() };
        assert_eq!(head.len(), HEAD_BYTES);
        assert_eq!(budget.0.available_permits(), 2 << 10, "nothing is kept");
        let roomy = Budget::new(256 << 20);
        let Taken::TooLarge(head) = take(pieces(&PIECE, 65), &roomy, soon()).await else { panic!() };
        assert_eq!(head.len(), HEAD_BYTES);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up() {
        struct Never;
        impl hyper::body::Body for Never {
            type Data = Bytes;
            type Error = std::convert::Infallible;
            fn poll_frame(
                self: std::pin::Pin<&mut Self>,
                context: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
                let mut never = Box::pin(pending());
                std::future::Future::poll(never.as_mut(), context)
            }
        }
        let until = tokio::time::Instant::now().into_std() + Duration::from_secs(3);
        assert!(matches!(take(Body::new(Never), &Budget::new(1 << 20), until).await, Taken::TooSlow(_)));
    }
}
