//! Decides about requests that could not be read, or not evaluated at all.
//!
//! The bindings decide by their `onUnevaluated`, as far as it is known which of them match.

use super::{
    Decision, DenialStatus, Enforcement, ReadFailure, UnevaluatedCause, UnevaluatedControl,
    UserInfo, actions::unevaluated_action, annotations, exclusion::excluding_subject, warnings,
};
use kubevet_k8s::matching::Attributes;
use kubevet_model::{Action, Operation};
use kubevet_policy as policy;
use std::cmp::Reverse;

/// Decides about a request that was not evaluated. Without `attributes` every binding counts as
/// matching, and the strictest action is taken. A binding that excludes `user` does not count; of a
/// review that could not be read, the groups of the user are unknown.
#[must_use]
pub fn decide_unreadable(
    enforcement: &Enforcement,
    attributes: Option<&Attributes<'_>>,
    user: &UserInfo,
    failure: &ReadFailure,
) -> Decision {
    let mut decision = Decision {
        allowed: true,
        ..Decision::default()
    };
    let never_deny = attributes.is_some_and(|attributes| {
        attributes.operation == Operation::Delete
            || attributes.subresource == "status"
            // An outage must not lock the repair of the bindings that decide about it.
            || policy::is_binding_resource(attributes.group, attributes.resource)
            || enforcement.exempt_namespaces.contains(attributes.namespace)
    });
    for binding in &enforcement.bindings {
        if attributes.is_some_and(|attributes| !binding.match_resources.may_match(attributes)) {
            continue;
        }
        if excluding_subject(binding, user).is_some() {
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
            message: format!("not checked: {failure}"),
        });
    }
    warnings::write_unevaluated(&mut decision);
    annotations::write(&mut decision);
    decision
}
