//! Which objects a control applies to: by its kinds and by the params that it needs.

use kubevet_k8s::workload;
use kubevet_model::{Control, Kind, KindSelector};
use kubevet_policy::Params;

/// Whether a control has the params without which it has nothing to say.
#[must_use]
pub fn is_configured(control: &Control, params: &Params) -> bool {
    let needed = &control.requires_any_param;
    needed.is_empty()
        || needed
            .iter()
            .any(|it| params.get(it).is_some_and(|value| !value.is_empty()))
}

/// Whether a control looks at objects of a kind.
#[must_use]
pub fn looks_at(selector: &KindSelector, kind: &Kind) -> bool {
    match selector {
        KindSelector::Workloads => workload::is_workload(kind),
        KindSelector::Kind(named) => named == kind,
    }
}
