//! The warnings of a decision: one a defect, the worst first.
//!
//! The API server truncates every warning to 256 characters once those of all webhooks together have
//! more than 4,096. Sixteen of our own are within that bound, whatever is in them.

use super::{
    Decision, FindingOutcome, Reason, UnevaluatedControl, defect_line::DefectLines,
    defect_outcomes::DefectOutcomes,
};
use kubevet_model::{Action, ControlId, one_line};

/// The number of warnings in one answer, without the one that counts the others.
const MAX_WARNINGS: usize = 15;
/// The number of warnings about unevaluated controls. They come first, and must leave room for
/// findings.
const MAX_UNEVALUATED_WARNINGS: usize = 3;
/// The number of characters of a warning.
const MAX_WARNING_CHARS: usize = 256;

/// Writes the warnings of a decision: unevaluated controls, then defects, worst first.
pub(super) fn write(decision: &mut Decision, lines: &DefectLines<'_>) {
    write_unevaluated(decision);
    let defects = defect_warnings(decision, lines);
    let warnings = &mut decision.warnings;
    warnings.extend(defects);
    if warnings.len() > MAX_WARNINGS {
        let more = warnings.len() - MAX_WARNINGS;
        warnings.truncate(MAX_WARNINGS);
        warnings.push(format!("… and {more} more"));
    }
}

/// Writes the warnings about unevaluated controls.
pub(super) fn write_unevaluated(decision: &mut Decision) {
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
                Some(control) => format!("{control} not checked: {cause}"),
                None => format!("not checked: {cause}"),
            };
            one_line(&warning, MAX_WARNING_CHARS)
        })
        .collect();
    if unevaluated.len() > MAX_UNEVALUATED_WARNINGS {
        let more = unevaluated.len() - MAX_UNEVALUATED_WARNINGS;
        warnings.push(format!("… and {more} more not checked"));
    }
    decision.warnings = warnings;
}

/// Returns one warning for each defect if there are few, else one for each control: a hundred
/// defects of one control must not hide the other controls.
fn defect_warnings(decision: &Decision, lines: &DefectLines<'_>) -> Vec<String> {
    let warned: Vec<&FindingOutcome> = decision
        .outcomes
        .iter()
        .filter(|outcome| outcome.action == Some(Action::Warn))
        .collect();
    let defects = DefectOutcomes::group(&warned, lines.enforcement, lines.request);
    if defects.len() <= MAX_WARNINGS && decision.dropped_count(Action::Warn, None) == 0 {
        let warnings = defects.iter().map(|defect| warning(defect, lines, 1));
        return warnings.collect();
    }
    let mut warnings = Vec::new();
    let mut controls: Vec<&ControlId> = Vec::new();
    for defect in &defects {
        let control = &defect.worst.finding.control;
        if !controls.contains(&control) {
            controls.push(control);
            let kept = defects
                .iter()
                .filter(|other| other.worst.finding.control == *control);
            let count = kept.count() + decision.dropped_count(Action::Warn, Some(control));
            warnings.push(warning(defect, lines, count));
        }
    }
    warnings
}

/// Returns the warning about the first of `count` defects of a control. The reason and the count at
/// its end are never truncated.
fn warning(defect: &DefectOutcomes<'_>, lines: &DefectLines<'_>, count: usize) -> String {
    let reason = match defect.worst.reason {
        Reason::New => "",
        Reason::Existing => " (already there)",
        Reason::Owned => " (its owner is already there)",
        Reason::Exempt => " (exempt namespace)",
        Reason::Deleting => " (being deleted)",
        Reason::StatusWrite => " (status)",
    };
    let more = if count > 1 {
        format!(" (and {} more)", count - 1)
    } else {
        String::new()
    };
    lines.line(defect, &format!("{reason}{more}"), MAX_WARNING_CHARS)
}
