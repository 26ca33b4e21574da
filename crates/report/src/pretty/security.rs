//! The overview on one screen: findings by severity, frameworks, the objects and controls to begin with.

use super::{control::worst_first, resource::word, summary};
use crate::{
    lookup::{Controls, count},
    page::{Ink, Page},
    text,
};
use kubevet_model::{ObjectResult, Scan, Severity};
use std::{cmp::Reverse, io};

/// How many objects and controls are listed.
const TOP: usize = 10;
/// Columns of the widest severity bar.
const BAR: usize = 30;

pub(super) fn write(scan: &Scan, controls: &Controls<'_>, page: &mut Page<'_>) -> io::Result<()> {
    write_severities(scan, page)?;
    summary::write_frameworks(scan, page)?;
    write_objects(scan, controls, page)?;
    write_controls(scan, page)
}

fn write_severities(scan: &Scan, page: &mut Page<'_>) -> io::Result<()> {
    let most = scan.summary.findings.into_iter().max().unwrap_or(0).max(1);
    page.headline("Findings")?;
    for (severity, found) in Severity::ALL.into_iter().zip(scan.summary.findings).rev() {
        let ink = if found == 0 {
            Ink::Faint
        } else {
            Ink::Severity(severity)
        };
        let bar = "█".repeat(found.saturating_mul(BAR).div_ceil(most));
        let bar_ink = if severity == Severity::Critical {
            Ink::Bad
        } else {
            ink
        };
        let word = format!(
            "{}{:fill$}",
            page.ink(ink, severity.name()),
            "",
            fill = 9 - severity.name().len()
        );
        let line = format!("  {word} {found:>6}  {}", page.ink(bar_ink, &bar));
        page.line(&line)?;
    }
    page.gap()
}

fn write_objects(scan: &Scan, controls: &Controls<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let mut objects: Vec<_> = scan
        .objects
        .iter()
        .filter(|it| !it.findings.is_empty())
        .map(|it| (by_severity(it, controls), it))
        .collect();
    if objects.is_empty() {
        return Ok(());
    }
    objects.sort_by_key(|(counts, _)| Reverse(*counts));
    page.headline("Objects to begin with")?;
    let name = |it: &ObjectResult| text::cut(&it.object.to_string(), 48);
    let widest = objects
        .iter()
        .take(TOP)
        .map(|(_, it)| text::width(&name(it)))
        .max()
        .unwrap_or(0);
    for (counts, it) in objects.iter().take(TOP) {
        let object = page.cell(Ink::Strong, &name(it), widest);
        let place = page.ink(
            Ink::Faint,
            &format!("{}:{}", it.source.file, it.source.position.line),
        );
        let counts: Vec<String> = Severity::ALL
            .into_iter()
            .rev()
            .zip(counts)
            .filter(|(_, found)| **found > 0)
            .map(|(severity, found)| {
                page.ink(Ink::Severity(severity), &format!("{found} {severity}"))
            })
            .collect();
        page.line(&format!("  {object}  {}  {place}", counts.join(", ")))?;
    }
    write_more(objects.len(), "object", page)?;
    page.gap()
}

/// Findings of an object, critical ones first.
fn by_severity(it: &ObjectResult, controls: &Controls<'_>) -> [usize; 4] {
    let mut severities = Severity::ALL;
    severities.reverse();
    severities.map(|severity| {
        it.findings
            .iter()
            .filter(|f| controls.severity(&f.finding.control) == severity)
            .count()
    })
}

fn write_controls(scan: &Scan, page: &mut Page<'_>) -> io::Result<()> {
    let controls = worst_first(scan);
    if controls.is_empty() {
        return Ok(());
    }
    page.headline("Controls to begin with")?;
    let name = |it: &str| text::cut(it, 56);
    let widest = controls
        .iter()
        .take(TOP)
        .map(|it| text::width(&name(&it.control.name)))
        .max()
        .unwrap_or(0);
    for it in controls.iter().take(TOP) {
        let severity = it.control.severity;
        let line = format!(
            "  {}{:fill$}  {}  {}  {}",
            page.ink(Ink::Severity(severity), &word(severity)),
            "",
            page.ink(Ink::Faint, it.control.id.as_str()),
            page.cell(Ink::Strong, &name(&it.control.name), widest),
            count(it.failed, "object"),
            fill = 8 - severity.name().len()
        );
        page.line(&line)?;
    }
    write_more(controls.len(), "control", page)?;
    page.gap()
}

fn write_more(all: usize, noun: &str, page: &mut Page<'_>) -> io::Result<()> {
    let Some(more) = all.checked_sub(TOP).filter(|it| *it > 0) else {
        return Ok(());
    };
    let line = page.ink(
        Ink::Faint,
        &format!("  … and {}", count(more, &format!("more {noun}"))),
    );
    page.line(&line)
}
