//! The least rights for the operator: to read what a scan reads and to follow it, to know the cluster and
//! its kinds, to write the chosen kinds of results, and to hold the Lease.

use super::{
    install::LABELS,
    results_crds::ResultCrds,
    scan_rbac::{ScanRights, reading_rules},
    template::{Slots, render},
};
use kubevet_k8s::workload::custom::CustomWorkloads;
use kubevet_model::Control;
use std::sync::Arc;

/// The ClusterRole and the Role.
pub(super) const ROLES: &str = include_str!("../templates/operator/roles.yaml");

/// What stands above roles that are printed alone.
const HOW_TO_BIND: &str = "\
# The least rights for `kubevet operator` with these controls. Bind them to its service account:
#   kubectl create clusterrolebinding kubevet-operator --clusterrole=kubevet-operator --serviceaccount=NAMESPACE:NAME
#   kubectl create rolebinding kubevet-operator -n NAMESPACE --role=kubevet-operator --serviceaccount=NAMESPACE:NAME
";

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
    let slots = Slots::from([
        ("operator-labels", LABELS.to_owned()),
        ("namespace", rights.namespace.clone()),
        ("rules", reading_rules(controls, workloads, scan)),
        ("results", result_rules(rights)),
    ]);
    format!("{HOW_TO_BIND}{}", render(ROLES, &slots))
}

/// Returns the rules to write the chosen kinds of results.
pub(super) fn result_rules(rights: &OperatorRights) -> String {
    let mut groups = rights.results.clone();
    groups.sort_unstable();
    groups.dedup();
    groups.into_iter().map(group_rule).collect()
}

/// Returns the rule to write the results of one group.
pub(super) fn group_rule(group: ResultCrds) -> String {
    let kinds = group.kinds();
    let api_group = kinds.first().map(|kind| kind.group()).unwrap_or_default();
    let resources: Vec<&str> = kinds.iter().map(|kind| kind.plural()).collect();
    format!(
        "# Results are written where they changed, listed as metadata, and removed.\n\
         - apiGroups: [{api_group}]\n  resources: [{}]\n  verbs: [create, patch, list, delete]\n",
        resources.join(", ")
    )
}
