//! The lists of controls and frameworks as tables for people.

use super::{ControlCatalog, WorkloadEntry, framework_names};
use crate::{
    sanitize::{display_width, truncate_columns},
    terminal::{TerminalWriter, TextStyle},
};
use kubevet_model::{Framework, PublicControl, count};
use std::{io, sync::Arc};

/// The maximum width of the id column.
const MAX_ID_COLUMNS: usize = 24;
/// The width of the severity column: its header is the longest cell.
const SEVERITY_COLUMNS: usize = 8;
/// The maximum width of the column of control names.
const MAX_NAME_COLUMNS: usize = 48;
/// The maximum width of the columns of framework names and versions.
const MAX_FRAMEWORK_COLUMNS: usize = 32;
/// The minimum width left for the last column, however narrow the terminal is.
const MIN_LAST_COLUMNS: usize = 12;

pub(super) fn write_controls(
    catalog: ControlCatalog<'_>,
    writer: &mut TerminalWriter<'_>,
) -> io::Result<()> {
    write_present(catalog, writer)?;
    writer.blank_line()?;
    write_absent(catalog.absent, writer)?;
    let number = count(catalog.controls.len(), "control");
    let absent = match catalog.absent.len() {
        0 => String::new(),
        absent => format!("; {absent} more of the public library are not in this version"),
    };
    let footer = format!("{number}{absent}; kubevet list control ID shows one in full");
    let footer = writer.styled(TextStyle::Faint, &footer);
    writer.line(&footer)
}

/// Writes the controls of the public library that are not here, and what each waits for.
fn write_absent(absent: &[&PublicControl], writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    if absent.is_empty() {
        return Ok(());
    }
    let ids = absent.iter().map(|control| control.id.as_str());
    let id_columns = widest(ids).clamp("ID".len(), writer.at_most(MAX_ID_COLUMNS));
    let states = absent.iter().map(|control| control.state.name());
    let state_columns = widest(states).max("WAITS FOR".len());
    let header = format!("{:id_columns$}  {:state_columns$}  NAME", "ID", "WAITS FOR");
    let header = writer.styled(TextStyle::Faint, &header);
    writer.line(&header)?;
    let before_last = id_columns + state_columns + 4;
    let last_columns = writer
        .width()
        .saturating_sub(before_last)
        .max(MIN_LAST_COLUMNS);
    for control in absent {
        let line = format!(
            "{}  {}  {}",
            writer.padded(TextStyle::Plain, control.id.as_str(), id_columns),
            writer.padded(TextStyle::Warning, control.state.name(), state_columns),
            writer.styled(
                TextStyle::Strong,
                &truncate_columns(&control.name, last_columns)
            )
        );
        writer.line(&line)?;
    }
    writer.blank_line()
}

fn write_present(catalog: ControlCatalog<'_>, writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    let (controls, frameworks) = (catalog.controls, catalog.frameworks);
    let id_columns = widest(controls.iter().map(|control| control.id.as_str()))
        .min(writer.at_most(MAX_ID_COLUMNS));
    let name_columns = widest(controls.iter().map(|control| control.name.as_str()))
        .clamp("NAME".len(), writer.at_most(MAX_NAME_COLUMNS));
    let header = format!(
        "{:id_columns$}  {:SEVERITY_COLUMNS$}  {:name_columns$}  FRAMEWORKS",
        "ID", "SEVERITY", "NAME"
    );
    let header = writer.styled(TextStyle::Faint, &header);
    writer.line(&header)?;
    // Two columns separate neighbouring cells.
    let before_last = id_columns + SEVERITY_COLUMNS + name_columns + 6;
    let last_columns = writer
        .width()
        .saturating_sub(before_last)
        .max(MIN_LAST_COLUMNS);
    for control in controls {
        let severity = control.severity;
        let memberships = framework_names(&control.id, frameworks);
        let line = format!(
            "{}  {}  {}  {}",
            writer.padded(TextStyle::Plain, control.id.as_str(), id_columns),
            writer.padded(
                TextStyle::Severity(severity),
                severity.name(),
                SEVERITY_COLUMNS
            ),
            writer.padded(
                TextStyle::Strong,
                &truncate_columns(&control.name, name_columns),
                name_columns
            ),
            writer.styled(
                TextStyle::Faint,
                &truncate_columns(&memberships.join(", "), last_columns)
            )
        );
        writer.line(&line)?;
    }
    Ok(())
}

pub(super) fn write_frameworks(
    frameworks: &[Arc<Framework>],
    writer: &mut TerminalWriter<'_>,
) -> io::Result<()> {
    let name_columns = widest(frameworks.iter().map(|framework| framework.name.as_str()))
        .clamp("NAME".len(), writer.at_most(MAX_FRAMEWORK_COLUMNS));
    let version_columns = widest(
        frameworks
            .iter()
            .map(|framework| framework.version.as_str()),
    )
    .clamp("VERSION".len(), writer.at_most(MAX_FRAMEWORK_COLUMNS));
    let header = format!(
        "{:name_columns$}  {:version_columns$}  REQUIREMENTS  CONTROLS  DESCRIPTION",
        "NAME", "VERSION"
    );
    let header = writer.styled(TextStyle::Faint, &header);
    writer.line(&header)?;
    for framework in frameworks {
        let name = truncate_columns(&framework.name, name_columns);
        let version = truncate_columns(&framework.version, version_columns);
        let lead = format!(
            "{}  {}  {:>12}  {:>8}  ",
            writer.padded(TextStyle::Strong, &name, name_columns),
            writer.padded(TextStyle::Plain, &version, version_columns),
            number_of_requirements(framework),
            framework.controls().len()
        );
        // The counts take 20 columns, and two columns separate neighbouring cells.
        let indent = name_columns + version_columns + 28;
        writer.entry(&lead, indent, &[(TextStyle::Faint, &framework.description)])?;
    }
    Ok(())
}

pub(super) fn write_workloads(
    workloads: &[WorkloadEntry],
    writer: &mut TerminalWriter<'_>,
) -> io::Result<()> {
    let names: Vec<String> = workloads
        .iter()
        .map(|workload| workload.kind.to_string())
        .collect();
    let name_columns = widest(names.iter().map(String::as_str))
        .clamp("KIND".len(), writer.at_most(MAX_NAME_COLUMNS));
    let header = format!("{:name_columns$}  PODS", "KIND");
    let header = writer.styled(TextStyle::Faint, &header);
    writer.line(&header)?;
    for (workload, name) in workloads.iter().zip(&names) {
        let name = truncate_columns(name, name_columns);
        let lead = format!(
            "{}  ",
            writer.padded(TextStyle::Strong, &name, name_columns)
        );
        let pods = workload.pods.join(", ");
        // Two columns separate neighbouring cells.
        writer.entry(&lead, name_columns + 2, &[(TextStyle::Faint, &pods)])?;
    }
    writer.blank_line()?;
    let footer = format!(
        "{}; --workloads FILE adds more",
        count(workloads.len(), "kind")
    );
    let footer = writer.styled(TextStyle::Faint, &footer);
    writer.line(&footer)
}

/// Returns the number of requirements; empty if the framework is a plain list of controls.
fn number_of_requirements(framework: &Framework) -> String {
    if framework.has_sections() {
        framework.requirements.len().to_string()
    } else {
        String::new()
    }
}

/// Returns the width of the widest cell of a column.
fn widest<'a>(cells: impl Iterator<Item = &'a str>) -> usize {
    cells.map(display_width).max().unwrap_or(0)
}
