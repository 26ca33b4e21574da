//! Each control's part in an answer, for `kubevet review --explain`.

use super::{decision_log, snapshot::ReviewOutcome};
use kubevet_admission::{Enforcement, FindingOutcome};
use kubevet_model::{Action, Control};
use kubevet_report as report;
use std::io::{self, Write};

/// Writes what was asked, what each control of the bindings said, and what was made of it.
///
/// # Errors
/// Those of `out`.
pub fn explain(
    answered: &ReviewOutcome,
    enforcement: &Enforcement,
    out: &mut dyn Write,
) -> io::Result<()> {
    let decision = &answered.decision;
    if let Some(review) = &answered.review {
        let on = if review.subresource.is_empty() {
            String::new()
        } else {
            format!(" {}", report::escape_bounded(&review.subresource))
        };
        let namespace = if review.namespace.is_empty() {
            String::new()
        } else {
            format!("{}/", review.namespace)
        };
        let name = format!("{namespace}{}", review.shown_name());
        let name = report::escape_bounded(&name);
        let user = report::escape_bounded(&review.user.name);
        let kind = review.kind.to_string();
        writeln!(
            out,
            "{}{on} of {} {name} by {user}",
            review.operation,
            report::escape_bounded(&kind)
        )?;
    }
    match decision.bindings.as_slice() {
        [] => writeln!(out, "no binding is meant for it")?,
        names => writeln!(
            out,
            "bindings: {}",
            report::escape_bounded(&names.join(", "))
        )?,
    }
    writeln!(out)?;
    for it in &decision.unevaluated {
        let control = it.control.as_ref().map_or("all controls", |it| it.as_str());
        let control = report::escape_bounded(control);
        writeln!(
            out,
            "  {:<12} {control}: {}",
            "UNEVALUATED",
            report::escape_bounded(&it.message)
        )?;
    }
    for outcome in &decision.outcomes {
        write_outcome(outcome, enforcement, out)?;
    }
    let more = decision.findings_count() - decision.outcomes.len();
    if more > 0 {
        writeln!(out, "  … and {more} more findings")?;
    }
    for id in &decision.evaluated {
        if decision.outcomes.iter().all(|it| it.finding.control != *id) {
            let name = enforcement
                .controls
                .get(id)
                .map_or("", |it| it.name.as_str());
            writeln!(
                out,
                "  {:<12} {id} {}",
                "passed",
                report::escape_bounded(name)
            )?;
        }
    }
    let allowed = if decision.allowed {
        "allowed"
    } else {
        "denied"
    };
    writeln!(
        out,
        "\n{allowed}; {} judged, {} findings",
        decision.evaluated.len(),
        decision.findings_count()
    )
}

fn write_outcome(
    outcome: &FindingOutcome,
    enforcement: &Enforcement,
    out: &mut dyn Write,
) -> io::Result<()> {
    let action = match outcome.action {
        Some(Action::Deny) => "DENIED",
        Some(Action::Warn) => "warned",
        Some(Action::Audit) => "audited",
        None => "logged",
    };
    let name = enforcement
        .controls
        .get(&outcome.finding.control)
        .map_or("", |it: &std::sync::Arc<Control>| it.name.as_str());
    let path = outcome
        .finding
        .paths
        .first()
        .map(ToString::to_string)
        .unwrap_or_default();
    let because = decision_log::because(outcome.reason);
    let (name, binding) = (
        report::escape_bounded(name),
        report::escape_bounded(&outcome.binding),
    );
    writeln!(
        out,
        "  {action:<12} {} {name} ({because}, binding {binding})",
        outcome.finding.control
    )?;
    writeln!(
        out,
        "  {:<12} {}",
        "",
        report::escape_bounded(&outcome.finding.message)
    )?;
    writeln!(out, "  {:<12} {}", "", report::escape_bounded(&path))
}
