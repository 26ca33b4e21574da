//! What the client is told. The API server keeps 4,096 characters of warnings from all sources, and cuts every one when
//! there are more; 120 characters a warning are the advice.

use super::{Because, Decision, Outcome, Rules, Unevaluated, words::tail};
use kubevet_model::{Action, Severity, one_line};

/// Warnings of one answer, the one that counts the rest not among them.
const MOST: usize = 12;
/// Of what was not judged, so that it hides no finding.
const UNJUDGED: usize = 3;
/// Characters of a warning.
const LENGTH: usize = 120;
/// The longest path in one.
const PATH: usize = 70;

/// Writes the warnings of a decision: what could not be judged, then findings, worst first.
pub(super) fn write(decision: &mut Decision, rules: &Rules) {
    let mut warnings: Vec<String> = Vec::new();
    let unjudged: Vec<&Unevaluated> = decision
        .unevaluated
        .iter()
        .filter(|it| it.action == Some(Action::Warn))
        .collect();
    for it in unjudged.iter().take(UNJUDGED) {
        let control = it
            .control
            .as_ref()
            .map_or_else(String::new, |it| format!("{it} "));
        warnings.push(one_line(
            &format!("{control}not judged: {}", it.message),
            LENGTH,
        ));
    }
    if unjudged.len() > UNJUDGED {
        warnings.push(format!(
            "… and {} more were not judged",
            unjudged.len() - UNJUDGED
        ));
    }
    let warned: Vec<&Outcome> = decision
        .outcomes
        .iter()
        .filter(|it| it.action == Some(Action::Warn))
        .collect();
    if warned.len() <= MOST && decision.dropped_count(Action::Warn, None) == 0 {
        warnings.extend(warned.iter().map(|it| line(it, rules, 1)));
    } else {
        // One a control, or a hundred containers would hide the other controls.
        let mut told = Vec::new();
        for outcome in &warned {
            let control = &outcome.finding.control;
            if !told.contains(&control) {
                told.push(control);
                let kept = warned
                    .iter()
                    .filter(|it| it.finding.control == *control)
                    .count();
                let count = kept + decision.dropped_count(Action::Warn, Some(control));
                warnings.push(line(outcome, rules, count));
            }
        }
    }
    if warnings.len() > MOST {
        let more = warnings.len() - MOST;
        warnings.truncate(MOST);
        warnings.push(format!("… and {more} more"));
    }
    decision.warnings = warnings;
}

fn line(outcome: &Outcome, rules: &Rules, count: usize) -> String {
    let finding = &outcome.finding;
    let severity = rules
        .controls
        .get(&finding.control)
        .map_or(Severity::Low, |it| it.severity);
    let why = match outcome.because {
        Because::New => "",
        Because::Existing => " (already there)",
        Because::Owned => " (its owner is already there)",
        Because::Exempt => " (exempt namespace)",
        Because::Deleting => " (going away)",
        Because::StatusWrite => " (status)",
    };
    let times = if count > 1 {
        format!(" ({count} times)")
    } else {
        String::new()
    };
    let end = format!("{why}{times}");
    let room = LENGTH.saturating_sub(end.chars().count());
    let path = finding
        .paths
        .first()
        .map(|it| format!(" {}", tail(&it.to_string(), PATH)))
        .unwrap_or_default();
    let head = format!("{} {severity}:{path}: {}", finding.control, finding.message);
    format!("{}{end}", one_line(&head, room))
}
