//! What holds, and the answer to one body under it: the same for the server and for a recorded review.
//!
//! Synchronous and without clock of its own but the caller's deadline. A panic in a rule is an answer by policy, not the
//! end of the process.

use super::{
    answer,
    envelope::Envelope,
    review::{Review, Unreadable},
};
use kubevet_admission::{
    self as decision, AdmissionRequest, Callbacks, Decision, Enforcement, ReadFailure,
};
use kubevet_document::Document;
use kubevet_engine::{Engine, EvalLimits, StepBudgetExceeded};
use kubevet_k8s::matching::Labels;
use kubevet_model::{EvalRequest, Verdict};
use kubevet_policy::Params;
use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

/// Said in place of a verdict that is not used.
const HEAVY: &str = "the object is too much work";

/// The library and the bindings that hold. Swapped as one.
pub struct PolicySnapshot {
    /// The compiled library.
    pub engine: Arc<Engine>,
    /// Bindings, controls and exemptions.
    pub enforcement: Enforcement,
    /// Counts up with each change.
    pub generation: u64,
}

/// What an answer may use besides the body.
pub struct AnswerContext<'a> {
    /// When the answer must be there.
    pub deadline: Instant,
    /// The labels of a namespace; `None` where nobody knows.
    pub namespace_labels: &'a dyn Fn(&str) -> Option<Arc<Labels>>,
}

/// Time spent.
#[derive(Debug, Clone, Copy, Default)]
pub struct PhaseDurations {
    /// Bytes to review.
    pub parse: Duration,
    /// Enforcement.
    pub evaluate: Duration,
    /// Bindings and words.
    pub decide: Duration,
}

/// An answer.
pub struct ReviewOutcome {
    /// The uid of the request.
    pub uid: String,
    /// The request, where it could be read.
    pub review: Option<Review>,
    /// What was decided.
    pub decision: Decision,
    /// The body to send.
    pub body: Vec<u8>,
    /// Time spent.
    pub phases: PhaseDurations,
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// The body is no review at all, and why.
    NoReview(String),
    /// It is more work than was allowed.
    Heavy,
}

impl PolicySnapshot {
    /// Answers a body.
    ///
    /// # Errors
    /// Says why the body is no review at all.
    pub fn answer(
        &self,
        body: &[u8],
        context: &AnswerContext<'_>,
    ) -> Result<ReviewOutcome, String> {
        self.answer_within(body, context, None)
            .map_err(|it| match it {
                Unanswered::NoReview(why) => why,
                Unanswered::Heavy => "the review is too much work".to_owned(),
            })
    }

    /// As [`PolicySnapshot::answer`], with a bound on the steps that judging may take.
    ///
    /// # Errors
    /// What [`Unanswered`] says.
    pub(super) fn answer_within(
        &self,
        body: &[u8],
        context: &AnswerContext<'_>,
        steps: Option<u64>,
    ) -> Result<ReviewOutcome, Unanswered> {
        let begun = Instant::now();
        let Ok(read) = catch_unwind(|| Review::read(body)) else {
            let no_review = || Unanswered::NoReview("the review cannot be read".to_owned());
            let glance = Envelope::of(body).ok_or_else(no_review)?;
            return Ok(self.refuse(&glance, &ReadFailure::Panicked));
        };
        let parse = begun.elapsed();
        match read {
            Ok(review) => self
                .decide(review, context, parse, steps)
                .map_err(|StepBudgetExceeded| Unanswered::Heavy),
            Err(Unreadable::Broken { glance, why }) => {
                let mut answered = self.refuse(&glance, &ReadFailure::Malformed(why));
                answered.phases.parse = parse;
                Ok(answered)
            }
            Err(Unreadable::NoReview(why)) => Err(Unanswered::NoReview(why)),
        }
    }

    /// Answers, by policy, a request that was not read or not judged.
    pub(super) fn refuse(&self, glance: &Envelope, why: &ReadFailure) -> ReviewOutcome {
        let decision =
            decision::decide_unreadable(&self.enforcement, glance.attributes().as_ref(), why);
        let uid = glance.uid().to_owned();
        let body = answer::write(&uid, &decision);
        ReviewOutcome {
            uid,
            review: None,
            decision,
            body,
            phases: PhaseDurations::default(),
        }
    }

    fn decide(
        &self,
        review: Review,
        context: &AnswerContext<'_>,
        parse: Duration,
        steps: Option<u64>,
    ) -> Result<ReviewOutcome, StepBudgetExceeded> {
        let begun = Instant::now();
        let judged = Cell::new(Duration::ZERO);
        let steps = steps.map(Cell::new);
        let is_heavy = Cell::new(false);
        let bounds = EvalLimits {
            deadline: Some(context.deadline),
            steps: steps.as_ref(),
        };
        let decided = catch_unwind(AssertUnwindSafe(|| {
            let case = AdmissionRequest {
                attributes: review.attributes(),
                kind: &review.kind,
                user: &review.user,
                dry_run: review.dry_run,
                object: review.object.as_ref(),
                old_object: review.old_object.as_ref(),
            };
            let namespace = || (context.namespace_labels)(&review.namespace);
            let request = EvalRequest {
                operation: review.operation,
            };
            let judge = |document: &Document, params: &Params| {
                if is_heavy.get() {
                    return Err(HEAVY.to_owned());
                }
                let begun = Instant::now();
                let verdict = self.judge(document, &request, params, &bounds);
                judged.set(judged.get() + begun.elapsed());
                verdict.unwrap_or_else(|StepBudgetExceeded| {
                    is_heavy.set(true);
                    Err(HEAVY.to_owned())
                })
            };
            let is_late = || Instant::now() >= context.deadline;
            let callbacks = Callbacks {
                namespace_labels: &namespace,
                evaluate: &judge,
                is_past_deadline: &is_late,
            };
            decision::decide(&self.enforcement, &case, &callbacks)
        }));
        // What was decided without the verdict is not said.
        if is_heavy.get() {
            return Err(StepBudgetExceeded);
        }
        let decision = decided.unwrap_or_else(|_| {
            decision::decide_unreadable(
                &self.enforcement,
                Some(&review.attributes()),
                &ReadFailure::Panicked,
            )
        });
        let body = answer::write(&review.uid, &decision);
        let judge = judged.get();
        let phases = PhaseDurations {
            parse,
            evaluate: judge,
            decide: begun.elapsed().saturating_sub(judge),
        };
        Ok(ReviewOutcome {
            uid: review.uid.clone(),
            review: Some(review),
            decision,
            body,
            phases,
        })
    }

    fn judge(
        &self,
        document: &Document,
        request: &EvalRequest,
        params: &Params,
        bounds: &EvalLimits<'_>,
    ) -> Result<Result<Arc<Verdict>, String>, StepBudgetExceeded> {
        let verdict = catch_unwind(AssertUnwindSafe(|| {
            self.engine
                .judge_with_limits(document, request, params, bounds)
        }));
        match verdict {
            Ok(verdict) => verdict.map(|it| Ok(Arc::new(it))),
            Err(_) => Ok(Err("a rule broke down while it was asked".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubevet_policy as policy;
    use std::{collections::BTreeSet, sync::Arc};

    const BINDING: &str = "apiVersion: kubevet.io/v1alpha1
kind: ControlBinding
metadata: {name: strict}
spec:
  controls: [C-0057]
  validationActions: [Deny]
  matchResources: {namespaceSelector: {matchLabels: {a: b}}}
";
    const REVIEW: &str = r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u-1",
        "kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},
        "namespace":"shop","operation":"CREATE","object":{"apiVersion":"v1","kind":"Pod"}}}"#;

    /// Whatever breaks down in the judging of one request is that request's answer, and the next is judged.
    #[test]
    fn what_breaks_down_is_an_answer_by_policy() {
        let (library, _) = policy::embedded();
        let (bindings, problems) =
            policy::read_bindings(&Arc::from("b"), BINDING.as_bytes(), &library);
        assert!(problems.is_empty(), "{problems:?}");
        let (engine, _) = Engine::compile(&library);
        let controls = library
            .controls
            .iter()
            .map(|it| (it.control.id.clone(), it.control.clone()))
            .collect();
        let path_reads = engine.path_reads();
        let enforcement = Enforcement {
            bindings,
            controls,
            path_reads,
            exempt_namespaces: BTreeSet::new(),
        };
        let gate = PolicySnapshot {
            engine: Arc::new(engine),
            enforcement,
            generation: 1,
        };
        let until = Instant::now() + Duration::from_secs(60);
        let breaks: &dyn Fn(&str) -> Option<Arc<Labels>> = &|_| panic!("on purpose");
        let answered = gate
            .answer(
                REVIEW.as_bytes(),
                &AnswerContext {
                    deadline: until,
                    namespace_labels: breaks,
                },
            )
            .unwrap();
        assert_eq!(answered.uid, "u-1");
        assert_eq!(
            answered.decision.status.as_ref().map(|it| it.code),
            Some(500)
        );
        let known = &|_: &str| Some(Arc::default());
        let answered = gate
            .answer(
                REVIEW.as_bytes(),
                &AnswerContext {
                    deadline: until,
                    namespace_labels: known,
                },
            )
            .unwrap();
        assert!(answered.decision.allowed);
    }
}
