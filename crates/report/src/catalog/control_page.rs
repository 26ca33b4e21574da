//! One control in full, for people: its fields, the risk, what is checked, the remediation with an
//! example, params, frameworks, references.

use super::{ControlDetails, Param, kind_names, memberships, scope_names};
use crate::terminal::{TerminalWriter, TextStyle};
use kubevet_model::{Assessment, Control, ControlId, Framework, Level, PublicControl};
use std::{io, sync::Arc};

/// The columns of the labels before the fields.
const LABEL_COLUMNS: usize = 11;

pub(super) fn write(
    control: &Control,
    frameworks: &[Arc<Framework>],
    details: &ControlDetails,
    writer: &mut TerminalWriter<'_>,
) -> io::Result<()> {
    writer.heading(&format!("{} {}", control.id, control.name))?;
    write_fields(control, writer)?;
    for (heading, prose) in [
        ("Risk", &control.risk),
        ("What is checked", &control.check),
        ("How to fix it", &control.remediation),
    ] {
        if prose.trim().is_empty() {
            continue;
        }
        writer.blank_line()?;
        writer.heading(heading)?;
        writer.wrapped("  ", 2, &[(TextStyle::Plain, prose)])?;
    }
    write_example(control, writer)?;
    write_params(control, &details.params, writer)?;
    write_memberships(&control.id, frameworks, writer)?;
    write_references(control, writer)?;
    write_source(details, writer)
}

/// Writes a control of the public library that is not here.
pub(super) fn write_absent(
    control: &PublicControl,
    frameworks: &[Arc<Framework>],
    writer: &mut TerminalWriter<'_>,
) -> io::Result<()> {
    writer.heading(&format!("{} {}", control.id, control.name))?;
    let state = format!("not evaluated: {}", control.state.explanation());
    writer.wrapped("  ", 2, &[(TextStyle::Warning, &state)])?;
    writer.wrapped("  ", 2, &[(TextStyle::Plain, &control.reason)])?;
    write_memberships(&control.id, frameworks, writer)
}

/// Writes the rule and its CEL as they are, so that they can be copied.
fn write_source(details: &ControlDetails, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    if let Some(rego) = &details.rego {
        write_code("Rego", rego, writer)?;
    }
    match &details.cel {
        Some(Ok(cel)) => write_code("CEL", cel, writer),
        Some(Err(reason)) => {
            writer.blank_line()?;
            writer.heading("CEL")?;
            let text = format!("not exported: {reason}");
            writer.wrapped("  ", 2, &[(TextStyle::Warning, &text)])
        }
        None => Ok(()),
    }
}

fn write_code(heading: &str, code: &str, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    writer.blank_line()?;
    writer.heading(heading)?;
    for line in code.trim_end().lines() {
        let line = line.replace('\t', "    ");
        let line = writer.styled(TextStyle::Plain, &line);
        writer.line(&format!("  {line}"))?;
    }
    Ok(())
}

/// Writes the lines of the example as they are, so that they can be copied.
fn write_example(control: &Control, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    if control.example.trim().is_empty() {
        return Ok(());
    }
    writer.blank_line()?;
    for line in control.example.lines() {
        let line = writer.styled(TextStyle::Edit, line);
        writer.line(&format!("    {line}"))?;
    }
    Ok(())
}

fn write_references(control: &Control, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    if control.references.is_empty() {
        return Ok(());
    }
    writer.blank_line()?;
    writer.heading("References")?;
    for url in &control.references {
        let url = writer.styled(TextStyle::Plain, url);
        writer.line(&format!("  {url}"))?;
    }
    Ok(())
}

fn write_fields(control: &Control, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    let kubescape = match control.kubescape_score {
        Some(score) => format!("; Kubescape's is {score}"),
        None => String::new(),
    };
    let severity = format!("{} (score {}{kubescape})", control.severity, control.score);
    let fields = [
        ("severity", severity),
        ("category", control.category.clone()),
        ("applies to", kind_names(control).join(", ")),
        ("checked in", scope_names(control).join(", ")),
        ("tags", control.tags.join(", ")),
        (
            "Kubescape",
            control.kubescape_name.clone().unwrap_or_default(),
        ),
    ];
    for (label, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        let lead = format!(
            "  {}",
            writer.padded(TextStyle::Faint, label, LABEL_COLUMNS)
        );
        writer.wrapped(&lead, LABEL_COLUMNS + 2, &[(TextStyle::Plain, value)])?;
    }
    Ok(())
}

fn write_params(
    control: &Control,
    params: &[Param],
    writer: &mut TerminalWriter<'_>,
) -> io::Result<()> {
    if params.is_empty() {
        return Ok(());
    }
    writer.blank_line()?;
    writer.heading("Params")?;
    for param in params {
        let default = if param.default.is_empty() {
            "Not set by default.".to_owned()
        } else {
            format!("Default: {}.", param.default.join(", "))
        };
        let spans = [
            (TextStyle::Strong, param.name.as_str()),
            (TextStyle::Plain, &param.description),
            (TextStyle::Faint, &default),
        ];
        writer.wrapped("  ", 4, &spans)?;
    }
    if !control.requires_any_param.is_empty() {
        let required = format!(
            "Checks nothing until one of these is set: {}.",
            control.requires_any_param.join(", ")
        );
        writer.wrapped("  ", 4, &[(TextStyle::Warning, &required)])?;
    }
    Ok(())
}

fn write_memberships(
    id: &ControlId,
    frameworks: &[Arc<Framework>],
    writer: &mut TerminalWriter<'_>,
) -> io::Result<()> {
    writer.blank_line()?;
    writer.heading("Frameworks")?;
    let mut is_empty = true;
    for membership in memberships(id, frameworks) {
        is_empty = false;
        let requirement = membership.requirement;
        let section = format!(
            "{} {} {} {}",
            requirement.section,
            requirement.level.map_or("", Level::name),
            requirement.assessment.map_or("", Assessment::name),
            requirement.title
        );
        let mut section = section.trim().to_owned();
        if !section.is_empty() && !membership.member.reason.is_empty() {
            section.push(':');
        }
        let spans = [
            (TextStyle::Strong, membership.framework.name.as_str()),
            (TextStyle::Plain, &section),
            (TextStyle::Faint, &membership.member.reason),
        ];
        writer.wrapped("  ", 4, &spans)?;
    }
    if is_empty {
        writer.wrapped("  ", 2, &[(TextStyle::Faint, "none")])?;
    }
    Ok(())
}
