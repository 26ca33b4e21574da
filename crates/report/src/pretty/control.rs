//! The view by control: why it matters, the remediation, and each position that fails it.
//!
//! It shows failed controls only. Controls that could not be evaluated are listed with the gaps.

use super::severity_label;
use crate::{
    sanitize::display_width,
    terminal::{TerminalWriter, TextStyle},
};
use kubevet_model::{
    ControlId, ControlResult, ControlStatus, LocatedFinding, ObjectResult, Scan, count,
};
use std::{collections::BTreeMap, io};

/// The maximum width of the position column and of the object column.
const MAX_CELL_COLUMNS: usize = 56;

/// A finding and the object that it is in.
type Occurrence<'a> = (&'a ObjectResult, &'a LocatedFinding);

pub(super) fn write(scan: &Scan, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    let mut by_control: BTreeMap<&ControlId, Vec<Occurrence<'_>>> = BTreeMap::new();
    for object in &scan.objects {
        for located in &object.findings {
            by_control
                .entry(&located.finding.rule)
                .or_default()
                .push((object, located));
        }
    }
    for result in worst_first(scan) {
        let occurrences = by_control
            .get(&result.control.id)
            .map_or(&[][..], Vec::as_slice);
        write_control(result, occurrences, writer)?;
    }
    Ok(())
}

/// Returns the failed controls by severity, score and number of failing objects, the worst first.
pub(super) fn worst_first(scan: &Scan) -> Vec<&ControlResult> {
    let mut failed: Vec<_> = scan
        .controls
        .iter()
        .filter(|result| result.status == ControlStatus::Failed)
        .collect();
    failed.sort_by(|a, b| {
        let by_severity = b.control.severity.cmp(&a.control.severity);
        by_severity
            .then(b.control.score.total_cmp(&a.control.score))
            .then(b.failed.cmp(&a.failed))
    });
    failed
}

fn write_control(
    result: &ControlResult,
    occurrences: &[Occurrence<'_>],
    writer: &mut TerminalWriter<'_>,
) -> io::Result<()> {
    let control = &result.control;
    let severity = writer.styled(
        TextStyle::Severity(control.severity),
        &severity_label(control.severity),
    );
    let id = writer.styled(TextStyle::Faint, control.id.as_str());
    let name = writer.styled(TextStyle::Strong, &control.name);
    let evaluated = result.failed.saturating_add(result.passed);
    let failed = format!("{} of {} failed", result.failed, count(evaluated, "object"));
    let failed = writer.styled(TextStyle::Faint, &failed);
    writer.line(&format!("{severity}  {id} {name}  {failed}"))?;
    for (label, prose) in [("risk", &control.risk), ("fix", &control.remediation)] {
        if !prose.trim().is_empty() {
            let lead = format!("  {}", writer.padded(TextStyle::Faint, label, 6));
            writer.wrapped(&lead, 8, &[(TextStyle::Plain, prose)])?;
        }
    }
    writer.blank_line()?;
    write_occurrences(occurrences, writer)?;
    writer.blank_line()
}

/// A line of the table of occurrences.
#[derive(PartialEq, Eq)]
struct Row {
    position: String,
    object: String,
    container: String,
}

impl Row {
    fn new((object, located): &Occurrence<'_>) -> Self {
        let container = located.container.as_ref();
        Self {
            position: match &located.source {
                Some(source) => format!("{}:{}", source.file, source.position),
                None => first_path(located),
            },
            object: object.object.to_string(),
            container: container
                .map(|name| format!("container {name}"))
                .unwrap_or_default(),
        }
    }
}

/// Returns the field that stands for the position of an object that was read from no file.
fn first_path(located: &LocatedFinding) -> String {
    let path = located.finding.paths().first();
    path.map(ToString::to_string).unwrap_or_default()
}

/// Writes one line for each position in each object.
fn write_occurrences(
    occurrences: &[Occurrence<'_>],
    writer: &mut TerminalWriter<'_>,
) -> io::Result<()> {
    let mut rows: Vec<Row> = occurrences.iter().map(Row::new).collect();
    rows.dedup();
    let widest = |cell: fn(&Row) -> &str| {
        let widths = rows.iter().map(|row| display_width(cell(row)));
        widths.max().unwrap_or(0).min(MAX_CELL_COLUMNS)
    };
    let position_columns = widest(|row| &row.position);
    let object_columns = widest(|row| &row.object);
    for row in &rows {
        let line = format!(
            "    {}  {}  {}",
            writer.padded(TextStyle::Plain, &row.position, position_columns),
            writer.padded(TextStyle::Strong, &row.object, object_columns),
            writer.styled(TextStyle::Faint, &row.container)
        );
        writer.line(&line)?;
    }
    Ok(())
}
