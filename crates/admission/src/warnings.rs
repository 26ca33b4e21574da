//! The warnings of a decision.
//!
//! The API server keeps 4,096 characters of warnings from all webhooks, and truncates every warning
//! when there are more. It recommends at most 120 characters for each.

use super::{
    Decision, Enforcement, FindingOutcome, Reason, UnevaluatedControl, messages::truncate_start,
};
use kubevet_model::{Action, ControlId, Severity, one_line};

/// The number of warnings in one answer, without the one that counts the others.
const MAX_WARNINGS: usize = 12;
/// The number of warnings about unevaluated controls. They come first, and must leave room for
/// findings.
const MAX_UNEVALUATED_WARNINGS: usize = 3;
/// The number of characters of a warning.
const MAX_WARNING_CHARS: usize = 120;
/// The number of characters of a path in a warning.
const MAX_PATH_CHARS: usize = 70;

/// Writes the warnings of a decision: unevaluated controls, then findings, worst first.
pub(super) fn write(decision: &mut Decision, enforcement: &Enforcement) {
    let mut warnings = unevaluated_warnings(decision);
    warnings.extend(finding_warnings(decision, enforcement));
    if warnings.len() > MAX_WARNINGS {
        let more = warnings.len() - MAX_WARNINGS;
        warnings.truncate(MAX_WARNINGS);
        warnings.push(format!("… and {more} more"));
    }
    decision.warnings = warnings;
}

fn unevaluated_warnings(decision: &Decision) -> Vec<String> {
    let unevaluated: Vec<&UnevaluatedControl> = decision
        .unevaluated
        .iter()
        .filter(|unevaluated| unevaluated.action == Some(Action::Warn))
        .collect();
    let listed = unevaluated.iter().take(MAX_UNEVALUATED_WARNINGS);
    let mut warnings: Vec<String> = listed
        .map(|unevaluated| {
            let cause = &unevaluated.cause;
            let warning = match &unevaluated.control {
                Some(control) => format!("{control} not judged: {cause}"),
                None => format!("not judged: {cause}"),
            };
            one_line(&warning, MAX_WARNING_CHARS)
        })
        .collect();
    if unevaluated.len() > MAX_UNEVALUATED_WARNINGS {
        let more = unevaluated.len() - MAX_UNEVALUATED_WARNINGS;
        warnings.push(format!("… and {more} more were not judged"));
    }
    warnings
}

/// Returns one warning for each finding if there are few, else one for each control: a hundred
/// findings of one control must not hide the other controls.
fn finding_warnings(decision: &Decision, enforcement: &Enforcement) -> Vec<String> {
    let warned: Vec<&FindingOutcome> = decision
        .outcomes
        .iter()
        .filter(|outcome| outcome.action == Some(Action::Warn))
        .collect();
    if warned.len() <= MAX_WARNINGS && decision.dropped_count(Action::Warn, None) == 0 {
        let warnings = warned
            .iter()
            .map(|outcome| warning(outcome, enforcement, 1));
        return warnings.collect();
    }
    let mut warnings = Vec::new();
    let mut controls: Vec<&ControlId> = Vec::new();
    for outcome in &warned {
        let control = &outcome.finding.control;
        if !controls.contains(&control) {
            controls.push(control);
            let kept = warned
                .iter()
                .filter(|other| other.finding.control == *control);
            let count = kept.count() + decision.dropped_count(Action::Warn, Some(control));
            warnings.push(warning(outcome, enforcement, count));
        }
    }
    warnings
}

/// Returns the warning about a finding that occurs `count` times. The reason and the count at its
/// end are never truncated.
fn warning(outcome: &FindingOutcome, enforcement: &Enforcement, count: usize) -> String {
    let finding = &outcome.finding;
    let control = enforcement.controls.get(&finding.control);
    let severity = control.map_or(Severity::Low, |control| control.severity);
    let reason = match outcome.reason {
        Reason::New => "",
        Reason::Existing => " (already there)",
        Reason::Owned => " (its owner is already there)",
        Reason::Exempt => " (exempt namespace)",
        Reason::Deleting => " (going away)",
        Reason::StatusWrite => " (status)",
    };
    let times = if count > 1 {
        format!(" ({count} times)")
    } else {
        String::new()
    };
    let end = format!("{reason}{times}");
    let max_start_chars = MAX_WARNING_CHARS.saturating_sub(end.chars().count());
    let path = match finding.paths.first() {
        Some(path) => format!(" {}", truncate_start(&path.to_string(), MAX_PATH_CHARS)),
        None => String::new(),
    };
    let start = format!("{} {severity}:{path}: {}", finding.control, finding.message);
    format!("{}{end}", one_line(&start, max_start_chars))
}
