//! The policy library as JSON. The structs of this file are the public format.

use super::{
    ControlCatalog, ControlDetails, Membership, Param, WorkloadEntry, kind_names, memberships,
    scope_names,
};
use crate::json;
use kubevet_model::{self as model, Control, Framework, PublicControl};
use serde::Serialize;
use std::{io, sync::Arc};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ControlList<'a> {
    api_version: &'static str,
    kind: &'static str,
    controls: Vec<ListEntry<'a>>,
}

/// A control, by its state.
#[derive(Serialize)]
#[serde(untagged)]
enum ListEntry<'a> {
    Present(Box<ControlEntry<'a>>),
    Absent(AbsentEntry<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ControlDocument<'a> {
    api_version: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    control: ListEntry<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rego: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cel: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_exported: Option<&'a str>,
}

/// A control of the public library that is not here.
#[derive(Serialize)]
struct AbsentEntry<'a> {
    id: &'a str,
    name: &'a str,
    state: &'static str,
    reason: &'a str,
    frameworks: Vec<MembershipEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ControlEntry<'a> {
    id: &'a str,
    name: &'a str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kubescape_name: Option<&'a str>,
    severity: &'static str,
    score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    kubescape_score: Option<f64>,
    category: &'a str,
    risk: &'a str,
    check: &'a str,
    remediation: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    example: &'a str,
    references: &'a [String],
    tags: &'a [String],
    kinds: Vec<String>,
    scope: Vec<&'static str>,
    params: Vec<ParamEntry<'a>>,
    frameworks: Vec<MembershipEntry<'a>>,
}

#[derive(Serialize)]
struct ParamEntry<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<&'a [String]>,
}

/// A requirement of a framework that lists the control.
#[derive(Serialize)]
struct MembershipEntry<'a> {
    name: &'a str,
    section: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    title: &'a str,
    level: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    assessment: Option<&'static str>,
    reason: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FrameworkList<'a> {
    api_version: &'static str,
    kind: &'static str,
    frameworks: Vec<FrameworkEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FrameworkEntry<'a> {
    name: &'a str,
    version: &'a str,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    notice: Option<String>,
    requirements: Vec<RequirementEntry<'a>>,
}

/// A requirement of a framework. That of a plain list of controls has no section.
#[derive(Serialize)]
struct RequirementEntry<'a> {
    section: &'a str,
    title: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assessment: Option<&'static str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    note: &'a str,
    controls: Vec<MemberEntry<'a>>,
}

/// A control that a requirement lists.
#[derive(Serialize)]
struct MemberEntry<'a> {
    id: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WorkloadList<'a> {
    api_version: &'static str,
    kind: &'static str,
    workloads: Vec<WorkloadRow<'a>>,
}

#[derive(Serialize)]
struct WorkloadRow<'a> {
    group: &'a str,
    kind: &'a str,
    resource: &'a str,
    pods: &'a [String],
}

pub(super) fn write_workloads(
    workloads: &[WorkloadEntry],
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let rows = workloads.iter().map(|workload| WorkloadRow {
        group: &workload.kind.group,
        kind: &workload.kind.name,
        resource: &workload.resource,
        pods: &workload.pods,
    });
    let list = WorkloadList {
        api_version: json::API_VERSION,
        kind: "WorkloadList",
        workloads: rows.collect(),
    };
    json::write_document(&list, out)
}

pub(super) fn write_controls(
    catalog: ControlCatalog<'_>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let frameworks = catalog.frameworks;
    let present = catalog.controls.iter().map(|control| {
        let entry = ControlEntry::new(control, frameworks);
        (&control.id, ListEntry::Present(Box::new(entry)))
    });
    let absent = catalog.absent.iter().map(|control| {
        let entry = AbsentEntry::new(control, frameworks);
        (&control.id, ListEntry::Absent(entry))
    });
    let mut entries: Vec<(&model::ControlId, ListEntry<'_>)> = present.chain(absent).collect();
    entries.sort_by_key(|(id, _)| *id);
    let list = ControlList {
        api_version: json::API_VERSION,
        kind: "ControlList",
        controls: entries.into_iter().map(|(_, entry)| entry).collect(),
    };
    json::write_document(&list, out)
}

pub(super) fn write_frameworks(
    frameworks: &[Arc<Framework>],
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let entries = frameworks
        .iter()
        .map(|framework| FrameworkEntry::new(framework));
    let list = FrameworkList {
        api_version: json::API_VERSION,
        kind: "FrameworkList",
        frameworks: entries.collect(),
    };
    json::write_document(&list, out)
}

pub(super) fn write_control(
    control: &Control,
    frameworks: &[Arc<Framework>],
    details: &ControlDetails,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let mut entry = ControlEntry::new(control, frameworks);
    if !details.params.is_empty() {
        entry.params = details.params.iter().map(ParamEntry::described).collect();
    }
    let cel = details.cel.as_ref().map(Result::as_ref);
    let document = ControlDocument {
        api_version: json::API_VERSION,
        kind: "Control",
        control: ListEntry::Present(Box::new(entry)),
        rego: details.rego.as_deref(),
        cel: cel.and_then(Result::ok).map(String::as_str),
        not_exported: cel.and_then(Result::err).map(String::as_str),
    };
    json::write_document(&document, out)
}

pub(super) fn write_absent_control(
    control: &PublicControl,
    frameworks: &[Arc<Framework>],
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let document = ControlDocument {
        api_version: json::API_VERSION,
        kind: "Control",
        control: ListEntry::Absent(AbsentEntry::new(control, frameworks)),
        rego: None,
        cel: None,
        not_exported: None,
    };
    json::write_document(&document, out)
}

impl<'a> AbsentEntry<'a> {
    fn new(control: &'a PublicControl, frameworks: &'a [Arc<Framework>]) -> Self {
        Self {
            id: control.id.as_str(),
            name: &control.name,
            state: control.state.name(),
            reason: control.reason.trim(),
            frameworks: memberships(&control.id, frameworks)
                .map(|membership| MembershipEntry::new(&membership))
                .collect(),
        }
    }
}

impl<'a> MembershipEntry<'a> {
    fn new(membership: &Membership<'a>) -> Self {
        let requirement = membership.requirement;
        Self {
            name: &membership.framework.name,
            section: &requirement.section,
            title: &requirement.title,
            level: requirement.level.map_or("", model::Level::name),
            assessment: requirement.assessment.map(model::Assessment::name),
            reason: membership.member.reason.trim(),
        }
    }
}

impl<'a> ControlEntry<'a> {
    fn new(control: &'a Control, frameworks: &'a [Arc<Framework>]) -> Self {
        let memberships = memberships(&control.id, frameworks);
        Self {
            id: control.id.as_str(),
            name: &control.name,
            state: "present",
            kubescape_name: control.kubescape_name.as_deref(),
            severity: control.severity.name(),
            score: control.score,
            kubescape_score: control.kubescape_score,
            category: &control.category,
            risk: control.risk.trim(),
            check: control.check.trim(),
            remediation: control.remediation.trim(),
            example: &control.example,
            references: &control.references,
            tags: &control.tags,
            kinds: kind_names(control),
            scope: scope_names(control),
            params: control
                .params
                .iter()
                .map(|p| ParamEntry::named(p))
                .collect(),
            frameworks: memberships
                .map(|membership| MembershipEntry::new(&membership))
                .collect(),
        }
    }
}

impl<'a> ParamEntry<'a> {
    fn named(name: &'a str) -> Self {
        Self {
            name,
            description: None,
            default: None,
        }
    }

    fn described(param: &'a Param) -> Self {
        Self {
            name: &param.name,
            description: Some(&param.description),
            default: Some(&param.default),
        }
    }
}

impl<'a> FrameworkEntry<'a> {
    fn new(framework: &'a Framework) -> Self {
        let requirements = framework.requirements.iter();
        Self {
            name: &framework.name,
            version: &framework.version,
            description: framework.description.trim(),
            notice: framework.mapping_notice(),
            requirements: requirements.map(RequirementEntry::new).collect(),
        }
    }
}

impl<'a> RequirementEntry<'a> {
    fn new(requirement: &'a model::Requirement) -> Self {
        let members = requirement.controls.iter().map(|member| MemberEntry {
            id: member.control.as_str(),
            reason: member.reason.trim(),
        });
        Self {
            section: &requirement.section,
            title: &requirement.title,
            kind: &requirement.kind,
            level: requirement.level.map(model::Level::name),
            assessment: requirement.assessment.map(model::Assessment::name),
            note: requirement.note.trim(),
            controls: members.collect(),
        }
    }
}
