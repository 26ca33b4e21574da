//! Which objects a control applies to: by its kinds, and by the params that it needs.

use kubevet_k8s::workload;
use kubevet_model::{Control, Kind, KindSelector};
use kubevet_policy::Params;

/// True if one of the params that a control requires has a value, or it requires none.
#[must_use]
pub fn is_configured(control: &Control, params: &Params) -> bool {
    let required = &control.requires_any_param;
    let is_set = |name: &String| params.get(name).is_some_and(|value| !value.is_empty());
    required.is_empty() || required.iter().any(is_set)
}

/// True if a selector of a control includes a kind.
#[must_use]
pub fn looks_at(selector: &KindSelector, kind: &Kind) -> bool {
    match selector {
        KindSelector::Workloads => workload::is_workload(kind),
        KindSelector::Kind(named) => named == kind,
    }
}
