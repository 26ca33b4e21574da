//! Where a kind keeps its pod spec and the metadata of its pods.

use kubevet_ir::Term;
use kubevet_k8s::workload::pod_spec_path;
use kubevet_model::Kind;

/// The steps from the root of an object to one of its fields.
pub(super) type FieldSteps = Vec<&'static str>;

/// The steps to the pod spec; `None` where the kind has none.
pub(super) fn spec_steps(kind: &Kind) -> Option<FieldSteps> {
    pod_spec_path(kind).map(<[_]>::to_vec)
}

/// The steps to the metadata of a Pod or of the pod template.
pub(super) fn metadata_steps(kind: &Kind) -> Option<FieldSteps> {
    let (_, template) = pod_spec_path(kind)?.split_last()?;
    Some(template.iter().copied().chain(["metadata"]).collect())
}

/// The path that a term is, such as `spec.template.spec`, by kind; `None` for other terms.
pub(super) fn path_by_kind(term: &Term) -> Option<fn(&Kind) -> Option<String>> {
    match term {
        Term::PodSpecPath => Some(|kind| spec_steps(kind).map(|steps| steps.join("."))),
        Term::PodMetadataPath => Some(|kind| metadata_steps(kind).map(|steps| steps.join("."))),
        _ => None,
    }
}
