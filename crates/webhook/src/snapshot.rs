//! A snapshot of the library and the bindings in force, and the answer to one body under it.
//!
//! The webhook and recorded reviews share it. It is synchronous, and has no clock besides the
//! caller's deadline. A panic becomes an answer by policy and does not end the process.

use super::{
    answer,
    binding_review::check_binding,
    envelope::Envelope,
    evaluation::Evaluation,
    review::{Review, ReviewError},
};
use kubevet_admission::{Callbacks, Decision, Enforcement, ReadFailure, decide, decide_unreadable};
use kubevet_engine::Engine;
use kubevet_k8s::matching::Labels;
use kubevet_model::EvalRequest;
use kubevet_policy::Library;
use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

/// The library and the bindings in force. They are replaced together.
pub struct PolicySnapshot {
    /// The compiled library.
    pub engine: Arc<Engine>,
    /// The bindings, controls and exempt namespaces.
    pub enforcement: Enforcement,
    /// The library that bindings are checked against when they are applied.
    pub library: Arc<Library>,
    /// The number of this snapshot; it ascends from 1.
    pub generation: u64,
}

/// The inputs of an answer besides the body.
pub struct AnswerContext<'a> {
    /// The time at which the answer is due.
    pub deadline: Instant,
    /// Returns the labels of a namespace by its name; `None` if they are unknown.
    pub namespace_labels: &'a dyn Fn(&str) -> Option<Arc<Labels>>,
}

/// The time that the phases of an answer took.
#[derive(Debug, Clone, Copy, Default)]
pub struct PhaseDurations {
    /// Reading the review from the body.
    pub parse: Duration,
    /// Evaluating controls.
    pub evaluate: Duration,
    /// Matching bindings, deciding, and writing the answer.
    pub decide: Duration,
}

/// A review and its answer.
pub struct ReviewOutcome {
    /// The uid of the review.
    pub uid: String,
    /// The review; `None` if it could not be read, or was not evaluated.
    pub review: Option<Review>,
    /// The decision.
    pub decision: Decision,
    /// The body of the answer.
    pub body: Vec<u8>,
    /// The time that it took.
    pub phases: PhaseDurations,
}

/// The reason why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerError {
    /// The body is not a review. Holds the reason.
    NotAReview(String),
    /// The evaluation takes more steps than were allowed.
    TooManySteps,
}

impl fmt::Display for AnswerError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAReview(reason) => out.write_str(reason),
            Self::TooManySteps => out.write_str("the review is too much work"),
        }
    }
}

impl std::error::Error for AnswerError {}

impl PolicySnapshot {
    /// Answers a body.
    ///
    /// # Errors
    /// The body is not a review.
    pub fn answer(
        &self,
        body: &[u8],
        context: &AnswerContext<'_>,
    ) -> Result<ReviewOutcome, AnswerError> {
        self.answer_within(body, context, None)
    }

    /// As [`Self::answer`], with a bound on the steps of the evaluation.
    ///
    /// # Errors
    /// The body is not a review, or the evaluation takes more than `max_steps` steps.
    pub(super) fn answer_within(
        &self,
        body: &[u8],
        context: &AnswerContext<'_>,
        max_steps: Option<u64>,
    ) -> Result<ReviewOutcome, AnswerError> {
        let start = Instant::now();
        let Ok(read) = catch_unwind(|| Review::read(body)) else {
            let Some(envelope) = Envelope::scan(body) else {
                let message = "the review cannot be read".to_owned();
                return Err(AnswerError::NotAReview(message));
            };
            return Ok(self.answer_by_policy(&envelope, &ReadFailure::Panicked));
        };
        let parse = start.elapsed();
        match read {
            Ok(review) => self.answer_review(review, context, parse, max_steps),
            Err(ReviewError::Malformed { envelope, message }) => {
                let failure = ReadFailure::Malformed(message);
                let mut outcome = self.answer_by_policy(&envelope, &failure);
                outcome.phases.parse = parse;
                Ok(outcome)
            }
            Err(ReviewError::NotAReview(message)) => Err(AnswerError::NotAReview(message)),
        }
    }

    /// Answers a review that was not read or not evaluated.
    pub(super) fn answer_by_policy(
        &self,
        envelope: &Envelope,
        failure: &ReadFailure,
    ) -> ReviewOutcome {
        let attributes = envelope.attributes();
        let user = envelope.user();
        let decision = decide_unreadable(&self.enforcement, attributes.as_ref(), &user, failure);
        let uid = envelope.uid().to_owned();
        let body = answer::write(&uid, &decision);
        ReviewOutcome {
            uid,
            review: None,
            decision,
            body,
            phases: PhaseDurations::default(),
        }
    }

    fn answer_review(
        &self,
        review: Review,
        context: &AnswerContext<'_>,
        parse: Duration,
        max_steps: Option<u64>,
    ) -> Result<ReviewOutcome, AnswerError> {
        let start = Instant::now();
        let request = EvalRequest {
            operation: review.operation,
        };
        let evaluation = Evaluation::new(&self.engine, request, context.deadline, max_steps);
        let decision = catch_unwind(AssertUnwindSafe(|| {
            self.decide(&review, context, &evaluation)
        }));
        // The decision lacks a verdict then, so it is discarded.
        if evaluation.has_exceeded_steps() {
            return Err(AnswerError::TooManySteps);
        }
        let decision = decision.unwrap_or_else(|_| {
            let attributes = review.attributes();
            decide_unreadable(
                &self.enforcement,
                Some(&attributes),
                &review.user,
                &ReadFailure::Panicked,
            )
        });
        let body = answer::write(&review.uid, &decision);
        let evaluate = evaluation.elapsed();
        let phases = PhaseDurations {
            parse,
            evaluate,
            decide: start.elapsed().saturating_sub(evaluate),
        };
        Ok(ReviewOutcome {
            uid: review.uid.clone(),
            review: Some(review),
            decision,
            body,
            phases,
        })
    }

    fn decide(
        &self,
        review: &Review,
        context: &AnswerContext<'_>,
        evaluation: &Evaluation<'_>,
    ) -> Decision {
        let request = review.admission_request();
        let callbacks = Callbacks {
            namespace_labels: &|| (context.namespace_labels)(&review.namespace),
            evaluate: &|object, params| evaluation.evaluate(object, params),
            is_past_deadline: &|| Instant::now() >= context.deadline,
        };
        let mut decision = decide(&self.enforcement, &request, &callbacks);
        check_binding(&request, &self.library, &mut decision);
        decision
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINDING: &str = "apiVersion: kubevet.io/v1alpha1
kind: ControlBinding
metadata: {name: strict}
spec:
  controls: [C-0057]
  validationActions: [Deny]
  matchResources: {namespaceSelector: {matchLabels: {a: b}}}
";
    const REVIEW: &str = r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1",
        "request":{"uid":"u-1","kind":{"group":"","version":"v1","kind":"Pod"},
        "resource":{"group":"","version":"v1","resource":"pods"},
        "namespace":"shop","operation":"CREATE","object":{"apiVersion":"v1","kind":"Pod"}}}"#;

    #[test]
    fn panic_is_answered_by_policy_and_the_next_review_is_evaluated() {
        let snapshot = crate::tests::snapshot(BINDING);
        let deadline = Instant::now() + Duration::from_secs(60);
        let answer = |namespace_labels: &dyn Fn(&str) -> Option<Arc<Labels>>| {
            let context = AnswerContext {
                deadline,
                namespace_labels,
            };
            snapshot.answer(REVIEW.as_bytes(), &context).unwrap()
        };
        let panicked = answer(&|_| panic!("on purpose"));
        assert_eq!(panicked.uid, "u-1");
        let status = panicked.decision.status.as_ref();
        assert_eq!(status.map(|status| status.code), Some(500));
        let answered = answer(&|_| Some(Arc::default()));
        assert!(answered.decision.allowed);
    }
}
