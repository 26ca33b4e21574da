//! Where an object keeps a pod.

use super::path_pattern::PathPattern;

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

impl PodLayout {
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
