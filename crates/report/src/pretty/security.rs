//! The overview on one screen: defects by severity, the worst objects and controls.

use super::{control::worst_first, severity_label};
use crate::{
    sanitize::{display_width, truncate_columns},
    terminal::{TerminalWriter, TextStyle},
};
use kubevet_model::{Defect, ObjectResult, Scan, Severity, SeverityCounts, count};
use std::{cmp::Reverse, io};

/// The number of objects and of controls that are listed.
const MAX_LISTED: usize = 10;
/// The columns of the longest severity bar.
const BAR_COLUMNS: usize = 30;
/// The maximum width of an object's name.
const MAX_OBJECT_COLUMNS: usize = 48;
/// The maximum width of a control's name.
const MAX_CONTROL_COLUMNS: usize = 56;

pub(super) fn write(scan: &Scan, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    write_severities(scan, writer)?;
    write_objects(scan, writer)?;
    write_controls(scan, writer)
}

/// Writes a bar for each severity.
fn write_severities(scan: &Scan, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    let counts = scan.summary.defects.worst_first();
    let largest = counts.iter().map(|(_, number)| *number).max().unwrap_or(0);
    writer.heading("Defects")?;
    for (severity, number) in counts {
        let style = if number == 0 {
            TextStyle::Faint
        } else {
            TextStyle::Severity(severity)
        };
        let bar_style = if severity == Severity::Critical {
            TextStyle::Bad
        } else {
            style
        };
        let length = number.saturating_mul(BAR_COLUMNS).div_ceil(largest.max(1));
        let line = format!(
            "  {} {number:>6}  {}",
            writer.padded(style, severity.name(), 9),
            writer.styled(bar_style, &"█".repeat(length))
        );
        writer.line(&line)?;
    }
    writer.blank_line()
}

/// Writes the objects with the worst defects.
fn write_objects(scan: &Scan, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    let mut objects: Vec<(SeverityCounts, &ObjectResult)> = scan
        .objects
        .iter()
        .filter(|object| !object.findings.is_empty())
        .map(|object| (count_by_severity(object), object))
        .collect();
    if objects.is_empty() {
        return Ok(());
    }
    objects.sort_by_key(|(counts, _)| Reverse(*counts));
    writer.heading("Worst objects")?;
    let name =
        |object: &ObjectResult| truncate_columns(&object.object.to_string(), MAX_OBJECT_COLUMNS);
    let listed = objects.iter().take(MAX_LISTED);
    let name_columns = listed
        .clone()
        .map(|(_, object)| display_width(&name(object)))
        .max()
        .unwrap_or(0);
    for (counts, object) in listed {
        let source = object.origin.source();
        let position = source.map(|(file, position)| format!("{file}:{}", position.line));
        let position = position.unwrap_or_default();
        let line = format!(
            "  {}  {}  {}",
            writer.padded(TextStyle::Strong, &name(object), name_columns),
            severity_counts(*counts, writer),
            writer.styled(TextStyle::Faint, &position)
        );
        writer.line(&line)?;
    }
    write_unlisted(objects.len(), "object", writer)?;
    writer.blank_line()
}

fn count_by_severity(object: &ObjectResult) -> SeverityCounts {
    let defects = object.defects();
    defects.iter().map(Defect::severity).collect()
}

/// Returns the counts that are not zero: `1 critical, 2 low`.
fn severity_counts(counts: SeverityCounts, writer: &TerminalWriter<'_>) -> String {
    let counts = counts.worst_first().into_iter();
    let styled: Vec<String> = counts
        .filter(|(_, number)| *number > 0)
        .map(|(severity, number)| {
            let count = format!("{number} {severity}");
            writer.styled(TextStyle::Severity(severity), &count)
        })
        .collect();
    styled.join(", ")
}

/// Writes the failed controls with the highest severities.
fn write_controls(scan: &Scan, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    let controls = worst_first(scan);
    if controls.is_empty() {
        return Ok(());
    }
    writer.heading("Worst controls")?;
    let name = |name: &str| truncate_columns(name, MAX_CONTROL_COLUMNS);
    let listed = controls.iter().take(MAX_LISTED);
    let name_columns = listed
        .clone()
        .map(|result| display_width(&name(&result.control.name)))
        .max()
        .unwrap_or(0);
    for result in listed {
        let severity = result.control.severity;
        let line = format!(
            "  {}  {}  {}  {}",
            writer.padded(TextStyle::Severity(severity), &severity_label(severity), 8),
            writer.styled(TextStyle::Faint, result.control.id.as_str()),
            writer.padded(TextStyle::Strong, &name(&result.control.name), name_columns),
            count(result.failed, "object"),
        );
        writer.line(&line)?;
    }
    write_unlisted(controls.len(), "control", writer)?;
    writer.blank_line()
}

/// Writes how many entries of a list are not shown.
fn write_unlisted(total: usize, noun: &str, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    let Some(unlisted) = total.checked_sub(MAX_LISTED).filter(|number| *number > 0) else {
        return Ok(());
    };
    let line = format!("  … and {}", count(unlisted, &format!("more {noun}")));
    let line = writer.styled(TextStyle::Faint, &line);
    writer.line(&line)
}
