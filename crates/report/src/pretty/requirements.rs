//! The frameworks that the user named, by requirement: number, level, assessment, result, compliance,
//! and how many of its controls were evaluated.

use super::summary::framework_title;
use crate::{
    number_format::round_percent,
    sanitize::display_width,
    terminal::{TerminalWriter, TextStyle},
};
use kubevet_model::{
    Assessment, FrameworkResult, Level, Requirement, RequirementResult, RequirementStatus, Scan,
};
use std::io;

/// A requirement as the cells of a row.
struct Row<'a> {
    cells: [String; 6],
    title: &'a str,
    note: &'a str,
    status: RequirementStatus,
}

/// The headers of the columns before the title.
const HEADERS: [&str; 6] = [
    "SECTION",
    "LEVEL",
    "ASSESSMENT",
    "RESULT",
    "COMPLIANCE",
    "CONTROLS",
];
/// The column of the result.
const RESULT_COLUMN: usize = 3;

/// Writes the requirements of each framework that has sections and was named. `verbose` adds the
/// notes.
pub(super) fn write(scan: &Scan, verbose: bool, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    for result in &scan.frameworks {
        if result.is_named && result.framework.has_sections() {
            write_framework(result, verbose, writer)?;
        }
    }
    Ok(())
}

fn write_framework(
    result: &FrameworkResult,
    verbose: bool,
    writer: &mut TerminalWriter<'_>,
) -> io::Result<()> {
    let requirements = result.framework.requirements.iter();
    let rows: Vec<Row<'_>> = requirements
        .zip(&result.requirements)
        .map(|(requirement, result)| Row::new(requirement, result))
        .collect();
    let widths: [usize; 6] = std::array::from_fn(|column| column_width(&rows, column));
    writer.heading(&framework_title(result))?;
    let headers = HEADERS.map(str::to_owned);
    let (lead, indent) = join_cells(&headers, widths, |_| TextStyle::Faint, writer);
    writer.entry(&lead, indent, &[(TextStyle::Faint, "REQUIREMENT")])?;
    for row in &rows {
        let style = |column| match column {
            RESULT_COLUMN => result_style(row.status),
            _ => TextStyle::Plain,
        };
        let (lead, indent) = join_cells(&row.cells, widths, style, writer);
        let note = if verbose { row.note } else { "" };
        let spans = [(TextStyle::Plain, row.title), (TextStyle::Faint, note)];
        writer.entry(&lead, indent, &spans)?;
    }
    writer.blank_line()
}

/// Returns the width of a column; 0 if it is empty in all rows, which leaves it out.
fn column_width(rows: &[Row<'_>], column: usize) -> usize {
    let cells = rows.iter().filter_map(|row| row.cells.get(column));
    let width = cells.map(|cell| display_width(cell)).max().unwrap_or(0);
    let header = HEADERS.get(column).copied().unwrap_or_default();
    if width == 0 {
        0
    } else {
        width.max(header.len())
    }
}

/// Returns the cells side by side, and the width of them all.
fn join_cells(
    cells: &[String; 6],
    widths: [usize; 6],
    style: impl Fn(usize) -> TextStyle,
    writer: &TerminalWriter<'_>,
) -> (String, usize) {
    let mut lead = "  ".to_owned();
    let mut indent = 2;
    for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
        if width > 0 {
            lead.push_str(&writer.padded(style(column), cell, width));
            lead.push_str("  ");
            indent += width + 2;
        }
    }
    (lead, indent)
}

impl<'a> Row<'a> {
    fn new(requirement: &'a Requirement, result: &RequirementResult) -> Self {
        let controls = result.controls;
        let total = controls.total();
        let covered = total - controls.not_evaluated;
        let is_checkable = result.status != RequirementStatus::NotCheckable;
        let compliance = result
            .compliance
            .map(|percent| format!("{}%", round_percent(percent, 0)));
        Self {
            cells: [
                requirement.section.clone(),
                requirement.level.map_or("", Level::name).to_owned(),
                requirement
                    .assessment
                    .map_or("", Assessment::name)
                    .to_owned(),
                result.status.words().to_owned(),
                compliance.unwrap_or_default(),
                if is_checkable {
                    format!("{covered} of {total}")
                } else {
                    String::new()
                },
            ],
            title: &requirement.title,
            note: &requirement.note,
            status: result.status,
        }
    }
}

fn result_style(status: RequirementStatus) -> TextStyle {
    match status {
        RequirementStatus::Failed => TextStyle::Bad,
        RequirementStatus::Incomplete | RequirementStatus::NotEvaluated => TextStyle::Warning,
        RequirementStatus::Passed => TextStyle::Good,
        RequirementStatus::NotApplicable | RequirementStatus::NotCheckable => TextStyle::Faint,
    }
}
