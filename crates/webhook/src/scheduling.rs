//! Schedules the evaluation of a review: on the runtime's thread or on a blocking one, with an
//! ordinary or a heavy permit, after its namespace labels were fetched.
//!
//! Evaluation is synchronous and holds a permit. A review that turns out to be heavy is abandoned
//! and evaluated anew, with a heavy permit and on a blocking thread.

use super::{
    caller_timeout::TimeBudget,
    capacity::EvaluationPermit,
    endpoint::Endpoint,
    envelope::Envelope,
    fair_queue::FlowKey,
    fair_semaphore::AcquireError,
    response::Reply,
    snapshot::{AnswerContext, AnswerError, PolicySnapshot, ReviewOutcome},
};
use axum::http::StatusCode;
use hyper::body::Bytes;
use kubevet_admission::ReadFailure;
use kubevet_k8s::matching::Labels;
use kubevet_server::Peer;
use std::{cell::RefCell, sync::Arc};
use tokio::{task, time};

/// The steps of an ordinary evaluation: about two milliseconds.
pub(super) const MAX_ORDINARY_STEPS: u64 = 100_000;
/// The bytes of an ordinary body: it takes about two milliseconds to read.
pub(super) const MAX_ORDINARY_BYTES: usize = 1 << 20;
/// The bytes of a body that is evaluated on the runtime's thread, if all controls are compiled.
pub(super) const MAX_INLINE_BYTES: usize = 64 << 10;

/// A complete body with everything that its evaluation needs.
#[derive(Clone)]
struct Job {
    snapshot: Arc<PolicySnapshot>,
    body: Bytes,
    time: TimeBudget,
    /// The labels of the review's namespace, once they were fetched.
    fetched: Option<FetchedLabels>,
}

#[derive(Clone)]
struct FetchedLabels {
    namespace: String,
    /// `None` if they are unknown.
    labels: Option<Arc<Labels>>,
}

/// The result of one attempt to evaluate a review.
enum Attempt {
    Answered(Box<ReviewOutcome>),
    /// It takes more steps than an ordinary evaluation.
    TooManySteps,
    /// The labels of this namespace must be fetched first.
    MissingLabels(String),
    /// The body is not a review; holds the reason.
    NotAReview(String),
}

impl Endpoint {
    /// Evaluates a complete body and returns its answer.
    pub(super) async fn evaluate(
        self: &Arc<Self>,
        body: &Bytes,
        peer: &Peer,
        time: &TimeBudget,
    ) -> Reply {
        let mut job = Job {
            snapshot: self.snapshot.load_full(),
            body: body.clone(),
            time: *time,
            fetched: None,
        };
        // The interpreter counts no steps, so its rules could block the runtime's thread.
        let is_compiled = job.snapshot.engine.interpreted().next().is_none();
        let is_inline = body.len() <= MAX_INLINE_BYTES && is_compiled;
        let mut is_heavy = body.len() > MAX_ORDINARY_BYTES;
        let flow = || FlowKey {
            caller: Arc::clone(peer.caller()),
            user: Arc::from(Envelope::user_of(body)),
        };
        // At most three attempts: it becomes heavy once, and its labels are fetched once.
        loop {
            let permit = match self.capacity.acquire(flow, is_heavy, time).await {
                Ok(permit) => permit,
                Err(error) => return self.answer_unscheduled(body, error, is_heavy, time),
            };
            let attempt = if is_inline && !is_heavy {
                let attempt = self.attempt(&job, Some(MAX_ORDINARY_STEPS));
                // Labels are fetched without a permit: the API server may be slow.
                drop(permit);
                attempt
            } else {
                match self.attempt_blocking(&job, is_heavy, permit).await {
                    Ok(attempt) => attempt,
                    Err(failure) => return self.answer_unreadable(body, &failure, "late", time),
                }
            };
            match attempt {
                Attempt::TooManySteps => is_heavy = true,
                Attempt::MissingLabels(namespace) => {
                    job.fetched = Some(self.fetch_labels(namespace, time).await);
                }
                Attempt::Answered(outcome) => {
                    peer.mark_delivered();
                    return self.finish(&job, *outcome);
                }
                Attempt::NotAReview(message) => {
                    self.metrics.count_rejected("no_review");
                    return Reply::error(StatusCode::BAD_REQUEST, &message);
                }
            }
        }
    }

    /// Records a review that was evaluated, and returns its answer.
    fn finish(&self, job: &Job, outcome: ReviewOutcome) -> Reply {
        self.metrics.observe_phases(&outcome.phases);
        if let (Some(recorder), Some(review)) = (&self.recorder, &outcome.review) {
            recorder.record(review, &job.body);
        }
        self.reply(outcome, job.snapshot.generation, &job.time)
    }

    async fn fetch_labels(&self, namespace: String, time: &TimeBudget) -> FetchedLabels {
        let labels = match &self.namespaces {
            Some(source) => source.fetch(&namespace, time.latest_start()).await,
            None => None,
        };
        FetchedLabels { namespace, labels }
    }

    fn answer_unscheduled(
        &self,
        body: &[u8],
        error: AcquireError,
        is_heavy: bool,
        time: &TimeBudget,
    ) -> Reply {
        let why = match error {
            AcquireError::QueueFull => "overload",
            AcquireError::TimedOut if is_heavy => "heavy",
            AcquireError::TimedOut => "wait",
        };
        self.answer_unreadable(body, &ReadFailure::Overloaded, why, time)
    }

    /// Makes an attempt on a blocking thread, and waits for it until the deadline. An attempt that
    /// misses the deadline keeps its permit until it ends.
    async fn attempt_blocking(
        self: &Arc<Self>,
        job: &Job,
        is_heavy: bool,
        permit: EvaluationPermit,
    ) -> Result<Attempt, ReadFailure> {
        let max_steps = (!is_heavy).then_some(MAX_ORDINARY_STEPS);
        let attempt = {
            let (endpoint, job) = (Arc::clone(self), job.clone());
            task::spawn_blocking(move || {
                let attempt = endpoint.attempt(&job, max_steps);
                drop(permit);
                attempt
            })
        };
        match time::timeout_at(job.time.deadline.into(), attempt).await {
            Ok(Ok(attempt)) => Ok(attempt),
            Ok(Err(_)) => Err(ReadFailure::Panicked),
            Err(_) => Err(ReadFailure::TimedOut),
        }
    }

    fn attempt(&self, job: &Job, max_steps: Option<u64>) -> Attempt {
        let missing = RefCell::new(None);
        let namespace_labels = |name: &str| {
            let source = self.namespaces.as_ref()?;
            let fetched = job.fetched.as_ref();
            if let Some(fetched) = fetched.filter(|fetched| fetched.namespace == name) {
                return fetched.labels.clone();
            }
            let cached = source.cached(name);
            if cached.is_none() {
                missing.replace(Some(name.to_owned()));
            }
            cached
        };
        let context = AnswerContext {
            deadline: job.time.deadline,
            namespace_labels: &namespace_labels,
        };
        let answer = job.snapshot.answer_within(&job.body, &context, max_steps);
        match (answer, missing.into_inner()) {
            // The answer took the labels for unknown.
            (Ok(_), Some(namespace)) => Attempt::MissingLabels(namespace),
            (Ok(outcome), None) => Attempt::Answered(Box::new(outcome)),
            (Err(AnswerError::TooManySteps), _) => Attempt::TooManySteps,
            (Err(AnswerError::NotAReview(message)), _) => Attempt::NotAReview(message),
        }
    }
}
