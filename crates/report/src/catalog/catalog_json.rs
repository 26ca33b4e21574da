//! The policy library as JSON. The structs of this file are the public format.

use super::{Param, WorkloadEntry, kind_names, memberships, scope_names};
use crate::json;
use kubevet_model::{Control, Framework};
use serde::Serialize;
use std::{io, sync::Arc};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ControlList<'a> {
    api_version: &'static str,
    kind: &'static str,
    controls: Vec<ControlEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ControlDocument<'a> {
    api_version: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    control: ControlEntry<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ControlEntry<'a> {
    id: &'a str,
    name: &'a str,
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

/// A framework that contains the control.
#[derive(Serialize)]
struct MembershipEntry<'a> {
    name: &'a str,
    section: &'a str,
    level: &'a str,
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
    kubescape_controls: Option<usize>,
    controls: Vec<MemberEntry<'a>>,
}

/// A control that the framework contains.
#[derive(Serialize)]
struct MemberEntry<'a> {
    id: &'a str,
    section: &'a str,
    level: &'a str,
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
    controls: &[Arc<Control>],
    frameworks: &[Arc<Framework>],
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let entries = controls
        .iter()
        .map(|control| ControlEntry::new(control, frameworks));
    let list = ControlList {
        api_version: json::API_VERSION,
        kind: "ControlList",
        controls: entries.collect(),
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
    params: &[Param],
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let mut entry = ControlEntry::new(control, frameworks);
    if !params.is_empty() {
        entry.params = params.iter().map(ParamEntry::described).collect();
    }
    let document = ControlDocument {
        api_version: json::API_VERSION,
        kind: "Control",
        control: entry,
    };
    json::write_document(&document, out)
}

impl<'a> ControlEntry<'a> {
    fn new(control: &'a Control, frameworks: &'a [Arc<Framework>]) -> Self {
        let memberships = memberships(&control.id, frameworks);
        Self {
            id: control.id.as_str(),
            name: &control.name,
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
                .map(|(framework, member)| MembershipEntry {
                    name: &framework.name,
                    section: &member.section,
                    level: &member.level,
                    reason: member.reason.trim(),
                })
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
        let members = framework.members.iter().map(|member| MemberEntry {
            id: member.control.as_str(),
            section: &member.section,
            level: &member.level,
            reason: member.reason.trim(),
        });
        Self {
            name: &framework.name,
            version: &framework.version,
            description: framework.description.trim(),
            kubescape_controls: framework.kubescape_controls,
            controls: members.collect(),
        }
    }
}
