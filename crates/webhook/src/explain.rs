//! Explains an answer control by control, for `kubevet review --explain`.

use super::{log_entry::reason_name, review::Review, snapshot::ReviewOutcome};
use kubevet_admission::{Decision, Enforcement, FindingOutcome};
use kubevet_model::{Action, ControlId, count};
use kubevet_report::escape_bounded;
use std::io::{self, Write};

/// Writes the request, the outcome of each control of the matching bindings, and the decision.
///
/// # Errors
/// `out` cannot be written.
pub fn explain(
    outcome: &ReviewOutcome,
    enforcement: &Enforcement,
    out: &mut dyn Write,
) -> io::Result<()> {
    let decision = &outcome.decision;
    if let Some(review) = &outcome.review {
        write_request(review, out)?;
    }
    if decision.bindings.is_empty() {
        writeln!(out, "no binding applies to it")?;
    } else {
        let names = decision.bindings.join(", ");
        writeln!(out, "bindings: {}", escape_bounded(&names))?;
    }
    for exclusion in &decision.excluded {
        let line = format!(
            "not checked under binding {}: {}",
            exclusion.binding, exclusion.reason
        );
        writeln!(out, "{}", escape_bounded(&line))?;
    }
    writeln!(out)?;
    write_controls(decision, enforcement, out)?;
    let verdict = if decision.allowed {
        "allowed"
    } else {
        "denied"
    };
    let evaluated = decision.evaluated.len();
    let findings = decision.findings_count();
    writeln!(
        out,
        "\n{verdict}; {} evaluated, {}",
        count(evaluated, "control"),
        count(findings, "finding")
    )
}

/// Writes the request in one line: `CREATE of Pod shop/web by ann`.
fn write_request(review: &Review, out: &mut dyn Write) -> io::Result<()> {
    let subresource = match review.subresource.as_str() {
        "" => String::new(),
        subresource => format!(" {}", escape_bounded(subresource)),
    };
    let name = match review.namespace.as_str() {
        "" => review.display_name(),
        namespace => format!("{namespace}/{}", review.display_name()),
    };
    let kind = review.kind.to_string();
    writeln!(
        out,
        "{}{subresource} of {} {} by {}",
        review.operation,
        escape_bounded(&kind),
        escape_bounded(&name),
        escape_bounded(&review.user.name)
    )
}

/// Writes controls that were not evaluated, then findings, then controls without a finding.
fn write_controls(
    decision: &Decision,
    enforcement: &Enforcement,
    out: &mut dyn Write,
) -> io::Result<()> {
    for unevaluated in &decision.unevaluated {
        let control = unevaluated.control.as_ref();
        let control = control.map_or("all controls", ControlId::as_str);
        writeln!(
            out,
            "  {:<12} {}: {}",
            "UNEVALUATED",
            escape_bounded(control),
            escape_bounded(&unevaluated.cause.to_string())
        )?;
    }
    for outcome in &decision.outcomes {
        write_outcome(outcome, enforcement, out)?;
    }
    let more = decision.findings_count() - decision.outcomes.len();
    if more > 0 {
        writeln!(out, "  … and {}", count(more, "more finding"))?;
    }
    for id in &decision.evaluated {
        let mut outcomes = decision.outcomes.iter();
        if outcomes.all(|outcome| outcome.finding.control != *id) {
            let name = control_name(id, enforcement);
            writeln!(out, "  {:<12} {id} {}", "passed", escape_bounded(name))?;
        }
    }
    Ok(())
}

fn write_outcome(
    outcome: &FindingOutcome,
    enforcement: &Enforcement,
    out: &mut dyn Write,
) -> io::Result<()> {
    let finding = &outcome.finding;
    let action = match outcome.action {
        Some(Action::Deny) => "DENIED",
        Some(Action::Warn) => "warned",
        Some(Action::Audit) => "audited",
        None => "logged",
    };
    let path = finding.paths.first().map(ToString::to_string);
    writeln!(
        out,
        "  {action:<12} {} {} ({}, binding {})",
        finding.control,
        escape_bounded(control_name(&finding.control, enforcement)),
        reason_name(outcome.reason),
        escape_bounded(&outcome.binding)
    )?;
    writeln!(out, "  {:<12} {}", "", escape_bounded(&finding.message))?;
    writeln!(
        out,
        "  {:<12} {}",
        "",
        escape_bounded(&path.unwrap_or_default())
    )
}

/// Returns the name of a control; empty if it is unknown.
fn control_name<'e>(id: &ControlId, enforcement: &'e Enforcement) -> &'e str {
    let control = enforcement.controls.get(id);
    control.map_or("", |control| control.name.as_str())
}
