//! Replays requests under other bindings, and collects what would newly be denied.
//!
//! Requests are given one at a time and none is kept: the memory that a replay needs grows with the
//! distinct namespaces, controls, users and objects alone.

use super::{
    review::{MAX_BODY_BYTES, Review},
    snapshot::{AnswerContext, AnswerError, PolicySnapshot, ReviewOutcome},
    synthetic_review::UNKNOWN_USER,
};
use kubevet_admission::{Decision, Enforcement, is_controller_owned};
use kubevet_document::{self as document, Limits, Node};
use kubevet_model::{
    Action, ControlId, DenialGroup, Problem, ProblemCode, Replay, RequestCounts, Severity,
    UnevaluatedRequests, truncate_bytes,
};
use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashSet},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

/// The number of bytes of a namespace, a kind or a name: as many as Kubernetes allows.
const MAX_NAME_BYTES: usize = 253;
/// The number of bytes of a user's name.
const MAX_USER_BYTES: usize = 256;
/// The number of bytes of a cause.
const MAX_CAUSE_BYTES: usize = 1024;

/// A request to be replayed.
#[derive(Debug, Clone, Copy)]
pub struct ReplayedRequest<'r> {
    /// The file that it comes from, for messages.
    pub file: &'r str,
    /// An AdmissionReview. It may have a `response`, which says whether the request was allowed.
    pub body: &'r [u8],
}

/// Replays requests one after the other.
pub struct Replayer<'s> {
    next: &'s PolicySnapshot,
    current: Option<&'s PolicySnapshot>,
    replay: Replay,
    objects: HashSet<ObjectHash>,
    denied_objects: HashSet<ObjectHash>,
    owned_objects: HashSet<ObjectHash>,
    groups: BTreeMap<GroupKey, Group>,
    /// The number of requests and the file of the first, by control and cause.
    unevaluated: BTreeMap<(Option<ControlId>, String), (usize, String)>,
}

/// A hash of an object's kind, namespace and name: names from outside may be of any length.
type ObjectHash = u64;

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct GroupKey {
    namespace: String,
    control: ControlId,
    user: Option<String>,
}

#[derive(Default)]
struct Group {
    requests: usize,
    objects: HashSet<ObjectHash>,
    /// The kind and name of the first object by both.
    example: Option<(String, String)>,
}

impl<'s> Replayer<'s> {
    /// Creates a replayer for the bindings of `next`. A request counts as newly denied only if the
    /// bindings of `current` do not deny it.
    #[must_use]
    pub fn new(next: &'s PolicySnapshot, current: Option<&'s PolicySnapshot>) -> Self {
        Self {
            next,
            current,
            replay: Replay::default(),
            objects: HashSet::new(),
            denied_objects: HashSet::new(),
            owned_objects: HashSet::new(),
            groups: BTreeMap::new(),
            unevaluated: BTreeMap::new(),
        }
    }

    /// Replays a request. One that cannot be read becomes a problem.
    pub fn add(&mut self, request: ReplayedRequest<'_>, context: &AnswerContext<'_>) {
        let (body, was_allowed) = split_response(request.body);
        let outcome = match self.next.answer(&body, context) {
            Ok(outcome) => outcome,
            Err(AnswerError::NotAReview(reason)) => return self.add_problem(request.file, reason),
            Err(error @ AnswerError::TooManySteps) => {
                return self.add_problem(request.file, error.to_string());
            }
        };
        let ReviewOutcome {
            review: Some(review),
            decision,
            ..
        } = &outcome
        else {
            let cause = outcome.decision.unevaluated.first();
            let cause = cause.map(|unevaluated| unevaluated.cause.to_string());
            let message = cause.unwrap_or_else(|| "the review cannot be read".to_owned());
            return self.add_problem(request.file, message);
        };
        let object = object_hash(review);
        self.objects.insert(object);
        self.replay.requests += 1;
        self.replay.checked += usize::from(!decision.evaluated.is_empty());
        self.add_unevaluated(decision, request.file);
        let denying = denying_controls(decision);
        let is_owned = is_controller_owned(&review.admission_request());
        if denying.is_empty() {
            self.owned_objects.extend(is_owned.then_some(object));
        } else if was_allowed == Some(false) || self.denies_now(&body, context, request.file) {
            self.replay.denied_before += 1;
        } else {
            self.replay.newly_denied.requests += 1;
            self.replay.newly_denied_to_controllers += usize::from(is_owned);
            self.denied_objects.insert(object);
            for control in denying {
                self.add_denial(control, review, object);
            }
        }
    }

    /// Adds what could not be read.
    pub fn add_problems(&mut self, problems: impl IntoIterator<Item = Problem>) {
        self.replay.problems.extend(problems);
    }

    /// Counts an object in a namespace that the webhook is never called for.
    pub fn add_exempt(&mut self) {
        self.replay.exempt += 1;
    }

    /// Returns the result.
    #[must_use]
    pub fn finish(self) -> Replay {
        let mut replay = self.replay;
        replay.objects = self.objects.len();
        replay.owned = self.owned_objects.len();
        replay.newly_denied.objects = self.denied_objects.len();
        let enforcement = &self.next.enforcement;
        let groups = self.groups.into_iter();
        replay.denials = groups
            .map(|(key, group)| denial_group(key, group, enforcement))
            .collect();
        // The sort is stable, so equal groups stay in the order of their keys.
        replay.denials.sort_by_key(|denial| {
            let RequestCounts { requests, objects } = denial.counts;
            Reverse((denial.severity, objects, requests))
        });
        let unevaluated = self.unevaluated.into_iter();
        replay.unevaluated = unevaluated
            .map(
                |((control, cause), (requests, example_file))| UnevaluatedRequests {
                    control,
                    cause,
                    requests,
                    example_file,
                },
            )
            .collect();
        replay
    }

    /// Returns true if the current bindings deny the request for a finding.
    fn denies_now(&mut self, body: &[u8], context: &AnswerContext<'_>, file: &str) -> bool {
        let Some(current) = self.current else {
            return false;
        };
        let Ok(outcome) = current.answer(body, context) else {
            return false;
        };
        self.add_unevaluated(&outcome.decision, file);
        !denying_controls(&outcome.decision).is_empty()
    }

    fn add_unevaluated(&mut self, decision: &Decision, file: &str) {
        let causes: BTreeSet<(Option<ControlId>, String)> = decision
            .unevaluated
            .iter()
            .map(|unevaluated| {
                let cause = unevaluated.cause.to_string();
                let cause = truncate_bytes(&cause, MAX_CAUSE_BYTES).into_owned();
                (unevaluated.control.clone(), cause)
            })
            .collect();
        for key in causes {
            let entry = self.unevaluated.entry(key);
            let (requests, _) = entry.or_insert_with(|| (0, file.to_owned()));
            *requests += 1;
        }
    }

    fn add_denial(&mut self, control: &ControlId, review: &Review, object: ObjectHash) {
        let user = &review.user.name;
        let key = GroupKey {
            namespace: truncate_bytes(&review.namespace, MAX_NAME_BYTES).into_owned(),
            control: control.clone(),
            user: (user != UNKNOWN_USER).then(|| truncate_bytes(user, MAX_USER_BYTES).into_owned()),
        };
        let group = self.groups.entry(key).or_default();
        group.requests += 1;
        group.objects.insert(object);
        let kind = truncate_bytes(&review.kind.name, MAX_NAME_BYTES).into_owned();
        let name = truncate_bytes(&review.display_name(), MAX_NAME_BYTES).into_owned();
        let example = (kind, name);
        if group.example.as_ref().is_none_or(|first| example < *first) {
            group.example = Some(example);
        }
    }

    fn add_problem(&mut self, file: &str, message: String) {
        let problem = Problem::in_file(ProblemCode::InputNotAnObject, file, message);
        self.replay.problems.push(problem);
    }
}

/// Returns the controls for whose findings a request is denied.
fn denying_controls(decision: &Decision) -> BTreeSet<&ControlId> {
    let deny = Some(Action::Deny);
    let kept = decision.outcomes.iter();
    let kept = kept
        .filter(|kept| kept.action == deny)
        .map(|kept| &kept.finding.control);
    let dropped = decision.dropped.iter();
    let dropped = dropped
        .filter(|dropped| dropped.action == deny)
        .map(|dropped| &dropped.control);
    kept.chain(dropped).collect()
}

fn denial_group(key: GroupKey, group: Group, enforcement: &Enforcement) -> DenialGroup {
    let control = enforcement.controls.get(&key.control);
    let (example_kind, example_name) = group.example.unwrap_or_default();
    DenialGroup {
        namespace: key.namespace,
        title: control.map_or_else(String::new, |control| control.name.clone()),
        severity: control.map_or(Severity::Low, |control| control.severity),
        control: key.control,
        user: key.user,
        counts: RequestCounts {
            requests: group.requests,
            objects: group.objects.len(),
        },
        example_kind,
        example_name,
    }
}

fn object_hash(review: &Review) -> ObjectHash {
    let mut hasher = DefaultHasher::new();
    let kind = (&review.kind.group, &review.kind.name);
    (kind, &review.namespace, review.display_name()).hash(&mut hasher);
    hasher.finish()
}

/// Splits a recorded review that has a response into the review as it was sent, and whether the
/// request was allowed. Any other body is returned as it is.
fn split_response(body: &[u8]) -> (Cow<'_, [u8]>, Option<bool>) {
    const KEY: &[u8] = b"\"response\"";
    if body.windows(KEY.len()).any(|window| window == KEY)
        && let Some((review, allowed)) = without_response(body)
    {
        return (review.into(), allowed);
    }
    (body.into(), None)
}

/// Returns the review without its response, and `response.allowed`; `None` if it has no response.
fn without_response(body: &[u8]) -> Option<(Vec<u8>, Option<bool>)> {
    let limits = Limits {
        bytes: MAX_BODY_BYTES,
        ..Limits::default()
    };
    let parsed = document::read_json(&Arc::from("request"), body, &limits);
    let root = parsed.documents.first()?.root();
    let response = root.get("response").filter(|response| response.is_map())?;
    let allowed = response.get("allowed").and_then(Node::as_bool);
    let fields = root.entries().filter(|entry| entry.key != "response");
    let mut review = String::from("{");
    for entry in fields {
        if review.len() > 1 {
            review.push(',');
        }
        review.push_str(&serde_json::Value::from(entry.key).to_string());
        review.push(':');
        entry.value.write_json(&mut review);
    }
    review.push('}');
    Some((review.into_bytes(), allowed))
}

#[cfg(test)]
mod tests;
