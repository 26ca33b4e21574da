//! Concludes a decision from the outcomes of all bindings: its order, status, warnings and
//! annotations.

use super::{
    AdmissionRequest, Decision, DenialStatus, Enforcement, FindingOutcome, UnevaluatedControl,
    annotations, defect_line::DefectLines, messages, warnings,
};
use kubevet_model::{Action, Severity};
use std::cmp::Reverse;

/// Sorts the outcomes, and derives the status, the warnings and the annotations from them.
pub(super) fn conclude(
    decision: &mut Decision,
    enforcement: &Enforcement,
    request: &AdmissionRequest<'_>,
) {
    decision.evaluated.sort();
    let severity = |outcome: &FindingOutcome| {
        let control = enforcement.controls.get(&outcome.finding.control);
        control.map_or(Severity::Low, |control| control.severity)
    };
    decision
        .outcomes
        .sort_by_key(|outcome| (Reverse(outcome.action), Reverse(severity(outcome))));
    let lines = DefectLines {
        enforcement,
        request,
    };
    decision.status = denial_status(decision, &lines);
    decision.allowed = decision.status.is_none();
    warnings::write(decision, &lines);
    annotations::write(decision);
}

/// Returns the status of a denial; `None` if no outcome denies. Findings take precedence over
/// controls that were not evaluated.
fn denial_status(decision: &Decision, lines: &DefectLines<'_>) -> Option<DenialStatus> {
    let denied: Vec<&FindingOutcome> = decision
        .outcomes
        .iter()
        .filter(|outcome| outcome.action == Some(Action::Deny))
        .collect();
    let unevaluated: Vec<&UnevaluatedControl> = decision
        .unevaluated
        .iter()
        .filter(|unevaluated| unevaluated.action == Some(Action::Deny))
        .collect();
    let (code, reason) = match (denied.is_empty(), unevaluated.is_empty()) {
        (true, true) => return None,
        (false, _) => (403, "Forbidden"),
        (true, false) => (503, "ServiceUnavailable"),
    };
    let dropped = decision.dropped_count(Action::Deny, None);
    let mut message = messages::denial_message(&denied, dropped, lines);
    messages::append_unevaluated(&unevaluated, &mut message);
    Some(DenialStatus {
        code,
        reason,
        message,
    })
}
