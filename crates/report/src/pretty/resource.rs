//! The view by object: for each place what is wrong there, the lines, and one fix for all of it. Objects stand in the
//! order of the files, places in an object worst first. An object without findings or errors is not shown.

use super::{excerpt, snippet};
use crate::{
    lookup::Controls,
    page::{Ink, Page},
};
use kubevet_model::{LocatedFinding, ObjectResult, RuleError, Scan, Severity, Source};
use std::{collections::BTreeMap, io};

/// Where the text of a finding begins: two spaces, the severity, two spaces.
const HANG: usize = 12;

pub(super) fn write(scan: &Scan, controls: &Controls<'_>, page: &mut Page<'_>) -> io::Result<()> {
    for it in scan
        .objects
        .iter()
        .filter(|it| !it.findings.is_empty() || !it.errors.is_empty())
    {
        let name = page.ink(Ink::Strong, &it.object.to_string());
        let place = page.ink(
            Ink::Faint,
            &format!("{}:{}", it.source.file, it.source.position.line),
        );
        page.line(&format!("{name}  {place}"))?;
        for error in &it.errors {
            write_error(error, controls, page)?;
        }
        for group in groups(it, controls) {
            write_group(&group, controls, page)?;
        }
        page.gap()?;
    }
    Ok(())
}

/// The findings of each line, worst first; the lines, worst first.
fn groups<'a>(it: &'a ObjectResult, controls: &Controls<'_>) -> Vec<Vec<&'a LocatedFinding>> {
    let mut by_line: BTreeMap<(&str, u32), Vec<&LocatedFinding>> = BTreeMap::new();
    for located in &it.findings {
        by_line
            .entry((&located.source.file, located.source.position.line))
            .or_default()
            .push(located);
    }
    let severity = |it: &LocatedFinding| controls.severity(&it.finding.control);
    let mut groups: Vec<_> = by_line.into_values().collect();
    for group in &mut groups {
        group.sort_by(|a, b| {
            severity(b)
                .cmp(&severity(a))
                .then_with(|| a.finding.control.cmp(&b.finding.control))
        });
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.first().map(|it| severity(it))));
    groups
}

fn write_group(
    group: &[&LocatedFinding],
    controls: &Controls<'_>,
    page: &mut Page<'_>,
) -> io::Result<()> {
    let Some(first) = group.first() else {
        return Ok(());
    };
    page.gap()?;
    for it in group {
        let id = &it.finding.control;
        write_finding(
            Ink::Severity(controls.severity(id)),
            &word(controls.severity(id)),
            id.as_str(),
            it,
            controls,
            page,
        )?;
    }
    let sources: Vec<&Source> = group.iter().map(|it| &it.source).collect();
    excerpt::write(&sources, &first.excerpt, page)?;
    write_places(group, page)?;
    snippet::write(group, page)
}

fn write_finding(
    ink: Ink,
    word: &str,
    id: &str,
    it: &LocatedFinding,
    controls: &Controls<'_>,
    page: &mut Page<'_>,
) -> io::Result<()> {
    let lead = format!(
        "  {}{:fill$}",
        page.ink(ink, word),
        "",
        fill = HANG.saturating_sub(2 + word.len())
    );
    let name = format!("{}:", controls.name(&it.finding.control));
    page.flow(
        &lead,
        HANG,
        &[
            (Ink::Faint, id),
            (Ink::Strong, &name),
            (Ink::Plain, &it.finding.message),
        ],
    )
}

fn write_error(error: &RuleError, controls: &Controls<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let lead = format!("  {}", page.cell(Ink::Doubt, "ERROR", HANG - 2));
    let name = format!("{}:", controls.name(&error.control));
    let message = format!("could not be judged: {}", error.message);
    page.gap()?;
    page.flow(
        &lead,
        HANG,
        &[
            (Ink::Faint, error.control.as_str()),
            (Ink::Strong, &name),
            (Ink::Plain, &message),
        ],
    )
}

/// The paths of findings that no fix shows.
fn write_places(group: &[&LocatedFinding], page: &mut Page<'_>) -> io::Result<()> {
    let unmended = group.iter().filter(|it| it.finding.fixes.is_empty());
    let mut paths: Vec<String> = Vec::new();
    for path in unmended
        .filter_map(|it| it.finding.paths.first())
        .map(ToString::to_string)
    {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    for path in paths {
        let line = format!(
            "       {} {}",
            page.ink(Ink::Faint, "at:"),
            page.ink(Ink::Plain, &path)
        );
        page.line(&line)?;
    }
    Ok(())
}

/// The severity as it stands before a finding.
pub(super) fn word(severity: Severity) -> String {
    severity.name().to_uppercase()
}
