//! The endpoint `POST /validate`: its state, and its handler from a request to its response.
//!
//! No queue is unbounded, and one time budget covers everything from the first byte to the last. A
//! review that cannot be evaluated within its budget is answered by policy while the caller still
//! waits.

use super::{
    body::{ReadBody, read_body, read_prefix},
    caller_timeout::TimeBudget,
    capacity::Capacity,
    decision_log::DecisionLog,
    envelope::Envelope,
    memory_budget::BudgetExhausted,
    metrics::WebhookMetrics,
    recorder::Recorder,
    response::Reply,
    snapshot::{PolicySnapshot, ReviewOutcome},
};
use arc_swap::ArcSwap;
use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    response::Response,
    routing::post,
};
use kubevet_admission::ReadFailure;
use kubevet_k8s::matching::Labels;
use kubevet_server::Peer;
use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

/// A source of namespace labels.
pub trait NamespaceLookup: Send + Sync {
    /// Returns labels from the cache, without waiting.
    fn cached(&self, name: &str) -> Option<Arc<Labels>>;

    /// Fetches labels, until `deadline` at most.
    fn fetch<'l>(&'l self, name: &'l str, deadline: Instant) -> LabelsFuture<'l>;
}

/// Labels that are being fetched; `None` if they are unknown.
pub type LabelsFuture<'l> = Pin<Box<dyn Future<Output = Option<Arc<Labels>>> + Send + 'l>>;

/// A function that is called with every answer.
pub type ReviewObserver = Arc<dyn Fn(&ReviewOutcome) + Send + Sync>;

/// The state of the endpoint.
pub struct Endpoint {
    /// The library and the bindings in force.
    pub snapshot: Arc<ArcSwap<PolicySnapshot>>,
    /// The metrics.
    pub metrics: Arc<WebhookMetrics>,
    /// The log of decisions, if there is one.
    pub decision_log: Option<DecisionLog>,
    /// The recorder of reviews, if there is one.
    pub recorder: Option<Recorder>,
    /// The source of namespace labels; without one they are all unknown.
    pub namespaces: Option<Box<dyn NamespaceLookup>>,
    /// The observer of answers, if there is one.
    pub observer: Option<ReviewObserver>,
    /// The memory for bodies and the permits for evaluations.
    pub capacity: Capacity,
}

impl Endpoint {
    /// Reopens the decision log, after its file was rotated.
    pub fn reopen(&self) {
        if let Some(log) = &self.decision_log {
            log.reopen();
        }
    }

    /// Waits until all decisions and records are written, each at most for `timeout`. It is meant
    /// for the end of the process.
    pub fn flush(&self, timeout: Duration) {
        if let Some(log) = &self.decision_log {
            log.flush(timeout);
        }
        if let Some(recorder) = &self.recorder {
            recorder.flush(timeout);
        }
    }

    /// Answers a review that is not evaluated. `why` is the label of the metric. The body, or its
    /// prefix, must contain a uid to answer to.
    pub(super) fn answer_unreadable(
        &self,
        body: &[u8],
        failure: &ReadFailure,
        why: &'static str,
        time: &TimeBudget,
    ) -> Reply {
        let Some(envelope) = Envelope::scan(body) else {
            self.metrics.count_rejected(why);
            let message = "the request was not read and has no uid to answer to";
            return Reply::error(StatusCode::SERVICE_UNAVAILABLE, message);
        };
        self.metrics.count_shed(why);
        let snapshot = self.snapshot.load_full();
        let outcome = snapshot.answer_by_policy(&envelope, failure);
        self.reply(outcome, snapshot.generation, time)
    }

    /// Counts, logs and observes an answer, and returns it.
    pub(super) fn reply(
        &self,
        outcome: ReviewOutcome,
        generation: u64,
        time: &TimeBudget,
    ) -> Reply {
        self.metrics.count_answer(&outcome);
        if let Some(log) = &self.decision_log {
            log.write(&outcome, generation, time);
        }
        if let Some(observer) = &self.observer {
            observer(&outcome);
        }
        Reply::answer(outcome.body, time.received, Arc::clone(&self.metrics))
    }
}

/// Returns a router with the endpoint.
pub fn router(endpoint: Arc<Endpoint>) -> Router {
    Router::new()
        .route("/validate", post(validate))
        .with_state(endpoint)
}

async fn validate(State(endpoint): State<Arc<Endpoint>>, mut request: Request) -> Response {
    let time = TimeBudget::from_query(Instant::now(), request.uri().query());
    let peer = request.extensions_mut().remove::<Peer>();
    let peer = peer.unwrap_or_else(|| Peer::detached(""));
    let encoding = request.headers().get(header::CONTENT_ENCODING);
    let is_encoded = encoding.is_some_and(|encoding| encoding != "identity");
    let body = request.into_body();
    if is_encoded {
        read_prefix(body, &time).await;
        endpoint.metrics.count_rejected("encoding");
        let message = "send the review without Content-Encoding";
        return Reply::error(StatusCode::UNSUPPORTED_MEDIA_TYPE, message).into_response();
    }
    let mut charge = match endpoint.capacity.memory.open(peer.caller()) {
        Ok(charge) => charge,
        Err(BudgetExhausted) => {
            let prefix = read_prefix(body, &time).await;
            let time = time.after_read(Instant::now());
            let failure = ReadFailure::Overloaded;
            return endpoint
                .answer_unreadable(&prefix, &failure, "memory", &time)
                .into_response();
        }
    };
    let read = read_body(body, &mut charge, &time).await;
    let time = time.after_read(Instant::now());
    let read_time = time.received.duration_since(time.start);
    endpoint.metrics.observe_phase("read", read_time);
    let reply = match read {
        ReadBody::Complete(body) => endpoint.evaluate(&body, &peer, &time).await,
        ReadBody::TooLarge(prefix) => {
            endpoint.answer_unreadable(&prefix, &ReadFailure::TooLarge, "too_large", &time)
        }
        ReadBody::NoMemory(prefix) => {
            endpoint.answer_unreadable(&prefix, &ReadFailure::Overloaded, "memory", &time)
        }
        ReadBody::TooSlow(prefix) => {
            endpoint.answer_unreadable(&prefix, &ReadFailure::TimedOut, "slow_body", &time)
        }
        ReadBody::Disconnected => Reply::error(StatusCode::BAD_REQUEST, "the body broke off"),
    };
    reply.into_charged_response(charge, peer)
}
