//! The counts at the end of every view: a row for objects that were not checked, for each framework,
//! and for what was not run.

use super::gaps::{join_bounded, join_fitting};
use crate::{
    number_format::round_percent,
    sanitize::{display_width, escape_bounded, truncate_columns},
    terminal::{TerminalWriter, TextStyle},
};
use kubevet_model::{
    ControlResult, ControlStatus, ControlStatusCounts, FrameworkResult, Scan, count, mapping_notice,
};
use std::{cmp::Reverse, collections::BTreeMap, io};

/// The columns of a compliance bar. Each stands for five percent.
const BAR_COLUMNS: usize = 20;
/// The maximum width of a row's label, which may be the title of a framework.
const MAX_LABEL_COLUMNS: usize = 40;

/// The label of what was not run.
const NOT_RUN: &str = "not run";

/// A row: what it is about, what stands before its value (styled already), and the value.
struct Row {
    label: String,
    lead: String,
    lead_columns: usize,
    value: String,
}

impl Row {
    fn new(label: &str, value: String) -> Self {
        Self {
            label: label.to_owned(),
            lead: String::new(),
            lead_columns: 0,
            value,
        }
    }

    fn of_framework(result: &FrameworkResult, writer: &TerminalWriter<'_>) -> Self {
        let mut value = status_words(result.controls);
        if let Some(coverage) = result.coverage.filter(|coverage| *coverage < 100.0) {
            value = format!("{value}; coverage {}%", round_percent(coverage, 0));
        }
        Self {
            label: truncate_columns(&framework_title(result), MAX_LABEL_COLUMNS),
            lead: format!("{}  ", compliance_bar(result.compliance, writer)),
            lead_columns: BAR_COLUMNS + 7,
            value,
        }
    }
}

/// Writes the rows.
pub(super) fn write_counts(scan: &Scan, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    let mut rows = Vec::new();
    if let Some(checked) = not_checked(scan) {
        rows.push(Row::new("objects", checked));
    }
    if scan.frameworks.is_empty() {
        rows.push(Row::new("controls", status_words(scan.summary.controls)));
    }
    let frameworks = scan.frameworks.iter();
    rows.extend(frameworks.map(|result| Row::of_framework(result, writer)));
    let not_configured: Vec<String> = scan.controls.iter().filter_map(missing_params).collect();
    if !not_configured.is_empty() {
        rows.push(Row::new("not configured", join_bounded(&not_configured)));
    }
    let columns = label_columns(&rows).max(NOT_RUN.len()) + 2;
    rows.extend(not_run(scan, writer.width().saturating_sub(columns)));
    write_rows(&rows, writer)?;
    write_notices(scan, writer)
}

/// Writes what a reader must know who takes the results of a mapping for proof.
fn write_notices(scan: &Scan, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    let mut by_author: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for result in &scan.frameworks {
        let framework = &result.framework;
        if let Some(author) = &framework.mapping_by {
            by_author.entry(author).or_default().push(&framework.name);
        }
    }
    for (author, names) in by_author {
        let notice = mapping_notice(&names.join(", "), author);
        writer.wrapped("", 0, &[(TextStyle::Warning, &notice)])?;
    }
    Ok(())
}

/// Writes rows with their values below each other.
fn write_rows(rows: &[Row], writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    let columns = label_columns(rows);
    for row in rows {
        let label = writer.padded(TextStyle::Faint, &row.label, columns);
        let lead = format!("{label}  {}", row.lead);
        let indent = columns + 2 + row.lead_columns;
        writer.entry(&lead, indent, &[(TextStyle::Plain, &row.value)])?;
    }
    Ok(())
}

fn label_columns(rows: &[Row]) -> usize {
    let widths = rows.iter().map(|row| display_width(&row.label));
    widths.max().unwrap_or(0)
}

/// Returns how many of the objects were checked, and the kinds of the others; `None` if all were.
pub(super) fn not_checked(scan: &Scan) -> Option<String> {
    let summary = &scan.summary;
    if summary.checked == summary.objects {
        return None;
    }
    let mut text = format!(
        "{} of {} checked",
        summary.checked,
        count(summary.objects, "object")
    );
    let number: usize = summary.not_applicable.values().sum();
    if number > 0 {
        let mut kinds: Vec<(&String, &usize)> = summary.not_applicable.iter().collect();
        kinds.sort_by_key(|(_, number)| Reverse(**number));
        let kinds: Vec<String> = kinds
            .iter()
            .map(|(kind, number)| format!("{} {number}", escape_bounded(kind)))
            .collect();
        text = format!(
            "{text}; {number} to which no control applies: {}",
            join_bounded(&kinds)
        );
    }
    Some(text)
}

/// Returns the counts that are not zero: `6 failed, 10 passed`.
fn status_words(counts: ControlStatusCounts) -> String {
    let words: Vec<String> = [
        (counts.failed, "failed"),
        (counts.not_evaluated, "not evaluated"),
        (counts.passed, "passed"),
        (counts.not_applicable, "not applicable"),
        (counts.not_configured, "not configured"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, status)| format!("{number} {status}"))
    .collect();
    if words.is_empty() {
        return "none".to_owned();
    }
    words.join(", ")
}

/// Returns a control and the params that it lacks; `None` if it is configured.
fn missing_params(result: &ControlResult) -> Option<String> {
    let control = &result.control;
    let params = control.requires_any_param.join(" or ");
    let is_configured = result.status != ControlStatus::NotConfigured;
    (!is_configured).then(|| escape_bounded(&format!("{} ({params})", control.id)).into_owned())
}

/// Returns the row of what a scan without a choice left out, in one line of so many columns.
fn not_run(scan: &Scan, columns: usize) -> Option<Row> {
    let not_run = scan.not_run.as_ref()?;
    let names: Vec<String> = not_run
        .frameworks
        .iter()
        .map(|name| escape_bounded(name).into_owned())
        .collect();
    let all = count(not_run.all_controls, "control");
    let value = join_fitting(&names, columns, |names| {
        format!("{names}; --all runs all {all}")
    });
    Some(Row::new(NOT_RUN, value))
}

/// Returns name and version of a framework, or the name alone if it ends in the version.
pub(super) fn framework_title(result: &FrameworkResult) -> String {
    let (name, version) = (&result.framework.name, &result.framework.version);
    let title = if version.is_empty() || name.ends_with(version.as_str()) {
        name.clone()
    } else {
        format!("{name} {version}")
    };
    match result.level {
        Some(level) => format!("{title} {}", level.name()),
        None => title,
    }
}

/// Returns a bar and the percentage; `?` where the compliance is unknown.
fn compliance_bar(compliance: Option<f64>, writer: &TerminalWriter<'_>) -> String {
    let Some(compliance) = compliance else {
        return format!(
            "{} {}",
            writer.styled(TextStyle::Faint, &"░".repeat(BAR_COLUMNS)),
            writer.styled(TextStyle::Warning, "   ?")
        );
    };
    let percent = round_percent(compliance, 0);
    let style = match percent {
        percent if percent >= 90.0 => TextStyle::Good,
        percent if percent >= 60.0 => TextStyle::Warning,
        _ => TextStyle::Bad,
    };
    let is_filled = |column: &u32| f64::from(*column) * 5.0 <= percent;
    let filled = (1..=20_u32).filter(is_filled).count().min(BAR_COLUMNS);
    format!(
        "{}{} {}",
        writer.styled(style, &"█".repeat(filled)),
        writer.styled(TextStyle::Faint, &"░".repeat(BAR_COLUMNS - filled)),
        writer.styled(style, &format!("{percent:>3}%"))
    )
}
