//! `POST /validate`: from the request's bytes to the answer's, under load too.
//!
//! Nothing queues without bound: what cannot be judged in time is answered by policy. Judging is synchronous and holds
//! one of as many slots as there are cores.

use super::{
    body::{self, Budget, Taken},
    gate::{Answered, Gate, Surroundings},
    glance::Glance,
    log::DecisionLog,
    metrics::Metrics,
    record::Recorder,
    timeout,
};
use crate::{decision::Unread, matching::Labels};
use arc_swap::ArcSwap;
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{StatusCode, header},
    response::Response,
    routing::post,
};
use hyper::body::{Bytes, Frame, SizeHint};
use std::{
    cell::Cell,
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    thread,
    time::{Duration, Instant},
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task, time,
};

/// Memory for all bodies together.
const BODIES_BYTES: usize = 256 << 20;
/// Reviews that are read, wait or are judged at the same time.
const REVIEWS: usize = 1024;

/// Who knows the labels of namespaces.
pub trait NamespaceLookup: Send + Sync {
    /// Those at hand; never waits.
    fn cached(&self, name: &str) -> Option<Arc<Labels>>;

    /// Asks for them, waiting until the given moment at most. Called where waiting is allowed.
    fn ask(&self, name: &str, until: Instant) -> Option<Arc<Labels>>;
}

/// Hears of every answer that was given.
pub type Observe = Arc<dyn Fn(&Answered) + Send + Sync>;

/// A review over this is large: of those, only as many are judged at a time as leave a core to the others.
const LARGE_BYTES: usize = 256 << 10;

/// Everything that the endpoint works with.
pub struct Admission {
    /// What holds now.
    pub gate: Arc<ArcSwap<Gate>>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Where decisions are written.
    pub log: Option<DecisionLog>,
    /// Where reviews are recorded.
    pub recorder: Option<Recorder>,
    /// Who knows the labels of namespaces; `None`: nobody.
    pub namespaces: Option<Box<dyn NamespaceLookup>>,
    /// Who hears of answers.
    pub observe: Option<Observe>,
    /// How much may happen at once.
    pub capacity: Capacity,
}

/// How much may happen at once.
pub struct Capacity {
    reviews: Semaphore,
    bodies: Budget,
    judges: Semaphore,
    large: Semaphore,
}

impl Default for Capacity {
    fn default() -> Self {
        let judges = thread::available_parallelism().map_or(2, usize::from).max(2);
        Self {
            reviews: Semaphore::new(REVIEWS),
            bodies: Budget::new(BODIES_BYTES),
            judges: Semaphore::new(judges),
            large: Semaphore::new(judges / 2),
        }
    }
}

impl Admission {
    /// Opens the decision log anew: somebody has moved its file away.
    pub fn reopen(&self) {
        if let Some(log) = &self.log {
            log.reopen();
        }
    }

    /// Waits, at most so long, until decisions and records are written. For the end of the process.
    pub fn flush(&self, within: Duration) {
        if let Some(log) = &self.log {
            log.flush(within);
        }
        if let Some(recorder) = &self.recorder {
            recorder.flush(within);
        }
    }
}

impl Capacity {
    /// Waits for a place among those who judge. Objects made to be slow are large: whoever sends them in numbers waits
    /// for the like, and keeps nobody else from being judged.
    async fn slot(&self, length: usize) -> Option<(Option<SemaphorePermit<'_>>, SemaphorePermit<'_>)> {
        let large = match length {
            0..=LARGE_BYTES => None,
            _ => Some(self.large.acquire().await.ok()?),
        };
        Some((large, self.judges.acquire().await.ok()?))
    }
}

/// Reviews up to this size are answered without telling the runtime, where all controls are compiled: under a
/// millisecond of work.
const SHORT_BYTES: usize = 64 << 10;

/// The endpoint as a router.
pub fn router(admission: Arc<Admission>) -> Router {
    Router::new().route("/validate", post(validate)).with_state(admission)
}

async fn validate(State(admission): State<Arc<Admission>>, request: Request) -> Response {
    let begun = Instant::now();
    let until = begun + timeout::of_query(request.uri().query());
    let encoded = request.headers().get(header::CONTENT_ENCODING).is_some_and(|it| it != "identity");
    let body = request.into_body();
    if encoded {
        body::head(body, until).await;
        admission.metrics.refused("encoding");
        return plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send the review without Content-Encoding");
    }
    let Ok(_place) = admission.capacity.reviews.try_acquire() else {
        let head = body::head(body, until).await;
        return admission.by_policy(&head, &Unread::Overloaded, "overload");
    };
    match body::take(body, &admission.capacity.bodies, until).await {
        Taken::Whole(bytes, _memory) => {
            admission.metrics.phase("read", begun.elapsed());
            admission.judge(&bytes, until).await
        }
        Taken::TooLarge(head) => admission.by_policy(&head, &Unread::TooLarge, "too_large"),
        Taken::NoRoom(head) => admission.by_policy(&head, &Unread::Overloaded, "memory"),
        Taken::TooSlow(head) => admission.by_policy(&head, &Unread::TimedOut, "slow_body"),
        Taken::Gone => plain(StatusCode::BAD_REQUEST, "the body broke off"),
    }
}

impl Admission {
    async fn judge(&self, bytes: &Bytes, until: Instant) -> Response {
        let read = Instant::now();
        let Ok(Some((_large, slot))) = time::timeout_at(until.into(), self.capacity.slot(bytes.len())).await else {
            return self.by_policy(bytes, &Unread::Overloaded, "wait");
        };
        let gate = self.gate.load_full();
        let slot = Cell::new(Some(slot));
        let answer = || {
            let namespace = |name: &str| {
                let lookup = self.namespaces.as_ref()?;
                lookup.cached(name).or_else(|| {
                    // Whoever waits for an API server takes no core from the others.
                    drop(slot.take());
                    task::block_in_place(|| lookup.ask(name, until))
                })
            };
            gate.answer(bytes, &Surroundings { until, namespace: &namespace })
        };
        // What takes microseconds is done here: handing the runtime's other work to another thread would take longer.
        let is_short = bytes.len() <= SHORT_BYTES && gate.engine.interpreted().next().is_none();
        let answered = if is_short { answer() } else { task::block_in_place(answer) };
        match answered {
            Ok(answered) => {
                self.metrics.spent(&answered.phases);
                if let (Some(recorder), Some(review)) = (&self.recorder, &answered.review) {
                    recorder.record(review, bytes);
                }
                self.finish(answered, gate.generation, read)
            }
            Err(why) => {
                self.metrics.refused("no_review");
                plain(StatusCode::BAD_REQUEST, &why)
            }
        }
    }

    /// The answer to what is not judged; the bytes hold the uid, if anything does.
    fn by_policy(&self, bytes: &[u8], why: &Unread, word: &'static str) -> Response {
        let now = Instant::now();
        let Some(glance) = Glance::of(bytes) else {
            self.metrics.refused(word);
            return plain(StatusCode::SERVICE_UNAVAILABLE, "the request was not read and has no uid to answer to");
        };
        self.metrics.shed(word);
        let gate = self.gate.load_full();
        self.finish(gate.refuse(&glance, why), gate.generation, now)
    }

    fn finish(&self, answered: Answered, generation: u64, read: Instant) -> Response {
        self.metrics.answered(&answered);
        if let Some(log) = &self.log {
            log.write(&answered, generation);
        }
        if let Some(observe) = &self.observe {
            observe(&answered);
        }
        let sent = Sent {
            bytes: Some(Bytes::from(answered.body)),
            begun: Instant::now(),
            read,
            metrics: Arc::clone(&self.metrics),
        };
        let mut response = Response::new(Body::new(sent));
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        response
    }
}

fn plain(status: StatusCode, why: &str) -> Response {
    let mut response = Response::new(Body::from(format!("{why}\n")));
    *response.status_mut() = status;
    response
}

/// An answer that says when the connection has taken it.
struct Sent {
    bytes: Option<Bytes>,
    begun: Instant,
    read: Instant,
    metrics: Arc<Metrics>,
}

impl hyper::body::Body for Sent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.bytes.take().map(|it| Ok(Frame::data(it))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |it| it.len() as u64))
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        if self.bytes.is_none() {
            self.metrics.phase("write", self.begun.elapsed());
            self.metrics.phase("total", self.read.elapsed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any number of large reviews leaves a core to the small ones.
    #[tokio::test(start_paused = true)]
    async fn large_reviews_keep_no_small_one_waiting() {
        let capacity = Capacity::default();
        let mut held = Vec::new();
        while let Ok(slot) = time::timeout(Duration::from_secs(1), capacity.slot(LARGE_BYTES + 1)).await {
            held.push(slot.unwrap());
        }
        assert!(!held.is_empty());
        let small = time::timeout(Duration::from_secs(1), capacity.slot(LARGE_BYTES)).await;
        assert!(small.is_ok_and(|it| it.is_some()));
    }
}
