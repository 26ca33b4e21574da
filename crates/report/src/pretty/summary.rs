//! The end of every view: counts, frameworks, and the verdict in one line.
//!
//! A scan with a gap is never called clean: the verdict names what is incomplete.

use super::gaps::join_bounded;
use crate::{
    number_format::{count, round_percent},
    sanitize::{display_width, escape_bounded, truncate_columns},
    terminal::{TerminalWriter, TextStyle},
};
use kubevet_model::{ControlStatus, FrameworkResult, Scan};
use std::io;

/// The columns of a compliance bar. Each stands for five percent.
const BAR_COLUMNS: usize = 20;
/// The maximum width of a framework's title.
const MAX_TITLE_COLUMNS: usize = 40;

/// Writes counts and frameworks.
pub(super) fn write_counts(scan: &Scan, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    let summary = &scan.summary;
    writer.heading("Summary")?;
    let findings = summary.findings.worst_first().map(|(severity, number)| {
        let style = if number == 0 {
            TextStyle::Faint
        } else {
            TextStyle::Severity(severity)
        };
        writer.styled(style, &format!("{number} {severity}"))
    });
    write_row("findings", &findings.join(", "), writer)?;
    let objects = format!(
        "{} of {} with findings, from {}",
        summary.failed_objects,
        summary.checked,
        count(summary.files, "file")
    );
    write_row("checked", &objects, writer)?;
    if let Some(not_checked) = not_checked(scan) {
        write_row("objects", &not_checked, writer)?;
    }
    let controls = summary.controls;
    let controls = status_counts(
        controls.failed,
        controls.not_evaluated,
        controls.passed,
        controls.irrelevant,
    );
    let controls = controls.unwrap_or_else(|| "none".to_owned());
    write_row("controls", &controls, writer)?;
    writer.blank_line()?;
    write_frameworks(scan, writer)
}

/// Returns how many of the objects were checked, and the kinds of the others; `None` if all were.
fn not_checked(scan: &Scan) -> Option<String> {
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
        let kinds: Vec<String> = summary
            .not_applicable
            .iter()
            .map(|(kind, number)| format!("{} {number}", escape_bounded(kind)))
            .collect();
        text = format!(
            "{text}; {number} of kinds that no control checks: {}",
            join_bounded(&kinds)
        );
    }
    Some(text)
}

/// Writes a row of the summary. `value` is styled already.
fn write_row(label: &str, value: &str, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    let label = writer.padded(TextStyle::Faint, label, 10);
    writer.line(&format!("  {label}{value}"))
}

/// Returns the counts that are not zero, in words; `None` if all are zero.
fn status_counts(
    failed: usize,
    not_evaluated: usize,
    passed: usize,
    irrelevant: usize,
) -> Option<String> {
    let counts: Vec<String> = [
        (failed, "failed"),
        (not_evaluated, "not evaluated"),
        (passed, "passed"),
        (irrelevant, "irrelevant"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, status)| format!("{number} {status}"))
    .collect();
    (!counts.is_empty()).then(|| counts.join(", "))
}

/// Writes a line with a compliance bar for each framework.
pub(super) fn write_frameworks(scan: &Scan, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    if scan.frameworks.is_empty() {
        return Ok(());
    }
    writer.heading("Frameworks")?;
    let titles: Vec<String> = scan
        .frameworks
        .iter()
        .map(|result| truncate_columns(&framework_title(result), MAX_TITLE_COLUMNS))
        .collect();
    let title_columns = titles
        .iter()
        .map(|title| display_width(title))
        .max()
        .unwrap_or(0);
    for (result, title) in scan.frameworks.iter().zip(&titles) {
        let counts = status_counts(
            result.failed,
            result.not_evaluated,
            result.passed,
            result.irrelevant,
        );
        let counts = counts.unwrap_or_else(|| "no controls".to_owned());
        let line = format!(
            "  {}  {}  {}",
            writer.padded(TextStyle::Strong, title, title_columns),
            compliance_bar(result.compliance, writer),
            writer.styled(TextStyle::Faint, &counts)
        );
        writer.line(&line)?;
    }
    writer.blank_line()
}

/// Returns name and version of a framework, or the name alone if it ends in the version.
fn framework_title(result: &FrameworkResult) -> String {
    let (name, version) = (&result.framework.name, &result.framework.version);
    if version.is_empty() || name.ends_with(version.as_str()) {
        name.clone()
    } else {
        format!("{name} {version}")
    }
}

/// Returns a bar and the percentage; `?` where the compliance is unknown.
fn compliance_bar(compliance: Option<f64>, writer: &TerminalWriter<'_>) -> String {
    let Some(compliance) = compliance else {
        return format!(
            "{}  {}",
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
        "{}{}  {}",
        writer.styled(style, &"█".repeat(filled)),
        writer.styled(TextStyle::Faint, &"░".repeat(BAR_COLUMNS - filled)),
        writer.styled(style, &format!("{percent:>3}%"))
    )
}

/// Writes the last line: the verdict, and what is incomplete.
pub(super) fn write_verdict(scan: &Scan, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    let gaps = gap_counts(scan);
    let (style, mut verdict) = verdict(scan, !gaps.is_empty());
    if !gaps.is_empty() {
        verdict = format!("{verdict}; incomplete: {}", gaps.join(", "));
    }
    let line = writer.styled(style, &verdict);
    writer.line(&line)
}

fn verdict(scan: &Scan, has_gaps: bool) -> (TextStyle, String) {
    let summary = &scan.summary;
    if summary.findings.total() > 0 {
        return (TextStyle::Bad, failure(scan));
    }
    let objects = objects(scan);
    let controls = count(scan.controls.len(), "control");
    if summary.objects == 0 {
        let files = count(summary.files, "file");
        let message = format!("nothing was checked: no Kubernetes object in {files}");
        return (TextStyle::Warning, message);
    }
    let is_evaluated = |status| matches!(status, ControlStatus::Passed | ControlStatus::Failed);
    if !scan
        .controls
        .iter()
        .any(|result| is_evaluated(result.status))
    {
        let message = format!("nothing was checked: {objects}, {controls}");
        return (TextStyle::Warning, message);
    }
    if has_gaps {
        let message = format!("no findings in what could be checked: {objects}, {controls}");
        return (TextStyle::Warning, message);
    }
    (
        TextStyle::Good,
        format!("no findings: {objects}, {controls}"),
    )
}

/// Returns the number of objects, and what was not checked of them.
fn objects(scan: &Scan) -> String {
    not_checked(scan).unwrap_or_else(|| count(scan.summary.objects, "object"))
}

/// Returns the verdict of a scan with findings.
fn failure(scan: &Scan) -> String {
    let summary = &scan.summary;
    let severities: Vec<String> = summary
        .findings
        .worst_first()
        .into_iter()
        .filter(|(_, number)| *number > 0)
        .map(|(severity, number)| format!("{number} {severity}"))
        .collect();
    format!(
        "{} ({}) in {} of {}, {}{}",
        count(summary.findings.total(), "finding"),
        severities.join(", "),
        summary.failed_objects,
        count(summary.checked, "object"),
        count(scan.controls.len(), "control"),
        not_checked(scan).map_or_else(String::new, |text| format!("; {text}"))
    )
}

/// Returns what keeps the scan from being complete, each with its number.
fn gap_counts(scan: &Scan) -> Vec<String> {
    let not_evaluated = scan
        .controls
        .iter()
        .filter(|result| result.status == ControlStatus::NotEvaluated)
        .count();
    let errors: usize = scan.objects.iter().map(|object| object.errors.len()).sum();
    let mut gaps = Vec::new();
    if !scan.problems.is_empty() {
        gaps.push(count(scan.problems.len(), "problem"));
    }
    if not_evaluated > 0 {
        gaps.push(format!("{} not evaluated", count(not_evaluated, "control")));
    }
    if errors > 0 {
        gaps.push(format!("{} not given", count(errors, "answer")));
    }
    gaps
}
