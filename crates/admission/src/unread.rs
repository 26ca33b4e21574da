//! Requests that could not be read or taken at all: what the bindings say to that.

use super::{
    Decision, Rules, Status, Unevaluated, annotations, decide::unevaluated_action, warnings,
};
use kubevet_k8s::matching::Attributes;
use kubevet_model::{Action, Operation};

/// Why a request was not judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// The body is over the bound.
    TooLarge,
    /// The body is no JSON that can be read, or breaks a bound of depth; says what and where.
    Broken(String),
    /// There is too much to do.
    Overloaded,
    /// The caller would not have waited for the answer.
    TimedOut,
    /// The program broke down over it.
    Panicked,
}

impl Unread {
    /// HTTP status, Kubernetes' reason, and the words with what to do.
    fn words(&self) -> (u16, &'static str, String) {
        match self {
            Self::TooLarge => (
                413,
                "RequestEntityTooLarge",
                "the review is over 64 MiB: make the object smaller".to_owned(),
            ),
            Self::Broken(why) => (
                400,
                "BadRequest",
                format!("the review cannot be read: {why}"),
            ),
            Self::Overloaded => (
                429,
                "TooManyRequests",
                "there are more reviews than can be judged now: try again".to_owned(),
            ),
            Self::TimedOut => (
                504,
                "Timeout",
                "there was no time to judge the request: try again".to_owned(),
            ),
            Self::Panicked => (
                500,
                "InternalError",
                "the program broke down over the request: its log says where".to_owned(),
            ),
        }
    }
}

/// The decision about a request that was not judged. Where nothing is known of it, every binding might have been meant
/// for it, and the strictest counts.
#[must_use]
pub fn decide_unread(rules: &Rules, attributes: Option<&Attributes<'_>>, why: &Unread) -> Decision {
    let (code, reason, words) = why.words();
    let mut decision = Decision {
        allowed: true,
        ..Decision::default()
    };
    let harmless = attributes
        .is_some_and(|it| it.operation == Operation::Delete || it.subresource == "status");
    let exempt = attributes.is_some_and(|it| rules.exempt_namespaces.contains(it.namespace));
    let meant = rules
        .bindings
        .iter()
        .filter(|it| attributes.is_none_or(|request| it.match_resources.may_match(request)));
    for binding in meant {
        let action = unevaluated_action(binding, harmless || exempt);
        decision.bindings.push(binding.name.clone());
        let binding = binding.name.clone();
        decision.unevaluated.push(Unevaluated {
            control: None,
            message: words.clone(),
            action,
            binding,
        });
    }
    // One thing went wrong, however many bindings it concerns.
    decision
        .unevaluated
        .sort_by_key(|it| std::cmp::Reverse(it.action));
    decision.unevaluated.truncate(1);
    if decision
        .unevaluated
        .iter()
        .any(|it| it.action == Some(Action::Deny))
    {
        decision.allowed = false;
        decision.status = Some(Status {
            code,
            reason,
            message: format!("kubevet did not judge this: {words}"),
        });
    }
    warnings::write(&mut decision, rules);
    annotations::write(&mut decision);
    decision
}
