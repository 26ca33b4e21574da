//! The least ClusterRole for a scan of a cluster: one rule for the kinds of an API group that the same
//! controls check, with these controls as the reason.

use super::{
    install::LABELS,
    template::{Slots, render},
    webhook_rules::resources_by_group,
};
use kubevet_k8s::workload::{SelectKinds as _, custom::CustomWorkloads};
use kubevet_model::{Control, ControlId, Kind};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::Arc,
};

const TEMPLATE: &str = include_str!("../templates/scan-rbac.yaml");

/// The most controls that a reason names.
const MAX_CONTROLS: usize = 6;

/// What a scan does besides listing objects.
#[derive(Debug, Clone, Copy, Default)]
pub struct ScanRights {
    /// True if it goes on and watches for changes.
    pub watch: bool,
    /// True if it may read Secrets.
    pub read_secrets: bool,
}

/// Returns the ClusterRole for the controls, as YAML.
#[must_use]
pub fn scan_cluster_role(
    controls: &[Arc<Control>],
    workloads: &CustomWorkloads,
    rights: ScanRights,
) -> String {
    let rules = reading_rules(controls, workloads, rights);
    let slots = Slots::from([("labels", LABELS.to_owned()), ("rules", rules)]);
    render(TEMPLATE, &slots)
}

/// Returns the rules to read what the controls check.
pub(super) fn reading_rules(
    controls: &[Arc<Control>],
    workloads: &CustomWorkloads,
    rights: ScanRights,
) -> String {
    let mut controls_by_kind: BTreeMap<Kind, BTreeSet<&ControlId>> = BTreeMap::new();
    for control in controls {
        for kind in control.kinds.all_kinds() {
            controls_by_kind
                .entry(kind)
                .or_default()
                .insert(&control.id);
        }
    }
    let secret = Kind::new("", "Secret");
    let of_secrets = controls_by_kind.get(&secret).cloned();
    if !rights.read_secrets {
        controls_by_kind.remove(&secret);
    }
    let mut kinds_by_controls: BTreeMap<(&str, BTreeSet<&ControlId>), Vec<&Kind>> = BTreeMap::new();
    for (kind, ids) in &controls_by_kind {
        let group = kind.group.as_str();
        let kinds = kinds_by_controls.entry((group, ids.clone())).or_default();
        kinds.push(kind);
    }
    let verbs = if rights.watch { "list, watch" } else { "list" };
    let mut rules = String::new();
    for ((_, ids), kinds) in kinds_by_controls {
        for (group, resources) in resources_by_group(kinds, workloads) {
            let group = if group.is_empty() { "\"\"" } else { &group };
            let resources: Vec<&str> = resources.iter().map(String::as_str).collect();
            let _ = writeln!(
                rules,
                "# {}\n- apiGroups: [{group}]\n  resources: [{}]\n  verbs: [{verbs}]",
                reason(&ids),
                resources.join(", ")
            );
        }
    }
    if let Some(ids) = of_secrets.filter(|_| !rights.read_secrets) {
        let _ = writeln!(
            rules,
            "# No rule for secrets, since RBAC cannot limit one to metadata: --read-secrets adds it.\n# {}",
            reason(&ids)
        );
    }
    rules
}

/// Returns which controls check some kinds.
fn reason(ids: &BTreeSet<&ControlId>) -> String {
    let named: Vec<&str> = ids
        .iter()
        .take(MAX_CONTROLS)
        .map(|id| id.as_str())
        .collect();
    let named = named.join(", ");
    match ids.len().saturating_sub(MAX_CONTROLS) {
        0 => format!("Checked by {named}."),
        1 => format!("Checked by {named} and 1 more control."),
        unnamed => format!("Checked by {named} and {unnamed} more controls."),
    }
}
