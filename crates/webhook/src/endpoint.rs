//! `POST /validate`: from the request's bytes to the answer's, under load too.
//!
//! Nothing queues without bound, and one budget of time holds from the first byte to the last: what cannot be judged in
//! it is answered by policy while the caller still listens. Judging is synchronous and holds a slot; a review that turns
//! out to be heavy leaves the runtime's thread and is judged anew in a heavy slot.

use super::{
    body::{self, ReadBody},
    caller_timeout::TimeBudget,
    capacity::{Capacity, EvaluationPermit},
    decision_log::DecisionLog,
    envelope::Envelope,
    fair_queue::FlowKey,
    fair_semaphore::AcquireError,
    memory_budget::{BudgetExhausted, MemoryCharge},
    metrics::WebhookMetrics,
    recorder::Recorder,
    snapshot::{AnswerContext, PolicySnapshot, ReviewOutcome, Unanswered},
};
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
use kubevet_admission::ReadFailure;
use kubevet_k8s::matching::Labels;
use kubevet_server::Peer;
use std::{
    cell::RefCell,
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::{task, time};

/// Steps from which on a review is heavy: about two milliseconds.
pub(super) const HEAVY_STEPS: u64 = 100_000;
/// Bytes from which on a review is heavy by what it takes to read them: about two milliseconds.
pub(super) const HEAVY_BYTES: usize = 1 << 20;
/// Reviews up to this size are read and judged on the runtime's thread, where all controls are compiled.
pub(super) const INLINE_BYTES: usize = 64 << 10;

/// Who knows the labels of namespaces.
pub trait NamespaceLookup: Send + Sync {
    /// Those at hand; never waits.
    fn cached(&self, name: &str) -> Option<Arc<Labels>>;

    /// Asks for them, waiting until the given moment at most.
    fn fetch<'l>(&'l self, name: &'l str, until: Instant) -> LabelsFuture<'l>;
}

/// Labels that are being asked for; `None` where nobody knows.
pub type LabelsFuture<'l> = Pin<Box<dyn Future<Output = Option<Arc<Labels>>> + Send + 'l>>;

/// Hears of every answer that was given.
pub type ReviewObserver = Arc<dyn Fn(&ReviewOutcome) + Send + Sync>;

/// Everything that the endpoint works with.
pub struct Endpoint {
    /// What holds now.
    pub snapshot: Arc<ArcSwap<PolicySnapshot>>,
    /// What is counted.
    pub metrics: Arc<WebhookMetrics>,
    /// Where decisions are written.
    pub decision_log: Option<DecisionLog>,
    /// Where reviews are recorded.
    pub recorder: Option<Recorder>,
    /// Who knows the labels of namespaces; `None`: nobody.
    pub namespaces: Option<Box<dyn NamespaceLookup>>,
    /// Who hears of answers.
    pub observer: Option<ReviewObserver>,
    /// How much may happen at once.
    pub capacity: Capacity,
}

impl Endpoint {
    /// Opens the decision log anew: somebody has moved its file away.
    pub fn reopen(&self) {
        if let Some(log) = &self.decision_log {
            log.reopen();
        }
    }

    /// Waits, at most so long, until decisions and records are written. For the end of the process.
    pub fn flush(&self, within: Duration) {
        if let Some(log) = &self.decision_log {
            log.flush(within);
        }
        if let Some(recorder) = &self.recorder {
            recorder.flush(within);
        }
    }
}

/// The endpoint as a router.
pub fn router(admission: Arc<Endpoint>) -> Router {
    Router::new()
        .route("/validate", post(validate))
        .with_state(admission)
}

async fn validate(State(admission): State<Arc<Endpoint>>, mut request: Request) -> Response {
    let time = TimeBudget::of_query(Instant::now(), request.uri().query());
    let peer = request
        .extensions_mut()
        .remove::<Peer>()
        .unwrap_or_else(|| Peer::detached(""));
    let encoded = request
        .headers()
        .get(header::CONTENT_ENCODING)
        .is_some_and(|it| it != "identity");
    let body = request.into_body();
    if encoded {
        body::head(body, time.until).await;
        admission.metrics.refused("encoding");
        return plain(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send the review without Content-Encoding",
        );
    }
    let mut charge = match admission.capacity.memory.open(peer.caller()) {
        Ok(charge) => charge,
        Err(BudgetExhausted) => {
            let head = body::head(body, time.until).await;
            return admission
                .by_policy(&head, &ReadFailure::Overloaded, "memory")
                .response();
        }
    };
    let given = match body::take(body, &mut charge, time.until).await {
        ReadBody::Whole(bytes) => {
            admission.metrics.phase("read", time.begun.elapsed());
            admission.judge(&bytes, &peer, &time).await
        }
        ReadBody::TooLarge(head) => admission.by_policy(&head, &ReadFailure::TooLarge, "too_large"),
        ReadBody::BudgetExhausted(head) => {
            admission.by_policy(&head, &ReadFailure::Overloaded, "memory")
        }
        ReadBody::TooSlow(head) => admission.by_policy(&head, &ReadFailure::TimedOut, "slow_body"),
        ReadBody::Gone => Given::Plain(StatusCode::BAD_REQUEST, "the body broke off".to_owned()),
    };
    given.charged(charge, peer)
}

/// What a request comes to.
enum Given {
    /// An answer to a review.
    Answer(Sent),
    /// The request is no review, and why.
    Plain(StatusCode, String),
}

impl Given {
    /// The response, which holds its memory until the caller has taken it.
    fn charged(mut self, mut charge: MemoryCharge, peer: Peer) -> Response {
        if let Self::Answer(sent) = &mut self {
            charge.answer(peer, sent.bytes.as_ref().map_or(0, Bytes::len));
            sent.charge(charge);
        }
        self.response()
    }

    fn response(self) -> Response {
        match self {
            Self::Plain(status, why) => plain(status, &why),
            Self::Answer(sent) => {
                let mut response = Response::new(Body::new(sent));
                let json = header::HeaderValue::from_static("application/json");
                response.headers_mut().insert(header::CONTENT_TYPE, json);
                response
            }
        }
    }
}

/// What judging one review once came to.
enum Judged {
    Done(Box<ReviewOutcome>),
    /// It is more work than is done on the runtime's thread, or in an ordinary slot.
    Heavy,
    /// The labels of this namespace must be asked for first.
    Needs(String),
    NoReview(String),
}

/// The labels of a namespace that were asked for.
type Known = Option<(String, Option<Arc<Labels>>)>;

impl Endpoint {
    async fn judge(self: &Arc<Self>, bytes: &Bytes, peer: &Peer, time: &TimeBudget) -> Given {
        let read = Instant::now();
        let gate = self.snapshot.load_full();
        // Interpreted rules count no steps, so they leave the runtime's thread at once.
        let is_inline = bytes.len() <= INLINE_BYTES && gate.engine.interpreted().next().is_none();
        let mut is_heavy = bytes.len() > HEAVY_BYTES;
        let mut known: Known = None;
        let who = || FlowKey {
            caller: Arc::clone(peer.caller()),
            user: Arc::from(Envelope::user_of(bytes)),
        };
        // At most three turns: it is found heavy once, and asks for its one namespace once.
        loop {
            let held = match self.capacity.hold(who, is_heavy, time).await {
                Ok(held) => held,
                Err(AcquireError::Full) => {
                    return self.by_policy(bytes, &ReadFailure::Overloaded, "overload");
                }
                Err(AcquireError::Late) => {
                    return self.by_policy(
                        bytes,
                        &ReadFailure::Overloaded,
                        if is_heavy { "heavy" } else { "wait" },
                    );
                }
            };
            let judged = match is_inline && !is_heavy {
                true => self.try_judge(&gate, bytes, time, Some(HEAVY_STEPS), known.as_ref()),
                false => match self
                    .judge_aside(&gate, bytes, time, is_heavy, &known, held)
                    .await
                {
                    Ok(judged) => judged,
                    Err(why) => return self.by_policy(bytes, &why, "late"),
                },
            };
            match judged {
                Judged::Heavy => is_heavy = true,
                Judged::Needs(name) => {
                    let labels = match &self.namespaces {
                        Some(namespaces) => namespaces.fetch(&name, time.latest_start()).await,
                        None => None,
                    };
                    known = Some((name, labels));
                }
                Judged::Done(answered) => {
                    peer.mark_delivered();
                    self.metrics.spent(&answered.phases);
                    if let (Some(recorder), Some(review)) = (&self.recorder, &answered.review) {
                        recorder.record(review, bytes);
                    }
                    return self.finish(*answered, gate.generation, read);
                }
                Judged::NoReview(why) => {
                    self.metrics.refused("no_review");
                    return Given::Plain(StatusCode::BAD_REQUEST, why);
                }
            }
        }
    }

    /// Judges on a thread where it is in nobody's way, for as long as there is time. The error says why there is no
    /// answer; a judgement that is late keeps what it holds until it has ended.
    async fn judge_aside(
        self: &Arc<Self>,
        gate: &Arc<PolicySnapshot>,
        bytes: &Bytes,
        time: &TimeBudget,
        is_heavy: bool,
        known: &Known,
        held: EvaluationPermit,
    ) -> Result<Judged, ReadFailure> {
        let (admission, gate, bytes, known) = (
            Arc::clone(self),
            Arc::clone(gate),
            bytes.clone(),
            known.clone(),
        );
        let (steps, budget) = ((!is_heavy).then_some(HEAVY_STEPS), *time);
        let judging = task::spawn_blocking(move || {
            let judged = admission.try_judge(&gate, &bytes, &budget, steps, known.as_ref());
            drop(held);
            judged
        });
        match time::timeout_at(time.until.into(), judging).await {
            Ok(Ok(judged)) => Ok(judged),
            Ok(Err(_)) => Err(ReadFailure::Panicked),
            Err(_) => Err(ReadFailure::TimedOut),
        }
    }

    fn try_judge(
        &self,
        gate: &PolicySnapshot,
        bytes: &[u8],
        time: &TimeBudget,
        steps: Option<u64>,
        known: Option<&(String, Option<Arc<Labels>>)>,
    ) -> Judged {
        let missing = RefCell::new(None);
        let namespace = |name: &str| {
            let lookup = self.namespaces.as_ref()?;
            if let Some((_, labels)) = known.filter(|it| it.0 == name) {
                return labels.clone();
            }
            let cached = lookup.cached(name);
            if cached.is_none() {
                missing.replace(Some(name.to_owned()));
            }
            cached
        };
        let surroundings = AnswerContext {
            deadline: time.until,
            namespace_labels: &namespace,
        };
        let answered = gate.answer_within(bytes, &surroundings, steps);
        match (answered, missing.into_inner()) {
            (Ok(_), Some(name)) => Judged::Needs(name),
            (Ok(answered), None) => Judged::Done(Box::new(answered)),
            (Err(Unanswered::Heavy), _) => Judged::Heavy,
            (Err(Unanswered::NoReview(why)), _) => Judged::NoReview(why),
        }
    }

    /// The answer to what is not judged; the bytes hold the uid, if anything does.
    fn by_policy(&self, bytes: &[u8], why: &ReadFailure, word: &'static str) -> Given {
        let now = Instant::now();
        let Some(glance) = Envelope::of(bytes) else {
            self.metrics.refused(word);
            let why = "the request was not read and has no uid to answer to";
            return Given::Plain(StatusCode::SERVICE_UNAVAILABLE, why.to_owned());
        };
        self.metrics.shed(word);
        let gate = self.snapshot.load_full();
        self.finish(gate.refuse(&glance, why), gate.generation, now)
    }

    fn finish(&self, answered: ReviewOutcome, generation: u64, read: Instant) -> Given {
        self.metrics.answered(&answered);
        if let Some(log) = &self.decision_log {
            log.write(&answered, generation);
        }
        if let Some(observe) = &self.observer {
            observe(&answered);
        }
        Given::Answer(Sent {
            bytes: Some(Bytes::from(answered.body)),
            begun: Instant::now(),
            read,
            metrics: Arc::clone(&self.metrics),
        })
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
    metrics: Arc<WebhookMetrics>,
}

/// Bytes that hold the memory they are charged to.
struct Charged {
    bytes: Bytes,
    _charge: MemoryCharge,
}

impl AsRef<[u8]> for Charged {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Sent {
    /// Charges the answer until the connection has let go of its bytes.
    fn charge(&mut self, charge: MemoryCharge) {
        let bytes = self.bytes.take();
        self.bytes = bytes.map(|bytes| {
            Bytes::from_owner(Charged {
                bytes,
                _charge: charge,
            })
        });
    }
}

impl hyper::body::Body for Sent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
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
