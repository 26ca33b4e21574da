//! Which objects a control applies to: by its kinds, and by the params that it needs.

use kubevet_k8s::workload::SelectKinds as _;
use kubevet_model::{Control, Kind, KindSelector};
use kubevet_policy::Params;

/// True if one of the params that a control requires has a value, or it requires none.
#[must_use]
pub fn is_configured(control: &Control, params: &Params) -> bool {
    params.configures(control)
}

/// True if a selector of a control includes a kind.
#[must_use]
pub fn looks_at(selector: &KindSelector, kind: &Kind) -> bool {
    selector.matches(kind)
}
