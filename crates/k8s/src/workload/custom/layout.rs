//! Where an object keeps a pod.

use super::path_pattern::{PathPattern, PathStep};

/// Where an object keeps a pod, or several: a path with placeholders leads to each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PodLayout {
    /// A pod template: metadata and spec.
    Template {
        /// The path of the template.
        path: PathPattern,
        /// True if the controller makes the pods end when their work is done, whatever
        /// `restartPolicy` the template has.
        runs_to_completion: bool,
    },
    /// A pod spec without metadata of its own.
    Spec(PathPattern),
    /// Fields from which the controller composes a pod spec.
    Composed(ComposedPod),
}

/// What a rule sees of the pods of a kind, and how deep they are nested in an object: kinds of one
/// shape can be evaluated by one expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodShape {
    /// What a rule sees.
    pub form: PodForm,
    /// The number of lists or maps that the pods are nested in, at least one: a single pod counts as a
    /// list of one.
    pub depth: usize,
}

/// What a rule sees of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PodForm {
    /// A PodTemplate.
    Template,
    /// A Pod.
    Spec,
    /// A Pod that a controller composes.
    Composed,
}

impl ComposedPod {
    /// True if each container is taken from one place of the object, as it is.
    fn has_whole_containers(&self) -> bool {
        let is_whole = |source: &ContainerSource| {
            source.defaults.is_empty() && source.resources == "resources"
        };
        self.containers.iter().all(is_whole)
    }
}

impl PodLayout {
    /// True if no container is merged from several places of the object.
    pub(super) fn has_whole_containers(&self) -> bool {
        match self {
            Self::Composed(pod) => pod.has_whole_containers(),
            Self::Template { .. } | Self::Spec(_) => true,
        }
    }

    /// The shape of the pods.
    #[must_use]
    pub fn shape(&self) -> PodShape {
        let form = match self {
            Self::Template { .. } => PodForm::Template,
            Self::Spec(_) => PodForm::Spec,
            Self::Composed(_) => PodForm::Composed,
        };
        let is_each = |step: &&PathStep| !matches!(step, PathStep::Field(_));
        let depth = self.path().0.iter().filter(is_each).count().max(1);
        PodShape { form, depth }
    }

    /// The path of the template, the spec or the element with the containers.
    #[must_use]
    pub fn path(&self) -> &PathPattern {
        match self {
            Self::Template { path, .. } | Self::Spec(path) => path,
            Self::Composed(pod) => &pod.path,
        }
    }
}

/// A pod that a controller composes of fields that are nearly those of a pod spec. It always ends
/// when its work is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComposedPod {
    /// The path of the element with the containers. There is a pod exactly where it has one.
    pub path: PathPattern,
    /// The containers, by their list in the pod spec, relative to `path`.
    pub containers: &'static [ContainerSource],
    /// Maps of the object whose fields apply where the element lacks them, the nearest first.
    pub outer: &'static [&'static [&'static str]],
}

/// Containers of a composed pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContainerSource {
    /// The list of the pod spec: `containers` or `initContainers`.
    pub list: &'static str,
    /// The fields that lead to a container, or to a list of them.
    pub path: &'static [&'static str],
    /// True if `path` leads to a list.
    pub is_list: bool,
    /// The field with values for those that a container lacks; empty if there is none.
    pub defaults: &'static str,
    /// The field with what Kubernetes calls `resources`.
    pub resources: &'static str,
}

/// The fields that a composed pod takes from its element, or from a map further out. Volumes are
/// taken from all of them.
pub const COMPOSED_POD_FIELDS: &[&str] = &[
    "automountServiceAccountToken",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostUsers",
    "imagePullSecrets",
    "nodeSelector",
    "os",
    "securityContext",
    "serviceAccountName",
    "shareProcessNamespace",
];
