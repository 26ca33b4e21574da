//! What the audit log is told: one annotation for each thing that an auditor asks for, each bounded.

use super::{Decision, Outcome};
use kubevet_model::{Action, one_line};

/// Characters of one annotation.
const LENGTH: usize = 8 << 10;

/// Writes the annotations of a decision, where there is anything to say.
pub(super) fn write(decision: &mut Decision) {
    if decision.outcomes.is_empty() && decision.unevaluated.is_empty() {
        return;
    }
    let word = match (decision.allowed, decision.warnings.is_empty()) {
        (false, _) => "denied",
        (true, false) => "warned",
        (true, true) => "allowed",
    };
    let mut say = |key: &str, value: String| {
        if !value.is_empty() {
            decision
                .annotations
                .insert(key.to_owned(), one_line(&value, LENGTH));
        }
    };
    say("decision", word.to_owned());
    say("bindings", decision.bindings.join(", "));
    for (key, action) in [
        ("denied", Action::Deny),
        ("warned", Action::Warn),
        ("audited", Action::Audit),
    ] {
        let findings = decision
            .outcomes
            .iter()
            .filter(|it| it.action == Some(action))
            .map(short);
        say(key, findings.collect::<Vec<_>>().join("; "));
    }
    let unevaluated = decision.unevaluated.iter().map(|it| match &it.control {
        Some(control) => format!("{control}: {}", it.message),
        None => it.message.clone(),
    });
    say("unevaluated", unevaluated.collect::<Vec<_>>().join("; "));
}

fn short(outcome: &Outcome) -> String {
    let path = outcome
        .finding
        .paths
        .first()
        .map(|it| format!(" {it}"))
        .unwrap_or_default();
    format!("{}{path}", outcome.finding.control)
}
