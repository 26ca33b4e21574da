//! The result of replaying recorded requests under other bindings: what would newly be denied.

use super::{ControlId, Problem, Severity};

/// The result of a replay.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replay {
    /// The number of requests that were read.
    pub requests: usize,
    /// The number of distinct objects of these requests.
    pub objects: usize,
    /// The number of requests that a control was evaluated for. No binding covers the others.
    pub checked: usize,
    /// The requests that are denied, and were allowed before.
    pub newly_denied: RequestCounts,
    /// The number of newly denied requests by a built-in controller for an object that it owns,
    /// such as the Pod of a ReplicaSet.
    pub newly_denied_to_controllers: usize,
    /// The number of requests that are denied, and were denied before.
    pub denied_before: usize,
    /// The number of objects that a built-in controller created for an owner, if that is not
    /// denied: the owner counts.
    pub owned: usize,
    /// The number of objects in namespaces that the webhook is never called for. They were not
    /// evaluated.
    pub exempt: usize,
    /// The newly denied requests by namespace, control and user, worst first.
    pub denials: Vec<DenialGroup>,
    /// The requests that a control could not be evaluated for, by cause.
    pub unevaluated: Vec<UnevaluatedRequests>,
    /// The files and documents that could not be read.
    pub problems: Vec<Problem>,
}

/// A number of requests, and of the distinct objects that they are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestCounts {
    /// The number of requests.
    pub requests: usize,
    /// The number of distinct objects.
    pub objects: usize,
}

/// The newly denied requests of one namespace, control and user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DenialGroup {
    /// The namespace; empty for cluster-scoped objects.
    pub namespace: String,
    /// The control that denies.
    pub control: ControlId,
    /// The title of the control.
    pub title: String,
    /// The severity of the control.
    pub severity: Severity,
    /// The user who sent the requests; `None` if it is not known, as for objects of a cluster.
    pub user: Option<String>,
    /// The number of requests and objects.
    pub counts: RequestCounts,
    /// The kind of an example: the first object by kind and name.
    pub example_kind: String,
    /// The name of the example.
    pub example_name: String,
}

/// Requests that a control could not be evaluated for, for one cause.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnevaluatedRequests {
    /// The control; `None` means all controls of a binding.
    pub control: Option<ControlId>,
    /// The cause, as half a sentence.
    pub cause: String,
    /// The number of requests.
    pub requests: usize,
    /// The file of the first of them.
    pub example_file: String,
}

impl Replay {
    /// Returns true if everything was read and evaluated, and a control was evaluated at all.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.problems.is_empty() && self.unevaluated.is_empty() && self.checked > 0
    }
}
