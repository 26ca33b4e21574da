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
use kubevet_model::{
    Control, ControlId, Framework, FrameworkMember, Kind, KindSelector, PublicControl, Requirement,
};
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

/// What the library knows of a control besides its metadata.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ControlDetails {
    /// The params that it reads.
    pub params: Vec<Param>,
    /// Its rule; `None` if its check is part of the program.
    pub rego: Option<String>,
    /// The variables and validations of a ValidatingAdmissionPolicy, as YAML; or why there are none.
    pub cel: Option<Result<String, String>>,
}

/// The controls of a library, and those of the public library that it lacks, by id.
#[derive(Debug, Clone, Copy)]
pub struct ControlCatalog<'a> {
    /// The controls.
    pub controls: &'a [Arc<Control>],
    /// The controls of the public library that are not among them.
    pub absent: &'a [&'a PublicControl],
    /// The frameworks that list them.
    pub frameworks: &'a [Arc<Framework>],
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

/// Writes the controls: two tables, or a `ControlList` with all their fields.
///
/// # Errors
/// Only if the writer fails.
pub fn write_controls(
    catalog: ControlCatalog<'_>,
    format: ListFormat,
    style: &Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    match format {
        ListFormat::Json => catalog_json::write_controls(catalog, out),
        ListFormat::Pretty => tables::write_controls(catalog, &mut TerminalWriter::new(style, out)),
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

/// Writes one control in full. Where the details have no params, the JSON lists their names alone.
///
/// # Errors
/// Only if the writer fails.
pub fn write_control(
    control: &Control,
    frameworks: &[Arc<Framework>],
    details: &ControlDetails,
    format: ListFormat,
    style: &Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    match format {
        ListFormat::Json => catalog_json::write_control(control, frameworks, details, out),
        ListFormat::Pretty => {
            let writer = &mut TerminalWriter::new(style, out);
            control_page::write(control, frameworks, details, writer)
        }
    }
}

/// Writes a control of the public library that is not here: what it waits for, and who lists it.
///
/// # Errors
/// Only if the writer fails.
pub fn write_absent_control(
    control: &PublicControl,
    frameworks: &[Arc<Framework>],
    format: ListFormat,
    style: &Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    match format {
        ListFormat::Json => catalog_json::write_absent_control(control, frameworks, out),
        ListFormat::Pretty => {
            let writer = &mut TerminalWriter::new(style, out);
            control_page::write_absent(control, frameworks, writer)
        }
    }
}

/// A requirement that lists a control.
struct Membership<'a> {
    framework: &'a Framework,
    requirement: &'a Requirement,
    member: &'a FrameworkMember,
}

/// Returns the requirements that list a control. The framework of all controls says nothing of any
/// and is left out.
fn memberships<'a>(
    id: &'a ControlId,
    frameworks: &'a [Arc<Framework>],
) -> impl Iterator<Item = Membership<'a>> {
    let frameworks = frameworks
        .iter()
        .filter(|framework| !framework.has_all_controls);
    frameworks.flat_map(move |framework| {
        let members = framework.members();
        let members = members.filter(|(_, member)| member.control == *id);
        members.map(move |(requirement, member)| Membership {
            framework,
            requirement,
            member,
        })
    })
}

/// Returns the names of the frameworks that list a control, each once.
fn framework_names<'a>(id: &'a ControlId, frameworks: &'a [Arc<Framework>]) -> Vec<&'a str> {
    let mut names: Vec<&str> = memberships(id, frameworks)
        .map(|membership| membership.framework.name.as_str())
        .collect();
    names.dedup();
    names
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
