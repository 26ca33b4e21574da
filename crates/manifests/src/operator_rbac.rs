//! The least rights for the operator: to read what a scan reads and to follow it, to know the cluster and
//! its kinds, to write the chosen kinds of results, and to hold the Lease.

use super::{
    install::LABELS,
    results_crds::ResultCrds,
    scan_rbac::{ScanRights, reading_rules},
    template::{Slots, render},
};
use kubevet_k8s::workload::custom::CustomWorkloads;
use kubevet_model::{Control, ResultKind};
use std::{fmt::Write as _, sync::Arc};

const TEMPLATE: &str = include_str!("../templates/operator-rbac.yaml");

/// What an operator does besides evaluating objects.
#[derive(Debug, Clone, Default)]
pub struct OperatorRights {
    /// The namespace of the Lease.
    pub namespace: String,
    /// True if it may read Secrets.
    pub read_secrets: bool,
    /// The kinds that it writes results as.
    pub results: Vec<ResultCrds>,
}

/// Returns the ClusterRole and the Role for the controls, as YAML.
#[must_use]
pub fn operator_rbac(
    controls: &[Arc<Control>],
    workloads: &CustomWorkloads,
    rights: &OperatorRights,
) -> String {
    let scan = ScanRights {
        watch: true,
        read_secrets: rights.read_secrets,
    };
    let mut groups = rights.results.clone();
    groups.sort_unstable();
    groups.dedup();
    let mut results = String::new();
    for group in groups {
        let kinds = group.kinds();
        let Some(api_group) = kinds.first().map(|kind| kind.group()) else {
            continue;
        };
        let resources: Vec<&str> = kinds
            .iter()
            .map(|kind: &ResultKind| kind.plural())
            .collect();
        let _ = writeln!(
            results,
            "# Results are written where they changed, listed as metadata, and removed.\n\
             - apiGroups: [{api_group}]\n  resources: [{}]\n  verbs: [create, patch, list, delete]",
            resources.join(", ")
        );
    }
    let slots = Slots::from([
        ("labels", LABELS.to_owned()),
        ("namespace", rights.namespace.clone()),
        ("rules", reading_rules(controls, workloads, scan)),
        ("results", results),
    ]);
    render(TEMPLATE, &slots)
}
