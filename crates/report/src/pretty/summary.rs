//! The end of every view: counts, frameworks, whatever was not read or not judged, and the verdict in one line. A scan
//! with a gap is never called clean.

use crate::{
    lookup::{count, percent},
    page::{Ink, Page},
    text,
};
use kubevet_model::{Control, ControlStatus, FrameworkResult, Position, Scan, Severity};
use std::{collections::BTreeMap, io};

/// Columns of a compliance bar; five percent each.
const BAR: usize = 20;
/// Problems, and names in a list, beyond which only their number is said.
const PROBLEMS: usize = 100;
const NAMES: usize = 8;

/// Counts and frameworks.
pub(super) fn write_counts(scan: &Scan, page: &mut Page<'_>) -> io::Result<()> {
    let it = &scan.summary;
    page.headline("Summary")?;
    let mut findings: Vec<String> = Vec::new();
    for (severity, found) in Severity::ALL.into_iter().zip(it.findings).rev() {
        let ink = if found == 0 {
            Ink::Faint
        } else {
            Ink::Severity(severity)
        };
        findings.push(page.ink(ink, &format!("{found} {severity}")));
    }
    write_row("findings", &findings.join(", "), page)?;
    let objects = format!(
        "{} of {} with findings, from {}",
        it.failed_objects,
        it.objects,
        count(it.files, "file")
    );
    write_row("objects", &objects, page)?;
    let [failed, not_evaluated, passed, irrelevant] = it.controls;
    let controls = [
        (failed, "failed"),
        (not_evaluated, "not evaluated"),
        (passed, "passed"),
        (irrelevant, "irrelevant"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, word)| format!("{number} {word}"))
    .collect::<Vec<_>>();
    let controls = if controls.is_empty() {
        "none".to_owned()
    } else {
        controls.join(", ")
    };
    write_row("controls", &controls, page)?;
    page.gap()?;
    write_frameworks(scan, page)
}

/// `text` is already in its inks.
fn write_row(label: &str, text: &str, page: &mut Page<'_>) -> io::Result<()> {
    let label = page.cell(Ink::Faint, label, 10);
    page.line(&format!("  {label}{text}"))
}

/// A line with a bar for each framework.
pub(super) fn write_frameworks(scan: &Scan, page: &mut Page<'_>) -> io::Result<()> {
    if scan.frameworks.is_empty() {
        return Ok(());
    }
    page.headline("Frameworks")?;
    let names: Vec<String> = scan
        .frameworks
        .iter()
        .map(|it| text::cut(&title(it), 40))
        .collect();
    let widest = names.iter().map(|it| text::width(it)).max().unwrap_or(0);
    for (it, name) in scan.frameworks.iter().zip(&names) {
        let name = page.cell(Ink::Strong, name, widest);
        let counts = page.ink(Ink::Faint, &framework_counts(it));
        page.line(&format!("  {name}  {}  {counts}", compliance(it, page)))?;
    }
    page.gap()
}

/// Name and version; a name often ends in its version already.
fn title(it: &FrameworkResult) -> String {
    let (name, version) = (&it.framework.name, &it.framework.version);
    if version.is_empty() || name.ends_with(version.as_str()) {
        name.clone()
    } else {
        format!("{name} {version}")
    }
}

fn compliance(it: &FrameworkResult, page: &Page<'_>) -> String {
    let Some(compliance) = it.compliance else {
        return format!(
            "{}  {}",
            page.ink(Ink::Faint, &"░".repeat(BAR)),
            page.ink(Ink::Doubt, "   ?")
        );
    };
    let shown = percent(compliance, 0);
    let ink = match shown {
        it if it >= 90.0 => Ink::Good,
        it if it >= 60.0 => Ink::Doubt,
        _ => Ink::Bad,
    };
    let full = (1..=20_u32)
        .filter(|step| f64::from(*step) * 5.0 <= shown)
        .count()
        .min(BAR);
    let (full, rest) = ("█".repeat(full), "░".repeat(BAR - full));
    format!(
        "{}{}  {}",
        page.ink(ink, &full),
        page.ink(Ink::Faint, &rest),
        page.ink(ink, &format!("{shown:>3}%"))
    )
}

fn framework_counts(it: &FrameworkResult) -> String {
    let counts = [
        (it.failed, "failed"),
        (it.not_evaluated, "not evaluated"),
        (it.passed, "passed"),
        (it.irrelevant, "irrelevant"),
    ];
    let words = counts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{number} {word}"));
    let words = words.collect::<Vec<_>>().join(", ");
    if words.is_empty() {
        "no controls".to_owned()
    } else {
        words
    }
}

/// What was not judged, could not be read, or was left out.
pub(super) fn write_gaps(scan: &Scan, page: &mut Page<'_>) -> io::Result<()> {
    write_not_evaluated(scan, page)?;
    write_errors(scan, page)?;
    write_problems(scan, page)?;
    write_skipped(scan, page)
}

/// Controls not evaluated, those of one reason together; many of them by id alone.
fn write_not_evaluated(scan: &Scan, page: &mut Page<'_>) -> io::Result<()> {
    let mut by_reason: BTreeMap<&str, Vec<&Control>> = BTreeMap::new();
    for it in scan
        .controls
        .iter()
        .filter(|it| it.status == ControlStatus::NotEvaluated)
    {
        by_reason.entry(&it.reason).or_default().push(&it.control);
    }
    if by_reason.is_empty() {
        return Ok(());
    }
    page.headline("Controls not evaluated")?;
    for (reason, controls) in by_reason {
        let reason = if reason.is_empty() {
            "no reason given"
        } else {
            reason
        };
        let few = controls.len() <= NAMES;
        let name = |it: &&Control| {
            if few {
                format!("{} {}", it.id, it.name)
            } else {
                it.id.to_string()
            }
        };
        let names: Vec<String> = controls.iter().map(name).collect();
        write_item(Ink::Doubt, &format!("{reason}:"), &names.join(", "), page)?;
    }
    page.gap()
}

/// Controls that gave no answer for some object, each with its message.
fn write_errors(scan: &Scan, page: &mut Page<'_>) -> io::Result<()> {
    let mut by_error: BTreeMap<(String, &str), Vec<String>> = BTreeMap::new();
    for it in &scan.objects {
        for error in &it.errors {
            by_error
                .entry((error.control.to_string(), &error.message))
                .or_default()
                .push(text::visible(&it.object.to_string()).into_owned());
        }
    }
    if by_error.is_empty() {
        return Ok(());
    }
    page.headline("Not judged because of an error")?;
    for ((control, message), objects) in by_error {
        write_item(
            Ink::Doubt,
            &format!("{control}: {message}:"),
            &listed(&objects, NAMES),
            page,
        )?;
    }
    page.gap()
}

fn write_problems(scan: &Scan, page: &mut Page<'_>) -> io::Result<()> {
    if scan.problems.is_empty() {
        return Ok(());
    }
    page.headline("Problems")?;
    for it in scan.problems.iter().take(PROBLEMS) {
        let place = place(&it.file, it.position);
        let place = if place.is_empty() {
            place
        } else {
            format!("{place}:")
        };
        write_item(Ink::Bad, &place, &it.message, page)?;
    }
    if let Some(more) = scan
        .problems
        .len()
        .checked_sub(PROBLEMS)
        .filter(|it| *it > 0)
    {
        write_item(
            Ink::Faint,
            "",
            &format!("… and {more} more: see --format json"),
            page,
        )?;
    }
    page.gap()
}

/// What was left out, those of one reason together.
fn write_skipped(scan: &Scan, page: &mut Page<'_>) -> io::Result<()> {
    let mut by_reason: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for it in &scan.skipped {
        by_reason
            .entry(&it.reason)
            .or_default()
            .push(place(&it.file, it.position.filter(|it| it.line > 1)));
    }
    if by_reason.is_empty() {
        return Ok(());
    }
    page.headline("Skipped")?;
    for (reason, mut places) in by_reason {
        places.dedup();
        write_item(
            Ink::Faint,
            &format!("{reason}:"),
            &listed(&places, NAMES),
            page,
        )?;
    }
    page.gap()
}

fn write_item(ink: Ink, what: &str, more: &str, page: &mut Page<'_>) -> io::Result<()> {
    page.flow("  ", 4, &[(ink, what), (Ink::Plain, more)])
}

/// The names, with the number of those beyond `most`.
fn listed(names: &[String], most: usize) -> String {
    let shown: Vec<&str> = names.iter().take(most).map(String::as_str).collect();
    match names.len().checked_sub(most).filter(|it| *it > 0) {
        Some(more) => format!("{} and {more} more", shown.join(", ")),
        None => shown.join(", "),
    }
}

/// Made visible here, because prose would lose a line break in a file's name.
fn place(file: &str, position: Option<Position>) -> String {
    let file = text::visible(file);
    position.map_or_else(|| file.to_string(), |it| format!("{file}:{it}"))
}

/// The last line: the verdict, plainly.
pub(super) fn write_verdict(scan: &Scan, page: &mut Page<'_>) -> io::Result<()> {
    let gaps = gaps(scan);
    let found: usize = scan.summary.findings.into_iter().sum();
    let objects = scan.summary.objects;
    let selected = scan.controls.len();
    let judged = scan
        .controls
        .iter()
        .any(|it| matches!(it.status, ControlStatus::Passed | ControlStatus::Failed));
    let (ink, verdict) = match found {
        0 if objects == 0 => (
            Ink::Doubt,
            format!(
                "nothing judged: no Kubernetes object in {}",
                count(scan.summary.files, "file")
            ),
        ),
        0 if !judged => {
            let why = format!(
                "none of {} could look at any of {}",
                count(selected, "control"),
                count(objects, "object")
            );
            (Ink::Doubt, format!("nothing judged: {why}"))
        }
        0 if gaps.is_empty() => (
            Ink::Good,
            format!(
                "no findings: {}, {}",
                count(objects, "object"),
                count(selected, "control")
            ),
        ),
        0 => (
            Ink::Doubt,
            format!(
                "no findings in what could be judged: {}, {}",
                count(objects, "object"),
                count(selected, "control")
            ),
        ),
        _ => (Ink::Bad, failed(scan, found)),
    };
    let verdict = if gaps.is_empty() {
        verdict
    } else {
        format!("{verdict}; incomplete: {}", gaps.join(", "))
    };
    let line = page.ink(ink, &verdict);
    page.line(&line)
}

fn failed(scan: &Scan, found: usize) -> String {
    let severities = Severity::ALL
        .into_iter()
        .zip(scan.summary.findings)
        .rev()
        .filter(|(_, found)| *found > 0);
    let severities: Vec<String> = severities
        .map(|(severity, found)| format!("{found} {severity}"))
        .collect();
    format!(
        "{} ({}) in {} of {}, {}",
        count(found, "finding"),
        severities.join(", "),
        scan.summary.failed_objects,
        count(scan.summary.objects, "object"),
        count(scan.controls.len(), "control")
    )
}

/// What keeps the scan from being complete, in words.
fn gaps(scan: &Scan) -> Vec<String> {
    let not_evaluated = scan
        .controls
        .iter()
        .filter(|it| it.status == ControlStatus::NotEvaluated)
        .count();
    let errors: usize = scan.objects.iter().map(|it| it.errors.len()).sum();
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
