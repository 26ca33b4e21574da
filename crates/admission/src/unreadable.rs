//! Decides about requests that could not be read, or not evaluated at all.
//!
//! The bindings decide by their `onUnevaluated`, as far as it is known which of them match.

use super::{
    Decision, DenialStatus, Enforcement, UnevaluatedCause, UnevaluatedControl,
    actions::unevaluated_action, annotations, warnings,
};
use kubevet_k8s::matching::Attributes;
use kubevet_model::{Action, Operation};
use std::{cmp::Reverse, fmt};

/// The reason why a request was not evaluated. `Display` writes it with what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadFailure {
    /// The body is larger than the webhook reads.
    TooLarge,
    /// The body is not valid JSON, or is nested too deeply. Holds the reason and its position.
    Malformed(String),
    /// The webhook has too many reviews in flight.
    Overloaded,
    /// The caller would not have waited for the answer.
    TimedOut,
    /// The evaluation panicked.
    Panicked,
}

impl ReadFailure {
    /// Returns the status code of a denial, and the `reason` of its Kubernetes `Status`.
    fn code(&self) -> (u16, &'static str) {
        match self {
            Self::TooLarge => (413, "RequestEntityTooLarge"),
            Self::Malformed(_) => (400, "BadRequest"),
            Self::Overloaded => (429, "TooManyRequests"),
            Self::TimedOut => (504, "Timeout"),
            Self::Panicked => (500, "InternalError"),
        }
    }
}

impl fmt::Display for ReadFailure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => out.write_str("the review is over 64 MiB: make the object smaller"),
            Self::Malformed(reason) => write!(out, "the review cannot be read: {reason}"),
            Self::Overloaded => {
                out.write_str("there are more reviews than can be judged now: try again")
            }
            Self::TimedOut => out.write_str("there was no time to judge the request: try again"),
            Self::Panicked => {
                out.write_str("the program broke down over the request: its log says where")
            }
        }
    }
}

/// Decides about a request that was not evaluated. Without `attributes` every binding counts as
/// matching, and the strictest action is taken.
#[must_use]
pub fn decide_unreadable(
    enforcement: &Enforcement,
    attributes: Option<&Attributes<'_>>,
    failure: &ReadFailure,
) -> Decision {
    let mut decision = Decision {
        allowed: true,
        ..Decision::default()
    };
    let never_deny = attributes.is_some_and(|attributes| {
        attributes.operation == Operation::Delete
            || attributes.subresource == "status"
            || enforcement.exempt_namespaces.contains(attributes.namespace)
    });
    for binding in &enforcement.bindings {
        if attributes.is_some_and(|attributes| !binding.match_resources.may_match(attributes)) {
            continue;
        }
        decision.bindings.push(binding.name.clone());
        decision.unevaluated.push(UnevaluatedControl {
            control: None,
            cause: UnevaluatedCause::Unreadable(failure.clone()),
            action: unevaluated_action(binding, never_deny),
            binding: binding.name.clone(),
        });
    }
    // One failure is reported once, with the strongest action over all bindings.
    decision
        .unevaluated
        .sort_by_key(|unevaluated| Reverse(unevaluated.action));
    decision.unevaluated.truncate(1);
    let strongest = decision.unevaluated.first();
    if strongest.is_some_and(|unevaluated| unevaluated.action == Some(Action::Deny)) {
        decision.allowed = false;
        let (code, reason) = failure.code();
        decision.status = Some(DenialStatus {
            code,
            reason,
            message: format!("kubevet did not judge this: {failure}"),
        });
    }
    warnings::write(&mut decision, enforcement);
    annotations::write(&mut decision);
    decision
}
