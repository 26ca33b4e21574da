//! The pods of objects of custom kinds, in CEL: a variable with one map for each pod.
//!
//! The map has the fields of the PodTemplate or Pod that `kubevet-engine` makes of the pod, so that
//! expressions over a built-in kind can be evaluated for it. Nothing is known of the types in such an
//! object: a field that is not what the layout says leads to no pod.

use kubevet_k8s::workload::custom::{CustomWorkload, PodForm, PodLayout};
use kubevet_model::Kind;

/// What identifies a pod among those of its object: part of the keys of its findings.
pub(super) const PLACE: &str = "place";
/// True for a pod that ends when its work is done, whatever `restartPolicy` it has.
pub(super) const COMPLETES: &str = "completes";

/// The pods of the objects of some kinds, all of one shape.
#[derive(Clone, Copy)]
pub(super) struct CustomPods<'a> {
    pub(super) rows: &'a [CustomWorkload],
    form: PodForm,
    /// How deep the lists of pods are nested.
    pub(super) depth: usize,
}

impl<'a> CustomPods<'a> {
    /// `None` where there are no kinds.
    pub(super) fn of(rows: &'a [CustomWorkload]) -> Option<Self> {
        let shape = rows.first()?.pods.first()?.shape();
        let layouts = rows.iter().flat_map(|row| &row.pods);
        let placeholders = layouts.map(|layout| layout.shape().depth).max()?;
        Some(Self {
            rows,
            form: shape.form,
            depth: placeholders + 1,
        })
    }

    /// The kind that rules see.
    pub(super) fn kind(&self) -> Kind {
        let name = match self.form {
            PodForm::Template => "PodTemplate",
            PodForm::Spec | PodForm::Composed => "Pod",
        };
        Kind::new("", name)
    }

    /// True if the pods can be written in CEL, which cannot merge a container from several places.
    pub(super) fn can_be_written(&self) -> bool {
        self.rows.iter().all(CustomWorkload::has_whole_containers)
    }

    /// The fields of the map of a pod.
    pub(super) fn fields(&self) -> Vec<&'static str> {
        let content = match self.form {
            PodForm::Template => "template",
            PodForm::Spec | PodForm::Composed => "spec",
        };
        let completes = self.some_complete().then_some(COMPLETES);
        let place = (!self.are_composed()).then_some(PLACE);
        ["metadata", content]
            .into_iter()
            .chain(completes)
            .chain(place)
            .collect()
    }

    /// True if the controller composes the pods: a finding is the same only where all of `spec` is.
    pub(super) fn are_composed(&self) -> bool {
        self.form == PodForm::Composed
    }

    /// True if some pods have [`COMPLETES`].
    pub(super) fn some_complete(&self) -> bool {
        self.all_layouts().any(completes)
    }

    /// The number of placeholders of a path, at least.
    pub(super) fn placeholders(&self) -> usize {
        self.depth - 1
    }

    /// The layouts of all kinds.
    pub(super) fn all_layouts(&self) -> impl Iterator<Item = &'a PodLayout> {
        self.rows.iter().flat_map(|row| &row.pods)
    }
}

/// True if the pods end when their work is done, whatever `restartPolicy` they have.
pub(super) fn completes(layout: &PodLayout) -> bool {
    matches!(
        layout,
        PodLayout::Template {
            runs_to_completion: true,
            ..
        }
    )
}
