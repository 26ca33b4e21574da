//! The view by object: for each source line its findings, the lines around it, and one merged fix.
//!
//! Objects are in the order of the files, and the lines of an object by severity, the worst first.
//! An object without findings and errors is not shown.

use super::{excerpt, severity_label, snippet};
use crate::terminal::{TerminalWriter, TextStyle};
use kubevet_model::{ControlId, LocatedFinding, ObjectResult, RuleError, Scan, SourceLocation};
use std::{cmp::Reverse, collections::BTreeMap, io};

/// The column at which a finding's text begins: two spaces, the longest severity, two spaces.
const HANGING_INDENT: usize = 12;

/// The titles of the controls of a scan.
type ControlNames<'a> = BTreeMap<&'a ControlId, &'a str>;

pub(super) fn write(scan: &Scan, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    let controls = scan.controls.iter().map(|result| &result.control);
    let names: ControlNames<'_> = controls
        .map(|control| (&control.id, control.name.as_str()))
        .collect();
    let is_shown =
        |object: &&ObjectResult| !object.findings.is_empty() || !object.errors.is_empty();
    for object in scan.objects.iter().filter(is_shown) {
        let name = writer.styled(TextStyle::Strong, &object.object.to_string());
        let position = format!("{}:{}", object.origin.file(), object.origin.position().line);
        let position = writer.styled(TextStyle::Faint, &position);
        writer.line(&format!("{name}  {position}"))?;
        for error in &object.errors {
            write_error(error, &names, writer)?;
        }
        for group in group_by_line(object) {
            write_group(&group, &names, writer)?;
        }
        writer.blank_line()?;
    }
    Ok(())
}

/// Groups the findings of an object by source line. The findings of a group, and the groups, are
/// ordered by severity, the worst first.
fn group_by_line(object: &ObjectResult) -> Vec<Vec<&LocatedFinding>> {
    let mut by_line: BTreeMap<(&str, u32), Vec<&LocatedFinding>> = BTreeMap::new();
    for located in &object.findings {
        by_line
            .entry((&located.source.file, located.source.position.line))
            .or_default()
            .push(located);
    }
    let severity = |located: &LocatedFinding| located.finding.severity;
    let mut groups: Vec<_> = by_line.into_values().collect();
    for group in &mut groups {
        group.sort_by(|a, b| {
            let by_severity = severity(b).cmp(&severity(a));
            by_severity.then_with(|| a.finding.rule.cmp(&b.finding.rule))
        });
    }
    groups.sort_by_key(|group| Reverse(group.first().map(|located| severity(located))));
    groups
}

fn write_group(
    group: &[&LocatedFinding],
    names: &ControlNames<'_>,
    writer: &mut TerminalWriter<'_>,
) -> io::Result<()> {
    let Some(first) = group.first() else {
        return Ok(());
    };
    writer.blank_line()?;
    for located in group {
        write_finding(located, names, writer)?;
    }
    let sources: Vec<&SourceLocation> = group.iter().map(|located| &located.source).collect();
    excerpt::write(&sources, &first.excerpt, writer)?;
    write_paths_without_fix(group, writer)?;
    snippet::write(group, writer)
}

fn write_finding(
    located: &LocatedFinding,
    names: &ControlNames<'_>,
    writer: &mut TerminalWriter<'_>,
) -> io::Result<()> {
    let finding = &located.finding;
    let severity = finding.severity;
    let label = severity_label(severity);
    let lead = format!(
        "  {}",
        writer.padded(TextStyle::Severity(severity), &label, HANGING_INDENT - 2)
    );
    let name = format!("{}:", name_of(names, &finding.rule));
    let spans = [
        (TextStyle::Faint, finding.rule.as_str()),
        (TextStyle::Strong, &name),
        (TextStyle::Plain, &finding.message),
    ];
    writer.wrapped(&lead, HANGING_INDENT, &spans)
}

fn write_error(
    error: &RuleError,
    names: &ControlNames<'_>,
    writer: &mut TerminalWriter<'_>,
) -> io::Result<()> {
    let lead = format!(
        "  {}",
        writer.padded(TextStyle::Warning, "ERROR", HANGING_INDENT - 2)
    );
    let name = format!("{}:", name_of(names, &error.control));
    let message = format!("could not be judged: {}", error.error);
    let spans = [
        (TextStyle::Faint, error.control.as_str()),
        (TextStyle::Strong, &name),
        (TextStyle::Plain, &message),
    ];
    writer.blank_line()?;
    writer.wrapped(&lead, HANGING_INDENT, &spans)
}

/// The title of a control; empty for a control that the scan does not list.
fn name_of<'a>(names: &ControlNames<'a>, id: &ControlId) -> &'a str {
    names.get(id).copied().unwrap_or_default()
}

/// Writes the paths of the findings that have no fix: no snippet shows where they are.
fn write_paths_without_fix(
    group: &[&LocatedFinding],
    writer: &mut TerminalWriter<'_>,
) -> io::Result<()> {
    let mut paths: Vec<String> = Vec::new();
    for located in group {
        let finding = &located.finding;
        let Some(path) = finding
            .paths()
            .first()
            .filter(|_| finding.fixes().is_empty())
        else {
            continue;
        };
        let path = path.to_string();
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    for path in paths {
        let line = format!(
            "       {} {}",
            writer.styled(TextStyle::Faint, "at:"),
            writer.styled(TextStyle::Plain, &path)
        );
        writer.line(&line)?;
    }
    Ok(())
}
