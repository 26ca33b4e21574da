//! The policy library as a list: its controls, its frameworks, and one control in full.
//!
//! It is no report of a scan, but it uses the same terminal writer and the same JSON conventions.
//!
//! | file | is |
//! |---|---|
//! | `tables` | the lists for people |
//! | `control_page` | one control in full for people |
//! | `catalog_json` | the same for programs |

mod catalog_json;
mod control_page;
mod tables;

use crate::{Style, terminal::TerminalWriter};
use kubevet_model::{Control, ControlId, Framework, FrameworkMember, Kind, KindSelector};
use std::{io, sync::Arc};
use strum::VariantArray as _;

/// A format that a list can be written in.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum ListFormat {
    /// A table for people.
    #[default]
    Pretty,
    /// JSON for programs.
    Json,
}

impl ListFormat {
    /// All list formats, the default first.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Returns the value of `--format` that selects it.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A param that a control reads, with its description and default from the library's param schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// The name, such as `insecureCapabilities`.
    pub name: String,
    /// Its purpose, in one or two sentences.
    pub description: String,
    /// The values that apply where the user sets none.
    pub default: Vec<String>,
}

/// A kind with pod specs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadEntry {
    /// The API group and the kind.
    pub kind: Kind,
    /// The plural name.
    pub resource: String,
    /// Where its objects keep their pods.
    pub pods: Vec<String>,
}

/// Writes the kinds with pod specs in the given order: a table, or a `WorkloadList`.
///
/// # Errors
/// Only if the writer fails.
pub fn write_workloads(
    workloads: &[WorkloadEntry],
    format: ListFormat,
    style: &Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    match format {
        ListFormat::Json => catalog_json::write_workloads(workloads, out),
        ListFormat::Pretty => {
            tables::write_workloads(workloads, &mut TerminalWriter::new(style, out))
        }
    }
}

/// Writes the controls in the given order: a table, or a `ControlList` with all their fields.
///
/// # Errors
/// Only if the writer fails.
pub fn write_controls(
    controls: &[Arc<Control>],
    frameworks: &[Arc<Framework>],
    format: ListFormat,
    style: &Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    match format {
        ListFormat::Json => catalog_json::write_controls(controls, frameworks, out),
        ListFormat::Pretty => {
            tables::write_controls(controls, frameworks, &mut TerminalWriter::new(style, out))
        }
    }
}

/// Writes the frameworks in the given order: a table, or a `FrameworkList` with their members.
///
/// # Errors
/// Only if the writer fails.
pub fn write_frameworks(
    frameworks: &[Arc<Framework>],
    format: ListFormat,
    style: &Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    match format {
        ListFormat::Json => catalog_json::write_frameworks(frameworks, out),
        ListFormat::Pretty => {
            tables::write_frameworks(frameworks, &mut TerminalWriter::new(style, out))
        }
    }
}

/// Writes one control in full. `params` are those that the control reads; if it is empty, the JSON
/// lists their names alone.
///
/// # Errors
/// Only if the writer fails.
pub fn write_control(
    control: &Control,
    frameworks: &[Arc<Framework>],
    params: &[Param],
    format: ListFormat,
    style: &Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    match format {
        ListFormat::Json => catalog_json::write_control(control, frameworks, params, out),
        ListFormat::Pretty => {
            let writer = &mut TerminalWriter::new(style, out);
            control_page::write(control, frameworks, params, writer)
        }
    }
}

/// Returns the frameworks that contain a control, each with the control's membership in it.
fn memberships<'a>(
    id: &'a ControlId,
    frameworks: &'a [Arc<Framework>],
) -> impl Iterator<Item = (&'a Framework, &'a FrameworkMember)> {
    frameworks.iter().filter_map(move |framework| {
        let mut members = framework.members.iter();
        let member = members.find(|member| member.control == *id)?;
        Some((framework.as_ref(), member))
    })
}

/// Returns the names of the kinds that a control applies to. One that names none compares objects
/// with the types of the built-in kinds.
fn kind_names(control: &Control) -> Vec<String> {
    let name = |selector: &KindSelector| match selector {
        KindSelector::Workloads => Some("workloads".to_owned()),
        KindSelector::Kind(kind) => Some(kind.to_string()),
        // `workloads` means it, too.
        KindSelector::CustomWorkload(_) => None,
    };
    if control.kinds.is_empty() {
        return vec!["built-in kinds".to_owned()];
    }
    control.kinds.iter().filter_map(name).collect()
}

/// Returns the names of the scopes that a control is evaluated in.
fn scope_names(control: &Control) -> Vec<&'static str> {
    control.scope.iter().map(|scope| scope.name()).collect()
}
