//! The map of a pod in CEL: the fields of the PodTemplate or Pod that `kubevet-engine` makes of it.

use super::{
    composed_pod::{composed_spec, has_container},
    custom_pods::{COMPLETES, CustomPods, PLACE},
    expr::Expr,
    pod_layouts::layout_field,
};
use kubevet_k8s::workload::custom::PodLayout;

impl CustomPods<'_> {
    /// A bool: true if a value is a pod, which is a map.
    pub(super) fn is_pod(&self, value: &Expr) -> Expr {
        let is_map = value.clone().is_type("map");
        match self.all_layouts().next() {
            Some(PodLayout::Composed(pod)) => Expr::all([is_map, has_container(pod, value)]),
            _ => is_map,
        }
    }

    /// The map of a pod.
    pub(super) fn pod(&self, root: &Expr, value: &Expr, identity: Expr) -> Expr {
        // Every object has metadata, but a test may leave it out.
        let metadata = root
            .clone()
            .opt_select("metadata")
            .or_value(Expr::empty_map());
        let mut entries = vec![("metadata", metadata)];
        entries.push(match self.all_layouts().next() {
            Some(PodLayout::Composed(pod)) => ("spec", composed_spec(pod, value, root)),
            Some(PodLayout::Spec(_)) => ("spec", value.clone()),
            _ => ("template", value.clone()),
        });
        if self.some_complete() {
            entries.push((COMPLETES, layout_field(COMPLETES)));
        }
        if !self.are_composed() {
            entries.push((PLACE, identity));
        }
        let entries = entries.into_iter();
        Expr::Map(
            entries
                .map(|(key, value)| (Expr::string(key), value.dynamic()))
                .collect(),
        )
    }
}
