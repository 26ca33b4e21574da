//! The view by control: why it matters, how to mend it, and every place that fails it. Only failed controls; what could
//! not be evaluated stands in the summary.

use super::resource::word;
use crate::{
    lookup::count,
    page::{Ink, Page},
    text,
};
use kubevet_model::{ControlId, ControlResult, ControlStatus, LocatedFinding, ObjectResult, Scan};
use std::{collections::BTreeMap, io};

/// The widest that the column of places and that of objects get.
const COLUMN: usize = 56;

type Places<'a> = Vec<(&'a ObjectResult, &'a LocatedFinding)>;

pub(super) fn write(scan: &Scan, page: &mut Page<'_>) -> io::Result<()> {
    let mut places: BTreeMap<&ControlId, Places<'_>> = BTreeMap::new();
    for it in &scan.objects {
        for located in &it.findings {
            places
                .entry(&located.finding.control)
                .or_default()
                .push((it, located));
        }
    }
    for it in worst_first(scan) {
        write_control(
            it,
            places.get(&it.control.id).map_or(&[], Vec::as_slice),
            page,
        )?;
    }
    Ok(())
}

/// The failed controls by severity, score and number of objects, the worst first.
pub(super) fn worst_first(scan: &Scan) -> Vec<&ControlResult> {
    let mut failed: Vec<_> = scan
        .controls
        .iter()
        .filter(|it| it.status == ControlStatus::Failed)
        .collect();
    failed.sort_by(|a, b| {
        let by_score = b.control.score.total_cmp(&a.control.score);
        b.control
            .severity
            .cmp(&a.control.severity)
            .then(by_score)
            .then(b.failed.cmp(&a.failed))
    });
    failed
}

fn write_control(
    it: &ControlResult,
    places: &[(&ObjectResult, &LocatedFinding)],
    page: &mut Page<'_>,
) -> io::Result<()> {
    let control = &it.control;
    let severity = page.ink(Ink::Severity(control.severity), &word(control.severity));
    let (id, name) = (
        page.ink(Ink::Faint, control.id.as_str()),
        page.ink(Ink::Strong, &control.name),
    );
    let judged = it.failed.saturating_add(it.passed);
    let failed = page.ink(
        Ink::Faint,
        &format!("{} of {} failed", it.failed, count(judged, "object")),
    );
    page.line(&format!("{severity}  {id} {name}  {failed}"))?;
    for (label, prose) in [
        ("why", &control.description),
        ("mend", &control.remediation),
    ] {
        if !prose.trim().is_empty() {
            let lead = format!("  {}", page.cell(Ink::Faint, label, 6));
            page.flow(&lead, 8, &[(Ink::Plain, prose)])?;
        }
    }
    page.gap()?;
    write_places(places, page)?;
    page.gap()
}

/// One line for each place of each object.
fn write_places(
    places: &[(&ObjectResult, &LocatedFinding)],
    page: &mut Page<'_>,
) -> io::Result<()> {
    let mut rows: Vec<[String; 3]> = places
        .iter()
        .map(|(it, located)| {
            let place = format!("{}:{}", located.source.file, located.source.position);
            let container = located
                .container
                .as_ref()
                .map(|it| format!("container {it}"))
                .unwrap_or_default();
            [place, it.object.to_string(), container]
        })
        .collect();
    rows.dedup();
    let widest = |column: fn(&[String; 3]) -> &str| {
        rows.iter()
            .map(|row| text::width(column(row)))
            .max()
            .unwrap_or(0)
            .min(COLUMN)
    };
    let (places, objects) = (
        widest(|[place, _, _]| place),
        widest(|[_, object, _]| object),
    );
    for [place, object, container] in &rows {
        let line = format!(
            "    {}  {}  {}",
            page.cell(Ink::Plain, place, places),
            page.cell(Ink::Strong, object, objects),
            page.ink(Ink::Faint, container)
        );
        page.line(&line)?;
    }
    Ok(())
}
