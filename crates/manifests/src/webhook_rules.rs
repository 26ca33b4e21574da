//! The resources of kinds: webhook rules are about resources, controls about kinds.

use kubevet_k8s::workload::custom::CustomWorkloads;
use kubevet_model::Kind;
use std::collections::{BTreeMap, BTreeSet};

/// The resources of each API group, as a webhook rule lists them.
pub(crate) type ResourcesByGroup = BTreeMap<String, BTreeSet<String>>;

/// Returns the resources of kinds by API group.
///
/// Connection options (`PodExecOptions`) are no objects and have no resource here. A custom
/// resource may have any plural: that of the table, else its regular plural, which `kubectl
/// api-resources` confirms. The API server ignores resources of CRDs that are not installed.
pub(crate) fn resources_by_group<'k>(
    kinds: impl IntoIterator<Item = &'k Kind>,
    workloads: &CustomWorkloads,
) -> ResourcesByGroup {
    let mut resources = ResourcesByGroup::new();
    for kind in kinds {
        if kind.group.is_empty() && kind.name.ends_with("Options") {
            continue;
        }
        resources
            .entry(kind.group.clone())
            .or_default()
            .insert(workloads.resource(kind));
    }
    resources
}
