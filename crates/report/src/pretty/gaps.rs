//! The gaps of a scan: controls not evaluated, rule errors, problems, and what was skipped.

use crate::{
    sanitize::{display_width, escape_bounded},
    terminal::{TerminalWriter, TextStyle},
};
use kubevet_model::{Control, ControlStatus, Position, Scan, join_first};
use std::{collections::BTreeMap, io};

/// The maximum number of problems that are listed. Beyond it only their number is printed.
const MAX_PROBLEMS: usize = 100;
/// The maximum number of names in one list. Beyond it only their number is printed.
const MAX_NAMES: usize = 8;

/// Writes what was not evaluated, could not be read, or was skipped.
pub(super) fn write(scan: &Scan, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    write_not_evaluated(scan, writer)?;
    write_unavailable(scan, writer)?;
    write_unread(scan, writer)?;
    write_errors(scan, writer)?;
    write_problems(scan, writer)?;
    write_skipped(scan, writer)
}

/// Writes the controls that were not evaluated, grouped by reason. A long group lists ids alone.
fn write_not_evaluated(scan: &Scan, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    let mut by_reason: BTreeMap<&str, Vec<&Control>> = BTreeMap::new();
    for result in &scan.controls {
        if result.status == ControlStatus::NotEvaluated {
            let group = by_reason.entry(&result.reason).or_default();
            group.push(&result.control);
        }
    }
    if by_reason.is_empty() {
        return Ok(());
    }
    writer.heading("Controls not evaluated")?;
    for (reason, controls) in by_reason {
        let reason = if reason.is_empty() {
            "no reason given"
        } else {
            reason
        };
        let with_names = controls.len() <= MAX_NAMES;
        let label = |control: &&Control| {
            if with_names {
                format!("{} {}", control.id, control.name)
            } else {
                control.id.to_string()
            }
        };
        let labels: Vec<String> = controls.iter().map(label).collect();
        write_item(
            TextStyle::Warning,
            &format!("{reason}:"),
            &labels.join(", "),
            writer,
        )?;
    }
    writer.blank_line()
}

/// Writes the controls that cannot be evaluated in this scan, grouped by reason. A scan that named
/// no framework has chosen none of them.
fn write_unavailable(scan: &Scan, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    let is_named = scan.frameworks.iter().any(|result| result.is_named);
    let mut by_reason: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for control in scan.unavailable.iter().filter(|_| is_named) {
        let group = by_reason.entry(&control.reason).or_default();
        group.push(control.id.to_string());
    }
    if by_reason.is_empty() {
        return Ok(());
    }
    writer.heading("Controls that this scan cannot evaluate")?;
    for (reason, ids) in by_reason {
        write_item(
            TextStyle::Faint,
            &format!("{reason}:"),
            &join_bounded(&ids),
            writer,
        )?;
    }
    writer.blank_line()
}

/// Writes the objects of the cluster that could not be read, grouped by reason.
fn write_unread(scan: &Scan, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    let mut by_reason: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for unread in &scan.unread {
        let group = by_reason.entry(&unread.reason).or_default();
        group.push(escape_bounded(&unread.to_string()).into_owned());
    }
    if by_reason.is_empty() {
        return Ok(());
    }
    writer.heading("Not read")?;
    for (reason, kinds) in by_reason {
        write_item(
            TextStyle::Warning,
            &format!("{reason}:"),
            &join_bounded(&kinds),
            writer,
        )?;
    }
    writer.blank_line()
}

/// Writes the rule errors, grouped by control and message, with the objects that they occurred for.
fn write_errors(scan: &Scan, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    let mut by_error: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for object in &scan.objects {
        for error in &object.errors {
            by_error
                .entry((error.control.to_string(), error.error.to_string()))
                .or_default()
                .push(escape_bounded(&object.object.to_string()).into_owned());
        }
    }
    if by_error.is_empty() {
        return Ok(());
    }
    writer.heading("Not checked because of an error")?;
    for ((control, message), objects) in by_error {
        write_item(
            TextStyle::Warning,
            &format!("{control}: {message}:"),
            &join_bounded(&objects),
            writer,
        )?;
    }
    writer.blank_line()
}

fn write_problems(scan: &Scan, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    if scan.problems.is_empty() {
        return Ok(());
    }
    writer.heading("Problems")?;
    for problem in scan.problems.iter().take(MAX_PROBLEMS) {
        let mut position = file_and_position(&problem.file, problem.position);
        if !position.is_empty() {
            position.push(':');
        }
        write_item(TextStyle::Bad, &position, &problem.message, writer)?;
    }
    let unlisted = scan.problems.len().saturating_sub(MAX_PROBLEMS);
    if unlisted > 0 {
        let note = format!("… and {unlisted} more: see --format json");
        write_item(TextStyle::Faint, "", &note, writer)?;
    }
    writer.blank_line()
}

/// Writes what was skipped, grouped by reason.
fn write_skipped(scan: &Scan, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    let mut by_reason: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for skipped in &scan.skipped {
        // A position in the first line says nothing that the file's name does not.
        let position = skipped.position.filter(|position| position.line > 1);
        by_reason
            .entry(&skipped.reason)
            .or_default()
            .push(file_and_position(&skipped.file, position));
    }
    if by_reason.is_empty() {
        return Ok(());
    }
    writer.heading("Skipped")?;
    for (reason, mut positions) in by_reason {
        positions.dedup();
        positions.retain(|position| !position.is_empty());
        let reason = if positions.is_empty() {
            reason.to_owned()
        } else {
            format!("{reason}:")
        };
        write_item(TextStyle::Faint, &reason, &join_bounded(&positions), writer)?;
    }
    writer.blank_line()
}

fn write_item(
    style: TextStyle,
    label: &str,
    details: &str,
    writer: &mut TerminalWriter<'_>,
) -> io::Result<()> {
    writer.entry("  ", 4, &[(style, label), (TextStyle::Plain, details)])
}

/// Joins the first [`MAX_NAMES`] names, and adds the number of the others.
pub(super) fn join_bounded(names: &[String]) -> String {
    join_first(names, MAX_NAMES)
}

/// Joins the first names, as many as fit: `text` makes a line of them, which has `columns`. At least
/// one is listed, and at most [`MAX_NAMES`].
pub(super) fn join_fitting(
    names: &[String],
    columns: usize,
    text: impl Fn(&str) -> String,
) -> String {
    let lines = (1..=MAX_NAMES).rev();
    let mut lines = lines.map(|number| text(&join_first(names, number)));
    let fitting = lines.find(|line| display_width(line) <= columns);
    fitting.unwrap_or_else(|| text(&join_first(names, 1)))
}

/// Returns `FILE:LINE:COLUMN`. The file is escaped here, because wrapped prose would lose a line
/// break in its name.
fn file_and_position(file: &str, position: Option<Position>) -> String {
    let file = escape_bounded(file);
    match position {
        Some(position) => format!("{file}:{position}"),
        None => file.into_owned(),
    }
}
