//! What holds, and the answer to one body under it: the same for the server and for a recorded review.
//!
//! Synchronous and without clock of its own but the caller's deadline. A panic in a rule is an answer by policy, not the
//! end of the process.

use super::{
    answer,
    glance::Glance,
    review::{Review, Unreadable},
};
use crate::{
    decision::{self, Case, Decision, Rules, Unread},
    document::Document,
    engine::Engine,
    matching::Labels,
    model::{Request, Verdict},
    policy::Params,
};
use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

/// The library and the bindings that hold. Swapped as one.
pub struct Gate {
    /// The compiled library.
    pub engine: Arc<Engine>,
    /// Bindings, controls and exemptions.
    pub rules: Rules,
    /// Counts up with each change.
    pub generation: u64,
}

/// What an answer may use besides the body.
pub struct Surroundings<'a> {
    /// When the answer must be there.
    pub until: Instant,
    /// The labels of a namespace; `None` where nobody knows.
    pub namespace: &'a dyn Fn(&str) -> Option<Arc<Labels>>,
}

/// Time spent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Phases {
    /// Bytes to review.
    pub parse: Duration,
    /// Rules.
    pub judge: Duration,
    /// Bindings and words.
    pub decide: Duration,
}

/// An answer.
pub struct Answered {
    /// The uid of the request.
    pub uid: String,
    /// The request, where it could be read.
    pub review: Option<Review>,
    /// What was decided.
    pub decision: Decision,
    /// The body to send.
    pub body: Vec<u8>,
    /// Time spent.
    pub phases: Phases,
}

impl Gate {
    /// Answers a body.
    ///
    /// # Errors
    /// Says why the body is no review at all.
    pub fn answer(&self, body: &[u8], surroundings: &Surroundings<'_>) -> Result<Answered, String> {
        let begun = Instant::now();
        let read = Review::read(body);
        let parse = begun.elapsed();
        match read {
            Ok(review) => Ok(self.decide(review, surroundings, parse)),
            Err(Unreadable::Broken { glance, why }) => {
                let mut answered = self.refuse(&glance, &Unread::Broken(why));
                answered.phases.parse = parse;
                Ok(answered)
            }
            Err(Unreadable::NoReview(why)) => Err(why),
        }
    }

    /// Answers, by policy, a request that was not read or not judged.
    pub(super) fn refuse(&self, glance: &Glance, why: &Unread) -> Answered {
        let decision = decision::decide_unread(&self.rules, glance.attributes().as_ref(), why);
        let uid = glance.uid().to_owned();
        let body = answer::write(&uid, &decision);
        Answered { uid, review: None, decision, body, phases: Phases::default() }
    }

    fn decide(&self, review: Review, surroundings: &Surroundings<'_>, parse: Duration) -> Answered {
        let begun = Instant::now();
        let judged = Cell::new(Duration::ZERO);
        let decided = catch_unwind(AssertUnwindSafe(|| {
            let case = Case {
                attributes: review.attributes(),
                kind: &review.kind,
                user: &review.user,
                dry_run: review.dry_run,
                object: review.object.as_ref(),
                old_object: review.old_object.as_ref(),
            };
            let namespace = || (surroundings.namespace)(&review.namespace);
            let request = Request { operation: review.operation };
            let judge = |document: &Document, params: &Params| {
                let begun = Instant::now();
                let verdict = self.judge(document, &request, params, surroundings.until);
                judged.set(judged.get() + begun.elapsed());
                verdict
            };
            decision::decide(&self.rules, &case, &namespace, &judge)
        }));
        let decision = decided
            .unwrap_or_else(|_| decision::decide_unread(&self.rules, Some(&review.attributes()), &Unread::Panicked));
        let body = answer::write(&review.uid, &decision);
        let judge = judged.get();
        let phases = Phases { parse, judge, decide: begun.elapsed().saturating_sub(judge) };
        Answered { uid: review.uid.clone(), review: Some(review), decision, body, phases }
    }

    fn judge(
        &self,
        document: &Document,
        request: &Request,
        params: &Params,
        until: Instant,
    ) -> Result<Arc<Verdict>, String> {
        let verdict = catch_unwind(AssertUnwindSafe(|| self.engine.judge_until(document, request, params, until)));
        verdict.map(Arc::new).map_err(|_| "a rule broke down while it was asked".to_owned())
    }
}
