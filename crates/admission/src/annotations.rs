//! The audit annotations of a decision, each bounded in length.

use super::{Decision, FindingOutcome};
use kubevet_model::{Action, one_line};

/// The number of characters of one annotation.
const MAX_ANNOTATION_CHARS: usize = 8 << 10;

/// Writes the annotations of a decision that has a finding, an unevaluated control or an exclusion.
pub(super) fn write(decision: &mut Decision) {
    if decision.outcomes.is_empty()
        && decision.unevaluated.is_empty()
        && decision.excluded.is_empty()
    {
        return;
    }
    let verdict = match (decision.allowed, decision.warnings.is_empty()) {
        (false, _) => "denied",
        (true, false) => "warned",
        (true, true) => "allowed",
    };
    let findings_with = |action: Action| {
        let outcomes = decision.outcomes.iter();
        let outcomes = outcomes.filter(|outcome| outcome.action == Some(action));
        outcomes.map(short_form).collect::<Vec<_>>().join("; ")
    };
    let unevaluated = decision.unevaluated.iter();
    let unevaluated = unevaluated.map(|unevaluated| match &unevaluated.control {
        Some(control) => format!("{control}: {}", unevaluated.cause),
        None => unevaluated.cause.to_string(),
    });
    let excluded = decision.excluded.iter();
    let excluded = excluded.map(|exclusion| format!("{}: {}", exclusion.binding, exclusion.reason));
    let annotations = [
        ("decision", verdict.to_owned()),
        ("bindings", decision.bindings.join(", ")),
        ("denied", findings_with(Action::Deny)),
        ("warned", findings_with(Action::Warn)),
        ("audited", findings_with(Action::Audit)),
        ("unevaluated", unevaluated.collect::<Vec<_>>().join("; ")),
        ("excluded", excluded.collect::<Vec<_>>().join("; ")),
    ];
    for (key, value) in annotations {
        if !value.is_empty() {
            let value = one_line(&value, MAX_ANNOTATION_CHARS);
            decision.annotations.insert(key.to_owned(), value);
        }
    }
}

/// Returns the control and the first path: `C-0057 spec.containers[0]`.
fn short_form(outcome: &FindingOutcome) -> String {
    let control = &outcome.finding.control;
    match outcome.finding.paths.first() {
        Some(path) => format!("{control} {path}"),
        None => control.to_string(),
    }
}
